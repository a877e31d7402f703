/* engine/compute/expression.h: what comes from outside is refused where it makes no sense, and values do not get mixed
 * up. */
#include "engine/compute/expression.h"
#include "engine/compute/expression_strips.h"
#include "engine/compute/strip_code.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <math.h>
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

/* ---- random expressions beside single operations -------------------------------------------------------------------
 */

enum {
    ROUNDS = 300,
    MOST_ROWS = 3,
    FEW_COLUMNS = 2300,
    MOST_COLUMNS = 40000,
    MOST = MOST_ROWS * MOST_COLUMNS,
    INPUTS = 6,
    STEPS = 12
};

typedef struct {
    _Alignas(64) char memory[INPUTS][MOST * 8 + 64], result[EXPRESSION_RESULTS][MOST * 8 + 64];
    char single[STEPS][MOST * 8 + 64]; /* values, each made by an operation of its own */
    nd_t input[INPUTS], value[STEPS];
    bool constant[INPUTS];
    expression_step_t step[STEPS];
    int nsteps;
    shape_t shape;
    expression_t expression;
} trial_t;

static const uint8_t DTYPES[] = {DTYPE_BOOL,   DTYPE_INT8,  DTYPE_UINT8,  DTYPE_INT16,   DTYPE_UINT16,  DTYPE_INT32,
                                 DTYPE_UINT32, DTYPE_INT64, DTYPE_UINT64, DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_FLOAT64};

static void
fill(uint64_t *random, nd_t *nd, bool edges)
{
    static const double EDGES[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 1e-310, 1e300};
    int64_t n = shape_count(&nd->shape);

    for (int64_t i = 0; i < n; i++) {
        double x = (double)views_below(random, 40000) / 17 + (edges ? -1000 : 0.5);

        if (edges && views_below(random, 50) == 0)
            x = EDGES[views_below(random, 9)];
        dtype_convert(nd->dtype, nd->data + i * (int64_t)dtype_size(nd->dtype), DTYPE_FLOAT64, &x);
        if (nd->dtype == DTYPE_BOOL) /* any byte but 0 is true */
            nd->data[i] = (char)(views_below(random, 2) * (1 + views_below(random, 255)));
    }
}

/* Arrays of that shape, one that begins anywhere; a row, a column, and a number. */
static void
make_inputs(trial_t *self, uint64_t *random, bool mixed)
{
    int64_t rows = 1 + views_below(random, MOST_ROWS),
            columns = 1 + views_below(random, views_below(random, 8) == 0 ? MOST_COLUMNS : FEW_COLUMNS);
    const struct {
        dtype_t dtype;
        shape_t shape;
    } kinds[INPUTS] = {{DTYPE_FLOAT64, {2, {rows, columns}}}, {DTYPE_FLOAT64, {2, {rows, columns}}},
                       {DTYPE_FLOAT32, {2, {rows, columns}}}, {DTYPE_FLOAT64, {1, {columns}}},
                       {DTYPE_FLOAT32, {2, {rows, 1}}},       {DTYPE_FLOAT64, {.ndim = 0}}};

    bool edges = views_below(random, 2) == 0; /* sums of many such are NaN mostly, and tell nothing */

    self->shape = kinds[0].shape;
    for (int i = 0; i < INPUTS; i++) {
        dtype_t dtype = mixed ? DTYPES[views_below(random, sizeof DTYPES)] : kinds[i].dtype;
        int64_t item = (int64_t)dtype_size(dtype);

        nd_init(&self->input[i], self->memory[i] + views_below(random, 5) * item, dtype, &kinds[i].shape);
        self->constant[i] = kinds[i].shape.ndim == 0;
        fill(random, &self->input[i], edges);
    }
}

/* A loop of the operation over that dtype, if there is one. */
static bool
take_loop(expression_step_t *step, dtype_t dtype)
{
    static const char *const TELL[] = {"equal",   "not_equal",     "less",        "less_equal",
                                       "greater", "greater_equal", "logical_and", "logical_not"};
    bool tells = false;

    for (size_t i = 0; i < sizeof TELL / sizeof TELL[0]; i++)
        tells |= !strcmp(step->op->name, TELL[i]);
    step->loop = (op_loop_t){.out = {tells ? DTYPE_BOOL : dtype}};
    for (int k = 0; k < step->op->nin; k++)
        step->loop.in[k] = step->op->code == OP_WHERE && k == 0 ? DTYPE_BOOL : dtype;
    return loop_find(step->op, &step->loop) != NULL;
}

static void
make_steps(trial_t *self, uint64_t *random, bool mixed)
{
    static const char *const NAMES[] = {"add",      "subtract", "multiply", "true_divide", "maximum",    "minimum",
                                        "negative", "absolute", "square",   "sqrt",        "reciprocal", "floor"};
    static const char *const MORE[] = {
        "add",     "subtract",      "multiply",    "maximum",    "minimum",     "negative",    "absolute",   "square",
        "sqrt",    "floor",         "ceil",        "rint",       "trunc",       "equal",       "not_equal",  "less",
        "greater", "greater_equal", "less_equal",  "where",      "where",       "where",       "clip",       "fmax",
        "fmin",    "invert",        "bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_not"};

    self->nsteps = 1 + (int)views_below(random, STEPS);
    for (int i = 0; i < self->nsteps; i++) {
        expression_step_t *step = &self->step[i];

        do {
            const char *name = mixed ? MORE[views_below(random, sizeof MORE / sizeof MORE[0])]
                                     : NAMES[views_below(random, 50) == 0 ? 11 : views_below(random, 11)];
            dtype_t dtype = mixed                         ? (dtype_t)DTYPES[views_below(random, sizeof DTYPES)]
                            : views_below(random, 3) == 0 ? DTYPE_FLOAT32
                                                          : DTYPE_FLOAT64;

            *step = (expression_step_t){.op = op_find(name, strlen(name))};
            if (take_loop(step, dtype))
                break;
        } while (true);
        for (int k = 0; k < step->op->nin; k++) {
            bool fresh = i == 0 || views_below(random, 2) == 0;

            step->argument[k] =
                fresh ? (int)views_below(random, INPUTS) : value_of(i - 1 - (int)views_below(random, i < 3 ? i : 3));
        }
    }
}

static void
run_single(trial_t *self, crew_t *crew)
{
    err_t err;

    for (int i = 0; i < self->nsteps; i++) {
        const expression_step_t *step = &self->step[i];
        nd_t in[OP_MAX_IN];

        for (int k = 0; k < step->op->nin; k++)
            in[k] = step->argument[k] < INPUTS ? self->input[step->argument[k]]
                                               : self->value[(step->argument[k] - EXPRESSION_INPUTS) / OP_MAX_OUT];
        nd_init(&self->value[i], self->single[i], step->loop.out[0], &self->shape);
        check_ok(compute_ufunc(crew, step->op, &step->loop, in, step->op->nin, &self->value[i], 1, NULL, &err), err);
    }
}

static void
check_same(const nd_t *a, const nd_t *b)
{
    int64_t n = shape_count(&a->shape), item = (int64_t)dtype_size(a->dtype);

    for (int64_t i = 0; i < n; i++) {
        double x, y;

        dtype_convert(DTYPE_FLOAT64, &x, a->dtype, a->data + i * item);
        dtype_convert(DTYPE_FLOAT64, &y, b->dtype, b->data + i * item);
        if (a->dtype == DTYPE_BOOL) /* any byte but 0 is true */
            assert_int_equal(x != 0, y != 0);
        else if (!(isnan(x) && isnan(y)))
            assert_memory_equal(a->data + i * item, b->data + i * item, (size_t)item);
    }
}

static void
check_results(trial_t *self, crew_t *crew, uint64_t *random)
{
    int n = 1 + (int)views_below(random, self->nsteps < 4 ? self->nsteps : 4), results[EXPRESSION_RESULTS];
    nd_t out[EXPRESSION_RESULTS];
    err_t err;

    for (int k = 0; k < n; k++) {
        int step = self->nsteps - n + k;

        results[k] = value_of(step);
        nd_init(&out[k], self->result[k], self->step[step].loop.out[0], &self->shape);
    }
    check_ok(expression_store(crew, &self->expression, results, out, n, &err), err);
    for (int k = 0; k < n; k++)
        check_same(&self->value[self->nsteps - n + k], &out[k]);
}

static void
check_reduction(trial_t *self, crew_t *crew, uint64_t *random)
{
    static const reduce_t REDUCTIONS[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ANY, REDUCE_ALL};
    reduce_t reduce = REDUCTIONS[views_below(random, 6)];
    bool tells = reduce == REDUCE_ANY || reduce == REDUCE_ALL;
    uint32_t axes = 1 + (uint32_t)views_below(random, 3);
    int last = self->nsteps - 1;
    bool wide = self->value[last].dtype < DTYPE_FLOAT16 && !tells && views_below(random, 2) == 0;
    dtype_t dtype = tells ? DTYPE_BOOL : wide ? DTYPE_INT64 : self->value[last].dtype;
    static double data[2][MOST];
    shape_t shape = self->shape;
    nd_t out[2];
    err_t err;

    for (int i = 0; i < 2; i++)
        shape.extent[i] = axes >> i & 1 ? 1 : shape.extent[i];
    for (int i = 0; i < 2; i++)
        nd_init(&out[i], (char *)data[i], dtype, &shape);
    check_ok(compute_reduce(crew, reduce, &self->value[last], axes, &out[0], 0, &err), err);
    check_ok(
        expression_reduce(crew, &self->expression, value_of(last), reduce, axes, &(reduce_piece_t){0}, &out[1], &err),
        err);
    check_same(&out[0], &out[1]);
}

/* Whatever way an expression goes, by strips or by blocks: the bits are those of one operation after the other. */
static void
compare_ways(bool mixed)
{
    static trial_t trial;
    uint64_t seed = check_seed(), random = seed;
    expression_strips_t strips;
    int by_strips = 0, last;
    crew_t *crew;
    err_t err;

    check_ok(crew_new(&crew, 2, &err), err);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        make_inputs(&trial, &random, mixed);
        make_steps(&trial, &random, mixed);
        run_single(&trial, crew);
        if (expression_init(&trial.expression, trial.input, trial.constant, INPUTS, trial.step, trial.nsteps, &err))
            fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
        last = value_of(trial.nsteps - 1);
        expression_strips_store(&strips, &trial.expression, &last, 1, false);
        by_strips += strips.program.n > 0;
        for (int turn = 0; turn < 2; turn++) { /* the second time, as machine code */
            uint64_t again = random;
            check_results(&trial, crew, &again);
            check_reduction(&trial, crew, &again);
        }
        random++;
    }
    print_message("%d of %d by strips, %d programs became code, %d cannot\n", by_strips, ROUNDS,
                  (int)strip_code_count().made, (int)strip_code_count().refused);
    assert_true(strip_table() == NULL ? by_strips == 0 : by_strips > ROUNDS / (mixed ? 8 : 2));
    crew_destroy(&crew);
}

static void
expressions_give_the_bits_of_single_operations(void **state)
{
    (void)state;
    compare_ways(false);
}

static void
so_do_those_of_integers_bools_comparisons_and_choices(void **state)
{
    (void)state;
    compare_ways(true);
}

/* Many leaves at once, and what is left of a row. */
static void
sums_over_rows_of_any_length_have_the_same_tree(void **state)
{
    static trial_t trial;
    uint64_t random = check_seed();
    crew_t *crew;
    err_t err;

    (void)state;
    check_ok(crew_new(&crew, 1, &err), err);
    for (int64_t columns = FOLD_SPAN - 1; columns < MOST_COLUMNS; columns += 3011) {
        double sums[2];
        nd_t out[2];

        trial.shape = (shape_t){2, {MOST_ROWS, columns}};
        trial.nsteps = 1;
        trial.step[0] = step_of("multiply", 0, 1, 0);
        for (int i = 0; i < 2; i++) {
            nd_init(&trial.input[i], trial.memory[i], DTYPE_FLOAT64, i == 0 ? &trial.shape : &(shape_t){1, {columns}});
            fill(&random, &trial.input[i], false);
            trial.constant[i] = false;
            nd_init(&out[i], (char *)&sums[i], DTYPE_FLOAT64, &(shape_t){.ndim = 0});
        }
        run_single(&trial, crew);
        check_ok(expression_init(&trial.expression, trial.input, trial.constant, 2, trial.step, 1, &err), err);
        check_ok(compute_reduce(crew, REDUCE_SUM, &trial.value[0], 3, &out[0], 0, &err), err);
        check_ok(
            expression_reduce(crew, &trial.expression, value_of(0), REDUCE_SUM, 3, &(reduce_piece_t){0}, &out[1], &err),
            err);
        assert_true(isfinite(sums[0]) && sums[0] == sums[1]);
    }
    crew_destroy(&crew);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_without_meaning_are_refused),
        cmocka_unit_test(values_that_are_all_needed_later_stay_apart),
        cmocka_unit_test(expressions_give_the_bits_of_single_operations),
        cmocka_unit_test(so_do_those_of_integers_bools_comparisons_and_choices),
        cmocka_unit_test(sums_over_rows_of_any_length_have_the_same_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
