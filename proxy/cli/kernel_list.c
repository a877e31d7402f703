/* `farhand kernel ls`: the kernels of all sessions on all engines. */
#include "proxy/cli/kernel.h"
#include "proxy/cli/show.h"

#include <stdio.h>
#include <stdlib.h>

/* What the engines' method "kernels" gives: flat rows; its argument is how many rows to leave out. */
enum { ROW_ID, ROW_SESSION, ROW_ENTRY, ROW_KIND, ROW_SIGNATURE, ROW_BYTES, ROW_CALLS, ROW_VALUES };
enum { MAX_ENGINES = 1024, MAX_ROWS = 1 << 20 };

static const struct {
    const char *title;
    int value;
} COLUMNS[] = {{"id", ROW_ID},       {"entry", ROW_ENTRY}, {"kind", ROW_KIND},      {"signature", ROW_SIGNATURE},
               {"bytes", ROW_BYTES}, {"calls", ROW_CALLS}, {"session", ROW_SESSION}};

typedef struct {
    int engine, rows; /* rows: of the last answer */
    bool json, any;
} listing_t;

static void
show_row(listing_t *self, const fh_value *row)
{
    if (self->json)
        (void)printf("%s{\"engine\": %d", self->any ? ",\n " : "[", self->engine);
    else
        (void)printf("%d", self->engine);
    for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++) {
        if (self->json)
            (void)printf(", \"%s\": ", COLUMNS[i].title);
        else
            (void)fputc('\t', stdout);
        show_value(&row[COLUMNS[i].value], self->json, stdout);
    }
    (void)fputs(self->json ? "}" : "\n", stdout);
    self->any = true;
}

static void
visit(void *context, const fh_value *values, int count)
{
    listing_t *self = context;
    self->rows = count / ROW_VALUES;
    for (int i = 0; i < self->rows; i++)
        show_row(self, values + i * ROW_VALUES);
}

static int
list_engine(fh_session *session, listing_t *listing, fh_error *error)
{
    fh_value skip = {.kind = FH_VALUE_INT};
    int status;
    do {
        listing->rows = 0;
        status = fh_call(session, NULL, listing->engine, "kernels", &skip, 1, visit, listing, error);
        skip.i += listing->rows;
    } while (!status && listing->rows && skip.i < MAX_ROWS);
    return status;
}

int
kernel_list(const command_t *self, fh_session *session, const kernel_settings_t *settings)
{
    fh_engine_info *engines = calloc(MAX_ENGINES, sizeof *engines);
    listing_t listing = {.json = settings->json};
    fh_error error;
    int count = 0;
    if (!engines)
        return command_fail_text(self, FH_STATUS_NO_MEMORY, "no memory for a list of engines");
    int status = fh_engines(session, engines, MAX_ENGINES, &count, &error);
    if (!status && !settings->json) {
        (void)fputs("engine", stdout);
        for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++)
            (void)printf("\t%s", COLUMNS[i].title);
        (void)fputc('\n', stdout);
    }
    for (int i = 0; i < count && i < MAX_ENGINES && !status; i++) {
        listing.engine = engines[i].number;
        if (engines[i].state[0] == 'r') /* ready */
            status = list_engine(session, &listing, &error);
    }
    if (!status && settings->json)
        (void)fputs(listing.any ? "]\n" : "[]\n", stdout);
    free(engines);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}
