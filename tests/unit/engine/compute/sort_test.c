#include "engine/compute/sort.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 1500, LARGE = 100001 };

typedef struct {
    crew_t *crew, *alone;
    uint64_t random;
} bench_t;

static int
make_bench(void **state)
{
    static bench_t bench;
    bench.random = check_seed();
    *state = &bench;
    return crew_new(&bench.crew, 3, NULL) + crew_new(&bench.alone, 1, NULL);
}

static int
drop_bench(void **state)
{
    bench_t *bench = *state;
    crew_destroy(&bench->crew);
    crew_destroy(&bench->alone);
    return 0;
}

/* Is a behind b?  By the parts as numbers, NaN last. */
static bool
behind(dtype_t dtype, const char *a, const char *b)
{
    double x[2], y[2];
    int64_t u, v;
    if (strchr("iub", dtype_kind(dtype))) {
        dtype_convert(DTYPE_INT64, &u, dtype, a);
        dtype_convert(DTYPE_INT64, &v, dtype, b);
        return dtype == DTYPE_UINT64 ? (uint64_t)u > (uint64_t)v : u > v;
    }
    dtype_convert(DTYPE_COMPLEX128, x, dtype, a);
    dtype_convert(DTYPE_COMPLEX128, y, dtype, b);
    int x_nan = 2 * isnan(x[0]) + isnan(x[1]), y_nan = 2 * isnan(y[0]) + isnan(y[1]);
    if (x_nan != y_nan)
        return x_nan > y_nan;
    return x[0] > y[0] || (!(x[0] < y[0]) && x[1] > y[1]);
}

static void
check_line(const nd_t *in, const nd_t *sorted, const nd_t *order, const int64_t *at, int axis)
{
    int64_t n = in->shape.extent[axis];
    bool *seen = calloc((size_t)n, 1);
    const char *before = NULL, *value = NULL;
    int64_t place_before = -1;
    assert_non_null(seen);
    const char *from = in->data, *values = sorted->data, *places = order->data;
    for (int k = 0; k < in->shape.ndim; k++) {
        from += k == axis ? 0 : at[k] * in->stride[k];
        values += k == axis ? 0 : at[k] * sorted->stride[k];
        places += k == axis ? 0 : at[k] * order->stride[k];
    }
    for (int64_t i = 0; i < n; i++, before = value) {
        int64_t place = *(const int64_t *)(const void *)(places + i * order->stride[axis]);
        assert_in_range(place, 0, n - 1);
        assert_false(seen[place]);
        seen[place] = true;
        value = from + place * in->stride[axis];
        assert_false(behind(in->dtype, value, values + i * sorted->stride[axis]));
        assert_false(behind(in->dtype, values + i * sorted->stride[axis], value));
        assert_false(before && behind(in->dtype, before, value));
        if (before && !behind(in->dtype, value, before))
            assert_true(place_before < place); /* stable */
        place_before = place;
    }
    free(seen);
}

static void
check_sorts(crew_t *crew, const nd_t *in, int axis)
{
    err_t err;
    nd_t sorted, order;
    int64_t count = shape_count(&in->shape), at[SHAPE_MAX_DIMS] = {0};
    char *values = malloc((size_t)shape_bytes(&in->shape, in->dtype) + 1), *places = malloc((size_t)count * 8 + 1);
    char *scratch = malloc((size_t)compute_sort_scratch(crew, SORT_ORDER, in, axis) + 1);
    assert_true(values && places && scratch);
    nd_init(&sorted, values, in->dtype, &in->shape);
    nd_init(&order, places, DTYPE_INT64, &in->shape);
    check_ok(compute_argsort(crew, in, axis, 0, &order, scratch, &err), err);
    free(scratch);
    scratch = malloc((size_t)compute_sort_scratch(crew, SORT_VALUES, in, axis) + 1);
    check_ok(compute_sort(crew, in, axis, &sorted, scratch, &err), err);
    free(scratch);
    for (int64_t line = 0, lines = count ? count / in->shape.extent[axis] : 0; line < lines; line++) {
        int64_t left = line;
        for (int k = 0; k < in->shape.ndim; k++)
            if (k != axis) {
                at[k] = left % in->shape.extent[k];
                left /= in->shape.extent[k];
            }
        check_line(in, &sorted, &order, at, axis);
    }
    if (in->shape.ndim == 1 && count > 0) { /* values and places together are in the same order */
        scratch = malloc((size_t)compute_sort_scratch(crew, SORT_ORDER, in, 0) + 1);
        check_ok(compute_sort_places(crew, in, &sorted, &order, scratch, &err), err);
        free(scratch);
        check_line(in, &sorted, &order, at, 0);
    }
    free(values);
    free(places);
}

static void
sort_of_random_views_is_in_order_and_stable(void **state)
{
    bench_t *bench = *state;
    for (int round = 0; round < ROUNDS; round++) {
        dtype_t dtype = (dtype_t)(1 + views_below(&bench->random, DTYPE_COUNT - 1));
        shape_t shape = views_shape(&bench->random, 3, round % 10 == 0 ? 60 : 9);
        if (shape.ndim == 0)
            continue;
        view_t view = views_make(&bench->random, dtype, &shape, views_below(&bench->random, 4) == 0);
        check_sorts(round % 2 ? bench->crew : bench->alone, &view.nd, (int)views_below(&bench->random, shape.ndim));
        views_free(&view);
    }
}

/* Bits that mean anything: infinities, NaN of both signs, both zeros, the smallest and the largest; small differences
 * and large ones. */
static void
fill_bits(uint64_t *random, char *data, int64_t bytes, int kind)
{
    for (int64_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t bits = check_random(random);
        bits = kind == 0 ? bits : kind == 1 ? bits & UINT64_C(0x800000000000000f) : bits >> (bits & 63);
        memcpy(data + i, &bits, 8);
    }
}

static void
sort_of_long_lines_takes_all_threads(void **state)
{
    bench_t *bench = *state;
    const shape_t line = {1, {LARGE}}, lines = {2, {2, LARGE / 2}}, across = {2, {LARGE / 4, 3}};
    for (int kind = 0; kind < 3; kind++) {
        for (int code = 1; code < DTYPE_COUNT; code++) {
            char *data = calloc(LARGE + 1, 16);
            nd_t nd;
            assert_non_null(data);
            if (code != DTYPE_BOOL)
                fill_bits(&bench->random, data, (int64_t)LARGE * 16, kind);
            nd_init(&nd, data, (dtype_t)code, &line);
            check_sorts(bench->crew, &nd, 0);
            nd_init(&nd, data, (dtype_t)code, &lines);
            check_sorts(bench->crew, &nd, 1);
            nd_init(&nd, data, (dtype_t)code, &across);
            check_sorts(bench->crew, &nd, 0);
            free(data);
        }
    }
}

static void
merged_runs_are_one_sorted_line(void **state)
{
    bench_t *bench = *state;
    err_t err;
    for (int round = 0; round < 60; round++) {
        dtype_t dtype = (dtype_t)(1 + views_below(&bench->random, DTYPE_COUNT - 1));
        shape_t shape = {1, {round % 6 == 0 ? 200000 : 1 + views_below(&bench->random, 300)}};
        int64_t n = shape.extent[0], runs = 1 + views_below(&bench->random, 9), starts[10] = {0}, again[10];
        view_t view = views_make(&bench->random, dtype, &shape, false);
        char *memory[5];
        nd_t sorted, places, merged, order;
        for (int i = 0; i < 5; i++)
            assert_non_null(memory[i] = malloc((size_t)n * 80));
        nd_init(&sorted, memory[0], dtype, &shape);
        nd_init(&places, memory[1], DTYPE_INT64, &shape);
        nd_init(&merged, memory[2], dtype, &shape);
        nd_init(&order, memory[3], DTYPE_INT64, &shape);
        for (int64_t i = 1; i < runs; i++)
            starts[i] = i * n / runs;
        for (int64_t i = 0; i < runs; i++) {
            int64_t end = i + 1 < runs ? starts[i + 1] : n;
            nd_t part = view.nd, to = sorted, at = places;
            part.shape.extent[0] = to.shape.extent[0] = at.shape.extent[0] = end - starts[i];
            part.data += starts[i] * part.stride[0];
            to.data += starts[i] * to.stride[0];
            at.data += starts[i] * 8;
            check_ok(compute_sort_places(bench->crew, &part, &to, &at, memory[4], &err), err);
        }
        memcpy(again, starts, sizeof again);
        compute_merge_order(bench->crew, &sorted, &places, again, starts, runs, &order, memory[4]);
        compute_merge(bench->crew, &sorted, starts, runs, &merged, memory[4]);
        check_line(&view.nd, &merged, &order, &(int64_t){0}, 0);
        views_free(&view);
        for (int i = 0; i < 5; i++)
            free(memory[i]);
    }
}

static void
sort_puts_nan_last_and_minus_zero_first(void **state)
{
    bench_t *bench = *state;
    err_t err;
    double in[] = {0.0, (double)NAN, -0.0, (double)-NAN, -1, (double)INFINITY, (double)-INFINITY, 0.0}, out[8];
    int64_t places[8];
    char scratch[1024];
    const shape_t shape = {1, {8}};
    nd_t nd, to, order;
    nd_init(&nd, in, DTYPE_FLOAT64, &shape);
    nd_init(&to, out, DTYPE_FLOAT64, &shape);
    nd_init(&order, places, DTYPE_INT64, &shape);
    check_ok(compute_sort(bench->alone, &nd, 0, &to, scratch, &err), err);
    const double wanted[] = {(double)-INFINITY, -1, -0.0, 0.0, 0.0, (double)INFINITY};
    assert_memory_equal(out, wanted, sizeof wanted);
    assert_true(isnan(out[6]) && isnan(out[7]));
    check_ok(compute_argsort(bench->alone, &nd, 0, 10, &order, scratch, &err), err);
    assert_memory_equal(places, ((int64_t[]){16, 14, 10, 12, 17, 15, 11, 13}), sizeof places);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sort_of_random_views_is_in_order_and_stable),
        cmocka_unit_test(sort_of_long_lines_takes_all_threads),
        cmocka_unit_test(merged_runs_are_one_sorted_line),
        cmocka_unit_test(sort_puts_nan_last_and_minus_zero_first),
    };
    return cmocka_run_group_tests(tests, make_bench, drop_bench);
}
