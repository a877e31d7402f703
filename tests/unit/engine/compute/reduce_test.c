#include "engine/compute/compute.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8000 };

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

/* --- the plain way --------------------------------------------------------------------------------------------------
 */

/* Is b better than a for min (sign -1) or max (1)?  NaN is best. */
static bool
better(double a, double b, int sign)
{
    return sign < 0 ? b < a || (isnan(b) && !isnan(a)) : b > a || (isnan(b) && !isnan(a));
}

static double
fold(reduce_t reduce, double total, double x, bool first)
{
    switch (reduce) {
    case REDUCE_SUM:
        return first ? x : total + x;
    case REDUCE_PROD:
        return first ? x : total * x;
    case REDUCE_MIN:
        return first || better(total, x, -1) ? x : total;
    case REDUCE_MAX:
        return first || better(total, x, 1) ? x : total;
    case REDUCE_ANY:
        return (!first && total != 0) || x != 0;
    case REDUCE_ALL:
        return (first || total != 0) && x != 0;
    case REDUCE_COUNT:
        return (first ? 0 : total) + (x != 0);
    case REDUCE_BIT_AND:
        return first ? x : (double)((int64_t)total & (int64_t)x);
    case REDUCE_BIT_OR:
        return first ? x : (double)((int64_t)total | (int64_t)x);
    case REDUCE_BIT_XOR:
        return first ? x : (double)((int64_t)total ^ (int64_t)x);
    case REDUCE_ARGMIN:
    case REDUCE_ARGMAX:
        break;
    }
    return NAN;
}

/* The coordinates of element i in C order. */
static void
coordinates(const shape_t *shape, int64_t i, int64_t *ret)
{
    for (int axis = shape->ndim - 1; axis >= 0; axis--) {
        ret[axis] = i % shape->extent[axis];
        i /= shape->extent[axis];
    }
}

/* Result element that source element i goes to, and its position among the reduced ones, in C order. */
static int64_t
target(const shape_t *shape, uint32_t axes, int64_t i, int64_t *ret_position)
{
    int64_t at[SHAPE_MAX_DIMS], result = 0, position = 0;
    coordinates(shape, i, at);
    for (int axis = 0; axis < shape->ndim; axis++) {
        int64_t *which = axes >> axis & 1 ? &position : &result;
        *which = *which * shape->extent[axis] + at[axis];
    }
    *ret_position = position;
    return result;
}

/* What each element of the result should be, and how large the parts of a sum were. */
static void
reduce_plainly(reduce_t reduce, const nd_t *in, uint32_t axes, double *ret, double *ret_scale)
{
    int64_t count = shape_count(&in->shape), position;
    for (int64_t i = 0; i < count; i++) {
        int64_t k = target(&in->shape, axes, i, &position);
        double x = views_number(in, i);
        if (reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX) {
            int sign = reduce == REDUCE_ARGMIN ? -1 : 1;
            if (position == 0 || better(ret_scale[k], x, sign)) {
                ret_scale[k] = x;
                ret[k] = (double)position;
            }
            continue;
        }
        ret[k] = fold(reduce, ret[k], x, position == 0);
        ret_scale[k] = (position == 0 ? 0 : ret_scale[k]) + fabs(x);
    }
}

/* --- random arrays --------------------------------------------------------------------------------------------------
 */

static shape_t
result_shape(const shape_t *shape, uint32_t axes, bool keep)
{
    shape_t result = {.ndim = 0};
    for (int i = 0; i < shape->ndim; i++) {
        bool gone = axes >> i & 1;
        if (!gone || keep)
            result.extent[result.ndim++] = gone ? 1 : shape->extent[i];
    }
    return result;
}

static void
check_result(reduce_t reduce, const nd_t *out, const double *wanted, const double *scale)
{
    for (int64_t k = 0, count = shape_count(&out->shape); k < count; k++) {
        double got = views_number(out, k);
        bool near = strchr("fc", dtype_kind(out->dtype)) != NULL && (reduce == REDUCE_SUM || reduce == REDUCE_PROD);
        if (isnan(wanted[k]))
            assert_true(isnan(got));
        else if (near && reduce == REDUCE_SUM)
            assert_true(fabs(got - wanted[k]) <= scale[k] * (out->dtype == DTYPE_FLOAT64 ? 1e-15 : 1e-6));
        else if (near)
            assert_true(fabs(got - wanted[k]) <= fabs(wanted[k]) * (out->dtype == DTYPE_FLOAT64 ? 1e-13 : 1e-4) ||
                        fabs(wanted[k]) > 1e30 || fabs(wanted[k]) < 1e-30);
        else
            assert_true(got == wanted[k]);
    }
}

static void
check_random_reduction(bench_t *bench, const shape_t *shape)
{
    static const dtype_t DTYPES[] = {DTYPE_BOOL,  DTYPE_INT8,   DTYPE_UINT8,   DTYPE_INT32,
                                     DTYPE_INT64, DTYPE_UINT64, DTYPE_FLOAT32, DTYPE_FLOAT64};
    uint64_t *random = &bench->random;
    reduce_t reduce = (reduce_t)views_below(random, REDUCE_COUNT + 1);
    dtype_t dtype = DTYPES[views_below(random, 8)], result;
    uint32_t axes = (uint32_t)views_below(random, INT64_C(1) << shape->ndim);
    bool arg = reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX;
    int64_t base = arg ? views_below(random, 2) * 1000 : 0;
    err_t err;
    if (arg && shape->ndim > 0 && views_below(random, 2))
        axes = (uint32_t)1 << views_below(random, shape->ndim);
    else if (arg)
        axes = (uint32_t)((UINT64_C(1) << shape->ndim) - 1);
    if (reduce_resolve(reduce, dtype, DTYPE_NONE, &result, &err) != FH_OK)
        return;
    shape_t out_shape = result_shape(shape, axes, views_below(random, 2));
    view_t in = views_make(random, dtype, shape, views_below(random, 10) == 0);
    view_t out = views_make(random, result, &out_shape, false), again = views_make(random, result, &out_shape, false);
    int64_t reduced = 1, kept = shape_count(&out_shape);
    for (int i = 0; i < shape->ndim; i++)
        reduced *= axes >> i & 1 ? shape->extent[i] : 1;
    bool wraps = reduce == REDUCE_PROD && dtype_kind(dtype) != 'f' && reduced > 3; /* double does not wrap */
    if (kept > 0 && reduced > 0 && !wraps) {
        double *wanted = calloc((size_t)kept, sizeof *wanted), *scale = calloc((size_t)kept, sizeof *scale);
        reduce_plainly(reduce, &in.nd, axes, wanted, scale);
        check_ok(compute_reduce(bench->crew, reduce, &in.nd, axes, &out.nd, base, &err), err);
        check_ok(compute_reduce(bench->alone, reduce, &in.nd, axes, &again.nd, base, &err), err);
        for (int64_t k = 0; k < kept; k++) {
            assert_memory_equal(views_at(&out.nd, k), views_at(&again.nd, k), dtype_size(result));
            wanted[k] += arg ? (double)base : 0;
        }
        check_result(reduce, &out.nd, wanted, scale);
        free(wanted);
        free(scale);
    }
    views_free(&in);
    views_free(&out);
    views_free(&again);
}

static void
reduce_of_random_views_is_what_a_plain_loop_gives(void **state)
{
    bench_t *bench = *state;
    for (int round = 0; round < ROUNDS; round++) {
        shape_t shape = views_shape(&bench->random, 4, 12);
        check_random_reduction(bench, &shape);
    }
}

/* Large enough for several segments and parts. */
static void
reduce_of_large_arrays_is_the_same_for_any_crew(void **state)
{
    bench_t *bench = *state;
    static const shape_t SHAPES[] = {
        {1, {150001}}, {2, {70001, 2}}, {2, {3, 66000}}, {3, {300, 7, 60}}, {2, {600, 401}}};
    for (int round = 0; round < 60; round++)
        check_random_reduction(bench, &SHAPES[round % 5]);
}

/* What a reduction of a vector of zeros gives that has one other number, read back as a double. */
static double
reduced_with_one(bench_t *bench, reduce_t reduce, dtype_t dtype, int64_t n, int64_t place, double number)
{
    static _Alignas(64) char data[8192 * 8];
    char result[8] = {0};
    err_t err;
    nd_t in, out;
    bool index = reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX || reduce == REDUCE_COUNT || reduce == REDUCE_SUM;
    dtype_t to = index ? DTYPE_INT64 : reduce == REDUCE_ANY || reduce == REDUCE_ALL ? DTYPE_BOOL : dtype;
    memset(data, 0, (size_t)n * dtype_size(dtype));
    dtype_convert(dtype, data + (size_t)place * dtype_size(dtype), DTYPE_FLOAT64, &number);
    nd_init(&in, data, dtype, &(shape_t){1, {n}});
    nd_init(&out, result, to, &(shape_t){.ndim = 0});
    check_ok(compute_reduce(bench->crew, reduce, &in, 1, &out, 0, &err), err);
    return views_number(&out, 0);
}

/* Rows are folded in many lanes at a time, and what is left of them otherwise. */
static void
reduce_finds_one_number_in_any_place(void **state)
{
    bench_t *bench = *state;
    static const int64_t LENGTHS[] = {1, 7, 31, 32, 33, 63, 65, 100, 255, 256, 257, 1000, 1024, 1025, 5000, 8192};
    static const dtype_t DTYPES[] = {DTYPE_BOOL, DTYPE_INT8, DTYPE_INT32, DTYPE_INT64, DTYPE_FLOAT32, DTYPE_FLOAT64};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++)
        for (size_t k = 0; k < sizeof DTYPES / sizeof *DTYPES; k++)
            for (int round = 0; round < 20; round++) {
                dtype_t dtype = DTYPES[k];
                int64_t n = LENGTHS[i];
                int64_t place = round < 2 ? round * (n - 1) : views_below(&bench->random, n);
                assert_true(reduced_with_one(bench, REDUCE_MAX, dtype, n, place, 1) == 1);
                assert_true(reduced_with_one(bench, REDUCE_ARGMAX, dtype, n, place, 1) == (double)place);
                assert_true(reduced_with_one(bench, REDUCE_ANY, dtype, n, place, 1) == 1);
                assert_true(reduced_with_one(bench, REDUCE_COUNT, dtype, n, place, 1) == 1);
                assert_true(reduced_with_one(bench, REDUCE_ALL, dtype, n, place, 1) == (n == 1));
                if (dtype == DTYPE_BOOL) {
                    assert_true(reduced_with_one(bench, REDUCE_SUM, dtype, n, place, 1) == 1);
                    continue;
                }
                assert_true(reduced_with_one(bench, REDUCE_MIN, dtype, n, place, -1) == -1);
                assert_true(reduced_with_one(bench, REDUCE_ARGMIN, dtype, n, place, -1) == (double)place);
                if (dtype_kind(dtype) != 'f')
                    continue;
                assert_true(isnan(reduced_with_one(bench, REDUCE_MIN, dtype, n, place, NAN)));
                assert_true(isnan(reduced_with_one(bench, REDUCE_MAX, dtype, n, place, NAN)));
                assert_true(reduced_with_one(bench, REDUCE_ARGMIN, dtype, n, place, NAN) == (double)place);
            }
}

/* More of them than a byte counts to. */
static void
reduce_counts_any_number_of_bools(void **state)
{
    bench_t *bench = *state;
    enum { N = 70000 };
    static bool data[N];
    int64_t total, wanted = 0;
    err_t err;
    nd_t in, out;
    memset(data, 1, sizeof data);
    for (int64_t i = 0; i < N; i += 1 + views_below(&bench->random, 50))
        data[i] = false;
    nd_init(&out, &total, DTYPE_INT64, &(shape_t){.ndim = 0});
    for (int64_t n = 0; n < N; n += n < 600 ? 1 : 9973) {
        nd_init(&in, data, DTYPE_BOOL, &(shape_t){1, {n}});
        wanted = 0;
        for (int64_t i = 0; i < n; i++)
            wanted += data[i];
        check_ok(compute_reduce(bench->crew, REDUCE_SUM, &in, 1, &out, 0, &err), err);
        assert_int_equal(total, wanted);
        check_ok(compute_reduce(bench->crew, REDUCE_COUNT, &in, 1, &out, 0, &err), err);
        assert_int_equal(total, wanted);
    }
}

static void
reduce_of_nothing_gives_the_identity_or_fails(void **state)
{
    bench_t *bench = *state;
    err_t err;
    double none[1], result[3];
    nd_t in, out;
    nd_init(&in, none, DTYPE_FLOAT64, &(shape_t){2, {0, 3}});
    nd_init(&out, result, DTYPE_FLOAT64, &(shape_t){1, {3}});
    static const struct {
        reduce_t reduce;
        dtype_t dtype;
        double value;
    } CASES[] = {{REDUCE_SUM, DTYPE_FLOAT64, 0}, {REDUCE_PROD, DTYPE_FLOAT64, 1}, {REDUCE_ANY, DTYPE_BOOL, 0},
                 {REDUCE_ALL, DTYPE_BOOL, 1},    {REDUCE_COUNT, DTYPE_INT64, 0},  {REDUCE_BIT_AND, DTYPE_INT16, -1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        nd_init(&out, result, CASES[i].dtype, &(shape_t){1, {3}});
        check_ok(compute_reduce(bench->crew, CASES[i].reduce, &in, 1, &out, 0, &err), err);
        for (int k = 0; k < 3; k++)
            assert_true(views_number(&out, k) == CASES[i].value);
    }
    nd_init(&out, result, DTYPE_FLOAT64, &(shape_t){1, {3}});
    check_fails(compute_reduce(bench->crew, REDUCE_MIN, &in, 1, &out, 0, &err), FH_INVALID_ARGUMENT, err);
    nd_init(&out, result, DTYPE_INT64, &(shape_t){1, {3}});
    check_fails(compute_reduce(bench->crew, REDUCE_ARGMAX, &in, 1, &out, 0, &err), FH_INVALID_ARGUMENT, err);
    nd_init(&out, result, DTYPE_FLOAT64, &(shape_t){1, {0}});
    check_ok(compute_reduce(bench->crew, REDUCE_MIN, &in, 2, &out, 0, &err), err);
}

static void
reduce_sum_of_many_small_numbers_is_accurate(void **state)
{
    bench_t *bench = *state;
    err_t err;
    enum { N = 1 << 22 };
    float *data = malloc(N * sizeof *data), sum;
    for (int i = 0; i < N; i++)
        data[i] = 0.1f;
    nd_t in, out;
    nd_init(&in, data, DTYPE_FLOAT32, &(shape_t){1, {N}});
    nd_init(&out, &sum, DTYPE_FLOAT32, &(shape_t){.ndim = 0});
    check_ok(compute_reduce(bench->crew, REDUCE_SUM, &in, 1, &out, 0, &err), err);
    double exact = (double)0.1f * (double)N;
    assert_true(fabs((double)sum - exact) < exact * 1e-6);
    nd_init(&in, data, DTYPE_FLOAT32, &(shape_t){2, {N / 32, 32}}); /* along the outer axis, where lanes are added up */
    float sums[32];
    nd_init(&out, sums, DTYPE_FLOAT32, &(shape_t){1, {32}});
    check_ok(compute_reduce(bench->crew, REDUCE_SUM, &in, 1, &out, 0, &err), err);
    for (int k = 0; k < 32; k++)
        assert_true(fabs((double)sums[k] - exact / 32) < exact / 32 * 1e-6);
    free(data);
}

/* data of rows by columns, and the same with rows and columns turned, reduced along the first axis. */
static void
check_turned(bench_t *bench, reduce_t reduce, dtype_t dtype, int64_t rows, int64_t columns)
{
    enum { MOST = 2000 };
    static _Alignas(64) char result[2][MOST * 8];
    int64_t size = (int64_t)dtype_size(dtype), bytes = rows * columns * size;
    char *data = malloc((size_t)bytes), *turned = malloc((size_t)bytes);
    int64_t odd = dtype_kind(dtype) == 'f' && views_below(&bench->random, 3) == 0
                      ? views_below(&bench->random, rows * columns)
                      : -1;
    for (int64_t i = 0; i < rows * columns; i++) {
        double x =
            i == odd ? NAN : 1 + (double)views_below(&bench->random, 1 << 20) / (dtype_kind(dtype) == 'f' ? 3e5 : 1);
        dtype_convert(dtype, data + i * size, DTYPE_FLOAT64, &x);
        memcpy(turned + (i % columns * rows + i / columns) * size, data + i * size, (size_t)size);
    }
    nd_t in, out;
    const shape_t shape = {2, {rows, columns}}, left = {1, {columns}};
    err_t err;
    for (int way = 0; way < 2; way++) {
        nd_init(&in, way ? turned : data, dtype, &shape);
        in.stride[0] = way ? size : in.stride[0];
        in.stride[1] = way ? rows * size : in.stride[1];
        nd_init(&out, result[way], dtype, &left);
        check_ok(compute_reduce(bench->alone, reduce, &in, 1, &out, 0, &err), err);
    }
    assert_memory_equal(result[0], result[1], (size_t)(columns * size));
    assert_true(odd < 0 || isnan(views_number(&out, odd % columns)));
    free(data);
    free(turned);
}

/* Results side by side, in leaves that are whole or not, have the bits of rows. */
static void
reduce_does_not_depend_on_the_order_of_axes(void **state)
{
    bench_t *bench = *state;
    static const dtype_t DTYPES[] = {DTYPE_INT64, DTYPE_FLOAT32, DTYPE_FLOAT64};
    static const reduce_t REDUCTIONS[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MIN, REDUCE_MAX};
    static const int64_t ROWS[] = {1, 7, 8, 9, 31, 32, 33, 64, 100, 288},
                         COLUMNS[] = {1, 16, 31, 33, 100, 270, 1024, 1500};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++)
            for (int r = 0; r < 10; r++)
                for (int c = 0; c < 8; c++)
                    check_turned(bench, REDUCTIONS[i], DTYPES[k], ROWS[r], COLUMNS[c]);
}

static void
reduce_of_float16_adds_up_in_float32(void **state)
{
    bench_t *bench = *state;
    err_t err;
    half_t data[4096], sum;
    for (int i = 0; i < 4096; i++)
        data[i] = (half_t)1.0f;
    nd_t in, out;
    nd_init(&in, data, DTYPE_FLOAT16, &(shape_t){1, {4096}});
    nd_init(&out, &sum, DTYPE_FLOAT16, &(shape_t){.ndim = 0});
    check_ok(compute_reduce(bench->crew, REDUCE_SUM, &in, 1, &out, 0, &err), err);
    assert_true((float)sum == 4096.0f);
}

static void
reduce_of_bad_shapes_is_refused(void **state)
{
    bench_t *bench = *state;
    err_t err;
    double data[6] = {0};
    nd_t in, out;
    nd_init(&in, data, DTYPE_FLOAT64, &(shape_t){2, {2, 3}});
    nd_init(&out, data, DTYPE_FLOAT64, &(shape_t){1, {2}});
    check_fails(compute_reduce(bench->crew, REDUCE_SUM, &in, 1, &out, 0, &err), FH_INVALID_ARGUMENT, err);
    check_fails(compute_reduce(bench->crew, REDUCE_SUM, &in, 4, &out, 0, &err), FH_INVALID_ARGUMENT, err);
    check_fails(compute_reduce(bench->crew, REDUCE_SUM, &in, 3, &out, 0, &err), FH_INVALID_ARGUMENT, err);
    check_fails(compute_reduce(bench->crew, REDUCE_BIT_OR, &in, 2, &out, 0, &err), FH_WRONG_TYPE, err);
    out.dtype = DTYPE_NONE;
    check_fails(compute_reduce(bench->crew, REDUCE_SUM, &in, 2, &out, 0, &err), FH_WRONG_TYPE, err);
}

static void
arg_combine_takes_the_first_best_piece(void **state)
{
    bench_t *bench = *state;
    err_t err;
    float values[3][4] = {{1, 5, 2, 7}, {3, 5, NAN, 7}, {2, 4, 9, 8}};
    int64_t indices[3][4] = {{10, 11, 12, 13}, {20, 21, 22, 23}, {30, 31, 32, 33}}, result[4];
    nd_t value, index, out;
    const shape_t shape = {2, {3, 4}}, four = {1, {4}}, three = {1, {3}};
    nd_init(&value, values, DTYPE_FLOAT32, &shape);
    nd_init(&index, indices, DTYPE_INT64, &shape);
    nd_init(&out, result, DTYPE_INT64, &four);
    check_ok(compute_arg_combine(bench->crew, REDUCE_ARGMAX, &value, &index, &out, &err), err);
    assert_memory_equal(result, ((int64_t[]){20, 11, 22, 33}), sizeof result);
    check_ok(compute_arg_combine(bench->crew, REDUCE_ARGMIN, &value, &index, &out, &err), err);
    assert_memory_equal(result, ((int64_t[]){10, 31, 22, 13}), sizeof result);
    nd_init(&out, result, DTYPE_INT64, &three);
    check_fails(compute_arg_combine(bench->crew, REDUCE_ARGMIN, &value, &index, &out, &err), FH_INVALID_ARGUMENT, err);
    check_fails(compute_arg_combine(bench->crew, REDUCE_SUM, &value, &index, &out, &err), FH_WRONG_TYPE, err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduce_of_random_views_is_what_a_plain_loop_gives),
        cmocka_unit_test(reduce_of_large_arrays_is_the_same_for_any_crew),
        cmocka_unit_test(reduce_finds_one_number_in_any_place),
        cmocka_unit_test(reduce_counts_any_number_of_bools),
        cmocka_unit_test(reduce_of_nothing_gives_the_identity_or_fails),
        cmocka_unit_test(reduce_sum_of_many_small_numbers_is_accurate),
        cmocka_unit_test(reduce_does_not_depend_on_the_order_of_axes),
        cmocka_unit_test(reduce_of_float16_adds_up_in_float32),
        cmocka_unit_test(reduce_of_bad_shapes_is_refused),
        cmocka_unit_test(arg_combine_takes_the_first_best_piece),
    };
    return cmocka_run_group_tests(tests, make_bench, drop_bench);
}
