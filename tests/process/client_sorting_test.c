/* Sorting, searching, running results and counting over engines, through farhand/sorting.h, beside plain C. */
#include "tests/process/cluster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MANY elements are sorted by an exchange between engines, FEW on one engine; a third of MANY is 1 MiB and more, so
 * that running results of integers go by totals. */
enum { ENGINES = 3, MANY = 400001, FEW = 1000, VALUES = 500, LAYOUTS = 3, BINS = 40 };

static cluster_t cluster;
static fh_session *session;
static double numbers[MANY], doubles[MANY], wanted_doubles[MANY];
static int64_t order[MANY], integers[MANY], wanted_integers[MANY];
static uint64_t seed;

static const fh_scatter_options layouts[LAYOUTS] = {{.axis = 0}, {.axis = FH_WHOLE}, {.axis = 0, .blocksize = 40000}};

static int
start(void **state)
{
    (void)state;
    seed = check_seed();
    cluster_start(&cluster, ENGINES);
    session = cluster_connect(&cluster, 60);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fh_close(&session);
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(const void *data, fh_dtype dtype, int64_t count, int layout)
{
    fh_local local = {.data = (void *)(uintptr_t)data, .dtype = dtype, .ndim = 1, .shape = &count};
    fh_array *array = NULL;
    fh_error error;

    fh_ok(fh_scatter(session, &local, &layouts[layout], &array, &error), error);
    return array;
}

/* Gather and free. */
static void
take(fh_array **array, void *ret)
{
    fh_error error;

    fh_ok(fh_gather(*array, ret, NULL, &error), error);
    fh_array_free(array);
}

/* Few values, so that most are equal to others, with both zeros, infinities and NaN. */
static void
fill_numbers(int64_t count)
{
    static const double SPECIAL[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, -NAN};

    for (int64_t i = 0; i < count; i++) {
        uint64_t random = check_random(&seed);
        numbers[i] = random % 16 == 0 ? SPECIAL[random / 16 % 6] : (double)(int64_t)(random / 16 % 5001) - 2500;
    }
}

/* ---- sorting -------------------------------------------------------------------------------------------------------
 */

/* Numbers in their order, equal ones, and all NaN, by their place. */
static int
compare_places(const void *a, const void *b)
{
    int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
    double x = numbers[i], y = numbers[k];

    if (isnan(x) || isnan(y)) {
        if (isnan(x) != isnan(y))
            return isnan(x) ? 1 : -1;
    } else if (x != y) {
        return x < y ? -1 : 1;
    }
    return i < k ? -1 : 1;
}

static void
order_numbers(int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        order[i] = i;
    qsort(order, (size_t)count, sizeof *order, compare_places);
}

static void
sorted_however_it_is_cut(void **state)
{
    const int64_t counts[] = {MANY, FEW, 1};
    fh_error error;

    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int k = 0; k < 3; k++) {
            int64_t count = counts[k];
            fh_array *array, *made = NULL;

            fill_numbers(count);
            order_numbers(count);
            array = scatter(numbers, FH_FLOAT64, count, layout);
            fh_ok(fh_argsort(array, 0, &made, &error), error);
            take(&made, integers);
            assert_memory_equal(integers, order, (size_t)count * sizeof *order);
            fh_ok(fh_sort(array, -1, &made, &error), error);
            take(&made, doubles);
            for (int64_t i = 0; i < count; i++) {
                double is = doubles[i], was = numbers[order[i]];
                assert_true(isnan(was) ? isnan(is) : is == was);
                assert_false(isnan(is) && memcmp(&is, &doubles[count - 1], sizeof is) != 0); /* one NaN for all */
                assert_false(i > 0 && is == 0 && signbit(is) && doubles[i - 1] == 0 && !signbit(doubles[i - 1]));
            }
            fh_array_free(&array);
        }
}

/* Elements of one byte have many equals, and keys of another kind. */
static void
argsort_of_small_integers(void **state)
{
    static int8_t bytes[1 << 21];
    int64_t count = sizeof bytes, *places = malloc(sizeof bytes * sizeof *places);
    fh_error error;

    (void)state;
    assert_non_null(places);
    for (int64_t i = 0; i < count; i++)
        bytes[i] = (int8_t)check_random(&seed);
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fh_array *array = scatter(bytes, FH_INT8, count, layout), *made = NULL;

        fh_ok(fh_argsort(array, 0, &made, &error), error);
        take(&made, places);
        for (int64_t i = 1; i < count; i++) {
            int8_t before = bytes[places[i - 1]], is = bytes[places[i]];
            assert_true(before < is || (before == is && places[i - 1] < places[i]));
        }
        fh_array_free(&array);
    }
    free(places);
}

/* Text is exchanged with its places, too: many that are equal, more than 1 MiB. */
static void
argsort_of_text(void **state)
{
    enum { SIZE = 8, COUNT = 200000 };
    char *texts = calloc(COUNT, SIZE);
    int64_t *places = malloc(COUNT * sizeof *places);
    fh_error error;

    (void)state;
    assert_true(texts && places);
    for (int64_t i = 0; i < COUNT; i++)
        snprintf(texts + i * SIZE, SIZE, "%llu", (unsigned long long)(check_random(&seed) % 5000));
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fh_array *array = scatter(texts, fh_dtype_from_name("S8"), COUNT, layout), *made = NULL;

        fh_ok(fh_argsort(array, 0, &made, &error), error);
        take(&made, places);
        for (int64_t i = 1; i < COUNT; i++) {
            int order_is = memcmp(texts + places[i - 1] * SIZE, texts + places[i] * SIZE, SIZE);
            assert_true(order_is < 0 || (order_is == 0 && places[i - 1] < places[i]));
        }
        fh_array_free(&array);
    }
    free(texts);
    free(places);
}

/* ---- running results -----------------------------------------------------------------------------------------------
 */

static void
running_results_have_the_bits_of_a_loop(void **state)
{
    fh_array *array, *made = NULL;
    fh_error error;
    double sum = 0, most = -INFINITY;

    (void)state;
    for (int i = 0; i < MANY; i++)
        numbers[i] = (double)(int64_t)check_random(&seed) / 3;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        array = scatter(numbers, FH_FLOAT64, MANY, layout);
        sum = 0;
        most = -INFINITY;
        for (int i = 0; i < MANY; i++)
            wanted_doubles[i] = sum = i ? sum + numbers[i] : numbers[i];
        fh_ok(fh_accumulate(array, "add", 0, FH_DTYPE_NONE, &made, &error), error);
        take(&made, doubles);
        assert_memory_equal(doubles, wanted_doubles, sizeof doubles);
        for (int i = 0; i < MANY; i++)
            wanted_doubles[i] = most = numbers[i] > most ? numbers[i] : most;
        fh_ok(fh_accumulate(array, "maximum", -1, FH_DTYPE_NONE, &made, &error), error);
        take(&made, doubles);
        assert_memory_equal(doubles, wanted_doubles, sizeof doubles);
        fh_array_free(&array);
    }
}

static void
running_results_of_integers_wrap(void **state)
{
    static const struct {
        const char *name;
        uint64_t start;
    } OPS[] = {{"add", 0}, {"multiply", 1}, {"bitwise_xor", 0}, {"subtract", 0}};
    fh_array *array, *made = NULL;
    fh_error error;

    (void)state;
    for (int i = 0; i < MANY; i++)
        integers[i] = (int64_t)(check_random(&seed) | 1);
    for (int layout = 0; layout < LAYOUTS; layout++) {
        array = scatter(integers, FH_INT64, MANY, layout);
        for (size_t k = 0; k < sizeof OPS / sizeof *OPS; k++) {
            uint64_t at = 0;
            for (int i = 0; i < MANY; i++) {
                uint64_t x = (uint64_t)integers[i];
                at = i == 0 ? x : k == 0 ? at + x : k == 1 ? at * x : k == 2 ? (at ^ x) : at - x;
                wanted_integers[i] = (int64_t)at;
            }
            fh_ok(fh_accumulate(array, OPS[k].name, 0, FH_DTYPE_NONE, &made, &error), error);
            take(&made, order);
            assert_memory_equal(order, wanted_integers, sizeof order);
        }
        fh_array_free(&array);
    }
}

/* ---- searching -----------------------------------------------------------------------------------------------------
 */

/* How many of the sorted numbers come before value. */
static int64_t
place_of(const int64_t *sorted, int64_t count, int64_t value, int right)
{
    int64_t n = 0;

    while (n < count && (sorted[n] < value || (right && sorted[n] == value)))
        n++;
    return n;
}

static void
values_are_found(void **state)
{
    int64_t values[VALUES], found[VALUES];
    char is_in[VALUES];
    fh_error error;

    (void)state;
    for (int i = 0; i < FEW; i++)
        integers[i] = i / 3 * 2; /* even numbers, three times each */
    for (int i = 0; i < VALUES; i++)
        values[i] = (int64_t)(check_random(&seed) % 700) - 10;
    for (int layout = 0; layout < 2; layout++)
        for (int right = 0; right < 2; right++) {
            fh_array *sorted = scatter(integers, FH_INT64, FEW, layout), *made = NULL;
            fh_array *wanted = scatter(values, FH_INT64, VALUES, 0);

            fh_ok(fh_searchsorted(sorted, wanted, right, NULL, &made, &error), error);
            take(&made, found);
            for (int i = 0; i < VALUES; i++)
                assert_int_equal(found[i], place_of(integers, FEW, values[i], right));
            fh_ok(fh_isin(wanted, sorted, right, &made, &error), error);
            take(&made, is_in);
            for (int i = 0; i < VALUES; i++) {
                int in = values[i] >= 0 && values[i] % 2 == 0 && values[i] <= integers[FEW - 1];
                assert_int_equal(is_in[i], right ? !in : in);
            }
            fh_array_free(&sorted);
            fh_array_free(&wanted);
        }
}

static void
values_are_found_through_an_order(void **state)
{
    int64_t sorted[FEW], values[] = {-1, 0, 5, 500, 2000}, found[5];
    fh_array *array, *sorter = NULL, *wanted, *made = NULL;
    fh_error error;

    (void)state;
    for (int i = 0; i < FEW; i++)
        integers[i] = (int64_t)(check_random(&seed) % 1000);
    array = scatter(integers, FH_INT64, FEW, 0);
    wanted = scatter(values, FH_INT64, 5, 0);
    fh_ok(fh_sort(array, 0, &made, &error), error);
    take(&made, sorted);
    fh_ok(fh_argsort(array, 0, &sorter, &error), error);
    fh_ok(fh_searchsorted(array, wanted, 0, sorter, &made, &error), error);
    take(&made, found);
    for (int i = 0; i < 5; i++)
        assert_int_equal(found[i], place_of(sorted, FEW, values[i], 0));
    fh_array_free(&array);
    fh_array_free(&sorter);
    fh_array_free(&wanted);
}

static void
lines_between_points(void **state)
{
    const double xp[] = {0, 1, 3}, fp[] = {10, 20, 0}, x[] = {-1, 0, 0.5, 1, 2, 3, 4};
    const double wanted[] = {-7, 10, 15, 20, 10, 0, 7};
    fh_error error;

    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        fh_array *points = scatter(xp, FH_FLOAT64, 3, layout), *values = scatter(fp, FH_FLOAT64, 3, 0);
        fh_array *at = scatter(x, FH_FLOAT64, 7, layout), *made = NULL;

        fh_ok(fh_interp(at, points, values, -7, 7, &made, &error), error);
        take(&made, doubles);
        assert_memory_equal(doubles, wanted, sizeof wanted);
        fh_array_free(&points);
        fh_array_free(&values);
        fh_array_free(&at);
    }
}

/* ---- counting ------------------------------------------------------------------------------------------------------
 */

static void
numbers_are_counted(void **state)
{
    int64_t counts[BINS], wanted[BINS] = {0};
    double sums[BINS], wanted_sums[BINS] = {0};
    fh_array *array, *weights, *made = NULL;
    fh_error error;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        integers[i] = (int64_t)(check_random(&seed) % BINS);
        numbers[i] = (double)(int64_t)check_random(&seed) / 7;
        wanted[integers[i]]++;
        wanted_sums[integers[i]] += numbers[i];
    }
    for (int layout = 0; layout < LAYOUTS; layout++) {
        array = scatter(integers, FH_INT64, MANY, layout);
        weights = scatter(numbers, FH_FLOAT64, MANY, (layout + 1) % LAYOUTS);
        fh_ok(fh_bincount(array, NULL, BINS, &made, &error), error);
        take(&made, counts);
        assert_memory_equal(counts, wanted, sizeof wanted);
        fh_ok(fh_bincount(array, weights, BINS, &made, &error), error);
        take(&made, sums);
        assert_memory_equal(sums, wanted_sums, sizeof wanted_sums);
        fh_ok(fh_bincount(array, NULL, BINS - 1, &made, &error), error);
        fh_fails(fh_gather(made, counts, NULL, &error), FH_STATUS_INVALID_ARGUMENT, error);
        fh_array_free(&made);
        fh_array_free(&array);
        fh_array_free(&weights);
    }
}

/* The bin of x between edges, the last with its right edge; -1: none. */
static int
bin_of(const double *edges, double x)
{
    for (int bin = 0; bin < BINS; bin++)
        if (x >= edges[bin] && (x < edges[bin + 1] || (bin == BINS - 1 && x == edges[BINS])))
            return bin;
    return -1;
}

static void
histograms_however_it_is_cut(void **state)
{
    double edges[BINS + 1], sums[BINS];
    int64_t counts[BINS];
    fh_array *array, *bounds, *weights, *made = NULL;
    fh_error error;

    (void)state;
    for (int even = 0; even < 2; even++) {
        int64_t wanted[BINS] = {0};
        double wanted_sums[BINS] = {0};
        for (int i = 0; i <= BINS; i++)
            edges[i] = even ? -2.0 + 4.0 * i / (double)BINS : -2.0 + 4.0 * i * i / (double)(BINS * BINS);
        for (int i = 0; i < MANY; i++) {
            uint64_t random = check_random(&seed);
            doubles[i] = random % 5 ? (double)(random >> 11) / (double)(1 << 30) / (double)(1 << 20) - 4
                                    : edges[random / 5 % (BINS + 1)];
            numbers[i] = (double)(int64_t)check_random(&seed) / 7;
            int bin = bin_of(edges, doubles[i]);
            if (bin >= 0) {
                wanted[bin]++;
                wanted_sums[bin] += numbers[i];
            }
        }
        bounds = scatter(edges, FH_FLOAT64, BINS + 1, 1);
        for (int layout = 0; layout < LAYOUTS; layout++) {
            array = scatter(doubles, FH_FLOAT64, MANY, layout);
            weights = scatter(numbers, FH_FLOAT64, MANY, 0);
            fh_ok(fh_histogram(array, bounds, even, NULL, &made, &error), error);
            take(&made, counts);
            assert_memory_equal(counts, wanted, sizeof wanted);
            fh_ok(fh_histogram(array, bounds, even, weights, &made, &error), error);
            take(&made, sums);
            assert_memory_equal(sums, wanted_sums, sizeof wanted_sums);
            fh_array_free(&array);
            fh_array_free(&weights);
        }
        fh_array_free(&bounds);
    }
}

/* Whole numbers, so that sums are exact whatever their order. */
static void
sums_under_a_sliding_vector(void **state)
{
    enum { WIDTH = 5, COUNT = FEW + WIDTH - 1 };
    double slider[WIDTH];
    fh_array *array, *sliding, *made = NULL;
    fh_error error;

    (void)state;
    for (int i = 0; i < FEW; i++)
        numbers[i] = (double)(int64_t)(check_random(&seed) % 201) - 100;
    for (int i = 0; i < WIDTH; i++)
        slider[i] = (double)(int64_t)(check_random(&seed) % 21) - 10;
    for (int i = 0; i < COUNT; i++) {
        wanted_doubles[i] = 0;
        for (int k = 0; k < WIDTH; k++)
            if (i - WIDTH + 1 + k >= 0 && i - WIDTH + 1 + k < FEW)
                wanted_doubles[i] += numbers[i - WIDTH + 1 + k] * slider[k];
    }
    for (int layout = 0; layout < 2; layout++) {
        array = scatter(numbers, FH_FLOAT64, FEW, layout);
        sliding = scatter(slider, FH_FLOAT64, WIDTH, 1 - layout);
        fh_ok(fh_correlate(array, sliding, 1 - WIDTH, COUNT, &made, &error), error);
        take(&made, doubles);
        for (int i = 0; i < COUNT; i++)
            assert_true(doubles[i] == wanted_doubles[i]);
        fh_array_free(&array);
        fh_array_free(&sliding);
    }
}

static void
what_cannot_be_is_refused(void **state)
{
    fh_array *array = scatter(numbers, FH_FLOAT64, FEW, 0), *few = scatter(numbers, FH_FLOAT64, 3, 0), *made = NULL;
    fh_error error;

    (void)state;
    fh_fails(fh_sort(array, 1, &made, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_argsort(array, -2, &made, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_accumulate(array, "sin", 0, FH_DTYPE_NONE, &made, &error), FH_STATUS_NOT_SUPPORTED, error);
    fh_fails(fh_searchsorted(array, few, 0, few, &made, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_searchsorted(array, few, 0, array, &made, &error), FH_STATUS_WRONG_TYPE, error);
    fh_fails(fh_bincount(array, NULL, BINS, &made, &error), FH_STATUS_WRONG_TYPE, error);
    fh_fails(fh_histogram(array, few, 0, few, &made, &error), FH_STATUS_INVALID_ARGUMENT, error);
    fh_fails(fh_interp(array, array, few, 0, 0, &made, &error), FH_STATUS_INVALID_ARGUMENT, error);
    assert_null(made);
    fh_array_free(&array);
    fh_array_free(&few);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_however_it_is_cut),
        cmocka_unit_test(argsort_of_small_integers),
        cmocka_unit_test(argsort_of_text),
        cmocka_unit_test(running_results_have_the_bits_of_a_loop),
        cmocka_unit_test(running_results_of_integers_wrap),
        cmocka_unit_test(values_are_found),
        cmocka_unit_test(values_are_found_through_an_order),
        cmocka_unit_test(lines_between_points),
        cmocka_unit_test(numbers_are_counted),
        cmocka_unit_test(histograms_however_it_is_cut),
        cmocka_unit_test(sums_under_a_sliding_vector),
        cmocka_unit_test(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests_name("process.client_sorting", tests, start, stop);
}
