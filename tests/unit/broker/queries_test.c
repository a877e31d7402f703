/* Queries on their threads: turns, bounds, ends. */
#include "base/clock.h"
#include "broker/queries.h"
#include "codecs/message.h"
#include "tests/support/check.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>

#define COUNTING "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
#define ENDLESS COUNTING "SELECT max(x) FROM c"

typedef struct {
    char folder[PATH_MAX];
    store_t *store;
    queries_t *queries;
} bench_t;

static void
start(bench_t *bench, int64_t limit_ns)
{
    err_t err;

    check_folder_make(bench->folder);
    check_ok(store_open(&bench->store, check_path(bench->folder, "registry.sqlite"), 0, &err), err);
    check_ok(queries_new(&bench->queries, bench->store, limit_ns, &err), err);
}

static void
stop(bench_t *bench)
{
    queries_destroy(&bench->queries);
    store_close(&bench->store);
    check_folder_remove(bench->folder);
}

static asked_t *
ask(bench_t *bench, oid_t session, const char *sql, uint64_t limit)
{
    const question_t question = {.session = session, .call = 7, .limit = limit, .sql = str_of(sql)};
    asked_t *asked = NULL;
    err_t err;

    check_ok(queries_ask(bench->queries, &question, &asked, &err), err);
    return asked;
}

/* The next frame or the end, waited for. */
static int
take(bench_t *bench, asked_t *asked, buf_t **ret, err_t *err)
{
    int64_t deadline = clock_deadline(60);
    int status;

    while ((status = queries_take(bench->queries, asked, ret, err)) == FH_BUSY) {
        struct pollfd waits = {.fd = queries_fd(bench->queries), .events = POLLIN};

        assert_true(clock_remaining_ms(deadline, 1) > 0);
        poll(&waits, 1, 1000);
        queries_rest(bench->queries);
    }
    return status;
}

/* ROW messages of a frame, which is given back. */
static size_t
count_rows(buf_t *frame, int64_t *ret_last)
{
    header_reader_t reader;
    message_t message;
    arena_t *arena;
    size_t count = 0;
    err_t err;

    check_ok(arena_new(&arena, 4 << 20, &err), err);
    check_ok(header_open(&reader, buf_data(frame), buf_size(frame), &err), err);
    while (header_next(&reader, arena, 'B', 'C', 0, &message, &err) == FH_OK) {
        assert_int_equal(message.code, MSG_ROW);
        assert_int_equal(message.as.ROW.call, 7);
        if (message.as.ROW.values.items[0].kind == VALUE_INT)
            *ret_last = message.as.ROW.values.items[0].as.i;
        count++;
    }
    arena_destroy(&arena);
    buf_unref(&frame);
    return count;
}

/* All rows, names of columns among them; how it ended goes to *ret_status. */
static size_t
take_all(bench_t *bench, asked_t *asked, int64_t *ret_last, int *ret_status)
{
    buf_t *frame = NULL;
    size_t count = 0;
    err_t err;

    while ((*ret_status = take(bench, asked, &frame, &err)) == FH_OK)
        count += count_rows(frame, ret_last);
    queries_drop(bench->queries, &asked);
    return count;
}

static void
check_number(bench_t *bench, oid_t session, const char *sql, int64_t wanted)
{
    int64_t number = -1;
    int status;

    assert_int_equal(take_all(bench, ask(bench, session, sql, 10), &number, &status), 2);
    assert_int_equal(status, FH_NO_SUCH_OBJECT);
    assert_int_equal(number, wanted);
}

static void
test_rows_come_in_order_up_to_the_limit(void **state)
{
    bench_t bench;
    int64_t last = 0;
    int status;

    (void)state;
    start(&bench, INT64_C(60000000000));
    assert_int_equal(
        take_all(&bench, ask(&bench, oid_new(), COUNTING "SELECT x, 'text' FROM c", 30000), &last, &status), 30001);
    assert_int_equal(status, FH_NO_SUCH_OBJECT);
    assert_int_equal(last, 30000);
    check_number(&bench, oid_new(), "SELECT count(*) FROM objects", 0);
    stop(&bench);
}

static void
test_rows_larger_than_a_frame_each_come_alone(void **state)
{
    bench_t bench;
    int64_t last = 0;
    int status;

    (void)state;
    start(&bench, INT64_C(60000000000));
    assert_int_equal(
        take_all(&bench, ask(&bench, oid_new(), COUNTING "SELECT x, zeroblob(700000) FROM c", 3), &last, &status), 4);
    assert_int_equal(status, FH_NO_SUCH_OBJECT);
    assert_int_equal(last, 3);
    stop(&bench);
}

static void
test_query_that_computes_stops_no_other_session(void **state)
{
    bench_t bench;
    oid_t greedy = oid_new();

    (void)state;
    start(&bench, INT64_C(600000000000));
    asked_t *first = ask(&bench, greedy, ENDLESS, 1), *second = ask(&bench, greedy, ENDLESS, 1);

    for (int i = 0; i < 20; i++)
        check_number(&bench, oid_new(), "SELECT 42", 42);
    queries_drop(bench.queries, &first);
    for (int i = 0; i < 20; i++)
        check_number(&bench, oid_new(), "SELECT 43", 43);
    queries_drop(bench.queries, &second);
    check_number(&bench, greedy, "SELECT 44", 44);
    stop(&bench);
}

/* Their frames are bounded, and they hold no thread. */
static void
test_queries_that_nobody_reads_stop_no_other(void **state)
{
    enum { LAZY = 10 };
    bench_t bench;
    asked_t *asked[LAZY];
    int64_t last = 0;
    int status;

    (void)state;
    start(&bench, INT64_C(600000000000));
    for (int i = 0; i < LAZY; i++)
        asked[i] = ask(&bench, oid_new(), COUNTING "SELECT x FROM c", 200000);
    check_number(&bench, oid_new(), "SELECT 42", 42);
    for (int i = 1; i < LAZY; i++)
        queries_drop(bench.queries, &asked[i]);
    assert_int_equal(take_all(&bench, asked[0], &last, &status), 200001);
    assert_int_equal(last, 200000);
    stop(&bench);
}

static void
test_end_by_limit_by_words_and_by_right(void **state)
{
    static const struct {
        const char *sql;
        int status;
    } ROWS[] = {
        {ENDLESS, FH_LIMIT_EXCEEDED},
        {"SELECT", FH_INVALID_ARGUMENT},
        {"SELECT * FROM sqlite_master", FH_PERMISSION},
    };
    bench_t bench;
    int64_t last;
    int status;

    (void)state;
    start(&bench, 30000000);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        (void)take_all(&bench, ask(&bench, oid_new(), ROWS[i].sql, 10), &last, &status);
        assert_int_equal(status, ROWS[i].status);
    }
    check_number(&bench, oid_new(), "SELECT 42", 42);
    stop(&bench);
}

/* More than there are threads, and some that have not begun. */
static void
test_end_of_all_does_not_wait_for_queries(void **state)
{
    bench_t bench;
    int64_t began_ns;

    (void)state;
    start(&bench, INT64_C(600000000000));
    for (int i = 0; i < 5; i++)
        (void)ask(&bench, oid_new(), ENDLESS, 1);
    began_ns = clock_now_ns();
    stop(&bench);
    assert_true(clock_now_ns() - began_ns < INT64_C(20000000000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_in_order_up_to_the_limit),
        cmocka_unit_test(test_rows_larger_than_a_frame_each_come_alone),
        cmocka_unit_test(test_query_that_computes_stops_no_other_session),
        cmocka_unit_test(test_queries_that_nobody_reads_stop_no_other),
        cmocka_unit_test(test_end_by_limit_by_words_and_by_right),
        cmocka_unit_test(test_end_of_all_does_not_wait_for_queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
