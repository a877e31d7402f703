/* Calls over a line between hosts that is cut at random moments: each is done once, in its order, and no waiter is told
 * anything but its answer. */
#include "base/clock.h"
#include "tests/process/cluster.h"
#include "tests/process/cutter.h"
#include "tests/process/flaky_line.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENGINES = 2,
    COUNT = 2000,
    CALLS = 1000,
    READ_EVERY = 40,
    LEAST_CUTS = 12,
    LARGE = 1 << 18 /* doubles: 2 MiB */
};

static cluster_t cluster;

static int
start(void **state)
{
    (void)state;
    cluster_start(&cluster, ENGINES);
    fh_session *session = cluster_connect(&cluster, 30);
    fh_close(&session);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_stop(&cluster);
    return 0;
}

/* Without streams: everything goes over the links. */
static fh_session *
connect_far(void)
{
    fh_session *session = NULL;
    fh_error error;
    const fh_connect_options options = {
        .target = cluster.client_file, .host = "elsewhere", .streams = -1, .call_timeout_s = 60};
    fh_ok(fh_connect(&session, &options, &error), error);
    return session;
}

/* ---- a line that is cut again and again ----------------------------------------------------------------------------
 */

/* Nothing can be reached for at most *down_ms. */
static int
cut_for_a_while(void *down_ms, uint64_t *seed)
{
    flaky_line_cut(true, true);
    (void)poll(NULL, 0, (int)(check_random(seed) % (uint64_t)(*(int *)down_ms + 1)));
    flaky_line_cut(false, false);
    return 1;
}

/* ---- operations ----------------------------------------------------------------------------------------------------
 */

static fh_array *
scatter(fh_session *session, const double *from, int64_t count)
{
    const fh_local local = {.data = (void *)(uintptr_t)from, .dtype = FH_FLOAT64, .ndim = 1, .shape = &count};
    fh_array *array = NULL;
    fh_error error;
    fh_ok(fh_scatter(session, &local, NULL, &array, &error), error);
    return array;
}

static void
add_in_place(fh_session *session, fh_array *array, double what)
{
    fh_operand in[2] = {{.kind = FH_ARRAY, .array = array}, {.kind = FH_WEAK_FLOAT, .f = what}};
    fh_ufunc_options options = {.out = &array};
    fh_array *none = NULL;
    fh_error error;
    fh_ok(fh_ufunc(session, "add", in, 2, &options, &none, &error), error);
}

static void
all_are(fh_array *array, double *room, int64_t count, double wanted)
{
    fh_error error;
    fh_ok(fh_gather(array, room, NULL, &error), error);
    for (int64_t i = 0; i < count; i++)
        if (room[i] != wanted)
            fail_msg("element %lld is %.17g, not %.17g", (long long)i, room[i], wanted);
}

/* Increments in place: one that is lost shows, and so does one that is done twice, or too early. */
static void
increments_are_done_once(void **state)
{
    uint64_t seed = check_seed();
    double room[COUNT] = {0};
    int down_ms = 20;
    cutter_t knife = {cut_for_a_while, &down_ms, .seed = seed, .least_ms = 1, .most_ms = 500};
    (void)state;
    flaky_line_start(seed);
    fh_session *session = connect_far();
    fh_array *array = scatter(session, room, COUNT);
    int64_t deadline = clock_deadline(120), done = 0;
    cutter_begin(&knife);
    while (done < CALLS || (cutter_cuts(&knife) < LEAST_CUTS && clock_now_ns() < deadline)) {
        add_in_place(session, array, 1);
        if (++done % READ_EVERY == 0)
            all_are(array, room, COUNT, (double)done);
    }
    cutter_end(&knife);
    assert_true(knife.cuts >= LEAST_CUTS);
    all_are(array, room, COUNT, (double)done);
    print_message("%lld increments\n", (long long)done);
    fh_array_free(&array);
    fh_close(&session);
    flaky_line_stop();
}

/* Bytes of arrays in both directions, and results of them: what was read is of its moment, although the array is
 * written behind it. */
static void
bytes_are_of_their_moment(void **state)
{
    uint64_t seed = check_seed();
    double *room = calloc(LARGE, sizeof *room);
    int turns = 0, down_ms = 5;
    cutter_t knife = {cut_for_a_while, &down_ms, .seed = seed, .least_ms = 1, .most_ms = 700};
    (void)state;
    assert_non_null(room);
    flaky_line_start(seed);
    fh_session *session = connect_far();
    int64_t deadline = clock_deadline(120);
    cutter_begin(&knife);
    do {
        for (int i = 0; i < LARGE; i++)
            room[i] = turns;
        fh_array *array = scatter(session, room, LARGE);
        add_in_place(session, array, 0.5);
        all_are(array, room, LARGE, turns + 0.5);
        add_in_place(session, array, 1);
        all_are(array, room, LARGE, turns + 1.5);
        fh_array_free(&array);
        turns++;
    } while (turns < 3 || (cutter_cuts(&knife) < LEAST_CUTS && clock_now_ns() < deadline));
    cutter_end(&knife);
    assert_true(knife.cuts >= LEAST_CUTS);
    print_message("%d turns\n", turns);
    fh_close(&session);
    flaky_line_stop();
    free(room);
}

/* A wait that begins before the cut and goes on while nothing is sent: the client asks by itself whether the line
 * stands.  Errors come up as they do without a cut. */
static void
waits_go_on(void **state)
{
    uint64_t seed = check_seed();
    double room[COUNT] = {0};
    (void)state;
    flaky_line_start(seed);
    fh_session *session = connect_far();
    fh_array *array = scatter(session, room, COUNT);
    fh_error error;
    fh_ok(fh_sync(session, -1, &error), error);
    for (int i = 1; i <= 5; i++) {
        add_in_place(session, array, 1);
        flaky_line_cut(true, true);
        add_in_place(session, array, 1);
        (void)poll(NULL, 0, i % 2 ? 5 : 1700); /* links notice by themselves after 1.5 s */
        flaky_line_cut(false, false);
        fh_ok(fh_sync(session, -1, &error), error);
        all_are(array, room, COUNT, 2 * i);
    }
    fh_array_free(&array);
    fh_close(&session);
    flaky_line_stop();
}

/* Who has died meanwhile does not come back: a clear error, at once. */
static void
a_lost_engine_is_told(void **state)
{
    uint64_t seed = check_seed();
    double room[COUNT] = {0};
    fh_error error;
    (void)state;
    flaky_line_start(seed);
    fh_session *session = connect_far();
    fh_array *array = scatter(session, room, COUNT);
    fh_ok(fh_sync(session, -1, &error), error);
    cluster_kill_engine(&cluster, 0);
    add_in_place(session, array, 1);
    flaky_line_cut(true, false);
    fh_fails(fh_gather(array, room, NULL, &error), FH_STATUS_ENGINE_LOST, error);
    fh_array_free(&array);
    fh_close(&session);
    flaky_line_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(increments_are_done_once),
        cmocka_unit_test(bytes_are_of_their_moment),
        cmocka_unit_test(waits_go_on),
        cmocka_unit_test(a_lost_engine_is_told), /* the last: it ends an engine */
    };
    return cmocka_run_group_tests(tests, start, stop);
}
