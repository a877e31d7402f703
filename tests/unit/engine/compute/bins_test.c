/* Bins between edges: what many numbers get at once is what comparing each with all edges says. */
#include "engine/compute/bins.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>

enum { N = 301, BINS = 200, ROUNDS = 500 };

/* 0 and bins + 1 are one: no bin. */
static int64_t
slot_of(const double *edges, int64_t bins, double x)
{
    if (!(x >= edges[0] && x <= edges[bins]))
        return 0;
    for (int64_t k = 1; k < bins; k++)
        if (x < edges[k])
            return k;
    return bins;
}

static void
check(const double *edges, int64_t bins, bool even, const double *values)
{
    int64_t slot[N];
    bins_t self;
    bins_init(&self, edges, bins, even);
    bins_find(&self, values, N, slot);
    for (int i = 0; i < N; i++)
        assert_int_equal(slot[i] == bins + 1 ? 0 : slot[i], slot_of(edges, bins, values[i]));
}

static double
random_double(uint64_t *random)
{
    return (double)(check_random(random) >> 11) * 0x1p-53;
}

/* Numbers in and around the range, many on an edge or beside one. */
static void
fill(uint64_t *random, const double *edges, int64_t bins, double *values)
{
    static const double OTHERS[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e300, -1e300, 5e-324};
    double width = edges[bins] - edges[0];
    for (int i = 0; i < N; i++) {
        double edge = edges[check_random(random) % (uint64_t)(bins + 1)];
        uint64_t kind = check_random(random) % 8;
        values[i] = edges[0] + (random_double(random) * 1.5 - 0.25) * width;
        if (kind == 0)
            values[i] = OTHERS[check_random(random) % 8];
        else if (kind < 4)
            values[i] = kind == 1 ? edge : nextafter(edge, kind == 2 ? INFINITY : -INFINITY);
    }
}

static void
edges_as_far_apart(void **state)
{
    uint64_t random = check_seed();
    double edges[BINS + 1], values[N];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t bins = 1 + (int64_t)(check_random(&random) % BINS);
        double first = (random_double(&random) - 0.5) * pow(10, (double)(check_random(&random) % 9) - 4);
        double step = random_double(&random) * pow(10, (double)(check_random(&random) % 9) - 4) + 1e-9;
        if (round % 4 == 0) { /* all numbers are edges */
            first = -3;
            step = 1;
        }
        for (int64_t k = 0; k <= bins; k++)
            edges[k] = first + (double)k * step;
        fill(&random, edges, bins, values);
        check(edges, bins, true, values);
        check(edges, bins, false, values);
    }
}

/* Steps that doubles, or float32, hardly resolve, equal edges, and edges that are not even at all. */
static void
edges_that_only_rise(void **state)
{
    uint64_t random = check_seed();
    double edges[BINS + 1], values[N];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t bins = 1 + (int64_t)(check_random(&random) % BINS);
        double first = random_double(&random), steps[] = {1e-16, 1e-8, 0, random_double(&random)};
        for (int64_t k = 0; k <= bins; k++) {
            double at = first + (double)k * steps[round % 4];
            edges[k] = round % 4 == 1 ? (double)(float)at : round % 4 == 3 ? at * at : at;
        }
        fill(&random, edges, bins, values);
        check(edges, bins, false, values);
        if (round % 4 != 2)
            check(edges, bins, true, values);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_as_far_apart),
        cmocka_unit_test(edges_that_only_rise),
    };

    return cmocka_run_group_tests_name("engine.compute.bins", tests, NULL, NULL);
}
