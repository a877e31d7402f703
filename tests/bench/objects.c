/* Objects and names through the whole chain, client to engine to broker: made and dropped, one by one and pipelined,
 * named and looked up.  The limits are the figures to reach. */
#include "base/clock.h"
#include "tests/bench/bench_cluster.h"
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 7, PIPELINED = 20000, ONE_BY_ONE = 1000, HELD = 10000, NAMES = 300 };

static fh_session *session;
static fh_error error;

static fh_array *
make(void)
{
    const int64_t shape[] = {4};
    fh_array *array = NULL;

    bench_cluster_check(fh_empty(session, fh_dtype_from_name("float64"), 1, shape,
                                 &(fh_scatter_options){.axis = FH_WHOLE}, &array, &error),
                        &error);
    return array;
}

static void
settle(void)
{
    bench_cluster_check(fh_sync(session, -1, &error), &error);
}

/* Each of these does its work once and returns how many things it did. */

static int
come_and_go(void)
{
    for (int i = 0; i < PIPELINED; i++) {
        fh_array *array = make();

        fh_array_free(&array);
    }
    settle();
    return PIPELINED;
}

static int
one_by_one(void)
{
    for (int i = 0; i < ONE_BY_ONE; i++) {
        fh_array *array = make();

        bench_cluster_check(fh_wait(array, -1, &error), &error);
        fh_array_free(&array);
    }
    settle();
    return ONE_BY_ONE;
}

static fh_array *held[HELD];

static int
make_many(void)
{
    for (int i = 0; i < HELD; i++)
        held[i] = make();
    settle();
    return HELD;
}

static int
drop_many(void)
{
    for (int i = 0; i < HELD; i++)
        fh_array_free(&held[i]);
    settle();
    return HELD;
}

static int
publish_and_back(void)
{
    for (int i = 0; i < NAMES; i++) {
        bench_cluster_check(fh_publish(held[0], "name", &error), &error);
        bench_cluster_check(fh_unpublish(session, "name", &error), &error);
    }
    return NAMES;
}

static int
look_up(void)
{
    bench_cluster_check(fh_publish(held[0], "name", &error), &error);
    for (int i = 0; i < NAMES; i++) {
        fh_array *array = NULL;

        bench_cluster_check(fh_get(session, "name", &array, &error), &error);
        fh_array_free(&array);
    }
    bench_cluster_check(fh_unpublish(session, "name", &error), &error);
    return NAMES;
}

static const struct {
    const char *name;
    int (*run)(void);
    double goal; /* a second; 0: none */
} CASES[] = {
    {"made and dropped, pipelined", come_and_go, 200e3},
    {"made, waited for, dropped", one_by_one, 50e3},
    {"made and held, pipelined", make_many, 0},
    {"published and taken back, one by one", publish_and_back, 0},
    {"looked up, one by one", look_up, 0},
    {"dropped handles", drop_many, 0},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

int
main(void)
{
    static double rates[CASE_COUNT][TURNS];
    bench_cluster_t cluster;
    fh_stats before, after;

    bench_cluster_start(&cluster, "objects", 1);
    session = cluster.session;
    for (int turn = -1; turn < TURNS; turn++) /* the first warms up */
        for (int i = 0; i < CASE_COUNT; i++) {
            fh_session_stats(session, &before);
            int64_t began = clock_now_ns();
            int count = CASES[i].run();

            rates[i][turn < 0 ? 0 : turn] = count / measure_seconds(began);
            fh_session_stats(session, &after);
            if (turn == TURNS - 1 && CASES[i].run == drop_many)
                measure_print("objects", "messages for 10,000 dropped handles",
                              (double)(after.messages_sent - before.messages_sent), "messages", 0, "");
        }
    for (int i = 0; i < CASE_COUNT; i++)
        measure_print("objects", CASES[i].name, measure_median(rates[i], TURNS), "1/s", CASES[i].goal,
                      CASES[i].goal > 0 ? "the figure to reach" : "");
    bench_cluster_stop(&cluster);
    return 0;
}
