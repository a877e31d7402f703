/* Read-only SQL over the registry, and answers of many rows. */
#include "tests/process/broker_rig.h"

#include <stdio.h>
#include <string.h>

static rig_t rig;

static int
setup(void **state)
{
    (void)state;
    rig_start(&rig, (const char *const[]){"--query-limit", "0.5", NULL});
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static void
ask(rig_peer_t *client, const char *query, uint64_t limit)
{
    rig_send(client,
             &(message_t){.code = MSG_SQL, .as.SQL = {.call = ++client->call, .query = str_of(query), .limit = limit}});
}

/* Rows of an answer without its column names; -1 for an ERROR, whose status goes to *ret_status.  The last row stays.
 */
static int
read_rows(rig_peer_t *client, message_t *ret_last, int *ret_status)
{
    int count = -1;
    message_t message;

    for (;;) {
        assert_true(rig_receive(client, &message, 60));
        if (message_call(&message) != client->call)
            continue;
        if (message.code == MSG_END)
            return count;
        if (message.code == MSG_ERROR) {
            *ret_status = (int)message.as.ERROR.status;
            return -1;
        }
        assert_int_equal(message.code, MSG_ROW);
        *ret_last = message;
        count++;
    }
}

static void
test_sql_reads_what_was_just_told(void **state)
{
    rig_peer_t client, engine;
    message_t row;
    oid_t object = oid_new();
    int status = 0;
    char id[OID_TEXT_SIZE], query[256];

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_tell_object(&engine, object, client.id);
    rig_publish(&client, "table", object, &engine);
    snprintf(query, sizeof query,
             "SELECT o.id, o.bytes, o.shape, o.dtype, p.name FROM objects o JOIN pieces p ON p.object = o.id"
             " JOIN names USING (name) JOIN engines e ON e.id = o.engine JOIN sessions s ON s.id = o.session WHERE "
             "e.id = '%s'",
             oid_format(engine.id, id));
    ask(&client, query, 0);
    rig_expect(&client, MSG_ROW, &row);
    assert_int_equal(row.as.ROW.values.count, 5);
    assert_true(str_is(row.as.ROW.values.items[0].as.str, "id"));
    rig_expect(&client, MSG_ROW, &row);
    assert_true(str_is(row.as.ROW.values.items[0].as.str, oid_format(object, id)));
    assert_int_equal(row.as.ROW.values.items[1].kind, VALUE_INT);
    assert_int_equal(row.as.ROW.values.items[1].as.i, 96);
    assert_true(str_is(row.as.ROW.values.items[2].as.str, "[3,4]"));
    assert_true(str_is(row.as.ROW.values.items[3].as.str, "float64"));
    assert_true(str_is(row.as.ROW.values.items[4].as.str, "table"));
    rig_expect(&client, MSG_END, &row);
    ask(&client, "WITH t AS (SELECT 1 AS a UNION SELECT 2) SELECT count(*) FROM t", 0);
    assert_int_equal(read_rows(&client, &row, &status), 1);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_sql_that_does_more_than_read_refused(void **state)
{
    static const struct {
        const char *query;
        int status;
    } CASES[] = {
        {"DELETE FROM names", FH_PERMISSION},
        {"INSERT INTO names VALUES ('a','b','','[]',0,'')", FH_PERMISSION},
        {"UPDATE objects SET bytes = 0", FH_PERMISSION},
        {"DROP TABLE objects", FH_PERMISSION},
        {"CREATE TABLE t (a)", FH_PERMISSION},
        {"CREATE TEMP TABLE t (a)", FH_PERMISSION},
        {"CREATE VIEW v AS SELECT 1", FH_PERMISSION},
        {"ATTACH 'x.sqlite' AS x", FH_PERMISSION},
        {"DETACH main", FH_PERMISSION},
        {"PRAGMA user_version", FH_PERMISSION},
        {"PRAGMA journal_mode = DELETE", FH_PERMISSION},
        {"SELECT sql FROM sqlite_master", FH_PERMISSION},
        {"SELECT count(*) FROM sqlite_schema", FH_PERMISSION},
        {"VACUUM", FH_INVALID_ARGUMENT},
        {"VACUUM INTO 'stolen.sqlite'", FH_INVALID_ARGUMENT},
        {"BEGIN", FH_PERMISSION},
        {"SAVEPOINT a", FH_PERMISSION},
        {"REINDEX", FH_PERMISSION},
        {"ANALYZE", FH_PERMISSION},
        {"SELECT load_extension('x')", FH_INVALID_ARGUMENT},
        {"SELECT 1; SELECT 2", FH_INVALID_ARGUMENT},
        {"SELECT 1; DROP TABLE names", FH_INVALID_ARGUMENT},
        {"SELEKT", FH_INVALID_ARGUMENT},
        {"-- nothing", FH_INVALID_ARGUMENT},
        {"SELECT * FROM nowhere", FH_INVALID_ARGUMENT},
    };
    rig_peer_t client;
    message_t row;

    (void)state;
    rig_client(&rig, &client);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int status = 0;

        ask(&client, CASES[i].query, 0);
        assert_int_equal(read_rows(&client, &row, &status), -1);
        if (status != CASES[i].status)
            fail_msg("%s: %s", CASES[i].query, status_name(status));
    }
    /* Versions of SQLite differ in whether they ask before they look for it. */
    int status = 0;
    ask(&client, "SELECT * FROM pragma_table_info('names')", 0);
    assert_int_equal(read_rows(&client, &row, &status), -1);
    assert_true(status == FH_INVALID_ARGUMENT || status == FH_PERMISSION);
    rig_disconnect(&client);
}

static void
test_sql_that_computes_too_long_stopped(void **state)
{
    rig_peer_t client;
    message_t row;
    int status = 0;

    (void)state;
    rig_client(&rig, &client);
    ask(&client, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c", 0);
    assert_int_equal(read_rows(&client, &row, &status), -1);
    assert_int_equal(status, FH_LIMIT_EXCEEDED);
    ask(&client, "SELECT zeroblob(1000000000)", 0);
    assert_int_equal(read_rows(&client, &row, &status), -1);
    assert_int_equal(status, FH_LIMIT_EXCEEDED);
    ask(&client, "SELECT 1", 0);
    assert_int_equal(read_rows(&client, &row, &status), 1);
    rig_disconnect(&client);
}

static void
test_sql_rows_limited_and_all_kinds_of_values(void **state)
{
    rig_peer_t client;
    message_t row;
    int status = 0;

    (void)state;
    rig_client(&rig, &client);
    ask(&client, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c LIMIT 100000", 30000);
    assert_int_equal(read_rows(&client, &row, &status), 30000);
    assert_int_equal(row.as.ROW.values.items[0].as.i, 30000);
    ask(&client, "SELECT NULL, 1.5, x'00ff', 'text', -7", 0);
    rig_expect(&client, MSG_ROW, &row);
    rig_expect(&client, MSG_ROW, &row);
    assert_int_equal(row.as.ROW.values.items[0].kind, VALUE_NIL);
    assert_true(row.as.ROW.values.items[1].as.f == 1.5);
    assert_int_equal(row.as.ROW.values.items[2].kind, VALUE_BIN);
    assert_int_equal(row.as.ROW.values.items[2].as.bin.size, 2);
    assert_true(str_is(row.as.ROW.values.items[3].as.str, "text"));
    assert_int_equal(row.as.ROW.values.items[4].as.i, -7);
    rig_disconnect(&client);
}

static void
test_objects_many_all_come_in_batches(void **state)
{
    enum { MANY = 5000 };
    rig_peer_t client, engine;
    message_t message;
    int count = 0;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    for (int i = 0; i < MANY; i++) {
        rig_tell_object(&engine, oid_new(), client.id);
        if (i % 100 == 0)
            rig_beat(&engine);
    }
    rig_send(&engine, &(message_t){.code = MSG_PING, .as.PING = {.call = 99}});
    rig_expect(&engine, MSG_PONG, &message);
    rig_send(&client, &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {.call = 50, .limit = 0}});
    do {
        assert_true(rig_receive(&client, &message, 10));
        if (message.code == MSG_OBJECT) {
            assert_int_equal(message.as.OBJECT.call, 50);
            assert_true(client.frame.frames[0].size < 40000);
            count++;
        }
    } while (message.code != MSG_END);
    assert_int_equal(count, MANY);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_long_answers_at_once_bounded(void **state)
{
    rig_peer_t client;
    message_t message;
    int busy = 0, ended = 0;

    (void)state;
    rig_client(&rig, &client);
    for (uint64_t call = 100; call < 120; call++)
        rig_send(&client, &(message_t){.code = MSG_SQL,
                                       .as.SQL = {.call = call,
                                                  .query = str_of(
                                                      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
                                                      " SELECT x, x, x, x FROM c LIMIT 20000"),
                                                  .limit = 20000}});
    while (busy + ended < 20) {
        assert_true(rig_receive(&client, &message, 60));
        busy += message.code == MSG_ERROR && message.as.ERROR.status == FH_BUSY;
        ended += message.code == MSG_END;
    }
    assert_true(ended >= 1);
    rig_disconnect(&client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql_reads_what_was_just_told),
        cmocka_unit_test(test_sql_that_does_more_than_read_refused),
        cmocka_unit_test(test_sql_that_computes_too_long_stopped),
        cmocka_unit_test(test_sql_rows_limited_and_all_kinds_of_values),
        cmocka_unit_test(test_objects_many_all_come_in_batches),
        cmocka_unit_test(test_long_answers_at_once_bounded),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
