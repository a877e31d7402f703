#include "engine/compute/compute.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What each operation computes is compared with NumPy in tests/python/test_compute_loops.py; here: how operands are
 * walked. */

enum { ROUNDS = 6000 };

typedef struct {
    crew_t *crew;
    uint64_t random;
} bench_t;

static int
make_bench(void **state)
{
    static bench_t bench;
    bench.random = check_seed();
    *state = &bench;
    return crew_new(&bench.crew, 3, NULL);
}

static int
drop_bench(void **state)
{
    crew_destroy(&((bench_t *)*state)->crew);
    return 0;
}

static const op_t *
find(const char *name)
{
    const op_t *op = op_find(name, strlen(name));
    assert_non_null(op);
    return op;
}

static op_loop_t
resolve(const op_t *op, const nd_t *in)
{
    op_input_t inputs[OP_MAX_IN];
    op_loop_t loop;
    err_t err;
    for (int i = 0; i < op->nin; i++)
        inputs[i] = (op_input_t){in[i].dtype, WEAK_NO};
    check_ok(op_resolve(op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &loop, &err), err);
    return loop;
}

/* One element computed alone, from its inputs' bytes. */
static void
compute_one(bench_t *bench, const op_t *op, const op_loop_t *loop, const nd_t *in, int64_t i, dtype_t *out_dtype,
            char ret[OP_MAX_OUT][16])
{
    nd_t single[OP_MAX_IN], result[OP_MAX_OUT];
    const shape_t scalar = {.ndim = 0};
    err_t err;
    for (int k = 0; k < op->nin; k++)
        nd_init(&single[k], views_at(&in[k], i), in[k].dtype, &scalar);
    for (int k = 0; k < op->nout; k++)
        nd_init(&result[k], ret[k], out_dtype[k], &scalar);
    check_ok(compute_ufunc(bench->crew, op, loop, single, op->nin, result, op->nout, NULL, &err), err);
}

static dtype_t
any_dtype(uint64_t *random)
{
    return (dtype_t)(views_below(random, DTYPE_COUNT - 1) + 1);
}

/* Any operation over any views, dtypes and masks: each element is what it would be alone, and what the mask spares
 * stays. */
static void
check_random_call(bench_t *bench, int round)
{
    static const char *const NAMES[] = {"add",    "multiply",    "true_divide", "less",     "hypot",
                                        "divmod", "where",       "clip",        "absolute", "modf",
                                        "frexp",  "logical_xor", "negative",    "maximum",  "equal"};
    uint64_t *random = &bench->random;
    const op_t *op = find(NAMES[views_below(random, sizeof NAMES / sizeof *NAMES)]);
    shape_t shape = views_shape(random, 4, 8);
    view_t in[OP_MAX_IN], out[OP_MAX_OUT], mask;
    nd_t in_nd[OP_MAX_IN], out_nd[OP_MAX_OUT], wide[OP_MAX_IN], wide_mask;
    op_input_t inputs[OP_MAX_IN];
    op_loop_t loop;
    err_t err;
    for (int k = 0; k < op->nin; k++) {
        shape_t narrow = views_narrow(random, &shape);
        in[k] = views_make(random, any_dtype(random), &narrow, round % 6 == 0);
        in_nd[k] = in[k].nd;
        inputs[k] = (op_input_t){in_nd[k].dtype, WEAK_NO};
        check_ok(nd_broadcast(&in_nd[k], &shape, &wide[k], &err), err);
    }
    if (op_resolve(op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &loop, &err) == FH_OK) {
        bool masked = views_below(random, 3) == 0;
        shape_t narrow = views_narrow(random, &shape);
        mask = views_make(random, DTYPE_BOOL, &narrow, false);
        check_ok(nd_broadcast(&mask.nd, &shape, &wide_mask, &err), err);
        char *before[OP_MAX_OUT];
        int64_t count = shape_count(&shape), bytes = count * 16 + 1;
        dtype_t out_dtype[OP_MAX_OUT];
        for (int k = 0; k < op->nout; k++) {
            out_dtype[k] = views_below(random, 3) == 0 ? any_dtype(random) : loop.out[k];
            out[k] = views_make(random, out_dtype[k], &shape, round % 9 == 0);
            out_nd[k] = out[k].nd;
            before[k] = malloc((size_t)bytes);
            for (int64_t i = 0; i < count; i++)
                memcpy(before[k] + i * 16, views_at(&out_nd[k], i), dtype_size(out_dtype[k]));
        }
        check_ok(
            compute_ufunc(bench->crew, op, &loop, in_nd, op->nin, out_nd, op->nout, masked ? &mask.nd : NULL, &err),
            err);
        for (int64_t i = 0; i < count; i++) {
            _Alignas(16) char wanted[OP_MAX_OUT][16];
            compute_one(bench, op, &loop, wide, i, out_dtype, wanted);
            for (int k = 0; k < op->nout; k++)
                assert_memory_equal(views_at(&out_nd[k], i),
                                    masked && *views_at(&wide_mask, i) == 0 ? before[k] + i * 16 : wanted[k],
                                    dtype_size(out_dtype[k]));
        }
        for (int k = 0; k < op->nout; k++) {
            views_free(&out[k]);
            free(before[k]);
        }
        views_free(&mask);
    }
    for (int k = 0; k < op->nin; k++)
        views_free(&in[k]);
}

static void
ufunc_elements_are_what_they_are_alone(void **state)
{
    for (int round = 0; round < ROUNDS; round++)
        check_random_call(*state, round);
}

static void
ufunc_of_large_arrays_is_the_same_for_any_crew(void **state)
{
    bench_t *bench = *state;
    err_t err;
    crew_t *alone;
    check_ok(crew_new(&alone, 1, &err), err);
    static const shape_t SHAPES[] = {{1, {400009}}, {2, {601, 503}}, {2, {200003, 2}}};
    for (int i = 0; i < 3; i++) {
        view_t a = views_make(&bench->random, DTYPE_FLOAT32, &SHAPES[i], false);
        view_t b = views_make(&bench->random, DTYPE_INT16, &SHAPES[i], false);
        nd_t in[2] = {a.nd, b.nd}, one, many;
        const op_t *op = find("add");
        op_loop_t loop = resolve(op, in);
        int64_t bytes = shape_bytes(&SHAPES[i], DTYPE_FLOAT32);
        char *first = malloc((size_t)bytes), *second = malloc((size_t)bytes);
        nd_init(&one, first, DTYPE_FLOAT32, &SHAPES[i]);
        nd_init(&many, second, DTYPE_FLOAT32, &SHAPES[i]);
        check_ok(compute_ufunc(alone, op, &loop, in, 2, &one, 1, NULL, &err), err);
        check_ok(compute_ufunc(bench->crew, op, &loop, in, 2, &many, 1, NULL, &err), err);
        assert_memory_equal(first, second, (size_t)bytes);
        assert_true(memcmp(first, first + bytes / 2, 4096) != 0);
        free(first);
        free(second);
        views_free(&a);
        views_free(&b);
    }
    crew_destroy(&alone);
}

static void
ufunc_in_place_reads_before_it_writes(void **state)
{
    bench_t *bench = *state;
    err_t err;
    enum { N = 5000 };
    static double data[N];
    for (int i = 0; i < N; i++)
        data[i] = i;
    nd_t in[2], out;
    nd_init(&in[0], data, DTYPE_FLOAT64, &(shape_t){1, {N}});
    in[1] = out = in[0];
    const op_t *op = find("multiply");
    op_loop_t loop = resolve(op, in);
    check_ok(compute_ufunc(bench->crew, op, &loop, in, 2, &out, 1, NULL, &err), err);
    for (int i = 0; i < N; i++)
        assert_true(data[i] == (double)i * i);
}

static void
ufunc_integer_division_by_zero_gives_zero(void **state)
{
    bench_t *bench = *state;
    err_t err;
    int32_t a[4] = {7, INT32_MIN, -7, 0}, b[4] = {0, -1, 2, 0}, q[4], r[4];
    nd_t in[2], out[2];
    const shape_t four = {1, {4}};
    nd_init(&in[0], a, DTYPE_INT32, &four);
    nd_init(&in[1], b, DTYPE_INT32, &four);
    nd_init(&out[0], q, DTYPE_INT32, &four);
    nd_init(&out[1], r, DTYPE_INT32, &four);
    const op_t *op = find("divmod");
    op_loop_t loop = resolve(op, in);
    check_ok(compute_ufunc(bench->crew, op, &loop, in, 2, out, 2, NULL, &err), err);
    assert_memory_equal(q, ((int32_t[]){0, INT32_MIN, -4, 0}), sizeof q);
    assert_memory_equal(r, ((int32_t[]){0, 0, 1, 0}), sizeof r);
}

static void
ufunc_negative_integer_power_writes_nothing(void **state)
{
    bench_t *bench = *state;
    err_t err;
    int64_t base[3] = {2, 3, 4}, exponent[3] = {2, -1, 2}, result[3] = {-5, -5, -5};
    uint8_t mask[3] = {1, 0, 1};
    nd_t in[2], out, where;
    const shape_t three = {1, {3}};
    nd_init(&in[0], base, DTYPE_INT64, &three);
    nd_init(&in[1], exponent, DTYPE_INT64, &three);
    nd_init(&out, result, DTYPE_INT64, &three);
    nd_init(&where, mask, DTYPE_BOOL, &three);
    const op_t *op = find("power");
    op_loop_t loop = resolve(op, in);
    check_fails(compute_ufunc(bench->crew, op, &loop, in, 2, &out, 1, NULL, &err), FH_INVALID_ARGUMENT, err);
    assert_memory_equal(result, ((int64_t[]){-5, -5, -5}), sizeof result);
    check_ok(compute_ufunc(bench->crew, op, &loop, in, 2, &out, 1, &where, &err), err);
    assert_memory_equal(result, ((int64_t[]){4, -5, 16}), sizeof result);
}

static void
ufunc_bools_from_outside_count_as_true(void **state)
{
    bench_t *bench = *state;
    err_t err;
    uint8_t a[2] = {2, 0}, b[2] = {255, 4}, result[2];
    nd_t in[2], out;
    const shape_t two = {1, {2}};
    nd_init(&in[0], a, DTYPE_BOOL, &two);
    nd_init(&in[1], b, DTYPE_BOOL, &two);
    nd_init(&out, result, DTYPE_BOOL, &two);
    op_loop_t loop = resolve(find("bitwise_and"), in);
    check_ok(compute_ufunc(bench->crew, find("bitwise_and"), &loop, in, 2, &out, 1, NULL, &err), err);
    assert_true(result[0] == 1 && result[1] == 0);
    check_ok(compute_ufunc(bench->crew, find("equal"), &loop, in, 2, &out, 1, NULL, &err), err);
    assert_true(result[0] == 1 && result[1] == 0);
}

static void
ufunc_every_loop_that_resolves_exists(void **state)
{
    bench_t *bench = *state;
    err_t err;
    const op_t *op;
    _Alignas(16) char room[OP_MAX_IN + OP_MAX_OUT][16] = {{0}};
    const shape_t scalar = {.ndim = 0};
    for (int i = 0; (op = op_at(i)) != NULL; i++)
        for (int a = 1; a < DTYPE_COUNT; a++)
            for (int b = 1; b < DTYPE_COUNT; b++) {
                op_input_t inputs[OP_MAX_IN] = {{(dtype_t)a, WEAK_NO}, {(dtype_t)b, WEAK_NO}, {(dtype_t)b, WEAK_NO}};
                op_loop_t loop;
                nd_t in[OP_MAX_IN], out[OP_MAX_OUT];
                if (op_resolve(op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &loop, &err) != FH_OK)
                    continue;
                for (int k = 0; k < op->nin; k++)
                    nd_init(&in[k], room[k], inputs[k].dtype, &scalar);
                for (int k = 0; k < op->nout; k++)
                    nd_init(&out[k], room[OP_MAX_IN + k], loop.out[k], &scalar);
                check_ok(compute_ufunc(bench->crew, op, &loop, in, op->nin, out, op->nout, NULL, &err), err);
            }
}

static void
ufunc_wrong_calls_are_refused(void **state)
{
    bench_t *bench = *state;
    err_t err;
    double data[4] = {0};
    nd_t in[2], out, small;
    const shape_t four = {1, {4}}, two = {1, {2}};
    nd_init(&in[0], data, DTYPE_FLOAT64, &four);
    in[1] = out = in[0];
    nd_init(&small, data, DTYPE_FLOAT64, &two);
    const op_t *op = find("add");
    op_loop_t loop = resolve(op, in), wrong = loop;
    check_fails(compute_ufunc(bench->crew, op, &loop, in, 1, &out, 1, NULL, &err), FH_INVALID_ARGUMENT, err);
    check_fails(compute_ufunc(bench->crew, op, &loop, in, 2, &small, 1, NULL, &err), FH_INVALID_ARGUMENT, err);
    check_fails(compute_ufunc(bench->crew, op, &loop, in, 2, &out, 1, &in[0], &err), FH_WRONG_TYPE, err);
    wrong.out[0] = DTYPE_FLOAT32;
    check_fails(compute_ufunc(bench->crew, op, &wrong, in, 2, &out, 1, NULL, &err), FH_WRONG_TYPE, err);
    in[0].dtype = DTYPE_NONE;
    check_fails(compute_ufunc(bench->crew, op, &loop, in, 2, &out, 1, NULL, &err), FH_WRONG_TYPE, err);
}

/* Results that go past the cache: with an odd number of elements, begun anywhere in a line, read with steps or not. */
static void
large_results_are_those_of_small_ones(void **state)
{
    enum { LARGE = (8 << 20) / sizeof(float) + 1001, PART = 777 };
    bench_t *bench = *state;
    const op_t *op = find("exp2");
    float *from = malloc(2 * LARGE * sizeof(float)), *to = malloc((LARGE + 16) * sizeof(float));
    err_t err;
    assert_non_null(from);
    assert_non_null(to);
    for (int i = 0; i < 2 * LARGE; i++)
        from[i] = (float)((double)views_below(&bench->random, 200000) / 1000.0 - 100);
    for (int64_t step = 1; step <= 2; step++)
        for (int shift = 0; shift < 16; shift += 5) {
            nd_t in = {.data = (char *)from, .dtype = DTYPE_FLOAT32, .shape = {.ndim = 1, .extent = {LARGE}}};
            nd_t out = {.data = (char *)(to + shift), .dtype = DTYPE_FLOAT32, .shape = {.ndim = 1, .extent = {LARGE}}};
            in.stride[0] = step * (int64_t)sizeof(float);
            out.stride[0] = sizeof(float);
            op_loop_t loop = resolve(op, &in);
            memset(to, 0, (LARGE + 16) * sizeof(float));
            check_ok(compute_ufunc(bench->crew, op, &loop, &in, 1, &out, 1, NULL, &err), err);
            for (int64_t at = 0; at < LARGE; at += PART) {
                float some[PART];
                nd_t part = in, result = out;
                part.shape.extent[0] = result.shape.extent[0] = at + PART <= LARGE ? PART : LARGE - at;
                part.data = (char *)(from + at * step);
                result.data = (char *)some;
                check_ok(compute_ufunc(bench->crew, op, &loop, &part, 1, &result, 1, NULL, &err), err);
                assert_memory_equal(some, to + shift + at, (size_t)part.shape.extent[0] * sizeof(float));
            }
            assert_true(to[shift + LARGE] == 0);
        }
    free(from);
    free(to);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufunc_elements_are_what_they_are_alone),
        cmocka_unit_test(ufunc_of_large_arrays_is_the_same_for_any_crew),
        cmocka_unit_test(ufunc_in_place_reads_before_it_writes),
        cmocka_unit_test(ufunc_integer_division_by_zero_gives_zero),
        cmocka_unit_test(ufunc_negative_integer_power_writes_nothing),
        cmocka_unit_test(ufunc_bools_from_outside_count_as_true),
        cmocka_unit_test(ufunc_every_loop_that_resolves_exists),
        cmocka_unit_test(large_results_are_those_of_small_ones),
        cmocka_unit_test(ufunc_wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, make_bench, drop_bench);
}
