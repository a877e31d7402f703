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
    _Alignas(64) char memory[INPUTS][MOST * 16 + 96], result[EXPRESSION_RESULTS][MOST * 16 + 96];
    char single[STEPS][OP_MAX_OUT][MOST * 16 + 96]; /* values, each made by an operation of its own */
    nd_t input[INPUTS], value[STEPS][OP_MAX_OUT];
    bool constant[INPUTS];
    expression_step_t step[STEPS];
    int nsteps;
    shape_t shape;
    expression_t expression;
} trial_t;

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

/* What the steps of a round are made of; the last of the dtypes is the one that is there most. */
typedef struct {
    const char *names[48];
    uint8_t dtypes[16];
} stock_t;

static const stock_t REAL = {
    {"add", "subtract", "multiply", "true_divide", "maximum", "minimum", "negative", "absolute", "square", "sqrt",
     "reciprocal"},
    {DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_FLOAT64},
};
static const stock_t MIXED = {
    {"add",     "subtract",      "multiply",    "maximum",    "minimum",     "negative",    "absolute",   "square",
     "sqrt",    "floor",         "ceil",        "rint",       "trunc",       "equal",       "not_equal",  "less",
     "greater", "greater_equal", "less_equal",  "where",      "where",       "where",       "clip",       "fmax",
     "fmin",    "invert",        "bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_not"},
    {DTYPE_BOOL, DTYPE_INT8, DTYPE_UINT8, DTYPE_INT16, DTYPE_UINT16, DTYPE_INT32, DTYPE_UINT32, DTYPE_INT64,
     DTYPE_UINT64, DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_FLOAT64},
};
/* With functions and all that have no steps. */
static const stock_t ALL = {
    {"add",       "subtract", "multiply",   "true_divide", "exp",         "log",       "sin",          "cos",
     "tanh",      "tan",      "log1p",      "expm1",       "arctan2",     "hypot",     "power",        "cbrt",
     "logaddexp", "square",   "sqrt",       "where",       "clip",        "maximum",   "floor_divide", "remainder",
     "divmod",    "fmod",     "modf",       "frexp",       "ldexp",       "sign",      "isfinite",     "isnan",
     "isinf",     "signbit",  "left_shift", "right_shift", "bitwise_and", "conjugate", "absolute",     "less",
     "copysign",  "positive", "rint",       "not_equal",   "logical_or"},
    {DTYPE_BOOL, DTYPE_INT8, DTYPE_UINT8, DTYPE_INT16, DTYPE_INT32, DTYPE_INT64, DTYPE_UINT64, DTYPE_FLOAT16,
     DTYPE_COMPLEX64, DTYPE_COMPLEX128, DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_FLOAT64, DTYPE_FLOAT64},
};

static const char *
pick_name(const stock_t *stock, uint64_t *random)
{
    int n = 0;

    while (n < (int)(sizeof stock->names / sizeof stock->names[0]) && stock->names[n])
        n++;
    return stock->names[views_below(random, n)];
}

static dtype_t
pick_dtype(const stock_t *stock, uint64_t *random)
{
    int n = 2;

    while (n < (int)sizeof stock->dtypes && stock->dtypes[n])
        n++;
    return (dtype_t)stock->dtypes[views_below(random, n)];
}

/* The same elements in another order: rows are columns, or the last one comes first. */
static void
lay_apart(nd_t *nd, int64_t item)
{
    if (nd->shape.extent[0] > 1) {
        nd->stride[0] = item;
        nd->stride[1] = item * nd->shape.extent[0];
    } else {
        nd->data += item * (nd->shape.extent[1] - 1);
        nd->stride[1] = -item;
    }
}

/* Arrays of that shape, which may begin anywhere and lie apart; a row, a column, and a number. */
static void
make_inputs(trial_t *self, uint64_t *random, const stock_t *stock)
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
        dtype_t dtype = stock == &REAL ? kinds[i].dtype : pick_dtype(stock, random);
        int64_t item = (int64_t)dtype_size(dtype);

        int64_t odd = views_below(random, 6) == 0; /* not aligned to their type */

        nd_init(&self->input[i], self->memory[i] + views_below(random, 5) * item + odd, dtype, &kinds[i].shape);
        self->constant[i] = kinds[i].shape.ndim == 0;
        fill(random, &self->input[i], edges);
        if (i < 3 && views_below(random, 4) == 0)
            lay_apart(&self->input[i], item);
    }
}

/* The loop of the operation over inputs of that dtype, if there is one. */
static bool
take_loop(expression_step_t *step, dtype_t dtype)
{
    op_input_t inputs[OP_MAX_IN];
    err_t err;

    for (int k = 0; k < step->op->nin; k++)
        inputs[k] = (op_input_t){.dtype = step->op->code == OP_WHERE && k == 0 ? DTYPE_BOOL : dtype};
    if (op_resolve(step->op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &step->loop, &err))
        return false;
    return step->op->code != OP_POWER || !strchr("iu", dtype_kind(step->loop.in[1]));
}

static void
make_steps(trial_t *self, uint64_t *random, const stock_t *stock)
{
    self->nsteps = 1 + (int)views_below(random, STEPS);
    for (int i = 0; i < self->nsteps; i++) {
        expression_step_t *step = &self->step[i];

        do {
            const char *name = pick_name(stock, random);

            *step = (expression_step_t){.op = op_find(name, strlen(name))};
            assert_non_null(step->op);
        } while (!take_loop(step, pick_dtype(stock, random)));
        for (int k = 0; k < step->op->nin; k++) {
            bool fresh = i == 0 || views_below(random, 2) == 0;
            int before = fresh ? 0 : i - 1 - (int)views_below(random, i < 3 ? i : 3);
            bool second = !fresh && self->step[before].op->nout > 1 && views_below(random, 2) == 0;

            step->argument[k] = fresh ? (int)views_below(random, INPUTS) : value_of(before) + second;
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
                                               : self->value[(step->argument[k] - EXPRESSION_INPUTS) / OP_MAX_OUT]
                                                            [(step->argument[k] - EXPRESSION_INPUTS) % OP_MAX_OUT];
        for (int k = 0; k < step->op->nout; k++)
            nd_init(&self->value[i][k], self->single[i][k], step->loop.out[k], &self->shape);
        check_ok(
            compute_ufunc(crew, step->op, &step->loop, in, step->op->nin, self->value[i], step->op->nout, NULL, &err),
            err);
    }
}

/* One number, or a part of a complex one. */
static void
check_same_number(dtype_t dtype, const char *a, const char *b)
{
    double x, y;

    dtype_convert(DTYPE_FLOAT64, &x, dtype, a);
    dtype_convert(DTYPE_FLOAT64, &y, dtype, b);
    if (dtype == DTYPE_BOOL) /* any byte but 0 is true */
        assert_int_equal(x != 0, y != 0);
    else if (!(isnan(x) && isnan(y)))
        assert_memory_equal(a, b, dtype_size(dtype));
}

static void
check_same(const nd_t *a, const nd_t *b)
{
    int parts = dtype_kind(a->dtype) == 'c' ? 2 : 1;
    dtype_t dtype = a->dtype == DTYPE_COMPLEX64 ? DTYPE_FLOAT32 : parts == 2 ? DTYPE_FLOAT64 : a->dtype;
    int64_t n = shape_count(&a->shape) * parts, item = (int64_t)dtype_size(dtype);

    for (int64_t i = 0; i < n; i++)
        check_same_number(dtype, a->data + i * item, b->data + i * item);
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
        check_same(&self->value[self->nsteps - n + k][0], &out[k]);
}

static void
check_reduction(trial_t *self, crew_t *crew, uint64_t *random)
{
    static const reduce_t REDUCTIONS[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ANY, REDUCE_ALL};
    reduce_t reduce = REDUCTIONS[views_below(random, 6)];
    bool tells = reduce == REDUCE_ANY || reduce == REDUCE_ALL;
    uint32_t axes = 1 + (uint32_t)views_below(random, 3);
    int last = self->nsteps - 1;
    const nd_t *value = &self->value[last][0];
    bool wide = value->dtype < DTYPE_FLOAT16 && !tells && views_below(random, 2) == 0;
    dtype_t dtype = tells ? DTYPE_BOOL : wide ? DTYPE_INT64 : value->dtype;
    static double data[2][2 * MOST];
    shape_t shape = self->shape;
    nd_t out[2];
    err_t err;

    for (int i = 0; i < 2; i++)
        shape.extent[i] = axes >> i & 1 ? 1 : shape.extent[i];
    for (int i = 0; i < 2; i++)
        nd_init(&out[i], (char *)data[i], dtype, &shape);
    check_ok(compute_reduce(crew, reduce, value, axes, &out[0], 0, &err), err);
    check_ok(
        expression_reduce(crew, &self->expression, value_of(last), reduce, axes, &(reduce_piece_t){0}, &out[1], &err),
        err);
    check_same(&out[0], &out[1]);
}

/* Whatever way an expression goes, by strips or by blocks: the bits are those of one operation after the other. */
static void
compare_ways(const stock_t *stock)
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
        make_inputs(&trial, &random, stock);
        make_steps(&trial, &random, stock);
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
    assert_true(strip_table() == NULL ? by_strips == 0 : by_strips > ROUNDS * 9 / 10);
    crew_destroy(&crew);
}

static void
expressions_give_the_bits_of_single_operations(void **state)
{
    (void)state;
    compare_ways(&REAL);
}

static void
so_do_those_of_integers_bools_comparisons_and_choices(void **state)
{
    (void)state;
    compare_ways(&MIXED);
}

static void
so_do_those_of_all_operations(void **state)
{
    (void)state;
    compare_ways(&ALL);
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
        check_ok(compute_reduce(crew, REDUCE_SUM, &trial.value[0][0], 3, &out[0], 0, &err), err);
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
        cmocka_unit_test(so_do_those_of_all_operations),
        cmocka_unit_test(sums_over_rows_of_any_length_have_the_same_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
