/* broker/store_save.c - rows on their way into the file. */
#include "broker/store_private.h"
#include "codecs/dtype.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INTS_TEXT = 21 * SHAPE_MAX_DIMS + 3 };

static void
bind_text(sqlite3_stmt *statement, int *at, const char *text)
{
    sqlite3_bind_text(statement, ++*at, text, -1, SQLITE_TRANSIENT);
}

static void
bind_oid(sqlite3_stmt *statement, int *at, oid_t id)
{
    char text[OID_TEXT_SIZE];

    bind_text(statement, at, oid_format(id, text));
}

static void
bind_int(sqlite3_stmt *statement, int *at, uint64_t number)
{
    sqlite3_bind_int64(statement, ++*at, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

static void
bind_ints(sqlite3_stmt *statement, int *at, const int64_t *items, size_t count)
{
    char text[INTS_TEXT] = "[";
    size_t size = 1;

    for (size_t i = 0; i < count && size < sizeof text - 24; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, i ? ",%" PRId64 : "%" PRId64, items[i]);
    memcpy(text + size, "]", 2);
    bind_text(statement, at, text);
}

static void
bind_dtype(sqlite3_stmt *statement, int *at, uint32_t dtype)
{
    bind_text(statement, at, dtype ? dtype_name((dtype_t)dtype) : "");
}

/* A void dtype with fields: "V12 ", then their description. */
static void
bind_dtype_fields(sqlite3_stmt *statement, int *at, const name_t *name)
{
    char *text;

    if (!*name->fields) {
        bind_dtype(statement, at, name->dtype);
        return;
    }
    if (asprintf(&text, "%s %s", dtype_name((dtype_t)name->dtype), name->fields) < 0)
        text = NULL; /* binds NULL, which the table refuses */
    sqlite3_bind_text(statement, ++*at, text, -1, free);
}

/* Run a statement that gives no rows.  False: it failed; sqlite3_errcode knows why. */
static bool
run(sqlite3_stmt *statement)
{
    bool done = statement && sqlite3_step(statement) == SQLITE_DONE;

    if (statement) {
        int code = sqlite3_reset(statement);

        done = done && code == SQLITE_OK;
        sqlite3_clear_bindings(statement);
    }
    return done;
}

static bool
run_plain(store_t *self, int which)
{
    return run(store_statement(self, which));
}

/* ---- saving --------------------------------------------------------------------------------------------------------
 */

/* Milliseconds since 1970 of a moment of the monotonic clock. */
static int64_t
wall_ms(int64_t moment_ns, int64_t now_ns)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    return (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - (now_ns - moment_ns) / 1000000;
}

static bool
drop_by_id(store_t *self, int which, oid_t id)
{
    sqlite3_stmt *statement = store_statement(self, which);
    int at = 0;

    bind_oid(statement, &at, id);
    return run(statement);
}

static bool
drop_by_key(store_t *self, int which, int64_t key)
{
    sqlite3_stmt *statement = store_statement(self, which);

    sqlite3_bind_int64(statement, 1, key);
    return run(statement);
}

static bool
drop_by_name(store_t *self, int which, const char *name)
{
    sqlite3_stmt *statement = store_statement(self, which);
    int at = 0;

    bind_text(statement, &at, name);
    return run(statement);
}

static bool
save_session(store_t *self, const row_t *row, int64_t now_ns)
{
    const session_t *session = (const session_t *)row;
    sqlite3_stmt *statement = store_statement(self, STORE_PUT_SESSION);
    int at = 0;

    (void)now_ns;
    if (row->gone)
        return drop_by_id(self, STORE_DROP_SESSION, session->id);
    bind_oid(statement, &at, session->id);
    bind_text(statement, &at, session->host);
    bind_int(statement, &at, session->pid);
    bind_text(statement, &at, session->software);
    bind_int(statement, &at, (uint64_t)session->since_ms);
    return run(statement);
}

static bool
save_engine(store_t *self, const row_t *row, int64_t now_ns)
{
    const engine_t *engine = (const engine_t *)row;
    sqlite3_stmt *statement = store_statement(self, STORE_PUT_ENGINE);
    int at = 0;

    (void)now_ns;
    if (row->gone)
        return drop_by_id(self, STORE_DROP_ENGINE, engine->id);
    bind_oid(statement, &at, engine->id);
    bind_int(statement, &at, engine->number);
    bind_text(statement, &at, registry_engine_state_name(engine->state));
    bind_text(statement, &at, engine->endpoint);
    bind_text(statement, &at, engine->local);
    bind_text(statement, &at, engine->host);
    bind_int(statement, &at, engine->pid);
    bind_int(statement, &at, engine->cores);
    bind_int(statement, &at, engine->memory);
    bind_int(statement, &at, engine->used);
    bind_int(statement, &at, engine->reported);
    bind_text(statement, &at, engine->llvm);
    bind_text(statement, &at, engine->cpu);
    bind_text(statement, &at, engine->sandbox);
    return run(statement);
}

static bool
save_object(store_t *self, const row_t *row, int64_t now_ns)
{
    const object_t *object = (const object_t *)row;
    sqlite3_stmt *statement = store_statement(self, STORE_PUT_OBJECT);
    int at = 0;

    if (row->gone)
        return drop_by_key(self, STORE_DROP_OBJECT, object->key);
    sqlite3_bind_int64(statement, ++at, object->key);
    bind_oid(statement, &at, object->id);
    bind_oid(statement, &at, object->session);
    bind_oid(statement, &at, object->engine->id);
    bind_text(statement, &at, object_type(object));
    bind_dtype(statement, &at, object->dtype);
    bind_ints(statement, &at, object->shape, object->ndim);
    bind_int(statement, &at, object->bytes);
    bind_int(statement, &at, (uint64_t)wall_ms(object->made_ns, now_ns));
    return run(statement);
}

static bool
save_piece(store_t *self, const name_t *name, uint32_t i)
{
    sqlite3_stmt *statement = store_statement(self, STORE_PUT_PIECE);
    int at = 0;

    bind_text(statement, &at, name->text);
    bind_int(statement, &at, i);
    bind_oid(statement, &at, name->pieces[i]);
    bind_oid(statement, &at, name->engines[i]);
    if (name->nlengths)
        sqlite3_bind_int64(statement, ++at, name->lengths[i]);
    else
        sqlite3_bind_null(statement, ++at);
    if (name->nstrides)
        bind_ints(statement, &at, name->strides + (size_t)i * name->ndim, name->ndim);
    return run(statement);
}

static bool
save_name(store_t *self, const row_t *row, int64_t now_ns)
{
    const name_t *name = (const name_t *)row;
    sqlite3_stmt *statement = store_statement(self, STORE_PUT_NAME);
    bool done = true;
    int at = 0;

    (void)now_ns;
    if (row->gone)
        return drop_by_name(self, STORE_DROP_PIECES, name->text) && drop_by_name(self, STORE_DROP_NAME, name->text);
    bind_text(statement, &at, name->text);
    bind_text(statement, &at, name->type);
    bind_dtype_fields(statement, &at, name);
    bind_ints(statement, &at, name->shape, name->ndim);
    sqlite3_bind_int64(statement, ++at, name->axis);
    bind_text(statement, &at, name->lost ? "lost" : "ready");
    done = run(statement);
    for (uint32_t i = 0; done && !row->saved && i < name->npieces; i++)
        done = save_piece(self, name, i);
    return done;
}

static bool (*const SAVE[])(store_t *self, const row_t *row, int64_t now_ns) = {
    [ROW_SESSION] = save_session,
    [ROW_ENGINE] = save_engine,
    [ROW_OBJECT] = save_object,
    [ROW_NAME] = save_name,
};

static bool
save_rows(store_t *self, const rows_t *changes, size_t max, int64_t now_ns)
{
    bool done = true;

    for (const row_t *row = changes->first; done && row && max > 0; row = row->next, max--)
        done = SAVE[row->kind](self, row, now_ns);
    return done;
}

int
store_save(store_t *self, const registry_t *registry, size_t max_objects, int64_t now_ns, err_t *err)
{
    bool done;

    if (!registry->changes.first && !registry->object_changes.first)
        return FH_OK;
    done = run_plain(self, STORE_BEGIN) && save_rows(self, &registry->changes, SIZE_MAX, now_ns) &&
           save_rows(self, &registry->object_changes, max_objects, now_ns);
    if (done && run_plain(self, STORE_COMMIT))
        return FH_OK;
    int status = store_fail(self, self->db, "write", err);

    if (!sqlite3_get_autocommit(self->db))
        run_plain(self, STORE_ROLLBACK);
    return status;
}
