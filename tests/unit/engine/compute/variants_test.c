#include "tests/support/check.h"

#include <complex.h>
#undef complex /* a name in loops.h */
#include "engine/compute/flags.h"
#include "engine/compute/fold.h"
#include "engine/compute/loops.h"
#include "engine/compute/strip.h"
#include "tests/unit/engine/compute/views.h"

#include <math.h>
#include <string.h>

/* The loops for wider vectors must give the bits that the baseline loops give. */

enum { N = 517 };

static bool
runs_here(bool widest)
{
#ifdef FH_LOOPS_WIDE
    return widest ? __builtin_cpu_supports("x86-64-v4") : __builtin_cpu_supports("x86-64-v3");
#else
    (void)widest;
    return false;
#endif
}

#ifdef FH_LOOPS_WIDE

static void
fill(uint64_t *random, dtype_t dtype, char *data)
{
    static const double EDGES[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 0.5, 700, -700, 1e-310, 65504};
    for (int i = 0; i < N; i++) {
        double pair[2];
        for (int k = 0; k < 2; k++)
            pair[k] = views_below(random, 6) == 0 ? EDGES[views_below(random, 12)]
                                                  : (double)views_below(random, 4000) / 16 - 100;
        if (strchr("fc", dtype_kind(dtype)) == NULL)
            pair[0] = (double)views_below(random, dtype == DTYPE_BOOL ? 2 : 100);
        dtype_convert(dtype, data + (size_t)i * dtype_size(dtype), DTYPE_COMPLEX128, pair);
    }
}

/* NaN has many forms, and which one comes out is nobody's promise. */
static void
check_same(dtype_t dtype, const char *a, const char *b)
{
    size_t size = dtype_size(dtype);
    for (int i = 0; i < N; i++, a += size, b += size) {
        double _Complex x = 0, y = 0;
        dtype_convert(DTYPE_COMPLEX128, &x, dtype, a);
        dtype_convert(DTYPE_COMPLEX128, &y, dtype, b);
        bool nan_re = isnan(creal(x)) && isnan(creal(y)), nan_im = isnan(cimag(x)) && isnan(cimag(y));
        if (!nan_re && !nan_im)
            assert_memory_equal(a, b, size);
        else
            assert_true((nan_re || creal(x) == creal(y)) && (nan_im || cimag(x) == cimag(y)));
    }
}

static void
check_entry(uint64_t *random, const loop_entry_t *a, const loop_entry_t *b)
{
    static _Alignas(64) char in[OP_MAX_IN][N * 16], out[2][OP_MAX_OUT][N * 16];
    assert_memory_equal(a, b, offsetof(loop_entry_t, fn));
    const op_t *op = op_at(a->op);
    for (int k = 0; k < op->nin; k++)
        fill(random, (dtype_t)a->in[k], in[k]);
    for (int form = 0; form < 4; form++) { /* all contiguous, one input a scalar, every second element */
        for (int variant = 0; variant < 2; variant++) {
            char *p[OP_MAX_IN + OP_MAX_OUT];
            int64_t step[OP_MAX_IN + OP_MAX_OUT];
            for (int k = 0; k < op->nin; k++) {
                p[k] = in[k];
                step[k] = (int64_t)dtype_size((dtype_t)a->in[k]) * (form == 3 ? 2 : form != k + 1);
            }
            for (int k = 0; k < op->nout; k++) {
                p[op->nin + k] = out[variant][k];
                step[op->nin + k] = (int64_t)dtype_size((dtype_t)a->out[k]);
            }
            memset(out[variant], 0, sizeof out[variant]);
            (variant == 0 ? a : b)->fn(p, step, form == 3 ? N / 2 : N);
        }
        for (int k = 0; k < op->nout; k++)
            check_same((dtype_t)a->out[k], out[0][k], out[1][k]);
    }
}

static void
check_tables(loop_table_fn first, loop_table_fn second)
{
    uint64_t random = check_seed();
    const loop_entry_t *a = first(), *b = second();
    for (; a->fn != NULL && b->fn != NULL; a++, b++)
        check_entry(&random, a, b);
    assert_true(a->fn == NULL && b->fn == NULL);
}

static void
wide_loops_give_the_baseline_bits(void **state)
{
    (void)state;
    if (!runs_here(false))
        skip();
#define CHECK(name) check_tables(LOOPS_NAME(baseline, name), LOOPS_NAME(wide, name));
    LOOPS_FILES(CHECK)
}

static void
widest_loops_give_the_baseline_bits(void **state)
{
    (void)state;
    if (!runs_here(true))
        skip();
    check_tables(LOOPS_NAME(baseline, math), LOOPS_NAME(widest, math));
    check_tables(LOOPS_NAME(baseline, sleef), LOOPS_NAME(widest, sleef));
}

static void
wide_casts_give_the_baseline_bits(void **state)
{
    (void)state;
    if (!runs_here(false))
        skip();
    uint64_t random = check_seed();
    static _Alignas(64) char in[N * 16], out[2][N * 16];
    for (int from = 1; from < DTYPE_COUNT; from++)
        for (int to = 1; to < DTYPE_COUNT; to++) {
            int64_t step[2] = {(int64_t)dtype_size((dtype_t)from), (int64_t)dtype_size((dtype_t)to)};
            fill(&random, (dtype_t)from, in);
            LOOPS_NAME(baseline, cast)((dtype_t)from, (dtype_t)to)((char *[]){in, out[0]}, step, N);
            LOOPS_NAME(wide, cast)((dtype_t)from, (dtype_t)to)((char *[]){in, out[1]}, step, N);
            check_same((dtype_t)to, out[0], out[1]);
        }
}

static void
wide_folds_give_the_baseline_bits(void **state)
{
    (void)state;
    if (!runs_here(false))
        skip();
    uint64_t random = check_seed();
    static _Alignas(64) char in[(N + 2) * 16], out[2][N * 16]; /* rows read one item more than they fold */
    const fold_t *a = LOOPS_NAME(baseline, folds)(), *b = LOOPS_NAME(wide, folds)();
    for (; a->row != NULL; a++, b++) {
        dtype_t item = (dtype_t)a->item, total = (dtype_t)a->total;
        int64_t size = (int64_t)dtype_size(item);
        assert_memory_equal(a, b, offsetof(fold_t, row));
        fill(&random, item, in);
        memset(out, 0, sizeof out);
        for (int n = 1; n <= N; n += 43)
            for (int spread = 1; spread <= 2; spread++) {
                a->row(out[0], in, size * spread, n / spread + 1);
                b->row(out[1], in, size * spread, n / spread + 1);
                check_same(total, out[0], out[1]);
                a->lanes(out[0], in, size * spread, n / spread);
                b->lanes(out[1], in, size * spread, n / spread);
                check_same(total, out[0], out[1]);
            }
    }
    assert_null(b->row);
}

enum { STRIPS = N / STRIP };

static void (*strip_fn(const strip_table_t *table, int kind, dtype_t dtype))(void)
{
    for (int i = 0; i < STRIP_TABLES; i++)
        for (const strip_row_t *row = table->rows[i]();; row++)
            if (row->near != NULL && row->kind == kind && (kind == STRIP_END || row->dtype == (uint8_t)dtype))
                return row->near;
            else if (row->kind == STRIP_END)
                break;
    return NULL;
}

/* The loop that a step stands for, and the dtype of what it makes. */
static op_loop_t
loop_of(const strip_row_t *row)
{
    dtype_t dtype = (dtype_t)row->dtype;
    const op_t *op = op_at(row->op);
    op_loop_t loop = {.in = {dtype, op->nin > 1 ? dtype : DTYPE_NONE, op->nin > 2 ? dtype : DTYPE_NONE},
                      .out = {dtype}};

    if (row->op == OP_WHERE)
        loop.in[0] = DTYPE_BOOL;
    if (loop_find(op, &loop) == NULL)
        loop.out[0] = DTYPE_BOOL;
    return loop;
}

static dtype_t
made_by(const strip_row_t *row)
{
    return row->kind == STRIP_CAST   ? (dtype_t)row->other
           : row->kind == STRIP_FOLD ? (dtype_t)row->dtype
                                     : loop_of(row).out[0];
}

enum { A, B, OUT, MASK, PLACES };

static loop_fn
loop_of_row(const strip_row_t *row)
{
    const op_loop_t loop = loop_of(row);

    return loop_find(op_at(row->op), &loop);
}

/* out = the step of that row over a value and, where it reads one, an array. */
static void
run_row(const strip_table_t *table, const strip_row_t *row, bool far, char *const *place)
{
    bool fold = row->kind == STRIP_FOLD;
    dtype_t made = made_by(row);
    strip_step_t steps[4] = {{.fn = strip_fn(table, STRIP_LOAD, (dtype_t)row->dtype), .place = A},
                             {.fn = far ? row->far : row->near, .place = fold ? OUT : B, .other = MASK},
                             {.fn = strip_fn(table, fold ? STRIP_END : STRIP_STORE, made), .place = OUT},
                             {.fn = strip_fn(table, STRIP_END, DTYPE_NONE)}};
    int64_t size = (int64_t)dtype_size((dtype_t)row->dtype);
    strip_run_t run = {.step = {size * STRIP, size * STRIP, (int64_t)dtype_size(made) * (fold ? 1 : STRIP), STRIP}};

    const strip_call_t call = {.loop = row->kind == STRIP_FUNCTION ? loop_of_row(row) : NULL, .item = {size, size}};

    run.calls = &call;
    steps[1].other = row->kind == STRIP_FUNCTION ? 0 : MASK;
    memcpy(run.place, place, PLACES * sizeof place[0]);
    table->run(steps, &run, STRIPS);
}

/* The same by loops. */
static void
run_loop(const strip_row_t *row, char *a, char *b, char *mask, char *out)
{
    dtype_t dtype = (dtype_t)row->dtype;
    int64_t size = (int64_t)dtype_size(dtype), step[] = {size, size, size, size};
    const fold_t *fold = row->kind == STRIP_FOLD ? fold_find((reduce_t)row->op, dtype) : NULL;

    for (int i = 0; fold != NULL && i < STRIPS; i++)
        fold->row(out + i * size, a + i * size * STRIP, size, STRIP);
    if (row->kind == STRIP_CAST) {
        step[1] = (int64_t)dtype_size((dtype_t)row->other);
        cast_find(dtype, (dtype_t)row->other)((char *[]){a, out}, step, STRIPS * STRIP);
    } else if (fold == NULL) {
        const op_t *op = op_at(row->op);
        op_loop_t loop = loop_of(row);
        char *p[] = {a, op->nin > 1 ? b : out, out, out};

        step[op->nin] = (int64_t)dtype_size(loop.out[0]);
        if (row->op == OP_WHERE) {
            memcpy(p, (char *[]){mask, a, b, out}, sizeof p);
            step[0] = 1;
        }
        loop_find(op, &loop)(p, step, STRIPS * STRIP);
    }
}

static void
check_row(const strip_table_t *table, const strip_row_t *row, uint64_t *random)
{
    static _Alignas(64) char a[N * 16], b[N * 16], mask[N * 16], out[2][N * 16];
    bool turned = row->kind == STRIP_TURNED;

    for (int far = 0; far <= (row->far != NULL); far++) {
        fill(random, (dtype_t)row->dtype, a);
        fill(random, (dtype_t)row->dtype, b);
        for (int i = 0; i < N; i++)
            mask[i] = (char)(views_below(random, 2) * (1 + views_below(random, 255)));
        for (int i = 0; i < N && row->dtype == DTYPE_BOOL; i++)
            b[i] = b[i] != 0;
        memset(out, 0, sizeof out);
        flags_clear();
        run_row(table, row, far, (char *[]){a, b, out[0], mask});
        unsigned flags = flags_raised();
        flags_clear();
        run_loop(row, turned ? b : a, turned ? a : b, mask, out[1]);
        if (row->kind == STRIP_FUNCTION)
            assert_int_equal(flags, flags_raised());
        for (int i = 0; i < N && row->dtype == DTYPE_BOOL; i++)
            out[1][i] = made_by(row) == DTYPE_BOOL ? out[1][i] != 0 : out[1][i];
        check_same(made_by(row), out[0], out[1]);
    }
}

static void
check_strips(const strip_table_t *table)
{
    uint64_t random = check_seed();

    for (int i = 0; i < STRIP_TABLES; i++)
        for (const strip_row_t *row = table->rows[i](); row->kind != STRIP_END; row++)
            if (row->kind == STRIP_CAST || row->kind == STRIP_APPLY || row->kind == STRIP_TURNED ||
                row->kind == STRIP_FUNCTION || row->kind == STRIP_FOLD)
                check_row(table, row, &random);
}

static void
strips_give_the_bits_of_loops(void **state)
{
    (void)state;
    if (!runs_here(false))
        skip();
    check_strips(LOOPS_NAME(wide, strips)());
    if (runs_here(true))
        check_strips(LOOPS_NAME(widest, strips)());
}

#endif

static void
variants_choice_has_every_loop(void **state)
{
    (void)state;
    print_message("wide loops: %s, widest: %s\n", runs_here(false) ? "yes" : "no", runs_here(true) ? "yes" : "no");
    assert_non_null(cast_find(DTYPE_INT8, DTYPE_COMPLEX128));
    assert_null(cast_find(DTYPE_NONE, DTYPE_INT8));
    assert_non_null(fold_find(REDUCE_SUM, DTYPE_FLOAT16));
    assert_null(fold_find(REDUCE_BIT_AND, DTYPE_FLOAT16));
    assert_non_null(pick_find(REDUCE_ARGMIN, DTYPE_COMPLEX64));
    assert_null(pick_find(REDUCE_SUM, DTYPE_INT8));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variants_choice_has_every_loop),
#ifdef FH_LOOPS_WIDE
        cmocka_unit_test(wide_loops_give_the_baseline_bits), cmocka_unit_test(widest_loops_give_the_baseline_bits),
        cmocka_unit_test(wide_casts_give_the_baseline_bits), cmocka_unit_test(wide_folds_give_the_baseline_bits),
        cmocka_unit_test(strips_give_the_bits_of_loops),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
