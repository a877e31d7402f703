/* broker/store_query.c - read-only queries of clients, on a connection that can do nothing else. */
#include "broker/schema.h"
#include "broker/store_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROGRESS_STEPS = 2000 };

struct reader {
    const store_t *store;
    sqlite3 *db;
    const query_t *running; /* whose step computes now */
};

struct query {
    reader_t *reader;
    sqlite3_stmt *statement;
    const atomic_bool *cancelled;
    int64_t limit_ns, left_ns; /* that it may compute in all, and still */
    int64_t until_ns;          /* the running step ends then; both of the thread's processor time */
};

/* Processor time, so that queries on a busy machine may do as much as on a quiet one. */
static int64_t
computed_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int
is_to_end(void *argument)
{
    const reader_t *self = argument;
    const query_t *query = self->running;

    return query && (atomic_load_explicit(query->cancelled, memory_order_relaxed) || computed_ns() > query->until_ns);
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

int
store_reader_open(reader_t **ret, const store_t *store, err_t *err)
{
    reader_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to read the registry");
    self->store = store;
    int status = store_connect(store, SQLITE_OPEN_READONLY, &self->db, err);

    if (!status && sqlite3_exec(self->db, "PRAGMA query_only = 1; PRAGMA cache_size = -512", NULL, NULL, NULL))
        status = store_fail(store, self->db, "set up reading of", err);
    if (status) {
        store_reader_close(&self);
        return status;
    }
    sqlite3_set_authorizer(self->db, authorize, NULL);
    sqlite3_progress_handler(self->db, PROGRESS_STEPS, is_to_end, self);
    *ret = self;
    return FH_OK;
}

void
store_reader_close(reader_t **self)
{
    if (!*self)
        return;
    sqlite3_close((*self)->db);
    free(*self);
    *self = NULL;
}

static bool
is_rest_empty(const char *rest, const char *end)
{
    for (; rest < end; rest++)
        if (!strchr(" \t\r\n;", *rest) || *rest == '\0')
            return false;
    return true;
}

static void
begin_step(query_t *query)
{
    query->until_ns = computed_ns() + query->left_ns;
    query->reader->running = query;
}

static void
end_step(query_t *query)
{
    query->left_ns = query->until_ns - computed_ns();
    query->reader->running = NULL;
}

/* Why SQLite did not go on. */
static int
fail(const query_t *query, err_t *err)
{
    if (atomic_load_explicit(query->cancelled, memory_order_relaxed))
        return err_set(err, FH_CANCELLED, "the query was cancelled");
    if (query->left_ns <= 0)
        return err_set(err, FH_LIMIT_EXCEEDED, "the query computed for more than %lld ms: ask for less",
                       (long long)(query->limit_ns / 1000000));
    return store_fail(query->reader->store, query->reader->db, "query", err);
}

static int
prepare(query_t *query, const char *sql, size_t size, err_t *err)
{
    const char *rest = sql;

    begin_step(query);
    int code = sqlite3_prepare_v2(query->reader->db, sql, (int)size, &query->statement, &rest);

    end_step(query);
    if (code) {
        int status = fail(query, err);

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
store_query(reader_t *self, const char *sql, size_t size, const atomic_bool *cancelled, int64_t limit_ns, query_t **ret,
            err_t *err)
{
    query_t *query = calloc(1, sizeof *query);

    if (!query)
        return err_set(err, FH_NO_MEMORY, "no memory for a query");
    query->reader = self;
    query->cancelled = cancelled;
    query->limit_ns = query->left_ns = limit_ns;
    int status = prepare(query, sql, size, err);

    if (status)
        query_destroy(&query);
    else
        *ret = query;
    return status;
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
query_next(query_t *query, err_t *err)
{
    begin_step(query);
    int code = sqlite3_step(query->statement);

    end_step(query);
    if (code == SQLITE_DONE)
        return err_set(err, FH_NO_SUCH_OBJECT, "no more rows");
    return code == SQLITE_ROW && query->left_ns > 0 ? FH_OK : fail(query, err);
}

void
query_row(const query_t *query, value_t *ret)
{
    for (int i = 0; i < query_columns(query); i++)
        ret[i] = cell(query->statement, i);
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
