/* engine/compute/expression.h: what comes from outside is refused where it makes no sense, and values do not get mixed
 * up. */
#include "engine/compute/expression.h"
#include "tests/support/check.h"

#include <string.h>

enum { COUNT = 1000 };

static expression_step_t
step_of(const char *name, int a, int b, int c)
{
    expression_step_t step = {.op = op_find(name, strlen(name)), .argument = {a, b, c}};

    assert_non_null(step.op);
    for (int i = 0; i < step.op->nin; i++)
        step.loop.in[i] = DTYPE_FLOAT64;
    for (int i = 0; i < step.op->nout; i++)
        step.loop.out[i] = DTYPE_FLOAT64;
    return step;
}

/* The first output of a step. */
static int
value_of(int step)
{
    return EXPRESSION_INPUTS + OP_MAX_OUT * step;
}

static void
array_of(nd_t *ret, double *data, int64_t n)
{
    nd_init(ret, data, DTYPE_FLOAT64, &(shape_t){1, {n}});
}

static void
programs_without_meaning_are_refused(void **state)
{
    static double data[COUNT];
    static expression_t expression;
    const expression_step_t later = step_of("add", 0, value_of(0), 0), beyond = step_of("add", 0, EXPRESSION_VALUES, 0),
                            before = step_of("add", -1, 0, 0), absent = step_of("add", 0, 5, 0);
    const expression_step_t *const wrong[] = {&later, &beyond, &before, &absent};
    const bool array[] = {false}, constant[] = {true};
    expression_step_t good = step_of("add", 0, 0, 0);
    nd_t input;
    err_t err;

    (void)state;
    array_of(&input, data, COUNT);
    check_ok(expression_init(&expression, &input, array, 1, &good, 1, &err), err);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(expression_init(&expression, &input, array, 1, wrong[i], 1, &err), FH_INVALID_ARGUMENT, err);
    check_fails(expression_init(&expression, &input, constant, 1, &good, 1, &err), FH_INVALID_ARGUMENT, err);
    check_fails(expression_init(&expression, &input, array, 1, &good, EXPRESSION_STEPS + 1, &err), FH_INVALID_ARGUMENT,
                err);
    good.loop.in[0] = good.loop.in[1] = good.loop.out[0] = DTYPE_BOOL;
    good.op = op_find("arctan2", 7);
    check_fails(expression_init(&expression, &input, array, 1, &good, 1, &err), FH_WRONG_TYPE, err);
}

/* Quotient and remainder of 17 divisions, all of which are needed later. */
enum { PAIRS = 17, JOINS = EXPRESSION_STEPS - PAIRS, FIRST = 3 /* that is joined */, DIVISORS = 8 };

static double
part_of(double x, int k)
{
    int divisor = 3 + 2 * (k / 2 % DIVISORS);

    return k % 2 ? (int)x % divisor : (int)x / divisor;
}

static double
clip(double x, double low, double high)
{
    double raised = x > low ? x : low;

    return raised < high ? raised : high;
}

static void
values_that_are_all_needed_later_stay_apart(void **state)
{
    static double data[COUNT], got[EXPRESSION_RESULTS][COUNT];
    static expression_t expression;
    double divisors[DIVISORS];
    nd_t input[1 + DIVISORS], out[EXPRESSION_RESULTS];
    bool constant[1 + DIVISORS] = {false};
    int results[EXPRESSION_RESULTS];
    expression_step_t steps[EXPRESSION_STEPS];
    crew_t *crew;
    err_t err;

    (void)state;
    check_ok(crew_new(&crew, 1, &err), err);
    for (int i = 0; i < COUNT; i++)
        data[i] = 1000 + i;
    array_of(&input[0], data, COUNT);
    for (int i = 0; i < DIVISORS; i++) {
        divisors[i] = 3 + 2 * i;
        nd_init(&input[1 + i], &divisors[i], DTYPE_FLOAT64, &(shape_t){.ndim = 0});
        constant[1 + i] = true;
    }
    for (int i = 0; i < PAIRS; i++)
        steps[i] = step_of("divmod", 0, 1 + i % DIVISORS, 0);
    for (int i = 0; i < JOINS; i++)
        steps[PAIRS + i] = step_of("clip", i ? value_of(PAIRS + i - 1) : value_of(0) + FIRST,
                                   value_of(0) + FIRST + 2 * i + 1, value_of(0) + FIRST + 2 * i + 2);
    results[0] = value_of(EXPRESSION_STEPS - 1);
    for (int k = 1; k < EXPRESSION_RESULTS; k++)
        results[k] = value_of(0) + k - 1;
    for (int k = 0; k < EXPRESSION_RESULTS; k++)
        array_of(&out[k], got[k], COUNT);
    check_ok(expression_init(&expression, input, constant, 1 + DIVISORS, steps, EXPRESSION_STEPS, &err), err);
    check_ok(expression_store(crew, &expression, results, out, EXPRESSION_RESULTS, &err), err);
    for (int i = 0; i < COUNT; i++) {
        double joined = part_of(data[i], FIRST);

        for (int k = 0; k < JOINS; k++)
            joined = clip(joined, part_of(data[i], FIRST + 2 * k + 1), part_of(data[i], FIRST + 2 * k + 2));
        assert_true(got[0][i] == joined);
        for (int k = 1; k < EXPRESSION_RESULTS; k++)
            assert_true(got[k][i] == part_of(data[i], k - 1));
    }
    crew_destroy(&crew);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_without_meaning_are_refused),
        cmocka_unit_test(values_that_are_all_needed_later_stay_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
