/* Elementwise operations, reductions, assignments and methods over every layout, beside plain C. */
#include "tests/process/cluster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINES = 3, ROWS = 7, COLUMNS = 11, COUNT = ROWS * COLUMNS, LAYOUTS = 5 };

static cluster_t cluster;
static fh_session *session;
static const int64_t shape[] = {ROWS, COLUMNS};

static const fh_scatter_options layouts[LAYOUTS] = {
    {.axis = 0}, {.axis = 1}, {.axis = FH_WHOLE}, {.axis = 0, .blocksize = 2}, {.axis = -1, .blocksize = 3}};

static int
start(void **state)
{
    (void)state;
    cluster_start(&cluster, ENGINES);
    session = cluster_connect(&cluster, 30);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fh_close(&session);
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(const double *values, int layout)
{
    fh_local local = {.data = (void *)(uintptr_t)values, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    fh_ok(fh_scatter(session, &local, &layouts[layout], &array, &error), error);
    return array;
}

static void
fill(double *values, uint64_t *seed)
{
    for (int i = 0; i < COUNT; i++)
        values[i] = (double)(int64_t)(check_random(seed) % 2001) / 8 - 125;
}

static fh_operand
operand(fh_array *array)
{
    return (fh_operand){.kind = FH_ARRAY, .array = array};
}

/* ---- elementwise ---------------------------------------------------------------------------------------------------
 */

static void
ufuncs_of_all_pairs_of_layouts_match(void **state)
{
    uint64_t seed = check_seed();
    double a[COUNT], b[COUNT], got[COUNT];
    fh_error error;
    (void)state;
    for (int i = 0; i < LAYOUTS; i++)
        for (int k = 0; k < LAYOUTS; k++) {
            fill(a, &seed);
            fill(b, &seed);
            fh_array *x = scatter(a, i), *y = scatter(b, k), *sum = NULL, *product = NULL;
            fh_operand first[] = {operand(x), operand(y)};
            fh_ok(fh_ufunc(session, "add", first, 2, NULL, &sum, &error), error);
            fh_operand second[] = {operand(sum), {.kind = FH_WEAK_INT, .i = 3}};
            fh_ok(fh_ufunc(session, "multiply", second, 2, NULL, &product, &error), error);
            fh_ok(fh_gather(product, got, NULL, &error), error);
            for (int e = 0; e < COUNT; e++)
                assert_true(got[e] == (a[e] + b[e]) * 3);
            fh_array_free(&x);
            fh_array_free(&y);
            fh_array_free(&sum);
            fh_array_free(&product);
        }
}

static void
rows_columns_and_local_operands_broadcast(void **state)
{
    uint64_t seed = check_seed();
    double a[COUNT], row[COLUMNS], column[ROWS], got[COUNT];
    const int64_t row_shape[] = {COLUMNS}, column_shape[] = {ROWS, 1};
    fh_local row_local = {.data = row, .dtype = FH_FLOAT64, .ndim = 1, .shape = row_shape};
    fh_local column_local = {.data = column, .dtype = FH_FLOAT64, .ndim = 2, .shape = column_shape};
    fh_error error;
    (void)state;
    for (int i = 0; i < COLUMNS; i++)
        row[i] = i;
    for (int i = 0; i < ROWS; i++)
        column[i] = 100 * i;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fill(a, &seed);
        fh_array *x = scatter(a, layout), *r = NULL, *t = NULL, *u = NULL;
        fh_ok(fh_scatter(session, &row_local, NULL, &r, &error), error);
        fh_operand first[] = {operand(r), operand(x)};
        fh_ok(fh_ufunc(session, "subtract", first, 2, NULL, &t, &error), error);
        fh_operand second[] = {operand(t), {.kind = FH_LOCAL, .local = &column_local}};
        fh_ok(fh_ufunc(session, "add", second, 2, NULL, &u, &error), error);
        fh_ok(fh_gather(u, got, NULL, &error), error);
        for (int e = 0; e < COUNT; e++)
            assert_true(got[e] == row[e % COLUMNS] - a[e] + column[e / COLUMNS]);
        fh_array_free(&x);
        fh_array_free(&r);
        fh_array_free(&t);
        fh_array_free(&u);
    }
}

static void
out_and_where_write_only_what_they_should(void **state)
{
    uint64_t seed = check_seed();
    double a[COUNT], before[COUNT], got[COUNT];
    fh_error error;
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fill(a, &seed);
        fill(before, &seed);
        fh_array *x = scatter(a, layout), *out = scatter(before, (layout + 1) % LAYOUTS), *mask = NULL, *none = NULL;
        fh_operand test[] = {operand(x), {.kind = FH_WEAK_INT, .i = 0}};
        fh_ok(fh_ufunc(session, "greater", test, 2, NULL, &mask, &error), error);
        fh_operand in[] = {operand(x)};
        fh_ok(fh_ufunc(session, "negative", in, 1, &(fh_ufunc_options){.out = &out, .where = mask}, &none, &error),
              error);
        assert_null(none);
        fh_ok(fh_gather(out, got, NULL, &error), error);
        for (int e = 0; e < COUNT; e++)
            assert_true(got[e] == (a[e] > 0 ? -a[e] : before[e]));
        fh_array_free(&x);
        fh_array_free(&out);
        fh_array_free(&mask);
    }
}

static void
shifted_overlap_of_source_and_target_reads_old_values(void **state)
{
    uint64_t seed = check_seed();
    double a[COUNT], got[COUNT];
    fh_index_item upper = {.kind = FH_INDEX_SLICE, .start = 1, .has_start = 1};
    fh_index_item lower = {.kind = FH_INDEX_SLICE, .stop = -1, .has_stop = 1};
    fh_error error;
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fill(a, &seed);
        fh_array *x = scatter(a, layout), *to = NULL, *from = NULL;
        fh_ok(fh_index(x, &upper, 1, &to, &error), error);
        fh_ok(fh_index(x, &lower, 1, &from, &error), error);
        fh_operand value = operand(from);
        fh_ok(fh_assign(to, &value, FH_CASTING_SAFE, &error), error);
        fh_ok(fh_gather(x, got, NULL, &error), error);
        for (int e = 0; e < COUNT; e++)
            assert_true(got[e] == a[e < COLUMNS ? e : e - COLUMNS]);
        fh_array_free(&x);
        fh_array_free(&to);
        fh_array_free(&from);
    }
}

static void
python_integers_out_of_range_overflow_but_compare(void **state)
{
    static const struct {
        const char *op;
        int64_t number;
        uint8_t answer;
    } rows[] = {{"less", 300, 1},  {"less", -1, 0},      {"greater", -1, 1},       {"greater", 300, 0},
                {"equal", 300, 0}, {"not_equal", -5, 1}, {"greater_equal", -1, 1}, {"less_equal", -1, 0}};
    const uint8_t bytes[] = {0, 1, 128, 255};
    const int64_t length[] = {4};
    uint8_t got[4];
    fh_local local = {.data = (void *)(uintptr_t)bytes, .dtype = FH_UINT8, .ndim = 1, .shape = length};
    fh_array *x = NULL, *result = NULL;
    fh_error error;
    (void)state;
    fh_ok(fh_scatter(session, &local, NULL, &x, &error), error);
    fh_operand in[] = {operand(x), {.kind = FH_WEAK_INT, .i = 300}};
    fh_fails(fh_ufunc(session, "add", in, 2, NULL, &result, &error), FH_OVERFLOW, error);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        in[1].i = rows[i].number;
        fh_ok(fh_ufunc(session, rows[i].op, in, 2, NULL, &result, &error), error);
        fh_ok(fh_gather(result, got, NULL, &error), error);
        for (int k = 0; k < 4; k++)
            assert_int_equal(got[k], rows[i].answer);
        fh_array_free(&result);
    }
    fh_array_free(&x);
}

/* ---- reductions ----------------------------------------------------------------------------------------------------
 */

typedef struct {
    double sum, min, max;
    int64_t argmin, argmax;
} facts_t;

/* Reduce n elements from values on, step apart; indices count along that. */
static facts_t
facts_of(const double *values, int n, int step)
{
    facts_t facts = {0, values[0], values[0], 0, 0};
    for (int i = 0; i < n; i++) {
        double x = values[i * step];
        facts.sum += x;
        if (x < facts.min)
            facts.min = x, facts.argmin = i;
        if (x > facts.max)
            facts.max = x, facts.argmax = i;
    }
    return facts;
}

static void
check_reduction(fh_array *array, const char *op, int axis, const facts_t *facts, int n)
{
    double real[COUNT];
    int64_t index[COUNT];
    fh_array *result = NULL;
    fh_array_info info;
    fh_error error;
    bool is_arg = strncmp(op, "arg", 3) == 0;
    fh_ok(fh_reduce(array, op, &axis, axis < 0 ? -1 : 1, 0, FH_DTYPE_NONE, &result, &error), error);
    fh_array_describe(result, &info);
    assert_int_equal(info.ndim, axis < 0 ? 0 : 1);
    fh_ok(fh_gather(result, is_arg ? (void *)index : (void *)real, NULL, &error), error);
    for (int i = 0; i < n; i++) {
        if (strcmp(op, "sum") == 0) /* eighths: exact in any order */
            assert_true(real[i] == facts[i].sum);
        else if (strcmp(op, "min") == 0)
            assert_true(real[i] == facts[i].min);
        else if (strcmp(op, "max") == 0)
            assert_true(real[i] == facts[i].max);
        else
            assert_int_equal(index[i], strcmp(op, "argmin") == 0 ? facts[i].argmin : facts[i].argmax);
    }
    fh_array_free(&result);
}

static void
reductions_over_each_axis_of_each_layout_match(void **state)
{
    static const char *const ops[] = {"sum", "min", "max", "argmin", "argmax"};
    uint64_t seed = check_seed();
    double a[COUNT];
    facts_t columns[COLUMNS], rows[ROWS], all;
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fill(a, &seed);
        a[COUNT - 3] = a[5] = -200; /* ties: the first wins */
        a[COUNT - 4] = a[17] = 200;
        for (int i = 0; i < COLUMNS; i++)
            columns[i] = facts_of(a + i, ROWS, COLUMNS);
        for (int i = 0; i < ROWS; i++)
            rows[i] = facts_of(a + i * COLUMNS, COLUMNS, 1);
        all = facts_of(a, COUNT, 1);
        fh_array *x = scatter(a, layout);
        for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
            check_reduction(x, ops[i], -1, &all, 1);
            check_reduction(x, ops[i], 0, columns, COLUMNS);
            check_reduction(x, ops[i], 1, rows, ROWS);
        }
        fh_array_free(&x);
    }
}

static void
mean_and_variance_match_two_passes(void **state)
{
    uint64_t seed = check_seed();
    double a[COUNT], mean, variance;
    fh_error error;
    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fill(a, &seed);
        double want_mean = facts_of(a, COUNT, 1).sum / (double)COUNT, squares = 0;
        for (int i = 0; i < COUNT; i++)
            squares += (a[i] - want_mean) * (a[i] - want_mean);
        fh_array *x = scatter(a, layout), *m = NULL, *v = NULL;
        fh_ok(fh_reduce(x, "mean", NULL, -1, 0, FH_DTYPE_NONE, &m, &error), error);
        fh_ok(fh_variance(x, 0, 1, NULL, -1, 0, FH_DTYPE_NONE, &v, &error), error);
        fh_ok(fh_gather(m, &mean, NULL, &error), error);
        fh_ok(fh_gather(v, &variance, NULL, &error), error);
        assert_true(mean == want_mean);
        assert_true(fabs(variance - squares / (COUNT - 1)) < 1e-12 * squares);
        fh_array_free(&x);
        fh_array_free(&m);
        fh_array_free(&v);
    }
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

static void
chains_of_calls_do_not_wait(void **state)
{
    double a[COUNT] = {0}, got[COUNT];
    fh_stats before, after;
    fh_error error;
    (void)state;
    fh_array *x = scatter(a, 0);
    fh_ok(fh_sync(session, -1, &error), error);
    fh_session_stats(session, &before);
    for (int i = 0; i < 100; i++) {
        fh_operand in[] = {operand(x), {.kind = FH_WEAK_INT, .i = 1}};
        fh_array *next = NULL;
        fh_ok(fh_ufunc(session, "add", in, 2, NULL, &next, &error), error);
        fh_array_free(&x);
        x = next;
    }
    fh_session_stats(session, &after);
    assert_int_equal(after.waits, before.waits);
    fh_ok(fh_gather(x, got, NULL, &error), error);
    for (int i = 0; i < COUNT; i++)
        assert_true(got[i] == 100);
    fh_array_free(&x);
}

static void
failures_come_out_where_a_value_is_asked_for(void **state)
{
    double a[COUNT] = {0}, got[COUNT];
    fh_array *huge = NULL, *sum = NULL;
    const int64_t huge_shape[] = {INT64_C(1) << 45};
    fh_error error;
    (void)state;
    fh_ok(fh_empty(session, FH_FLOAT64, 1, huge_shape, NULL, &huge, &error), error);
    fh_ok(fh_reduce(huge, "sum", NULL, -1, 0, FH_DTYPE_NONE, &sum, &error), error);
    assert_int_not_equal(fh_wait(sum, -1, &error), 0);
    assert_true(error.status == FH_LIMIT_EXCEEDED || error.status == FH_NO_MEMORY);
    check_contains(error.origin, "EMPTY");
    fh_array_free(&huge);
    fh_array_free(&sum);
    (void)fh_sync(session, -1, &error);
    fh_array *x = scatter(a, 0);
    fh_ok(fh_gather(x, got, NULL, &error), error);
    fh_array_free(&x);
}

static void
count_values(void *context, const fh_value *values, int count)
{
    (void)values;
    *(int *)context = count;
}

static void
methods_answer_and_unknown_ones_are_refused(void **state)
{
    double a[COUNT] = {0};
    int count = -1;
    fh_error error;
    (void)state;
    fh_array *x = scatter(a, 2);
    fh_ok(fh_call(session, x, 0, "describe", NULL, 0, count_values, &count, &error), error);
    assert_true(count > 0);
    fh_ok(fh_call(session, NULL, 0, "stats", NULL, 0, count_values, &count, &error), error);
    fh_fails(fh_call(session, x, 0, "no_such", NULL, 0, NULL, NULL, &error), FH_NO_SUCH_METHOD, error);
    fh_fails(fh_call(session, NULL, 99, "nop", NULL, 0, NULL, NULL, &error), FH_NO_SUCH_OBJECT, error);
    fh_ok(fh_call_many(session, NULL, 1, "nop", 20000, &error), error);
    fh_array_free(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufuncs_of_all_pairs_of_layouts_match),
        cmocka_unit_test(rows_columns_and_local_operands_broadcast),
        cmocka_unit_test(out_and_where_write_only_what_they_should),
        cmocka_unit_test(shifted_overlap_of_source_and_target_reads_old_values),
        cmocka_unit_test(python_integers_out_of_range_overflow_but_compare),
        cmocka_unit_test(reductions_over_each_axis_of_each_layout_match),
        cmocka_unit_test(mean_and_variance_match_two_passes),
        cmocka_unit_test(chains_of_calls_do_not_wait),
        cmocka_unit_test(failures_come_out_where_a_value_is_asked_for),
        cmocka_unit_test(methods_answer_and_unknown_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
