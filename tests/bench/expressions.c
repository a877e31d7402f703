/* Expressions beside plain loops over the same memory, with two threads each: what an engine's evaluation costs,
 * without engines.  One JSON line each; medians of the ratios of turns taken one after the other.  The argument is the
 * number of elements. */
#include "base/clock.h"
#include "engine/compute/expression.h"
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { THREADS = 2, TURNS = 21, ARRAYS = 4 /* the last is written */, ELEMENTS = 20000000 };

typedef struct {
    crew_t *crew;
    int64_t n;
    nd_t array[ARRAYS];
    expression_t expression;
    int last; /* value */
    double sums[THREADS];
} bench_t;

static void
must(int status, const err_t *err)
{
    if (!status)
        return;
    fprintf(stderr, "expressions: %s: %s\n", status_name(status), err->text);
    exit(1);
}

static double *
data_of(const bench_t *self, int i)
{
    return (double *)(void *)self->array[i].data;
}

static void
take_arrays(bench_t *self)
{
    size_t bytes = (size_t)self->n * sizeof(double);

    for (int i = 0; i < ARRAYS; i++) {
        void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (data == MAP_FAILED)
            must(FH_NO_MEMORY, &(err_t){.text = "no memory for arrays"});
        madvise(data, bytes, MADV_HUGEPAGE);
        nd_init(&self->array[i], data, DTYPE_FLOAT64, &(shape_t){1, {self->n}});
        for (int64_t k = 0; k < self->n; k++)
            ((double *)data)[k] = 1.0 / (i + 3);
    }
}

/* a * b, and c is added. */
static void
make_expression(bench_t *self)
{
    static const char *const NAMES[] = {"multiply", "add"};
    const bool constant[ARRAYS] = {false};
    expression_step_t steps[2];
    err_t err;

    for (int i = 0; i < 2; i++) {
        steps[i] = (expression_step_t){.op = op_find(NAMES[i], strlen(NAMES[i]))};
        steps[i].loop = (op_loop_t){.in = {DTYPE_FLOAT64, DTYPE_FLOAT64}, .out = {DTYPE_FLOAT64}};
        steps[i].argument[0] = i ? EXPRESSION_INPUTS : 0;
        steps[i].argument[1] = i + 1;
    }
    must(expression_init(&self->expression, self->array, constant, ARRAYS - 1, steps, 2, &err), &err);
    self->last = EXPRESSION_INPUTS + OP_MAX_OUT;
}

static void
reduce(bench_t *self)
{
    double sum;
    nd_t out;
    err_t err;

    nd_init(&out, (char *)&sum, DTYPE_FLOAT64, &(shape_t){.ndim = 0});
    must(expression_reduce(self->crew, &self->expression, self->last, REDUCE_SUM, 1, &(reduce_piece_t){0}, &out, &err),
         &err);
}

static void
store(bench_t *self)
{
    err_t err;

    must(expression_store(self->crew, &self->expression, &self->last, &self->array[ARRAYS - 1], 1, &err), &err);
}

/* A half of the plain loops. */
static void
reduce_half(void *context, int64_t i)
{
    bench_t *self = context;
    const double *a = data_of(self, 0), *b = data_of(self, 1), *c = data_of(self, 2);
    int64_t end = self->n * (i + 1) / THREADS;
    double sum = 0;

    for (int64_t k = self->n * i / THREADS; k < end; k++)
        sum += a[k] * b[k] + c[k];
    self->sums[i] = sum;
}

static void
store_half(void *context, int64_t i)
{
    bench_t *self = context;
    const double *a = data_of(self, 0), *b = data_of(self, 1), *c = data_of(self, 2);
    double *out = data_of(self, ARRAYS - 1);
    int64_t k = self->n * i / THREADS / 2 * 2, end = self->n * (i + 1) / THREADS / 2 * 2;

#ifdef __SSE2__
    for (; k < end; k += 2)
        _mm_stream_pd(out + k, _mm_add_pd(_mm_mul_pd(_mm_loadu_pd(a + k), _mm_loadu_pd(b + k)), _mm_loadu_pd(c + k)));
    _mm_sfence();
#endif
    for (; k < end; k++)
        out[k] = a[k] * b[k] + c[k];
}

static void
reduce_plainly(bench_t *self)
{
    crew_run(self->crew, THREADS, reduce_half, self);
}

static void
store_plainly(bench_t *self)
{
    crew_run(self->crew, THREADS, store_half, self);
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
compare(bench_t *self, const char *name, void (*ours)(bench_t *), void (*bare)(bench_t *))
{
    double took[TURNS], ratio[TURNS];

    for (int turn = -1; turn < TURNS; turn++) {
        double limit = seconds_of(bare, self), own = seconds_of(ours, self);

        if (turn >= 0) {
            took[turn] = own * 1e3;
            ratio[turn] = own / limit;
        }
    }
    double median = measure_median(took, TURNS);

    measure_print("expressions", name, median, "ms", median / measure_median(ratio, TURNS), "a plain loop");
}

int
main(int argc, char **argv)
{
    static bench_t bench;
    err_t err;

    bench.n = argc > 1 ? atoll(argv[1]) : ELEMENTS;
    if (bench.n < 1)
        must(FH_INVALID_ARGUMENT, &(err_t){.text = "the argument is a number of elements"});
    must(crew_new(&bench.crew, THREADS, &err), &err);
    take_arrays(&bench);
    make_expression(&bench);
    compare(&bench, "(a*b + c).sum()", reduce, reduce_plainly);
    compare(&bench, "a*b + c", store, store_plainly);
    crew_destroy(&bench.crew);
    return 0;
}
