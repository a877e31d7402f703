/* Streams over a line that resets, closes, stalls, swallows and slows down: what arrives is exact, and nothing hangs.
 */
#include "base/clock.h"
#include "tests/process/cluster.h"
#include "tests/process/flaky_line.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINES = 2, COUNT = 5 << 20 /* of doubles: 40 MiB */, TURNS = 3 };

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

static fh_session *
connect_far(int streams, const char *compression)
{
    fh_session *session = NULL;
    fh_error error;
    const fh_connect_options options = {.target = cluster.client_file,
                                        .host = "elsewhere",
                                        .streams = streams,
                                        .compression = compression,
                                        .call_timeout_s = 30};
    fh_ok(fh_connect(&session, &options, &error), error);
    return session;
}

static void
fill(double *data, uint64_t seed)
{
    for (int i = 0; i < COUNT; i++)
        data[i] = (double)i * (double)(seed % 1000 + 1);
}

/* There and back: every value is exact. */
static void
there_and_back(fh_session *session, uint64_t seed)
{
    const int64_t count = COUNT;
    double *from = malloc(COUNT * sizeof *from), *to = calloc(COUNT, sizeof *to);
    const fh_local local = {.data = from, .dtype = FH_FLOAT64, .ndim = 1, .shape = &count};
    fh_array *array = NULL;
    fh_error error;
    assert_non_null(from);
    assert_non_null(to);
    fill(from, seed);
    fh_ok(fh_scatter(session, &local, NULL, &array, &error), error);
    fh_ok(fh_gather(array, to, NULL, &error), error);
    assert_memory_equal(from, to, COUNT * sizeof *from);
    fh_array_free(&array);
    free(from);
    free(to);
}

static void
campaign(unsigned kinds, int64_t every, int streams, const char *compression)
{
    uint64_t seed = check_seed();
    flaky_line_start(seed);
    fh_session *session = connect_far(streams, compression);
    flaky_line_set(kinds, every);
    for (int i = 0; i < TURNS; i++)
        there_and_back(session, seed + (uint64_t)i);
    assert_true(flaky_line_streams() > 0);
    assert_true(flaky_line_count() > 0);
    print_message("%d misfortunes, %d streams\n", flaky_line_count(), flaky_line_streams());
    flaky_line_set(0, 0);
    there_and_back(session, seed);
    fh_close(&session);
    flaky_line_stop();
}

static void
lines_that_break(void **state)
{
    (void)state;
    campaign(FLAKY_RESET | FLAKY_CLOSE, 6 << 20, 2, NULL);
}

static void
lines_that_break_under_compressed_bytes(void **state)
{
    (void)state;
    campaign(FLAKY_RESET | FLAKY_CLOSE | FLAKY_STALL, 2 << 20, 3, "lz4");
}

static void
lines_that_stall_and_slow_down(void **state)
{
    (void)state;
    campaign(FLAKY_STALL | FLAKY_THROTTLE, 12 << 20, 1, NULL);
}

static void
lines_that_swallow_everything(void **state)
{
    (void)state;
    campaign(FLAKY_SWALLOW, 60 << 20, 2, NULL);
}

/* ---- the whole line ------------------------------------------------------------------------------------------------
 */

typedef struct {
    pthread_t thread;
    int64_t after_bytes; /* that streams have carried since the line was made */
    int down_ms;
} outage_t;

static bool
has_carried(void *context)
{
    return flaky_line_bytes() >= *(const int64_t *)context;
}

/* Links and streams are cut in the middle of a move, and nothing can be reached for a while. */
static void *
cut_all(void *context)
{
    outage_t *self = context;
    if (!check_until(has_carried, &self->after_bytes, 60))
        return NULL; /* the test sees no new streams then */
    flaky_line_cut(true, true);
    (void)poll(NULL, 0, self->down_ms);
    flaky_line_cut(false, false);
    return NULL;
}

static void
outages_of_the_whole_line(void **state)
{
    /* The links' own signs of life miss more than 1.5 seconds. */
    static const outage_t outages[] = {{.after_bytes = 8 << 20, .down_ms = 50},  /* scatter */
                                       {.after_bytes = 56 << 20, .down_ms = 50}, /* gather */
                                       {.after_bytes = 8 << 20, .down_ms = 2500},
                                       {.after_bytes = 56 << 20, .down_ms = 2500}};
    uint64_t seed = check_seed();
    (void)state;
    flaky_line_start(seed);
    fh_session *session = connect_far(2, NULL);
    there_and_back(session, seed);
    flaky_line_set(FLAKY_THROTTLE, 1); /* so that it takes seconds */
    for (size_t i = 0; i < sizeof outages / sizeof *outages; i++) {
        outage_t outage = outages[i];
        int before = flaky_line_streams();
        outage.after_bytes += flaky_line_bytes();
        assert_int_equal(pthread_create(&outage.thread, NULL, cut_all, &outage), 0);
        there_and_back(session, seed + i);
        pthread_join(outage.thread, NULL);
        assert_true(flaky_line_streams() > before);
    }
    flaky_line_set(0, 0);
    there_and_back(session, seed);
    fh_close(&session);
    flaky_line_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_break),
        cmocka_unit_test(lines_that_break_under_compressed_bytes),
        cmocka_unit_test(lines_that_stall_and_slow_down),
        cmocka_unit_test(lines_that_swallow_everything),
        cmocka_unit_test(outages_of_the_whole_line),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
