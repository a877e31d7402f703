/* The reactor over the in-memory link, with a clock that the test moves. */
#include "base/log.h"
#include "broker/broker.h"
#include "broker/state.h"
#include "codecs/message.h"
#include "tests/support/check.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static const int64_t SECOND_NS = 1000000000;

typedef struct {
    char folder[PATH_MAX];
    link_t *server;
    store_t *store;
    broker_t *broker;
    int64_t now_ns;
    oid_t engine; /* that names can be given to */
} bench_t;

typedef struct {
    link_t *link;
    header_writer_t *writer;
    arena_t *arena;
    oid_t id;
} client_t;

/* A file that knows one engine, so that names can be given. */
static void
write_engine(bench_t *bench)
{
    const msg_ANNOUNCE_t announce = {.endpoint = str_of("tcp://h:1"), .cores = 1};
    registry_t registry;
    engine_t *engine;
    err_t err;

    registry_init(&registry, 0, 0);
    check_ok(registry_engine_announce(&registry, bench->engine, &announce, "h", 1, &engine, &err), err);
    check_ok(store_save(bench->store, &registry, 0, bench->now_ns, &err), err);
    registry_release(&registry);
}

static void
start(bench_t *bench, int link_limit, int64_t file_bytes)
{
    const broker_options_t options = {
        .cluster = "test", .client_key = "", .engine_key = "nobody", .engine_return_ns = INT64_MAX / 4};
    err_t err;

    memset(bench, 0, sizeof *bench);
    bench->now_ns = 1000 * SECOND_NS;
    bench->engine = oid_new();
    check_folder_make(bench->folder);
    check_ok(link_loop_server(&bench->server, link_limit, &err), err);
    check_ok(store_open(&bench->store, check_path(bench->folder, "registry.sqlite"), file_bytes, &err), err);
    write_engine(bench);
    check_ok(broker_new(&bench->broker, bench->server, bench->store, &options, bench->now_ns, &err), err);
    registry_engine(&bench->broker->registry, bench->engine)->state = ENGINE_READY; /* as if it had come back */
    session_remove(&bench->broker->sessions, session_find(&bench->broker->sessions, bench->engine)); /* nobody keeps */
}

static void
stop(bench_t *bench)
{
    broker_destroy(&bench->broker);
    store_close(&bench->store);
    link_destroy(&bench->server);
    check_folder_remove(bench->folder);
}

static void
turn(bench_t *bench)
{
    for (int i = 0; i < 3; i++)
        broker_turn(bench->broker, bench->now_ns);
}

/* Time passes, and the broker is called as often as it asked for. */
static void
pass(bench_t *bench, int64_t ns)
{
    int64_t until_ns = bench->now_ns + ns;

    for (;;) {
        int64_t due_ns = broker_turn(bench->broker, bench->now_ns);

        if (due_ns >= until_ns)
            break;
        bench->now_ns = due_ns > bench->now_ns ? due_ns : bench->now_ns + 1000000;
    }
    bench->now_ns = until_ns;
    broker_turn(bench->broker, bench->now_ns);
}

static void
connect_client(bench_t *bench, client_t *client)
{
    err_t err;

    check_ok(link_loop_client(&client->link, bench->server, &err), err);
    check_ok(header_writer_new(&client->writer, &err), err);
    check_ok(arena_new(&client->arena, 8 << 20, &err), err);
    client->id = oid_new();
}

static void
disconnect(client_t *client)
{
    link_destroy(&client->link);
    header_writer_destroy(&client->writer);
    arena_destroy(&client->arena);
}

static void
say(client_t *client, const message_t *message)
{
    link_frame_t frame;
    err_t err;

    header_writer_reset(client->writer);
    check_ok(header_writer_add(client->writer, message, &err), err);
    frame = (link_frame_t){.data = header_writer_data(client->writer), .size = header_writer_size(client->writer)};
    check_ok(link_send(client->link, NULL, &frame, 1, &err), err);
}

/* Counts what is in the next frame: by code, and the last ERROR's status.  False: nothing is there. */
typedef struct {
    int count[256];
    int error;
    value_t first; /* of the last ROW, if a number */
} heard_t;

static bool
hear(client_t *client, heard_t *ret)
{
    link_message_t frame;
    header_reader_t reader;
    message_t message;
    err_t err;

    if (link_receive(client->link, &frame, &err) != FH_OK)
        return false;
    check_ok(header_open(&reader, frame.frames[0].data, frame.frames[0].size, &err), err);
    while (header_next(&reader, client->arena, 'B', 'C', 0, &message, &err) == FH_OK) {
        ret->count[message.code]++;
        if (message.code == MSG_ERROR)
            ret->error = (int)message.as.ERROR.status;
        if (message.code == MSG_ROW && message.as.ROW.values.count)
            ret->first = message.as.ROW.values.items[0];
        arena_reset(client->arena);
    }
    link_message_release(client->link, &frame);
    return true;
}

static heard_t
hear_all(client_t *client)
{
    heard_t heard = {0};

    while (hear(client, &heard)) {
    }
    return heard;
}

static void
hello(bench_t *bench, client_t *client)
{
    say(client,
        &(message_t){.code = MSG_HELLO, .as.HELLO = {.call = 1, .session = client->id, .major = PROTOCOL_MAJOR}});
    turn(bench);
    assert_int_equal(hear_all(client).count[MSG_WELCOME], 1);
}

/* Queries are computed by threads of their own, in real time. */
static void
wait_for_rows(const bench_t *bench)
{
    struct pollfd waits = {.fd = broker_fd(bench->broker), .events = POLLIN};

    assert_int_equal(poll(&waits, 1, 30000), 1);
}

/* The single number of a query. */
static int64_t
number_of(bench_t *bench, client_t *client, const char *query)
{
    heard_t heard;

    say(client, &(message_t){.code = MSG_SQL, .as.SQL = {.call = 2, .query = str_of(query)}});
    for (heard = (heard_t){0}; !heard.count[MSG_END] && !heard.error;) {
        turn(bench);
        if (!hear(client, &heard))
            wait_for_rows(bench);
    }
    assert_int_equal(heard.count[MSG_ROW], 2);
    return heard.first.as.i;
}

static void
publish(bench_t *bench, client_t *client, const char *name, uint32_t pieces)
{
    static oid_t ids[5000], engines[5000];

    for (uint32_t i = 0; i < pieces; i++) {
        ids[i] = oid_new();
        engines[i] = bench->engine;
    }
    say(client, &(message_t){.code = MSG_PUBLISH,
                             .as.PUBLISH = {.call = 3,
                                            .name = str_of(name),
                                            .type = str_of("array"),
                                            .axis = -1,
                                            .pieces = {ids, pieces},
                                            .engines = {engines, pieces}}});
}

static void
test_publish_on_a_full_file_refused_and_taken_back(void **state)
{
    bench_t bench;
    client_t client;
    heard_t heard;

    (void)state;
    start(&bench, 1000, 200 << 10);
    connect_client(&bench, &client);
    hello(&bench, &client);
    publish(&bench, &client, "large", 5000);
    publish(&bench, &client, "beside it", 1); /* the same turn: shares its fate */
    turn(&bench);
    heard = hear_all(&client);
    assert_int_equal(heard.count[MSG_ERROR], 2);
    assert_int_equal(heard.error, FH_REGISTRY_FULL);
    say(&client, &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {.call = 4, .name = str_of("large")}});
    turn(&bench);
    assert_int_equal(hear_all(&client).error, FH_NO_SUCH_NAME);
    pass(&bench, 2 * SECOND_NS);
    publish(&bench, &client, "small", 1);
    turn(&bench);
    assert_int_equal(hear_all(&client).count[MSG_OK], 1);
    assert_int_equal(number_of(&bench, &client, "SELECT count(*) FROM names"), 1);
    disconnect(&client);
    stop(&bench);
}

static void
test_unpublish_and_publish_in_one_turn_in_order(void **state)
{
    bench_t bench;
    client_t client;
    heard_t heard;

    (void)state;
    start(&bench, 1000, 0);
    connect_client(&bench, &client);
    hello(&bench, &client);
    publish(&bench, &client, "n", 1);
    say(&client, &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = 4, .name = str_of("n")}});
    publish(&bench, &client, "n", 2);
    publish(&bench, &client, "n", 3); /* other pieces: taken */
    turn(&bench);
    heard = hear_all(&client);
    assert_int_equal(heard.count[MSG_OK], 3);
    assert_int_equal(heard.count[MSG_ERROR], 1);
    assert_int_equal(heard.error, FH_NAME_TAKEN);
    assert_int_equal(number_of(&bench, &client, "SELECT count(*) FROM pieces"), 2);
    disconnect(&client);
    stop(&bench);
}

static void
test_lease_of_a_connected_client_renewed_by_probes_of_a_gone_one_not(void **state)
{
    bench_t bench;
    client_t stays, goes;

    (void)state;
    start(&bench, 1000, 0);
    connect_client(&bench, &stays);
    connect_client(&bench, &goes);
    hello(&bench, &stays);
    hello(&bench, &goes);
    disconnect(&goes);
    pass(&bench, 10 * SECOND_NS);
    assert_int_equal(number_of(&bench, &stays, "SELECT count(*) FROM sessions"), 2);
    pass(&bench, 10 * SECOND_NS);
    assert_int_equal(number_of(&bench, &stays, "SELECT count(*) FROM sessions"), 1);
    hear_all(&stays);
    pass(&bench, 100 * SECOND_NS);
    assert_in_range(hear_all(&stays).count[MSG_PING], 5, 7);
    assert_int_equal(number_of(&bench, &stays, "SELECT count(*) FROM sessions"), 1);
    disconnect(&stays);
    stop(&bench);
}

static void
test_time_in_which_the_broker_was_away_does_not_count(void **state)
{
    bench_t bench;
    client_t client, other;

    (void)state;
    start(&bench, 1000, 0);
    connect_client(&bench, &client);
    hello(&bench, &client);
    disconnect(&client);
    bench.now_ns += 3600 * SECOND_NS; /* suspended for an hour */
    connect_client(&bench, &other);
    hello(&bench, &other);
    assert_int_equal(number_of(&bench, &other, "SELECT count(*) FROM sessions"), 2);
    pass(&bench, 20 * SECOND_NS);
    assert_int_equal(number_of(&bench, &other, "SELECT count(*) FROM sessions"), 1);
    disconnect(&other);
    stop(&bench);
}

static void
test_rows_for_a_slow_reader_all_come_once(void **state)
{
    enum { ROWS = 40000 };
    bench_t bench;
    client_t client;
    heard_t heard = {0};

    (void)state;
    start(&bench, 2, 0); /* room for two frames */
    connect_client(&bench, &client);
    hello(&bench, &client);
    say(&client,
        &(message_t){
            .code = MSG_SQL,
            .as.SQL = {.call = 5,
                       .limit = ROWS,
                       .query = str_of("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000000)"
                                       " SELECT x, 'some text to make it longer' FROM c")}});
    for (int i = 0; i < 100000 && !heard.count[MSG_END]; i++) {
        bench.now_ns += 10000000;
        broker_turn(bench.broker, bench.now_ns);
        if (!hear(&client, &heard))
            wait_for_rows(&bench);
    }
    assert_int_equal(heard.count[MSG_END], 1);
    assert_int_equal(heard.count[MSG_ROW], ROWS + 1);
    assert_int_equal(heard.first.as.i, ROWS);
    assert_int_equal(heard.count[MSG_ERROR], 0);
    disconnect(&client);
    stop(&bench);
}

static void
test_peer_that_never_reads_is_dropped_at_the_bound(void **state)
{
    bench_t bench;
    client_t client;
    heard_t heard;

    (void)state;
    start(&bench, 2, 0);
    connect_client(&bench, &client);
    hello(&bench, &client);
    publish(&bench, &client, "n", 5000);
    turn(&bench);
    for (int i = 0; i < 20; i++) { /* 180 kB each, unread */
        say(&client, &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {.call = 10, .name = str_of("n")}});
        turn(&bench);
    }
    heard = hear_all(&client);
    assert_true(heard.count[MSG_NAMED] <= 2); /* what the link itself had room for */
    say(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 11}});
    turn(&bench);
    heard = hear_all(&client);
    assert_int_equal(heard.error, FH_STALE_HANDLE);
    hello(&bench, &client); /* and may begin again */
    disconnect(&client);
    stop(&bench);
}

static void
test_idle_broker_asks_for_no_turn(void **state)
{
    bench_t bench;
    client_t client;

    (void)state;
    start(&bench, 10, 0);
    turn(&bench);
    assert_true(broker_turn(bench.broker, bench.now_ns) > bench.now_ns + 1000 * SECOND_NS);
    connect_client(&bench, &client);
    hello(&bench, &client);
    assert_true(broker_turn(bench.broker, bench.now_ns) >= bench.now_ns + 14 * SECOND_NS); /* the lease */
    disconnect(&client);
    stop(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish_on_a_full_file_refused_and_taken_back),
        cmocka_unit_test(test_unpublish_and_publish_in_one_turn_in_order),
        cmocka_unit_test(test_lease_of_a_connected_client_renewed_by_probes_of_a_gone_one_not),
        cmocka_unit_test(test_time_in_which_the_broker_was_away_does_not_count),
        cmocka_unit_test(test_rows_for_a_slow_reader_all_come_once),
        cmocka_unit_test(test_peer_that_never_reads_is_dropped_at_the_bound),
        cmocka_unit_test(test_idle_broker_asks_for_no_turn),
    };

    log_start("test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
