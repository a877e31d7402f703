/* engine/compute/strip_code.h: machine code gives the bits of the steps that it was made from, for each operation alone
 * (random expressions are in expression_test.c), and programs are kept apart. */
#include "engine/compute/expression_blocks.h"
#include "engine/compute/strip_code.h"
#include "engine/compute/strip_instructions.h"
#include "tests/support/check.h"
#include "tests/unit/engine/compute/views.h"

#include <math.h>
#include <string.h>

enum { COUNT = 40 * STRIP, MUCH = 1 << 30 /* work */, ARRAYS = 3 };

typedef struct {
    _Alignas(64) char memory[ARRAYS][COUNT * 8], got[2][COUNT * 8];
    nd_t input[ARRAYS];
    expression_t expression;
    expression_strips_t strips;
} bench_t;

static bool
has_code(void)
{
    return strip_table() != NULL && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
}

static void
fill(bench_t *self, uint64_t *random, int i, dtype_t dtype, int n)
{
    static const double EDGES[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 1e-310, 1e300};

    nd_init(&self->input[i], self->memory[i], dtype, &(shape_t){1, {n}});
    for (int k = 0; k < n; k++) {
        double x = (double)views_below(random, 4000) / 17 - 100;

        if (dtype_kind(dtype) == 'f' && views_below(random, 8) == 0)
            x = EDGES[views_below(random, 9)];
        if (dtype == DTYPE_BOOL)
            self->memory[i][k] = (char)(views_below(random, 2) * (1 + views_below(random, 255)));
        else if (dtype_kind(dtype) == 'f')
            dtype_convert(dtype, self->memory[i] + k * (int64_t)dtype_size(dtype), DTYPE_FLOAT64, &x);
        else /* all bits */
            for (size_t byte = 0; byte < dtype_size(dtype); byte++)
                self->memory[i][k * (int64_t)dtype_size(dtype) + (int64_t)byte] = (char)views_below(random, 256);
    }
}

/* Runs the program by steps and as code; false: it has no code. */
static bool
run_both(bench_t *self, const char *what, dtype_t dtype)
{
    char *data[ARRAYS], *result;
    int64_t step[ARRAYS], size = (int64_t)dtype_size(dtype);

    for (int k = 0; k < self->expression.narrays; k++) {
        data[k] = self->expression.array[k].data;
        step[k] = self->expression.array[k].stride[0];
    }
    self->strips.code = NULL;
    memset(self->got, 0xee, sizeof self->got);
    result = self->got[0];
    assert_int_equal(expression_strips_run(&self->strips, &self->expression, data, step, COUNT, &result), COUNT);
    expression_strips_compile(&self->strips, &self->expression, MUCH);
    if (self->strips.code == NULL)
        return false;
    result = self->got[1];
    assert_int_equal(expression_strips_run(&self->strips, &self->expression, data, step, COUNT, &result), COUNT);
    expression_strips_release(&self->strips);
    for (int64_t i = 0; i < COUNT; i++) {
        const char *a = self->got[0] + i * size, *b = self->got[1] + i * size;
        double x[2] = {0, 0};

        dtype_convert(DTYPE_FLOAT64, &x[0], dtype, a);
        dtype_convert(DTYPE_FLOAT64, &x[1], dtype, b);
        if (memcmp(a, b, (size_t)size) && !(isnan(x[0]) && isnan(x[1])))
            fail_msg("%s of %s: element %d is %.17g by steps, %.17g by code", what, dtype_name(dtype), (int)i, x[0],
                     x[1]);
    }
    return true;
}

/* Reduces by steps, when the program is seen for the first time, and as code; false: it has no code. */
static bool
reduce_both(bench_t *self, reduce_t reduce, int value, dtype_t dtype)
{
    static crew_t *crew;
    strip_code_count_t before = strip_code_count();
    dtype_t type = dtype;
    double got[2] = {0, 0};
    err_t err;

    if (crew == NULL)
        check_ok(crew_new(&crew, 1, &err), err);
    check_ok(reduce_resolve(reduce, dtype, DTYPE_NONE, &type, &err), err);
    for (int i = 0; i < 2; i++) {
        nd_t out;
        nd_init(&out, (char *)&got[i], type, &(shape_t){.ndim = 0});
        check_ok(expression_reduce(crew, &self->expression, value, reduce, 1, &(reduce_piece_t){0}, &out, &err), err);
    }
    if (memcmp(&got[0], &got[1], sizeof got[0]) && !(dtype_kind(type) == 'f' && isnan(got[0]) && isnan(got[1])))
        fail_msg("%s of %s: %.17g by steps, %.17g by code", reduce_name(reduce), dtype_name(dtype), got[0], got[1]);
    return strip_code_count().made > before.made;
}

/* op of arrays of that dtype, one of them perhaps of one element; false: there is no such operation. */
static bool
make_operation(bench_t *self, uint64_t *random, const op_t *op, dtype_t dtype, dtype_t out, int alone, bool stream)
{
    expression_step_t step = {.op = op, .argument = {0, 1, 2}, .loop.out = {out}};
    const bool constant[ARRAYS] = {false};
    const int value = EXPRESSION_INPUTS;
    err_t err;

    for (int k = 0; k < op->nin; k++) {
        step.loop.in[k] = op->code == OP_WHERE && k == 0 ? DTYPE_BOOL : dtype;
        fill(self, random, k, step.loop.in[k], k == alone ? 1 : COUNT);
    }
    if (loop_find(op, &step.loop) == NULL)
        return false;
    check_ok(expression_init(&self->expression, self->input, constant, op->nin, &step, 1, &err), err);
    expression_strips_store(&self->strips, &self->expression, &value, 1, stream);
    return self->strips.program.n > 0;
}

static void
each_operation_has_the_bits_of_its_step(void **state)
{
    static bench_t bench;
    uint64_t random = check_seed();
    int coded = 0;

    (void)state;
    for (int code = 0; op_at(code) != NULL; code++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
            for (int turn = 0; turn < 8; turn++) {
                const op_t *op = op_at(code);
                dtype_t out = turn & 4 ? DTYPE_BOOL : (dtype_t)dtype;
                int alone = op->nin > 1 ? (turn & 3) - 1 : -1;

                if (op->nout != 1 || dtype_size((dtype_t)dtype) > 8 || op->code == OP_POWER ||
                    !make_operation(&bench, &random, op, (dtype_t)dtype, out, alone, turn % 2 == 1))
                    continue;
                bool known = strip_instruction(code, (dtype_t)dtype) != NULL &&
                             (alone < 0 || (dtype != DTYPE_BOOL && !(op->nin == 3 && alone == 0)));
                bool done = run_both(&bench, op->name, out);
                if (has_code() && known && !done)
                    fail_msg("%s of %s has instructions and no code", op->name, dtype_name((dtype_t)dtype));
                coded += done;
            }
    print_message("%d operations as code\n", coded);
    assert_true(has_code() ? coded > 300 : coded == 0);
}

/* A chain that needs more registers than there are goes step by step, or with fewer elements at a time. */
static void
long_programs_have_the_same_bits(void **state)
{
    static bench_t bench;
    uint64_t random = check_seed();
    expression_step_t steps[EXPRESSION_STEPS];
    const bool constant[ARRAYS] = {false};
    int last = EXPRESSION_INPUTS + OP_MAX_OUT * (EXPRESSION_STEPS - 1);
    err_t err;

    (void)state;
    for (int k = 0; k < ARRAYS; k++)
        fill(&bench, &random, k, DTYPE_FLOAT32, COUNT);
    /* the first half makes values that the second half takes in turn */
    for (int i = 0; i < EXPRESSION_STEPS; i++) {
        bool joins = i >= EXPRESSION_STEPS / 2;
        steps[i] = (expression_step_t){.op = op_find(joins   ? "subtract"
                                                     : i % 2 ? "multiply"
                                                             : "add",
                                                     joins || i % 2 ? 8 : 3),
                                       .argument = {i % ARRAYS, (i + 1) % ARRAYS}};
        if (joins) {
            steps[i].argument[0] = EXPRESSION_INPUTS + OP_MAX_OUT * (i - 1);
            steps[i].argument[1] = EXPRESSION_INPUTS + OP_MAX_OUT * (i - EXPRESSION_STEPS / 2);
        }
        steps[i].loop = (op_loop_t){{DTYPE_FLOAT32, DTYPE_FLOAT32}, {DTYPE_FLOAT32}};
    }
    check_ok(expression_init(&bench.expression, bench.input, constant, ARRAYS, steps, EXPRESSION_STEPS, &err), err);
    expression_strips_store(&bench.strips, &bench.expression, &last, 1, false);
    assert_int_equal(run_both(&bench, "a long program", DTYPE_FLOAT32), has_code());
}

/* Can a value of one dtype be cast to the other by instructions? */
static bool
is_castable(dtype_t from, dtype_t to)
{
    return from == to || from == DTYPE_BOOL || strip_casting(from, to) != NULL;
}

/* A step on any values before it that its dtype can be had of. */
static void
make_random_step(bench_t *self, uint64_t *random, expression_step_t *steps, uint8_t *dtypes, int i)
{
    static const char *const NAMES[] = {"add",    "subtract", "multiply", "maximum",     "minimum",   "negative",
                                        "square", "absolute", "sqrt",     "true_divide", "less",      "greater_equal",
                                        "equal",  "where",    "where",    "floor",       "not_equal", "fmin"};
    static const uint8_t DTYPES[] = {DTYPE_FLOAT64, DTYPE_FLOAT32, DTYPE_INT32, DTYPE_INT64, DTYPE_UINT8};
    expression_step_t step;
    dtype_t dtype, out;

    do {
        const char *name = NAMES[views_below(random, sizeof NAMES / sizeof NAMES[0])];
        step = (expression_step_t){.op = op_find(name, strlen(name))};
        dtype = (dtype_t)DTYPES[views_below(random, sizeof DTYPES)];
        out = strip_instruction(step.op->code, dtype) == NULL                    ? DTYPE_NONE
              : strip_instruction(step.op->code, dtype)->shape == STRIP_COMPARED ? DTYPE_BOOL
                                                                                 : dtype;
        step.loop = (op_loop_t){.out = {out}};
        for (int k = 0; k < step.op->nin; k++)
            step.loop.in[k] = step.op->code == OP_WHERE && k == 0 ? DTYPE_BOOL : dtype;
        bool possible = out != DTYPE_NONE && loop_find(step.op, &step.loop) != NULL;
        for (int k = 0; k < step.op->nin && possible; k++) {
            int tries = 20, last = ARRAYS + i;
            do {
                int value = (int)views_below(random, last);
                step.argument[k] = value < ARRAYS ? value : EXPRESSION_INPUTS + OP_MAX_OUT * (value - ARRAYS);
            } while (!(step.loop.in[k] == DTYPE_BOOL
                           ? dtypes[step.argument[k]] == DTYPE_BOOL
                           : is_castable((dtype_t)dtypes[step.argument[k]], step.loop.in[k])) &&
                     --tries > 0);
            possible = tries > 0;
        }
        if (possible)
            break;
    } while (true);
    steps[i] = step;
    dtypes[EXPRESSION_INPUTS + OP_MAX_OUT * i] = (uint8_t)out;
    (void)self;
}

/* Real numbers, integers and bools, cast and chosen; stored, or reduced. */
static void
random_programs_have_the_same_bits(void **state)
{
    enum { PROGRAMS = 300, MOST = 14 };
    static const reduce_t REDUCTIONS[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN};
    static bench_t bench;
    uint64_t random = check_seed();
    const bool constant[ARRAYS] = {false};
    const dtype_t kinds[] = {DTYPE_FLOAT64, DTYPE_FLOAT32, DTYPE_INT32, DTYPE_INT64, DTYPE_BOOL, DTYPE_UINT8};
    int coded = 0;
    err_t err;

    (void)state;
    for (int program = 0; program < PROGRAMS; program++) {
        expression_step_t steps[MOST];
        uint8_t dtypes[EXPRESSION_VALUES];
        int n = 1 + (int)views_below(&random, MOST), last = EXPRESSION_INPUTS + OP_MAX_OUT * (n - 1);

        for (int k = 0; k < ARRAYS; k++) {
            fill(&bench, &random, k, kinds[views_below(&random, 6)], views_below(&random, 6) == 0 && k > 0 ? 1 : COUNT);
            dtypes[k] = (uint8_t)bench.input[k].dtype;
        }
        fill(&bench, &random, 0, DTYPE_INT32, COUNT); /* there is always something for everyone */
        dtypes[0] = DTYPE_INT32;
        for (int i = 0; i < n; i++)
            make_random_step(&bench, &random, steps, dtypes, i);
        check_ok(expression_init(&bench.expression, bench.input, constant, ARRAYS, steps, n, &err), err);
        if (views_below(&random, 3) > 0) {
            expression_strips_store(&bench.strips, &bench.expression, &last, 1, views_below(&random, 2) == 0);
            coded += bench.strips.program.n > 0 && run_both(&bench, "a random program", (dtype_t)dtypes[last]);
        } else {
            coded += reduce_both(&bench, REDUCTIONS[views_below(&random, 4)], last, (dtype_t)dtypes[last]);
        }
    }
    print_message("%d of %d programs as code\n", coded, PROGRAMS);
    assert_true(has_code() ? coded > PROGRAMS / 2 : coded == 0);
}

/* More programs than are kept: each gives its own results, and memory is used again. */
static void
programs_are_kept_apart(void **state)
{
    enum { PROGRAMS = 200, MOST = 7 };
    static bench_t bench;
    uint64_t random = check_seed();
    const bool constant[ARRAYS] = {false};
    err_t err;

    (void)state;
    for (int k = 0; k < ARRAYS; k++)
        fill(&bench, &random, k, DTYPE_INT32, COUNT);
    for (int program = 0; program < PROGRAMS; program++) {
        expression_step_t steps[MOST];
        int n = MOST, last = EXPRESSION_INPUTS + OP_MAX_OUT * (MOST - 1);

        for (int i = 0; i < n; i++) {
            steps[i] =
                (expression_step_t){.op = op_find(program >> i & 1 ? "add" : "bitwise_xor", program >> i & 1 ? 3 : 11),
                                    .argument = {i ? EXPRESSION_INPUTS + OP_MAX_OUT * (i - 1) : 0, 1 + i % 2}};
            steps[i].loop = (op_loop_t){{DTYPE_INT32, DTYPE_INT32}, {DTYPE_INT32}};
        }
        check_ok(expression_init(&bench.expression, bench.input, constant, ARRAYS, steps, n, &err), err);
        expression_strips_store(&bench.strips, &bench.expression, &last, 1, false);
        assert_int_equal(run_both(&bench, "a program", DTYPE_INT32), has_code());
    }
}

/* What is used once, and little, is not worth code; what comes again is. */
static void
code_is_made_when_a_program_comes_again(void **state)
{
    static bench_t bench;
    uint64_t random = check_seed();

    (void)state;
    assert_true(make_operation(&bench, &random, op_find("subtract", 8), DTYPE_FLOAT64, DTYPE_FLOAT64, 1, true) ||
                !has_code());
    if (!has_code())
        return;
    bench.strips.program.steps[0].other = 77; /* a program that no other test has seen; nobody reads it */
    expression_strips_compile(&bench.strips, &bench.expression, COUNT);
    assert_null(bench.strips.code);
    expression_strips_compile(&bench.strips, &bench.expression, COUNT);
    assert_non_null(bench.strips.code);
    expression_strips_release(&bench.strips);
    assert_null(bench.strips.code);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_has_the_bits_of_its_step), cmocka_unit_test(long_programs_have_the_same_bits),
        cmocka_unit_test(random_programs_have_the_same_bits),      cmocka_unit_test(programs_are_kept_apart),
        cmocka_unit_test(code_is_made_when_a_program_comes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
