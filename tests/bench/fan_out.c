/* What one elementwise operation costs on 1, 8 and 64 engines of this host: it is one message to each, so the cost of
 * an engine should not grow with their number; and what a sum over all whose value is read.  Pieces have one element,
 * so that nothing but messages counts. */
#include "base/clock.h"
#include "tests/bench/bench_cluster.h"
#include "tests/bench/measure.h"

#include <stdio.h>
#include <time.h>

enum { TURNS = 7, VALUES = 60, PIECES = 4000 /* of all operations of a turn */ };

typedef struct {
    double work;  /* of the client's thread */
    double done;  /* until the engines are through */
    double value; /* of a sum over all, until it is there; not for each engine */
} cost_t;

static double
thread_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Microseconds for one operation on one engine. */
static cost_t
turn(fh_session *session, fh_array *x, int engines)
{
    const fh_operand in[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_ARRAY, .array = x}};
    int count = PIECES / engines;
    double worked = thread_seconds();
    int64_t began = clock_now_ns();
    fh_error error;

    for (int i = 0; i < count; i++) {
        fh_array *sum = NULL;

        bench_cluster_check(fh_ufunc(session, "add", in, 2, NULL, &sum, &error), &error);
        fh_array_free(&sum);
    }
    bench_cluster_check(fh_sync(session, -1, &error), &error);
    double all = (double)count * engines;

    return (cost_t){(thread_seconds() - worked) / all * 1e6, measure_seconds(began) / all * 1e6, 0};
}

static double
read_value(fh_array *x)
{
    double times[VALUES], sum;
    fh_error error;

    for (int i = 0; i < VALUES; i++) {
        int64_t began = clock_now_ns();
        fh_array *total = NULL;

        bench_cluster_check(fh_reduce(x, "sum", NULL, -1, 0, FH_DTYPE_NONE, &total, &error), &error);
        bench_cluster_check(fh_gather(total, &sum, NULL, &error), &error);
        times[i] = measure_seconds(began) * 1e6;
        fh_array_free(&total);
    }
    return measure_median(times, VALUES);
}

static cost_t
measure(int engines)
{
    const int64_t shape[] = {engines};
    bench_cluster_t cluster;
    fh_array *x = NULL;
    double work[TURNS], done[TURNS];
    fh_error error;

    bench_cluster_start(&cluster, "fan-out", engines);
    bench_cluster_check(
        fh_empty(cluster.session, fh_dtype_from_name("float64"), 1, shape, &(fh_scatter_options){0}, &x, &error),
        &error);
    (void)turn(cluster.session, x, engines); /* connections, memory */
    for (int i = 0; i < TURNS; i++) {
        cost_t cost = turn(cluster.session, x, engines);

        work[i] = cost.work;
        done[i] = cost.done;
    }
    double value = read_value(x);

    fh_array_free(&x);
    bench_cluster_stop(&cluster);
    return (cost_t){measure_median(work, TURNS), measure_median(done, TURNS), value};
}

int
main(void)
{
    static const int ENGINES[] = {1, 8, 64};
    cost_t one = {0};

    for (size_t i = 0; i < sizeof ENGINES / sizeof *ENGINES; i++) {
        cost_t cost = measure(ENGINES[i]);
        char name[80];

        if (ENGINES[i] == 1)
            one = cost;
        snprintf(name, sizeof name, "%d engines: an operation on each, client's work", ENGINES[i]);
        measure_print("fan_out", name, cost.work, "us", one.work, "one engine");
        snprintf(name, sizeof name, "%d engines: an operation on each, until done", ENGINES[i]);
        measure_print("fan_out", name, cost.done, "us", one.done, "one engine");
        snprintf(name, sizeof name, "%d engines: a sum over all, its value read", ENGINES[i]);
        measure_print("fan_out", name, cost.value, "us", one.value * ENGINES[i], "as often from one engine");
    }
    return 0;
}
