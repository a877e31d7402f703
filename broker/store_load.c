/* broker/store_load.c - rows on their way out of the file, when the broker starts. */
#include "broker/store_private.h"
#include "codecs/dtype.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LEAST_ROW_BYTES = 110 }; /* of an object: three ids in hexadecimal and some */

/* So many more rows can be counted. */
static const int64_t MAX_KEY = INT64_MAX / 2;

/* The id that a column had in the last row: neighbours mostly have the same. */
typedef struct {
    char text[OID_TEXT_SIZE];
    oid_t id;
} last_id_t;

typedef struct {
    store_t *store;
    registry_t *registry;
    sessions_t *sessions;
    int64_t now_ns, now_ms;
    lease_t lease;
    size_t skipped;
    bool dropping;             /* a transaction has been begun */
    last_id_t session, engine; /* of objects */
} load_t;

/* Takes one row.  False: it makes no sense. */
typedef bool (*take_fn)(load_t *self, sqlite3_stmt *row);

static str_t
text_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return (str_t){text ? text : "", text ? (uint32_t)sqlite3_column_bytes(row, column) : 0};
}

static bool
oid_of(sqlite3_stmt *row, int column, oid_t *ret)
{
    str_t text = text_of(row, column);

    return oid_parse(text.data, text.size, ret);
}

/* As oid_of, for a column that seldom changes. */
static bool
oid_again(sqlite3_stmt *row, int column, last_id_t *last, oid_t *ret)
{
    str_t text = text_of(row, column);

    if (text.size != OID_TEXT_SIZE - 1)
        return false;
    if (memcmp(text.data, last->text, OID_TEXT_SIZE) != 0) {
        if (!oid_parse(text.data, text.size, &last->id))
            return false;
        memcpy(last->text, text.data, OID_TEXT_SIZE);
    }
    *ret = last->id;
    return true;
}

static uint64_t
count_of(sqlite3_stmt *row, int column)
{
    int64_t number = sqlite3_column_int64(row, column);

    return number < 0 ? 0 : (uint64_t)number;
}

/* "[3,4]" into ret; at most SHAPE_MAX_DIMS numbers. */
static bool
ints_of(sqlite3_stmt *row, int column, int64_t *ret, uint32_t *ret_count)
{
    const char *text = text_of(row, column).data;
    uint32_t count = 0;

    if (*text++ != '[')
        return false;
    while (*text != ']') {
        char *end;

        if (count == SHAPE_MAX_DIMS)
            return false;
        errno = 0;
        ret[count++] = strtoll(text, &end, 10);
        if (end == text || errno || (*end != ',' && *end != ']'))
            return false;
        text = *end == ',' ? end + 1 : end;
    }
    *ret_count = count;
    return text[1] == '\0';
}

static bool
dtype_of(sqlite3_stmt *row, int column, uint64_t *ret)
{
    str_t text = text_of(row, column);

    *ret = text.size ? dtype_from_name(text.data) : DTYPE_NONE;
    return text.size == 0 || *ret != DTYPE_NONE;
}

/* The dtype of a name, behind which its fields may stand. */
static bool
dtype_and_fields(sqlite3_stmt *row, int column, msg_PUBLISH_t *ret)
{
    str_t text = text_of(row, column);
    const char *blank = text.size ? memchr(text.data, ' ', text.size) : NULL;
    char name[16];

    if (!blank)
        return dtype_of(row, column, &ret->dtype);
    str_copy((str_t){text.data, (uint32_t)(blank - text.data)}, name, sizeof name);
    ret->dtype = dtype_from_name(name);
    ret->fields = (str_t){blank + 1, text.size - (uint32_t)(blank + 1 - text.data)};
    return ret->dtype != DTYPE_NONE;
}

static bool
take_engine(load_t *self, sqlite3_stmt *row)
{
    static const engine_state_t STATES[] = {ENGINE_LOST, ENGINE_STOPPED};
    engine_state_t state = ENGINE_EXPECTED;
    engine_t *engine;
    oid_t id;

    if (!oid_of(row, 0, &id) || registry_engine(self->registry, id) || count_of(row, 1) > UINT32_MAX / 2)
        return false;
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
        if (str_is(text_of(row, 2), registry_engine_state_name(STATES[i])))
            state = STATES[i];
    if (registry_engine_restore(self->registry, id, (uint32_t)count_of(row, 1), state, &engine, NULL))
        return false;
    str_copy(text_of(row, 3), engine->endpoint, sizeof engine->endpoint);
    str_copy(text_of(row, 4), engine->local, sizeof engine->local);
    str_copy(text_of(row, 5), engine->host, sizeof engine->host);
    engine->pid = count_of(row, 6);
    engine->cores = count_of(row, 7);
    engine->memory = count_of(row, 8);
    str_copy(text_of(row, 9), engine->llvm, sizeof engine->llvm);
    str_copy(text_of(row, 10), engine->cpu, sizeof engine->cpu);
    str_copy(text_of(row, 11), engine->sandbox, sizeof engine->sandbox);
    return true;
}

static bool
take_session(load_t *self, sqlite3_stmt *row)
{
    session_t *session;
    oid_t id;

    if (!oid_of(row, 0, &id) || session_find(self->sessions, id) ||
        session_add(self->sessions, id, 'C', self->lease, &session, NULL))
        return false;
    str_copy(text_of(row, 1), session->host, sizeof session->host);
    session->pid = count_of(row, 2);
    str_copy(text_of(row, 3), session->software, sizeof session->software);
    session->since_ms = sqlite3_column_int64(row, 4);
    return true;
}

static bool
run_once(store_t *store, int which, int64_t key)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (!statement)
        return false;
    if (sqlite3_bind_parameter_count(statement))
        sqlite3_bind_int64(statement, 1, key);
    bool done = sqlite3_step(statement) == SQLITE_DONE;

    return sqlite3_reset(statement) == SQLITE_OK && done;
}

/* An object that is passed over may be told again, under another number: its row has to go.  On a disk that takes
 * nothing it stays. */
static void
drop_object(load_t *self, int64_t key)
{
    self->dropping = self->dropping || run_once(self->store, STORE_BEGIN, 0);
    if (self->dropping)
        (void)run_once(self->store, STORE_DROP_OBJECT, key);
}

static bool
read_object(load_t *self, sqlite3_stmt *row)
{
    int64_t shape[SHAPE_MAX_DIMS];
    msg_OBJECT_t news = {.type = text_of(row, 3), .bytes = count_of(row, 6), .shape = {.items = shape}};
    int64_t age_ms = self->now_ms - sqlite3_column_int64(row, 7);
    int64_t key = sqlite3_column_int64(row, 8);
    object_t *object;
    oid_t engine_id;

    if (key >= self->registry->next_key && key < MAX_KEY)
        self->registry->next_key = key + 1;
    if (!oid_of(row, 0, &news.object) || !oid_again(row, 1, &self->session, &news.session) ||
        !oid_again(row, 2, &self->engine, &engine_id) || !dtype_of(row, 4, &news.dtype) ||
        !ints_of(row, 5, shape, &news.shape.count) || news.type.size == 0)
        return false;
    engine_t *engine = registry_engine(self->registry, engine_id);

    if (!engine || engine->state != ENGINE_EXPECTED)
        return false;
    if (age_ms < 0 || age_ms > self->now_ns / 1000000)
        age_ms = age_ms < 0 ? 0 : self->now_ns / 1000000;
    if (registry_object(self->registry, news.object) || key < 1 || key > MAX_KEY ||
        registry_object_put(self->registry, engine, &news, self->now_ns - age_ms * 1000000, &object, NULL))
        return false;
    object->key = key;
    return true;
}

static bool
take_object(load_t *self, sqlite3_stmt *row)
{
    bool taken = read_object(self, row);

    if (!taken)
        drop_object(self, sqlite3_column_int64(row, 8));
    return taken;
}

/* Lists of a name's pieces, in memory for as long as the name is being made. */
typedef struct {
    oid_t *objects, *engines;
    int64_t *lengths, *strides;
} piece_lists_t;

static bool
take_pieces(sqlite3_stmt *row, uint32_t count, uint32_t ndim, piece_lists_t *lists, msg_PUBLISH_t *publish)
{
    uint32_t i = 0;

    for (; i < count && sqlite3_step(row) == SQLITE_ROW; i++) {
        int64_t strides[SHAPE_MAX_DIMS];
        uint32_t nstrides = 0;

        if (!oid_of(row, 0, &lists->objects[i]) || !oid_of(row, 1, &lists->engines[i]))
            return false;
        if (sqlite3_column_type(row, 2) != SQLITE_NULL)
            lists->lengths[publish->lengths.count++] = sqlite3_column_int64(row, 2);
        if (sqlite3_column_type(row, 3) != SQLITE_NULL && (!ints_of(row, 3, strides, &nstrides) || nstrides != ndim))
            return false;
        memcpy(lists->strides + publish->strides.count, strides, nstrides * sizeof *strides);
        publish->strides.count += nstrides;
    }
    publish->pieces = (oids_t){lists->objects, i};
    publish->engines = (oids_t){lists->engines, i};
    publish->lengths.items = lists->lengths;
    publish->strides.items = lists->strides;
    return i == count;
}

static uint32_t
count_pieces(load_t *self, const char *name)
{
    sqlite3_stmt *row = store_statement(self->store, STORE_COUNT_PIECES);
    uint64_t count = 0;

    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    if (row && sqlite3_step(row) == SQLITE_ROW)
        count = count_of(row, 0);
    sqlite3_reset(row);
    return count > 100000 ? 0 : (uint32_t)count;
}

static bool
take_name(load_t *self, sqlite3_stmt *row)
{
    int64_t shape[SHAPE_MAX_DIMS];
    msg_PUBLISH_t publish = {.name = text_of(row, 0), .type = text_of(row, 1), .axis = sqlite3_column_int64(row, 4)};
    sqlite3_stmt *pieces = store_statement(self->store, STORE_ALL_PIECES);
    uint32_t count = count_pieces(self, publish.name.data);
    name_t *name;
    bool done = false;

    publish.shape.items = shape;
    if (!dtype_and_fields(row, 2, &publish) || !ints_of(row, 3, shape, &publish.shape.count) || count == 0 || !pieces)
        return false;
    piece_lists_t lists = {
        .objects = malloc(count * sizeof *lists.objects),
        .engines = malloc(count * sizeof *lists.engines),
        .lengths = malloc(count * sizeof *lists.lengths),
        .strides = malloc((size_t)count * publish.shape.count * sizeof *lists.strides + 1),
    };

    if (lists.objects && lists.engines && lists.lengths && lists.strides) {
        sqlite3_bind_text(pieces, 1, publish.name.data, -1, SQLITE_STATIC);
        done = take_pieces(pieces, count, publish.shape.count, &lists, &publish) &&
               registry_name_add(self->registry, &publish, &name, NULL) == FH_OK;
        sqlite3_reset(pieces);
        if (done)
            registry_name_list(self->registry, name);
    }
    free(lists.objects);
    free(lists.engines);
    free(lists.lengths);
    free(lists.strides);
    return done;
}

static int
take_all(load_t *self, int which, take_fn take, err_t *err)
{
    sqlite3_stmt *rows = store_statement(self->store, which);
    int code = SQLITE_NOMEM;

    while (rows && (code = sqlite3_step(rows)) == SQLITE_ROW)
        if (!take(self, rows))
            self->skipped++;
    int status = code == SQLITE_DONE ? FH_OK : store_fail(self->store, self->store->db, "read", err);

    sqlite3_finalize(rows); /* used once in the life of a broker */
    self->store->statements[which] = NULL;
    return status;
}

/* Room for all objects at once.  How many there are at most is known without counting them: by their numbers, and by
 * the size of the file. */
static void
reserve(load_t *self)
{
    sqlite3_stmt *row = store_statement(self->store, STORE_MOST_OBJECTS);
    struct stat file;

    if (row && sqlite3_step(row) == SQLITE_ROW && stat(self->store->path, &file) == 0) {
        uint64_t most = count_of(row, 0), fit = (uint64_t)file.st_size / LEAST_ROW_BYTES;

        registry_reserve(self->registry, most < fit ? most : fit);
    }
    sqlite3_reset(row);
}

int
store_load(store_t *self, registry_t *registry, sessions_t *sessions, int64_t now_ns, lease_t lease,
           size_t *ret_skipped, err_t *err)
{
    struct timespec wall;
    load_t load = {.store = self, .registry = registry, .sessions = sessions, .now_ns = now_ns, .lease = lease};

    clock_gettime(CLOCK_REALTIME, &wall);
    load.now_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    int status = take_all(&load, STORE_ALL_ENGINES, take_engine, err);

    if (!status)
        status = take_all(&load, STORE_ALL_SESSIONS, take_session, err);
    reserve(&load);
    if (!status)
        status = take_all(&load, STORE_ALL_OBJECTS, take_object, err);
    if (load.dropping && !run_once(self, STORE_COMMIT, 0))
        (void)run_once(self, STORE_ROLLBACK, 0);
    if (!status)
        status = take_all(&load, STORE_ALL_NAMES, take_name, err);
    while (registry->object_changes.first)
        registry_saved(registry, registry->object_changes.first);
    while (registry->changes.first)
        if (registry->changes.first->kind == ROW_SESSION)
            session_saved(sessions, registry->changes.first);
        else
            registry_saved(registry, registry->changes.first);
    if (ret_skipped)
        *ret_skipped = load.skipped;
    return status;
}
