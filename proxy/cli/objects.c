#include "proxy/cli/command.h"
#include "proxy/cli/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char name[OPTION_TEXT_MAX], sql[OPTION_TEXT_MAX];
    int64_t limit;
    bool json;
} settings_t;

static const option_t options[] = {
    OPTION_ROW_CLUSTER(settings_t),
    OPTION_ROW_JSON(settings_t),
    {"sql", 0, OPTION_TEXT, "", 0, 0, offsetof(settings_t, sql), "SELECT",
     "Print the rows of a read-only query instead; -: read it from standard input."},
    {"limit", 0, OPTION_INT, "10000", 1, 1000000, offsetof(settings_t, limit), "N", "Print at most so many."},
};

/* What the visitors know: how to print, and how many rows they have seen. */
typedef struct {
    bool json;
    int64_t rows;
    int columns;
} listing_t;

static int
show_object_json(listing_t *self, const fh_object_info *info)
{
    char id[SHOW_ID_MAX], session[SHOW_ID_MAX], engine[SHOW_ID_MAX], shape[SHOW_SHAPE_MAX];
    (void)printf("%s{\"id\": \"%s\", \"session\": \"%s\", \"engine\": \"%s\", \"type\": ", self->rows ? ",\n " : "[",
                 show_id(info->id, id), show_id(info->session, session), show_id(info->engine, engine));
    show_json_text(info->type, strlen(info->type), stdout);
    (void)printf(", \"dtype\": \"%s\", \"shape\": %s, \"bytes\": %" PRId64 ", \"age_ms\": %" PRId64 ", \"name\": ",
                 info->dtype ? fh_dtype_name(info->dtype) : "", show_shape(info->shape, info->ndim, 1, shape),
                 info->bytes, info->age_ms);
    show_json_text(info->name, strlen(info->name), stdout);
    (void)fputc('}', stdout);
    return 0;
}

static int
visit_object(void *context, const fh_object_info *info)
{
    listing_t *self = context;
    char id[SHOW_ID_MAX], bytes[SHOW_BYTES_MAX], shape[SHOW_SHAPE_MAX];
    if (self->json) {
        (void)show_object_json(self, info);
    } else {
        if (self->rows == 0)
            (void)printf("%-32s  %-8s %-10s %12s %9s  %-16s %s\n", "ID", "TYPE", "DTYPE", "BYTES", "AGE", "SHAPE",
                         "NAME");
        (void)printf("%-32s  %-8s %-10s %12s %8.1fs  %-16s %s\n", show_id(info->id, id), info->type,
                     info->dtype ? fh_dtype_name(info->dtype) : "-", show_bytes(info->bytes, bytes),
                     (double)info->age_ms / 1000.0, show_shape(info->shape, info->ndim, 0, shape), info->name);
    }
    self->rows++;
    return 0;
}

/* As JSON: a list of lists, the first one the names of the columns. */
static int
visit_row(void *context, const fh_value *cells, int count)
{
    listing_t *self = context;
    if (self->json)
        (void)fputs(self->rows ? ",\n [" : "[[", stdout);
    for (int i = 0; i < count; i++) {
        (void)fputs(i == 0 ? "" : self->json ? ", " : "\t", stdout);
        show_value(&cells[i], self->json, stdout);
    }
    (void)fputs(self->json ? "]" : "\n", stdout);
    self->rows++;
    return 0;
}

enum { QUERY_MAX = 16384 }; /* as the protocol has it */

/* The query of --sql, or what stands on standard input; NULL if that is too much. */
static const char *
take_query(const settings_t *settings)
{
    static char query[QUERY_MAX + 2];
    if (strcmp(settings->sql, "-") != 0)
        return settings->sql;
    size_t size = fread(query, 1, QUERY_MAX + 1, stdin);
    query[size] = '\0';
    return size <= QUERY_MAX && size > 0 ? query : NULL;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc, (void)argv;
    const settings_t *settings = given;
    listing_t listing = {.json = settings->json};
    fh_session *session;
    fh_error error;
    const char *query = take_query(settings);
    if (!query)
        return command_usage(self, "standard input must have a query of 1 to %d bytes", QUERY_MAX);
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int status = query[0] ? fh_sql(session, query, settings->limit, visit_row, &listing, &error)
                          : fh_objects(session, settings->limit, visit_object, &listing, &error);
    if (!status && settings->json)
        (void)fputs(listing.rows ? "]\n" : "[]\n", stdout);
    else if (!status && listing.rows == 0)
        (void)fputs("no objects\n", stdout);
    fh_close(&session);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_objects = {
    .name = "objects",
    .args = "",
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(settings_t),
    .summary = "List the objects of all sessions, or ask the registry in SQL.",
    .doc = "The tables for --sql are objects, names, engines and sessions.  Rows are printed with tabs between "
           "columns, the names\n"
           "of the columns first.",
    .run = run,
};
