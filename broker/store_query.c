/* broker/store_query.c - read-only queries of clients, on a connection that can do nothing else. */
#include "base/clock.h"
#include "broker/schema.h"
#include "broker/store_private.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STEPS = 2000 };

struct query {
    store_t *store;
    sqlite3_stmt *statement;
    int64_t left_ns; /* that it may still compute */
};

static int
past_the_limit(void *argument)
{
    const store_t *self = argument;

    return clock_now_ns() > self->reader_until_ns;
}

static bool
may_read(const char *table, const char *column)
{
    for (size_t i = 0; i < sizeof SCHEMA_TABLES / sizeof *SCHEMA_TABLES; i++)
        if (strcmp(table, SCHEMA_TABLES[i]) == 0)
            return true;
    /* SQLite asks with an empty column about a common table expression of which no column is read. */
    return column[0] == '\0' && strncmp(table, "sqlite_", 7) != 0 && strncmp(table, "pragma_", 7) != 0;
}

static int
authorize(void *context, int action, const char *first, const char *second, const char *database, const char *trigger)
{
    (void)context;
    (void)database;
    (void)trigger;
    if (action == SQLITE_SELECT || action == SQLITE_FUNCTION || action == SQLITE_RECURSIVE)
        return SQLITE_OK;
    if (action == SQLITE_READ && first && may_read(first, second ? second : ""))
        return SQLITE_OK;
    return SQLITE_DENY;
}

static int
open_reader(store_t *self, err_t *err)
{
    if (self->reader)
        return FH_OK;
    int status = store_connect(self, SQLITE_OPEN_READONLY, &self->reader, err);

    if (!status && sqlite3_exec(self->reader, "PRAGMA query_only = 1; PRAGMA cache_size = -512", NULL, NULL, NULL))
        status = store_fail(self, self->reader, "set up reading of", err);
    if (status) {
        sqlite3_close(self->reader);
        self->reader = NULL;
        return status;
    }
    sqlite3_set_authorizer(self->reader, authorize, NULL);
    sqlite3_progress_handler(self->reader, PROGRESS_STEPS, past_the_limit, self);
    return FH_OK;
}

static bool
is_rest_empty(const char *rest, const char *end)
{
    for (; rest < end; rest++)
        if (!strchr(" \t\r\n;", *rest) || *rest == '\0')
            return false;
    return true;
}

static int
prepare(query_t *query, const char *sql, size_t size, err_t *err)
{
    store_t *self = query->store;
    const char *rest = sql;

    self->reader_until_ns = clock_now_ns() + query->left_ns;
    if (sqlite3_prepare_v2(self->reader, sql, (int)size, &query->statement, &rest)) {
        int status = store_fail(self, self->reader, "query", err);

        if (status == FH_PERMISSION)
            err_prefix(err, "only one SELECT over engines, sessions, objects, names and pieces is possible");
        return status;
    }
    if (!query->statement || !is_rest_empty(rest, sql + size) || !sqlite3_stmt_readonly(query->statement) ||
        sqlite3_column_count(query->statement) == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "the query is not one SELECT");
    return FH_OK;
}

int
store_query(store_t *self, const char *sql, size_t size, query_t **ret, err_t *err)
{
    int status = open_reader(self, err);

    if (status)
        return status;
    query_t *query = calloc(1, sizeof *query);

    if (!query)
        return err_set(err, FH_NO_MEMORY, "no memory for a query");
    query->store = self;
    query->left_ns = (int64_t)QUERY_MAX_MS * 1000000;
    status = prepare(query, sql, size, err);
    if (status) {
        query_destroy(&query);
        return status;
    }
    *ret = query;
    return FH_OK;
}

int
query_columns(const query_t *query)
{
    return sqlite3_column_count(query->statement);
}

void
query_names(const query_t *query, value_t *ret)
{
    for (int i = 0; i < query_columns(query); i++) {
        const char *name = sqlite3_column_name(query->statement, i);

        ret[i] = (value_t){.kind = VALUE_STR, .as.str = {name ? name : "", name ? (uint32_t)strlen(name) : 0}};
    }
}

static value_t
cell(sqlite3_stmt *row, int i)
{
    int type = sqlite3_column_type(row, i);
    const void *data;

    if (type == SQLITE_INTEGER)
        return (value_t){.kind = VALUE_INT, .as.i = sqlite3_column_int64(row, i)};
    if (type == SQLITE_FLOAT)
        return (value_t){.kind = VALUE_FLOAT, .as.f = sqlite3_column_double(row, i)};
    if (type == SQLITE_TEXT && (data = sqlite3_column_text(row, i)))
        return (value_t){.kind = VALUE_STR, .as.str = {data, (uint32_t)sqlite3_column_bytes(row, i)}};
    if (type == SQLITE_BLOB && (data = sqlite3_column_blob(row, i)))
        return (value_t){.kind = VALUE_BIN, .as.bin = {data, (uint32_t)sqlite3_column_bytes(row, i)}};
    return (value_t){.kind = VALUE_NIL};
}

int
query_next(query_t *query, value_t *ret, err_t *err)
{
    int64_t start_ns = clock_now_ns();

    query->store->reader_until_ns = start_ns + query->left_ns;
    int code = sqlite3_step(query->statement);

    query->left_ns -= clock_now_ns() - start_ns;
    if (code == SQLITE_ROW && query->left_ns > 0) {
        for (int i = 0; i < query_columns(query); i++)
            ret[i] = cell(query->statement, i);
        return FH_OK;
    }
    if (code == SQLITE_DONE)
        return err_set(err, FH_NO_SUCH_OBJECT, "no more rows");
    if (code == SQLITE_INTERRUPT || query->left_ns <= 0)
        return err_set(err, FH_LIMIT_EXCEEDED, "the query computed for more than %d ms: ask for less", QUERY_MAX_MS);
    return store_fail(query->store, query->store->reader, "query", err);
}

void
query_destroy(query_t **query)
{
    if (!*query)
        return;
    sqlite3_finalize((*query)->statement);
    free(*query);
    *query = NULL;
}
