/* engine/compute/expression.h: results that lie where inputs do.  All inputs are read before they are written over, and
 * flags are those of the steps that raise them. */
#include "engine/compute/expression.h"
#include "engine/compute/flags.h"
#include "tests/support/check.h"

#include <string.h>

enum { MOST = 3 * 2048 + 5, ARRAYS = 3, APART = 3 /* elements between those of an array, at most */, GUARD = 8 };

/* Around what is written nothing may change. */
typedef struct {
    _Alignas(64) char memory[ARRAYS][GUARD + 8 * MOST * APART + GUARD];
} ground_t;

static expression_step_t
step_of(const char *name, dtype_t dtype, int a, int b)
{
    expression_step_t step = {.op = op_find(name, strlen(name)), .argument = {a, b}};

    assert_non_null(step.op);
    for (int i = 0; i < step.op->nin; i++)
        step.loop.in[i] = dtype;
    step.loop.out[0] = dtype;
    return step;
}

static int
value_of(int step)
{
    return EXPRESSION_INPUTS + OP_MAX_OUT * step;
}

/* n elements, each `apart` elements from the next, `shift` bytes behind where they would be aligned. */
static nd_t
array_of(char *memory, dtype_t dtype, int64_t n, int apart, int shift)
{
    nd_t nd;

    nd_init(&nd, memory + GUARD + shift, dtype, &(shape_t){1, {n}});
    nd.stride[0] *= apart;
    return nd;
}

static void
fill(const nd_t *nd, int seed)
{
    for (int64_t i = 0; i < nd->shape.extent[0]; i++) {
        int64_t value = (i * 7 + seed) % 1000;

        dtype_convert(nd->dtype, nd->data + i * nd->stride[0], DTYPE_INT64, &value);
    }
}

static double
element(const nd_t *nd, int64_t i)
{
    double ret;

    dtype_convert(DTYPE_FLOAT64, &ret, nd->dtype, nd->data + i * nd->stride[0]);
    return ret;
}

/* a, b, c = (b + c), (c - a), (a * c) at once, each over another input. */
static void
turn_round(crew_t *crew, dtype_t dtype, int64_t n, int apart, int shift)
{
    static ground_t ground, before;
    static expression_t expression;
    const expression_step_t steps[] = {step_of("add", dtype, 1, 2), step_of("subtract", dtype, 2, 0),
                                       step_of("multiply", dtype, 0, 2)};
    const int results[] = {value_of(0), value_of(1), value_of(2)};
    const bool constant[ARRAYS] = {false};
    nd_t array[ARRAYS], was[ARRAYS];
    err_t err;

    memset(&ground, 0x5a, sizeof ground);
    for (int k = 0; k < ARRAYS; k++) {
        array[k] = array_of(ground.memory[k], dtype, n, apart, shift);
        fill(&array[k], k * 13);
    }
    before = ground;
    for (int k = 0; k < ARRAYS; k++)
        was[k] = array_of(before.memory[k], dtype, n, apart, shift);
    check_ok(expression_init(&expression, array, constant, ARRAYS, steps, 3, &err), err);
    check_ok(expression_store(crew, &expression, results, array, ARRAYS, &err), err);
    for (int64_t i = 0; i < n; i++) {
        double a = element(&was[0], i), b = element(&was[1], i), c = element(&was[2], i);

        assert_true(element(&array[0], i) == b + c);
        assert_true(element(&array[1], i) == c - a);
        assert_true(element(&array[2], i) == a * c);
    }
    for (int k = 0; k < ARRAYS; k++) /* the elements as they were: then all is as it was */
        for (int64_t i = 0; i < n; i++)
            memcpy(array[k].data + i * array[k].stride[0], was[k].data + i * was[k].stride[0], dtype_size(dtype));
    assert_memory_equal(&ground, &before, sizeof ground);
}

static void
inputs_are_read_before_they_are_written_over(void **state)
{
    static const int64_t COUNTS[] = {1, 2, 511, 512, 513, 2047, 2048, 2049, MOST};
    static const dtype_t DTYPES[] = {DTYPE_FLOAT64, DTYPE_FLOAT32, DTYPE_INT32};

    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        crew_t *crew;
        err_t err;

        check_ok(crew_new(&crew, threads, &err), err);
        for (size_t d = 0; d < sizeof DTYPES / sizeof *DTYPES; d++)
            for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++)
                for (int apart = 1; apart <= APART; apart += 2)
                    turn_round(crew, DTYPES[d], COUNTS[i], apart, 0);
        crew_destroy(&crew);
    }
}

/* Outputs that loops cannot write as they lie. */
static void
results_may_lie_anywhere(void **state)
{
    static ground_t ground;
    static expression_t expression;
    const expression_step_t step = step_of("add", DTYPE_FLOAT64, 0, 1);
    const int result = value_of(0);
    const bool constant[2] = {false};
    nd_t array[2], out;
    crew_t *crew;
    err_t err;

    (void)state;
    check_ok(crew_new(&crew, 1, &err), err);
    for (int k = 0; k < 2; k++) {
        array[k] = array_of(ground.memory[k], DTYPE_FLOAT64, MOST, 1, 0);
        fill(&array[k], k);
    }
    out = array_of(ground.memory[2], DTYPE_FLOAT64, MOST, 1, 3);
    check_ok(expression_init(&expression, array, constant, 2, &step, 1, &err), err);
    check_ok(expression_store(crew, &expression, &result, &out, 1, &err), err);
    for (int64_t i = 0; i < MOST; i++) {
        double got;

        memcpy(&got, out.data + i * (int64_t)sizeof got, sizeof got);
        assert_true(got == element(&array[0], i) + element(&array[1], i));
    }
    crew_destroy(&crew);
}

/* x, y = y / x, x * x: dividing by the one zero of x raises, multiplying does not. */
static void
flags_are_those_of_their_steps(void **state)
{
    static const int64_t ZEROS[] = {0, 2047, 2048, MOST - 1, -1 /* none */};
    const expression_step_t steps[] = {step_of("true_divide", DTYPE_FLOAT64, 1, 0),
                                       step_of("multiply", DTYPE_FLOAT64, 0, 0)};
    const int results[] = {value_of(0), value_of(1)};
    const bool constant[2] = {false};
    static ground_t ground;
    static expression_t expression;
    crew_t *crew;
    err_t err;

    (void)state;
    check_ok(crew_new(&crew, 1, &err), err);
    for (size_t z = 0; z < sizeof ZEROS / sizeof *ZEROS; z++) {
        unsigned flags[EXPRESSION_STEPS] = {0};
        nd_t array[2];

        for (int k = 0; k < 2; k++) {
            array[k] = array_of(ground.memory[k], DTYPE_FLOAT64, MOST, 1, 0);
            for (int64_t i = 0; i < MOST; i++)
                ((double *)(void *)array[k].data)[i] = 2;
        }
        if (ZEROS[z] >= 0)
            ((double *)(void *)array[0].data)[ZEROS[z]] = 0;
        check_ok(expression_init(&expression, array, constant, 2, steps, 2, &err), err);
        expression.flags = flags;
        expression.wanted = FLAGS_ALL;
        flags_clear();
        check_ok(expression_store(crew, &expression, results, array, 2, &err), err);
        assert_int_equal(flags[0], ZEROS[z] >= 0 ? FLAG_DIVIDE : 0);
        assert_int_equal(flags[1], 0);
        for (int64_t i = 0; i < MOST; i++) {
            assert_true(element(&array[0], i) == (i == ZEROS[z] ? __builtin_inf() : 1));
            assert_true(element(&array[1], i) == (i == ZEROS[z] ? 0 : 4));
        }
    }
    crew_destroy(&crew);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_are_read_before_they_are_written_over),
        cmocka_unit_test(results_may_lie_anywhere),
        cmocka_unit_test(flags_are_those_of_their_steps),
    };
    return cmocka_run_group_tests_name("engine/compute/expression_over", tests, NULL, NULL);
}
