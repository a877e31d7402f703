/* Expressions beside plain loops over the same memory, with two threads each: what an engine's evaluation costs,
 * without engines.  One JSON line each; medians of the ratios of turns taken one after the other.  The arguments are
 * the number of elements, and a part of the names of those that are wanted. */
#include "base/clock.h"
#include "engine/compute/expression.h"
#include "tests/bench/expressions_plain.h"
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS = 2, TURNS = 21, ARRAYS = 4 /* the last is written */, ELEMENTS = 20000000, STEPS = 12 };

typedef struct sample sample_t;
typedef struct {
    crew_t *crew;
    int64_t n;
    char *memory[ARRAYS];
    const sample_t *of;
    expression_t expression;
    double sums[THREADS];
} bench_t;

/* An expression and the plain loop that does the same, over elements [first, end) of the arrays. */
struct sample {
    const char *name;
    dtype_t in, out; /* of arrays; of the result */
    int narrays;
    bool constant; /* a fourth and a fifth input are 0.25 and 0.3 */
    struct {
        const char *op;
        dtype_t in[OP_MAX_IN], out;
        int argument[OP_MAX_IN]; /* -1, -2 ...: the first, the second step's value */
    } step[STEPS];
    bool summed;
    expressions_plain_fn *plain;
};

/* ---- plain loops ---------------------------------------------------------------------------------------------------
 */

/* By hand: what a compiler makes of one sum after the other. */
static double
sum_of_products(char *const *memory, int64_t first, int64_t end)
{
    const double *a = (const void *)memory[0], *b = (const void *)memory[1], *c = (const void *)memory[2];
    double sum = 0;

    for (int64_t k = first; k < end; k++)
        sum += a[k] * b[k] + c[k];
    return sum;
}

#define F8 DTYPE_FLOAT64
#define F4 DTYPE_FLOAT32
#define I4 DTYPE_INT32
#define I1 DTYPE_INT8
#define B1 DTYPE_BOOL
/* r*b + c of a value, then six times, beginning with a. */
#define TIMES_AND_PLUS(T, R)                                                                                           \
    {"multiply", {T, T}, T, {R, 1}},                                                                                   \
    {                                                                                                                  \
        "add", {T, T}, T, {(R) - 1, 2}                                                                                 \
    }
#define CHAIN(T)                                                                                                       \
    {TIMES_AND_PLUS(T, 0),  TIMES_AND_PLUS(T, -2), TIMES_AND_PLUS(T, -4),                                              \
     TIMES_AND_PLUS(T, -6), TIMES_AND_PLUS(T, -8), TIMES_AND_PLUS(T, -10)}
static const sample_t cases[] = {
    {"(a*b + c).sum()",
     F8,
     F8,
     3,
     false,
     {{"multiply", {F8, F8}, F8, {0, 1}}, {"add", {F8, F8}, F8, {-1, 2}}},
     true,
     sum_of_products},
    {"a*b + c",
     F8,
     F8,
     3,
     false,
     {{"multiply", {F8, F8}, F8, {0, 1}}, {"add", {F8, F8}, F8, {-1, 2}}},
     false,
     expressions_plain_products},
    {"x > 0.3", F8, B1, 1, true, {{"greater", {F8, F8}, B1, {0, 4}}}, false, expressions_plain_positive},
    {"where(x > 0.3, x, -x)",
     F8,
     F8,
     1,
     true,
     {{"greater", {F8, F8}, B1, {0, 4}}, {"negative", {F8}, F8, {0}}, {"where", {B1, F8, F8}, F8, {-1, 0, -2}}},
     false,
     expressions_plain_chosen},
    {"clip(x, 0.25, 0.3)", F8, F8, 1, true, {{"clip", {F8, F8, F8}, F8, {0, 3, 4}}}, false, expressions_plain_clipped},
    {"int32 a*b + c",
     I4,
     I4,
     3,
     false,
     {{"multiply", {I4, I4}, I4, {0, 1}}, {"add", {I4, I4}, I4, {-1, 2}}},
     false,
     expressions_plain_integers},
    {"six times r*b + c", F8, F8, 3, false, CHAIN(F8), false, expressions_plain_chain},
    {"int32 six times r*b + c", I4, I4, 3, false, CHAIN(I4), false, expressions_plain_integer_chain},
    {"int8 a*b + c",
     I1,
     I1,
     3,
     false,
     {{"multiply", {I1, I1}, I1, {0, 1}}, {"add", {I1, I1}, I1, {-1, 2}}},
     false,
     expressions_plain_bytes},
    {"(a > b).sum()", F8, B1, 2, false, {{"greater", {F8, F8}, B1, {0, 1}}}, true, expressions_plain_larger},
    {"int32 (a*b + c).sum()",
     I4,
     I4,
     3,
     false,
     {{"multiply", {I4, I4}, I4, {0, 1}}, {"add", {I4, I4}, I4, {-1, 2}}},
     true,
     expressions_plain_integer_sum},
    {"x.astype(float32) * 2", F8, F4, 1, true, {{"add", {F4, F4}, F4, {0, 0}}}, false, expressions_plain_narrow},
    {"int32 a * 0.25 + b",
     I4,
     F8,
     2,
     true,
     {{"multiply", {F8, F8}, F8, {0, 3}}, {"add", {F8, F8}, F8, {-1, 1}}},
     false,
     expressions_plain_mixed},
    {"exp(x) * sin(x)",
     F8,
     F8,
     1,
     false,
     {{"exp", {F8}, F8, {0}}, {"sin", {F8}, F8, {0}}, {"multiply", {F8, F8}, F8, {-1, -2}}},
     false,
     expressions_plain_waves},
    {"1 / (1 + exp(-x))",
     F8,
     F8,
     1,
     true,
     {{"negative", {F8}, F8, {0}},
      {"exp", {F8}, F8, {-1}},
      {"add", {F8, F8}, F8, {3, -2}},
      {"reciprocal", {F8}, F8, {-3}}},
     false,
     expressions_plain_sigmoid},
    {"sqrt(a*a + b*b)",
     F8,
     F8,
     2,
     false,
     {{"multiply", {F8, F8}, F8, {0, 0}},
      {"multiply", {F8, F8}, F8, {1, 1}},
      {"add", {F8, F8}, F8, {-1, -2}},
      {"sqrt", {F8}, F8, {-3}}},
     false,
     expressions_plain_distances},
    {"float32 exp(x) * tanh(x)",
     F4,
     F4,
     1,
     false,
     {{"exp", {F4}, F4, {0}}, {"tanh", {F4}, F4, {0}}, {"multiply", {F4, F4}, F4, {-1, -2}}},
     false,
     expressions_plain_small_waves},
    {"where(isfinite(a), a, b)",
     F8,
     F8,
     2,
     false,
     {{"isfinite", {F8}, B1, {0}}, {"where", {B1, F8, F8}, F8, {-1, 0, 1}}},
     false,
     expressions_plain_finite_ones},
    {"exp(a - b).sum()",
     F8,
     F8,
     2,
     false,
     {{"subtract", {F8, F8}, F8, {0, 1}}, {"exp", {F8}, F8, {-1}}},
     true,
     expressions_plain_powers},
};

/* ---- expressions ---------------------------------------------------------------------------------------------------
 */

static void
must(int status, const err_t *err)
{
    if (!status)
        return;
    fprintf(stderr, "expressions: %s: %s\n", status_name(status), err->text);
    exit(1);
}

static void
take_memory(bench_t *self)
{
    size_t bytes = (size_t)self->n * sizeof(double);

    for (int i = 0; i < ARRAYS; i++) {
        void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (data == MAP_FAILED)
            must(FH_NO_MEMORY, &(err_t){.text = "no memory for arrays"});
        madvise(data, bytes, MADV_HUGEPAGE);
        self->memory[i] = data;
    }
}

/* Numbers that no processor guesses. */
static void
fill(const bench_t *self, int i)
{
    dtype_t dtype = self->of->in;
    uint64_t state = (uint64_t)i + 1;

    for (int64_t k = 0; k < self->n; k++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        if (dtype == F8)
            ((double *)(void *)self->memory[i])[k] = (double)(state >> 40) / (1 << 24);
        else if (dtype == F4)
            ((float *)(void *)self->memory[i])[k] = (float)(state >> 40) / (1 << 24);
        else if (dtype == I4)
            ((int32_t *)(void *)self->memory[i])[k] = (int32_t)(state >> 40);
        else
            self->memory[i][k] = (char)(state >> 56);
    }
}

static void
make_expression(bench_t *self)
{
    static double numbers[] = {0.25, 0.3};
    const sample_t *of = self->of;
    nd_t input[ARRAYS + 1];
    const bool constant[ARRAYS + 1] = {false, false, false, true, true};
    expression_step_t steps[STEPS];
    int nsteps = 0;
    err_t err;

    for (int i = 0; i < 3; i++)
        nd_init(&input[i], self->memory[i < of->narrays ? i : 0], of->in, &(shape_t){1, {self->n}});
    for (int i = 0; i < 2; i++)
        nd_init(&input[3 + i], (char *)&numbers[i], F8, &(shape_t){.ndim = 0});
    for (; nsteps < STEPS && of->step[nsteps].op; nsteps++) {
        expression_step_t *step = &steps[nsteps];

        *step = (expression_step_t){.op = op_find(of->step[nsteps].op, strlen(of->step[nsteps].op))};
        step->loop.out[0] = of->step[nsteps].out;
        for (int k = 0; k < OP_MAX_IN; k++) {
            int argument = of->step[nsteps].argument[k];

            step->loop.in[k] = of->step[nsteps].in[k];
            step->argument[k] = argument < 0 ? EXPRESSION_INPUTS + OP_MAX_OUT * (-1 - argument) : argument;
        }
    }
    must(expression_init(&self->expression, input, constant, of->constant ? 5 : 3, steps, nsteps, &err), &err);
}

static void
evaluate(bench_t *self)
{
    int last = EXPRESSION_INPUTS + OP_MAX_OUT * (self->expression.nsteps - 1);
    double sum;
    nd_t out;
    err_t err;

    if (self->of->summed) {
        nd_init(&out, (char *)&sum, self->of->out == F8 ? F8 : DTYPE_INT64, &(shape_t){.ndim = 0});
        must(expression_reduce(self->crew, &self->expression, last, REDUCE_SUM, 1, &(reduce_piece_t){0}, &out, &err),
             &err);
    } else {
        nd_init(&out, self->memory[ARRAYS - 1], self->of->out, &(shape_t){1, {self->n}});
        must(expression_store(self->crew, &self->expression, &last, &out, 1, &err), &err);
    }
}

/* As an expression that is not for strips goes: whoever wants the flags of each step gets blocks. */
static void
evaluate_in_blocks(bench_t *self)
{
    unsigned flags[EXPRESSION_STEPS] = {0};

    self->expression.flags = flags;
    evaluate(self);
    self->expression.flags = NULL;
}

static void
run_half(void *context, int64_t i)
{
    bench_t *self = context;

    self->sums[i] =
        self->of->plain(self->memory, self->n * i / THREADS / EXPRESSIONS_PLAIN_PART * EXPRESSIONS_PLAIN_PART,
                        self->n * (i + 1) / THREADS);
}

static void
run_plainly(bench_t *self)
{
    crew_run(self->crew, THREADS, run_half, self);
}

static double
seconds_of(void (*run)(bench_t *), bench_t *self)
{
    int64_t began = clock_now_ns();

    run(self);
    return measure_seconds(began);
}

/* Memory's speed changes from one minute to the next on a shared machine: each turn has a limit of its own. */
static void
compare(bench_t *self, const char *how, void (*ours)(bench_t *))
{
    char name[100];

    double took[TURNS], ratio[TURNS];

    for (int turn = -1; turn < TURNS; turn++) {
        double limit = seconds_of(run_plainly, self), own = seconds_of(ours, self);

        if (turn >= 0) {
            took[turn] = own * 1e3;
            ratio[turn] = own / limit;
        }
    }
    double median = measure_median(took, TURNS);

    snprintf(name, sizeof name, "%s%s", self->of->name, how);
    measure_print("expressions", name, median, "ms", median / measure_median(ratio, TURNS), "a plain loop");
}

int
main(int argc, char **argv)
{
    static bench_t bench;
    err_t err;

    bench.n = argc > 1 ? atoll(argv[1]) : ELEMENTS;
    if (bench.n < EXPRESSIONS_PLAIN_PART)
        must(FH_INVALID_ARGUMENT, &(err_t){.text = "the first argument is a number of elements"});
    must(crew_new(&bench.crew, THREADS, &err), &err);
    take_memory(&bench);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (argc > 2 && !strstr(cases[i].name, argv[2]))
            continue;
        bench.of = &cases[i];
        for (int k = 0; k < bench.of->narrays; k++)
            fill(&bench, k);
        make_expression(&bench);
        compare(&bench, "", evaluate);
        compare(&bench, ", in blocks", evaluate_in_blocks);
    }
    crew_destroy(&bench.crew);
    return 0;
}
