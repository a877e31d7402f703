/* The registry's file: what is written comes back, also after the disk was full, and no stranger's file is touched. */
#include "broker/store.h"
#include "codecs/dtype.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

typedef struct {
    char folder[PATH_MAX], path[PATH_MAX];
    store_t *store;
    registry_t registry;
    sessions_t sessions;
} file_t;

static const int64_t SHAPE[] = {6, 2}, LENGTHS[] = {4, 2}, STRIDES[] = {16, 8, -16, 8};
static const int64_t NOW_NS = INT64_C(100000000000);

static int
setup(void **state)
{
    static file_t file;
    err_t err;

    memset(&file, 0, sizeof file);
    check_folder_make(file.folder);
    snprintf(file.path, sizeof file.path, "%s", check_path(file.folder, "registry.sqlite"));
    registry_init(&file.registry, 0, 0);
    sessions_init(&file.sessions, &file.registry.changes);
    check_ok(store_open(&file.store, file.path, 0, &err), err);
    *state = &file;
    return 0;
}

static int
teardown(void **state)
{
    file_t *file = *state;

    sessions_release(&file->sessions);
    registry_release(&file->registry);
    store_close(&file->store);
    check_folder_remove(file->folder);
    return 0;
}

static void
tell_owners(file_t *file)
{
    while (file->registry.object_changes.first)
        registry_saved(&file->registry, file->registry.object_changes.first);
    while (file->registry.changes.first)
        if (file->registry.changes.first->kind == ROW_SESSION)
            session_saved(&file->sessions, file->registry.changes.first);
        else
            registry_saved(&file->registry, file->registry.changes.first);
}

static void
save(file_t *file)
{
    err_t err;

    check_ok(store_save(file->store, &file->registry, SIZE_MAX, NOW_NS, &err), err);
    tell_owners(file);
}

/* Close, forget all, open and read again. */
static void
reopen(file_t *file, int64_t max_bytes)
{
    err_t err;

    sessions_release(&file->sessions);
    registry_release(&file->registry);
    store_close(&file->store);
    registry_init(&file->registry, 0, 0);
    sessions_init(&file->sessions, &file->registry.changes);
    check_ok(store_open(&file->store, file->path, max_bytes, &err), err);
    check_ok(store_load(file->store, &file->registry, &file->sessions, NOW_NS, lease_begin(NOW_NS, 60), NULL, &err),
             err);
    assert_int_equal(file->registry.changes.count + file->registry.object_changes.count, 0);
}

static engine_t *
add_engine(file_t *file, oid_t id)
{
    const msg_ANNOUNCE_t announce = {.endpoint = str_of("tcp://h:1"),
                                     .local = str_of("ipc:///x"),
                                     .cores = 4,
                                     .memory = 1000,
                                     .llvm = str_of("19"),
                                     .cpu = str_of("znver4"),
                                     .sandbox = str_of("seccomp")};
    engine_t *engine;
    err_t err;

    check_ok(registry_engine_announce(&file->registry, id, &announce, "h/boot", 7, &engine, &err), err);
    return engine;
}

static object_t *
add_object(file_t *file, engine_t *engine, oid_t id)
{
    const msg_OBJECT_t news = {
        .object = id, .session = engine->id, .type = str_of("array"), .dtype = 12, .shape = {SHAPE, 2}, .bytes = 96};
    object_t *object;
    err_t err;

    check_ok(registry_object_put(&file->registry, engine, &news, NOW_NS - 2000000000, &object, &err), err);
    return object;
}

static msg_PUBLISH_t
publish_of(const char *name, const oid_t *pieces, const oid_t *engines)
{
    return (msg_PUBLISH_t){.name = str_of(name),
                           .type = str_of("array"),
                           .dtype = 12,
                           .shape = {SHAPE, 2},
                           .axis = 0,
                           .pieces = {pieces, 2},
                           .engines = {engines, 2},
                           .lengths = {LENGTHS, 2},
                           .strides = {STRIDES, 4}};
}

static name_t *
add_name(file_t *file, const msg_PUBLISH_t *publish)
{
    name_t *name;
    err_t err;

    check_ok(registry_name_add(&file->registry, publish, &name, &err), err);
    registry_name_list(&file->registry, name);
    return name;
}

static void
test_file_is_private(void **state)
{
    file_t *file = *state;
    struct stat status;

    assert_int_equal(stat(file->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void
test_saved_rows_come_back_the_same(void **state)
{
    file_t *file = *state;
    oid_t engines[] = {oid_new(), oid_new()}, pieces[] = {oid_new(), oid_new()}, client = oid_new();
    msg_PUBLISH_t publish = publish_of("it's \"a\" name", pieces, engines);
    session_t *session;
    err_t err;

    for (int i = 0; i < 2; i++)
        add_object(file, add_engine(file, engines[i]), pieces[i]);
    add_name(file, &publish);
    check_ok(session_add(&file->sessions, client, 'C', lease_begin(0, 1), &session, &err), err);
    session->pid = 42;
    session->since_ms = 1234567890123;
    snprintf(session->host, sizeof session->host, "host");
    save(file);
    reopen(file, 0);
    engine_t *engine = registry_engine(&file->registry, engines[1]);

    assert_non_null(engine);
    assert_int_equal(engine->state, ENGINE_EXPECTED);
    assert_int_equal(engine->number, 1);
    assert_string_equal(engine->endpoint, "tcp://h:1");
    assert_string_equal(engine->local, "ipc:///x");
    assert_string_equal(engine->host, "h/boot");
    assert_string_equal(engine->cpu, "znver4");
    assert_int_equal(engine->cores, 4);
    assert_int_equal(engine->memory, 1000);
    object_t *object = registry_object(&file->registry, pieces[0]);

    assert_non_null(object);
    assert_true(oid_equal(object->engine->id, engines[0]));
    assert_true(oid_equal(object->session, engines[0]));
    assert_int_equal(object->dtype, 12);
    assert_int_equal(object->ndim, 2);
    assert_memory_equal(object->shape, SHAPE, sizeof SHAPE);
    assert_int_equal(object->bytes, 96);
    assert_true(NOW_NS - object->made_ns >= 1990000000 && NOW_NS - object->made_ns < 60000000000);
    name_t *name = registry_name(&file->registry, publish.name);

    assert_non_null(name);
    assert_true(registry_name_same(name, &publish));
    assert_int_equal(name->state, NAME_LISTED);
    assert_false(name->lost);
    session = session_find(&file->sessions, client);
    assert_non_null(session);
    assert_int_equal(session->pid, 42);
    assert_int_equal(session->since_ms, 1234567890123);
    assert_string_equal(session->host, "host");
    assert_int_equal(session->state, STATE_AWAY);
    assert_int_equal(session->lease.due_ns, NOW_NS + 60);
}

static void
test_deleted_rows_do_not_come_back(void **state)
{
    file_t *file = *state;
    oid_t engines[] = {oid_new(), oid_new()}, pieces[] = {oid_new(), oid_new()};
    msg_PUBLISH_t publish = publish_of("n", pieces, engines);
    session_t *session;
    err_t err;

    for (int i = 0; i < 2; i++)
        add_object(file, add_engine(file, engines[i]), pieces[i]);
    name_t *name = add_name(file, &publish);

    check_ok(session_add(&file->sessions, oid_new(), 'C', lease_begin(0, 1), &session, &err), err);
    save(file);
    registry_name_leave(&file->registry, name);
    session_remove(&file->sessions, session);
    registry_object_remove(&file->registry, registry_object(&file->registry, pieces[0]));
    registry_engine_end(&file->registry, registry_engine(&file->registry, engines[1]), ENGINE_LOST);
    save(file);
    reopen(file, 0);
    assert_null(registry_name(&file->registry, publish.name));
    assert_int_equal(file->sessions.count, 0);
    assert_int_equal(file->registry.nobjects, 0);
    assert_int_equal(registry_engine(&file->registry, engines[1])->state, ENGINE_LOST);
    add_name(file, &publish); /* the name is free again, with other pieces */
    save(file);
    reopen(file, 0);
    assert_true(registry_name_same(registry_name(&file->registry, publish.name), &publish));
}

static void
test_full_file_keeps_what_it_has_and_recovers(void **state)
{
    file_t *file = *state;
    engine_t *engine;
    size_t before;
    err_t err;

    reopen(file, 256 << 10);
    engine = add_engine(file, oid_new());
    save(file);
    int status = FH_OK;

    for (int i = 0; i < 100 && !status; i++) {
        for (int j = 0; j < 100; j++)
            add_object(file, engine, oid_new());
        status = store_save(file->store, &file->registry, SIZE_MAX, NOW_NS, &err);
        if (!status)
            tell_owners(file);
    }
    assert_int_equal(status, FH_REGISTRY_FULL);
    check_contains(err.text, "full");
    before = file->registry.nobjects;
    assert_int_equal(file->registry.object_changes.count, 100); /* the list is kept, to be tried again */
    while (file->registry.objects != file->registry.last_object)
        registry_object_remove(&file->registry, file->registry.objects);
    save(file); /* what was deleted makes room */
    reopen(file, 256 << 10);
    assert_int_equal(file->registry.nobjects, 1);
    assert_true(before > 100);
}

/* The number that a query gives in its only row. */
static int64_t
number_of(const file_t *file, const char *sql)
{
    const atomic_bool cancelled = false;
    reader_t *reader;
    query_t *query;
    value_t value;
    err_t err;

    check_ok(store_reader_open(&reader, file->store, &err), err);
    check_ok(store_query(reader, sql, strlen(sql), &cancelled, INT64_C(10000000000), &query, &err), err);
    check_ok(query_next(query, &err), err);
    query_row(query, &value);
    assert_int_equal(value.kind, VALUE_INT);
    int64_t number = value.as.i;

    assert_int_equal(query_next(query, &err), FH_NO_SUCH_OBJECT);
    query_destroy(&query);
    store_reader_close(&reader);
    return number;
}

static void
test_query_reads_while_the_file_is_full(void **state)
{
    file_t *file = *state;
    engine_t *engine;
    err_t err;

    reopen(file, 128 << 10);
    engine = add_engine(file, oid_new());
    add_object(file, engine, oid_new());
    save(file);
    for (int i = 0; i < 3000; i++)
        add_object(file, engine, oid_new());
    check_fails(store_save(file->store, &file->registry, SIZE_MAX, NOW_NS, &err), FH_REGISTRY_FULL, err);
    assert_int_equal(number_of(file, "SELECT count(*) FROM objects"), 1);
}

static void
run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void
test_versions_old_made_new_and_later_ones_refused(void **state)
{
    file_t *file = *state;
    err_t err;

    store_close(&file->store);
    remove(file->path);
    run_sql(file->path, "PRAGMA user_version = 0"); /* version 0: an empty file, as the first start makes it */
    reopen(file, 0);
    add_engine(file, oid_new());
    save(file);
    reopen(file, 0); /* this version: nothing to do, rows stay */
    assert_int_equal(file->registry.nengines, 1);
    store_close(&file->store);
    run_sql(file->path, "PRAGMA user_version = 77");
    check_fails(store_open(&file->store, file->path, 0, &err), FH_IO_ERROR, err);
    check_contains(err.text, "77");
    assert_null(file->store);
}

/* Version 1 had objects under their ids. */
static void
test_objects_of_version_1_come_along(void **state)
{
    file_t *file = *state;
    oid_t id = oid_new(), other = oid_new();
    object_t *object;

    engine_t *engine = add_engine(file, oid_new());

    add_object(file, engine, id);
    save(file);
    store_close(&file->store);
    run_sql(file->path,
            "ALTER TABLE objects RENAME TO objects_by_number;"
            "CREATE TABLE objects (id TEXT PRIMARY KEY, session TEXT NOT NULL, engine TEXT NOT NULL, type TEXT NOT "
            "NULL, dtype TEXT NOT NULL,"
            " shape TEXT NOT NULL, bytes INTEGER NOT NULL, made_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
            "INSERT INTO objects SELECT id, session, engine, type, dtype, shape, bytes, made_ms FROM objects_by_number;"
            "DROP TABLE objects_by_number; PRAGMA user_version = 1");
    reopen(file, 0);
    object = registry_object(&file->registry, id);
    assert_non_null(object);
    assert_string_equal(object_type(object), "array");
    assert_true(add_object(file, object->engine, other)->key > object->key);
    save(file);
    registry_object_remove(&file->registry, object);
    save(file);
    reopen(file, 0);
    assert_null(registry_object(&file->registry, id));
    assert_non_null(registry_object(&file->registry, other));
}

static void
test_damaged_and_foreign_files_refused(void **state)
{
    file_t *file = *state;
    err_t err;

    store_close(&file->store);
    remove(file->path);
    check_file_make(file->path,
                    "this is no database at all, but long enough to look like one: "
                    "0123456789012345678901234567890123456789012345678901234567890123456789",
                    0600);
    check_fails(store_open(&file->store, file->path, 0, &err), FH_IO_ERROR, err);
    assert_null(file->store);
}

/* Names of dates, text and records; what records consist of comes back as it was. */
static void
test_names_of_all_dtypes_come_back(void **state)
{
    static const struct {
        const char *dtype, *fields;
    } ROWS[] = {
        {"datetime64[25s]", ""}, {"S5", ""}, {"U3", ""}, {"V12", ""}, {"V12", "{'names': ['a \"b\"', '\u20ac'], ...}"}};
    enum { COUNT = sizeof ROWS / sizeof *ROWS };
    file_t *file = *state;
    oid_t engines[] = {oid_new(), oid_new()}, pieces[COUNT][2];
    char text[COUNT][8];

    for (int i = 0; i < 2; i++)
        add_engine(file, engines[i]);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "n%d", i);
        msg_PUBLISH_t publish = publish_of(text[i], pieces[i], engines);

        publish.dtype = dtype_from_name(ROWS[i].dtype);
        publish.fields = str_of(ROWS[i].fields);
        for (int k = 0; k < 2; k++) {
            pieces[i][k] = oid_new();
            add_object(file, registry_engine(&file->registry, engines[k]), pieces[i][k]);
        }
        add_name(file, &publish);
    }
    save(file);
    reopen(file, 0);
    for (int i = 0; i < COUNT; i++) {
        const name_t *name = registry_name(&file->registry, str_of(text[i]));

        assert_non_null(name);
        assert_int_equal(name->dtype, dtype_from_name(ROWS[i].dtype));
        assert_string_equal(name->fields, ROWS[i].fields);
    }
}

static void
test_fields_are_for_void_only(void **state)
{
    file_t *file = *state;
    oid_t engines[] = {oid_new(), oid_new()}, pieces[] = {oid_new(), oid_new()};
    msg_PUBLISH_t publish = publish_of("n", pieces, engines);
    name_t *name;

    for (int i = 0; i < 2; i++)
        add_object(file, add_engine(file, engines[i]), pieces[i]);
    publish.fields = str_of("text");
    assert_int_equal(registry_name_add(&file->registry, &publish, &name, NULL), FH_INVALID_ARGUMENT);
    publish.dtype = CODE_BYTES;
    assert_int_equal(registry_name_add(&file->registry, &publish, &name, NULL), FH_INVALID_ARGUMENT);
    publish.dtype = dtype_from_name("V3");
    add_name(file, &publish);
}

static void
test_rows_that_make_no_sense_passed_over(void **state)
{
    file_t *file = *state;
    oid_t id = oid_new();
    size_t skipped = 0;
    err_t err;

    add_object(file, add_engine(file, id), oid_new());
    save(file);
    store_close(&file->store);
    run_sql(
        file->path,
        "INSERT INTO engines SELECT 'no id', number, state, endpoint, local, host, pid, cores, memory, used, objects,"
        " llvm, cpu, sandbox FROM engines;"
        "INSERT INTO objects SELECT '00112233445566778899aabbccddeeff', session, engine, type, 'no dtype', shape, "
        "bytes,"
        " made_ms FROM objects LIMIT 1;"
        "INSERT INTO objects SELECT '10112233445566778899aabbccddeeff', session, engine, type, dtype, '[1,', bytes,"
        " made_ms FROM objects LIMIT 1;"
        "INSERT INTO objects SELECT '20112233445566778899aabbccddeeff', session, '20112233445566778899aabbccddeeff',"
        " type, dtype, shape, bytes, made_ms FROM objects LIMIT 1;"
        "INSERT INTO names VALUES ('without pieces', 'array', 'int8', '[]', -1, 'ready')");
    sessions_release(&file->sessions);
    registry_release(&file->registry);
    registry_init(&file->registry, 0, 0);
    sessions_init(&file->sessions, &file->registry.changes);
    check_ok(store_open(&file->store, file->path, 0, &err), err);
    check_ok(store_load(file->store, &file->registry, &file->sessions, NOW_NS, lease_begin(0, 1), &skipped, &err), err);
    assert_int_equal(file->registry.nengines, 1);
    assert_int_equal(file->registry.nobjects, 1);
    assert_int_equal(file->registry.nnames, 0);
    assert_true(skipped >= 5);
    reopen(file, 0); /* the objects among them have gone from the file: they may be told again, under other numbers */
    assert_int_equal(number_of(file, "SELECT count(*) FROM objects"), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(test_saved_rows_come_back_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deleted_rows_do_not_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_file_keeps_what_it_has_and_recovers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_query_reads_while_the_file_is_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_versions_old_made_new_and_later_ones_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_objects_of_version_1_come_along, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_and_foreign_files_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_of_all_dtypes_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_are_for_void_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_that_make_no_sense_passed_over, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
