/* The broker at size: a million objects, ten thousand names, a thousand engines and clients, all simulated here.  One
 * JSON line each.  Arguments: other numbers of objects, and of engines and clients. */
#include "base/clock.h"
#include "tests/bench/measure.h"
#include "tests/process/broker_crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

enum { OBJECTS = 1000000, BATCH = 10000, NAMES = 10000, ONE_BY_ONE = 5000, CROWD = 1000, PINGS = 200 };

static size_t nobjects;
static int ncrowd;

/* ---- reporting -----------------------------------------------------------------------------------------------------
 */

/* A line of /proc/PID/status, in bytes. */
static double
memory_of(pid_t pid, const char *field)
{
    char path[64], line[256];
    double kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtod(line + strlen(field) + 1, NULL);
    if (file)
        fclose(file);
    return kib * 1024;
}

static oid_t *
ids_new(size_t count)
{
    oid_t *ids = malloc(count * sizeof *ids);

    assert_non_null(ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = oid_new();
    return ids;
}

/* ---- limits --------------------------------------------------------------------------------------------------------
 */

/* Ids into a bare open table of pointers, a second. */
static double
bare_inserts(const oid_t *ids, size_t count)
{
    size_t capacity = 1;

    while (capacity < 2 * count)
        capacity *= 2;
    const oid_t **slots = calloc(capacity, sizeof *slots);
    int64_t began = clock_now_ns();

    assert_non_null(slots);
    for (size_t i = 0; i < count; i++) {
        size_t slot = (size_t)oid_hash(ids[i]) & (capacity - 1);

        while (slots[slot])
            slot = (slot + 1) & (capacity - 1);
        slots[slot] = &ids[i];
    }
    double rate = (double)count / measure_seconds(began);

    free(slots);
    return rate;
}

typedef struct {
    double rate;       /* frames one way, a second */
    double round_trip; /* seconds */
} bare_t;

/* A ROUTER and a DEALER without encryption in one process: frames of as many bytes as a frame of one OBJECT. */
static bare_t
bare_messages(void)
{
    enum { COUNT = 200000, BYTES = 100, TRIPS = 5000 };
    static uint8_t bytes[BYTES], got[BYTES];
    char endpoint[128];
    size_t size = sizeof endpoint;
    void *context = zmq_ctx_new(), *router = zmq_socket(context, ZMQ_ROUTER), *dealer = zmq_socket(context, ZMQ_DEALER);
    bare_t ret;

    assert_int_equal(zmq_bind(router, "tcp://127.0.0.1:*"), 0);
    zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size);
    assert_int_equal(zmq_connect(dealer, endpoint), 0);
    int64_t began = clock_now_ns();

    for (int sent = 0, taken = 0; taken < COUNT;) {
        while (sent < COUNT && zmq_send(dealer, bytes, BYTES, ZMQ_DONTWAIT) == BYTES)
            sent++;
        while (zmq_recv(router, got, BYTES, ZMQ_DONTWAIT) >= 0)
            taken += zmq_recv(router, got, BYTES, 0) == BYTES;
    }
    ret.rate = (double)COUNT / measure_seconds(began);
    began = clock_now_ns();
    for (int i = 0; i < TRIPS; i++) {
        zmq_send(dealer, bytes, BYTES, 0);
        int id = zmq_recv(router, got, BYTES, 0);

        zmq_recv(router, bytes, BYTES, 0);
        zmq_send(router, got, (size_t)id, ZMQ_SNDMORE);
        zmq_send(router, bytes, BYTES, 0);
        zmq_recv(dealer, bytes, BYTES, 0);
    }
    ret.round_trip = measure_seconds(began) / (double)TRIPS;
    zmq_close(dealer);
    zmq_close(router);
    zmq_ctx_term(context);
    return ret;
}

/* ---- objects -------------------------------------------------------------------------------------------------------
 */

static void
bench_objects(crowd_t *crowd, const oid_t *ids, double inserts)
{
    member_t *engine = crowd_engine(crowd, 0), *client = crowd_client(crowd, 0);
    pid_t broker = crowd->rig.broker.pid;
    double before = memory_of(broker, "VmRSS");
    int64_t began = clock_now_ns();

    for (size_t i = 0; i < nobjects; i += BATCH)
        crowd_tell(crowd, engine, client->peer.id, ids + i, nobjects - i < BATCH ? nobjects - i : BATCH);
    crowd_settle(crowd, engine);
    measure_print("registry", "create, pipelined", (double)nobjects / measure_seconds(began), "1/s", inserts,
                  "insert into a bare table");
    measure_print("registry", "memory of an object", (memory_of(broker, "VmRSS") - before) / (double)nobjects, "bytes",
                  0, "");
    assert_int_equal(crowd_number(crowd, client, "SELECT count(*) FROM objects"), (int64_t)nobjects);
    measure_print("registry", "all objects in the file", (double)nobjects / measure_seconds(began), "1/s", 0, "");
    measure_print("registry", "memory of an object, peak", (memory_of(broker, "VmHWM") - before) / (double)nobjects,
                  "bytes", 0, "");
}

static void
bench_come_and_go(crowd_t *crowd, double inserts)
{
    member_t *engine = crowd_engine(crowd, 0);
    oid_t *ids = ids_new(BATCH);
    const int turns = 50;
    int64_t began = clock_now_ns();

    for (int i = 0; i < turns; i++) {
        crowd_tell(crowd, engine, crowd_client(crowd, 0)->peer.id, ids, BATCH);
        crowd_tell_gone(crowd, engine, ids, BATCH);
    }
    crowd_settle(crowd, engine);
    measure_print("registry", "create and release, pipelined", turns * (double)BATCH / measure_seconds(began), "1/s",
                  inserts, "insert into a bare table");
    free(ids);
}

static void
bench_one_by_one(crowd_t *crowd, double round_trip)
{
    member_t *engine = crowd_engine(crowd, 0);
    oid_t *ids = ids_new(ONE_BY_ONE);
    int64_t began = clock_now_ns();

    for (size_t i = 0; i < ONE_BY_ONE; i++) {
        crowd_tell(crowd, engine, crowd_client(crowd, 0)->peer.id, &ids[i], 1);
        crowd_settle(crowd, engine);
    }
    measure_print("registry", "create one by one, asked for after each",
                  measure_seconds(began) / (double)ONE_BY_ONE * 1e6, "us", round_trip * 1e6,
                  "bare round trip without CURVE");
    crowd_tell_gone(crowd, engine, ids, ONE_BY_ONE);
    free(ids);
}

/* How long the broker lets another client wait while it answers a request of many rows. */
static void
bench_answer(crowd_t *crowd, const char *name, const message_t *request, uint64_t call)
{
    member_t *asks = crowd_client(crowd, 0), *other = crowd_client(crowd, 1);
    int64_t began = clock_now_ns();
    double longest = 0;
    char text[100];

    asks->rows = 0;
    crowd_send(crowd, asks, request);
    while (asks->answered < call) {
        int64_t asked = clock_now_ns();

        crowd_settle(crowd, other);
        longest = measure_seconds(asked) > longest ? measure_seconds(asked) : longest;
        crowd_live(crowd);
    }
    double rows = (double)asks->rows;

    snprintf(text, sizeof text, "%s: rows", name);
    measure_print("registry", text, rows / measure_seconds(began), "1/s", 0, "");
    snprintf(text, sizeof text, "%s: longest wait of another client", name);
    measure_print("registry", text, longest * 1e3, "ms", 0, "");
}

static void
bench_answers(crowd_t *crowd)
{
    member_t *asks = crowd_client(crowd, 0);
    uint64_t call = ++asks->peer.call;

    bench_answer(crowd, "OBJECTS, all", &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {call, nobjects}}, call);
    call = ++asks->peer.call;
    bench_answer(crowd, "OBJECTS, as many as by default", &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {call, 0}},
                 call);
    call = ++asks->peer.call;
    bench_answer(crowd, "SQL: sum by session",
                 &(message_t){.code = MSG_SQL,
                              .as.SQL = {call, str_of("SELECT session, sum(bytes) FROM objects GROUP BY session"), 0}},
                 call);
    call = ++asks->peer.call;
    bench_answer(crowd, "SQL: ids in order",
                 &(message_t){.code = MSG_SQL, .as.SQL = {call, str_of("SELECT id FROM objects ORDER BY id"), 1000000}},
                 call);
}

static void
bench_restart(crowd_t *crowd, const oid_t *ids)
{
    int64_t began = clock_now_ns();

    crowd_restart(crowd);
    measure_print("registry", "restart with all objects: killed to all peers back", measure_seconds(began) * 1e3, "ms",
                  0, "");
    began = clock_now_ns();
    for (size_t i = 0; i < nobjects; i += BATCH)
        crowd_tell(crowd, crowd_engine(crowd, 0), crowd_client(crowd, 0)->peer.id, ids + i,
                   nobjects - i < BATCH ? nobjects - i : BATCH);
    crowd_settle(crowd, crowd_engine(crowd, 0));
    measure_print("registry", "all objects announced again", measure_seconds(began) * 1e3, "ms", 0, "");
    assert_int_equal(crowd_number(crowd, crowd_client(crowd, 0), "SELECT count(*) FROM objects"), (int64_t)nobjects);
    measure_print("registry", "and all that in the file", measure_seconds(began) * 1e3, "ms", 0, "");
}

/* ---- names ---------------------------------------------------------------------------------------------------------
 */

static void
bench_names(crowd_t *crowd, const oid_t *ids)
{
    member_t *client = crowd_client(crowd, 0);
    int64_t began = clock_now_ns();
    uint64_t call = 0;
    char name[40];

    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "name/%d", i);
        call = crowd_publish(crowd, client, name, ids[i], crowd_engine(crowd, i % crowd->nengines));
    }
    crowd_await(crowd, client, call);
    measure_print("registry", "PUBLISH, pipelined", (double)NAMES / measure_seconds(began), "1/s", 0, "");
    began = clock_now_ns();
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "name/%d", i);
        crowd_send(crowd, client, &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {++client->peer.call, str_of(name)}});
    }
    crowd_settle(crowd, client);
    measure_print("registry", "LOOKUP, pipelined", (double)NAMES / measure_seconds(began), "1/s", 0, "");
    began = clock_now_ns();
    crowd_restart(crowd);
    measure_print("registry", "restart with ten thousand names: killed to all peers back", measure_seconds(began) * 1e3,
                  "ms", 0, "");
    client->rows = 0;
    crowd_send(crowd, client, &(message_t){.code = MSG_NAMES, .as.NAMES.call = ++client->peer.call});
    crowd_await(crowd, client, client->peer.call);
    assert_int_equal(client->rows, NAMES);
}

/* ---- a crowd -------------------------------------------------------------------------------------------------------
 */

static bool
all_engines_known(void *context)
{
    const crowd_t *crowd = context;
    bool all = true;

    for (int i = crowd->nengines; i < crowd->nengines + crowd->nclients; i++)
        all = all && crowd->members[i].engines >= (size_t)crowd->nengines;
    return all;
}

static void
report_crowd(const crowd_t *crowd, const char *what, double value, const char *unit)
{
    char text[100];

    snprintf(text, sizeof text, "%d engines and %d clients: %s", crowd->nengines, crowd->nclients, what);
    measure_print("registry", text, value, unit, 0, "");
}

static void
bench_crowd(int nengines, int nclients)
{
    static crowd_t crowd;
    int64_t began = clock_now_ns();
    double longest = 0;

    crowd_start(&crowd, NULL, nengines, nclients);
    assert_true(crowd_until(&crowd, all_engines_known, &crowd, 120));
    report_crowd(&crowd, "all know all", measure_seconds(began), "s");
    report_crowd(&crowd, "memory of a peer", memory_of(crowd.rig.broker.pid, "VmRSS") / (nengines + nclients), "bytes");
    for (int i = 0; i < PINGS; i++) {
        int64_t asked = clock_now_ns();

        crowd_settle(&crowd, crowd_client(&crowd, i % nclients));
        longest = measure_seconds(asked) > longest ? measure_seconds(asked) : longest;
        crowd_live(&crowd);
    }
    report_crowd(&crowd, "longest wait for a PONG", longest * 1e3, "ms");
    began = clock_now_ns();
    crowd_restart(&crowd);
    report_crowd(&crowd, "killed to all back", measure_seconds(began), "s");
    crowd_stop(&crowd);
}

static void
bench_size(void **state)
{
    static crowd_t crowd;
    bare_t bare = bare_messages();
    oid_t *ids = ids_new(nobjects);
    double inserts = bare_inserts(ids, nobjects);

    (void)state;
    measure_print("registry", "bare ROUTER/DEALER", bare.rate, "frames/s", 0, "");
    measure_print("registry", "bare insert", inserts, "1/s", 0, "");
    crowd_start(&crowd, NULL, 1, 2);
    bench_come_and_go(&crowd, inserts);
    bench_one_by_one(&crowd, bare.round_trip);
    bench_objects(&crowd, ids, inserts);
    bench_answers(&crowd);
    bench_restart(&crowd, ids);
    crowd_stop(&crowd);
    crowd_start(&crowd, NULL, 2, 2);
    bench_names(&crowd, ids);
    crowd_stop(&crowd);
    free(ids);
    bench_crowd(2, ncrowd); /* all at once would need more cores for the peers than for the broker */
    bench_crowd(ncrowd, 2);
}

static size_t
argument(int argc, char *argv[], int i, long long least, size_t fallback)
{
    char *end = NULL;
    long long number = i < argc ? strtoll(argv[i], &end, 10) : 0;

    return end && *end == '\0' && number >= least && number <= INT32_MAX ? (size_t)number : fallback;
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bench_size)}; /* the crowd's checks want one around them */

    nobjects = argument(argc, argv, 1, NAMES, OBJECTS);
    ncrowd = (int)argument(argc, argv, 2, 1, CROWD);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
