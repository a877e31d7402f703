/* Dates, bytes and records by the C library: scattered, seen as other dtypes, compared, sorted, named, gathered. */
#include "tests/process/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { N = 3000, ITEM = 13 };

static cluster_t cluster;
static fh_session *session;
static const int64_t shape[] = {N};

static int
start(void **state)
{
    (void)state;
    cluster_start(&cluster, 3);
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
scatter(void *data, fh_dtype dtype)
{
    fh_local local = {.data = data, .dtype = dtype, .ndim = 1, .shape = shape};
    fh_array *array = NULL;
    fh_error error;
    fh_ok(fh_scatter(session, &local, NULL, &array, &error), error);
    return array;
}

static fh_dtype
dtype_of(const fh_array *array)
{
    fh_array_info info;
    fh_array_describe(array, &info);
    return info.dtype;
}

static void
dates_are_seen_as_integers(void **state)
{
    (void)state;
    int64_t ticks[N], got[N], seen;
    fh_array *dates = NULL, *integers = NULL, *back = NULL, *least = NULL;
    fh_error error;
    fh_dtype ns = fh_dtype_from_name("datetime64[ns]");
    for (int i = 0; i < N; i++)
        ticks[i] = (i * 7919) % N - 5;
    dates = scatter(ticks, ns);
    assert_int_equal(dtype_of(dates), ns);
    fh_ok(fh_view_as(dates, FH_INT64, &integers, &error), error);
    fh_operand two[] = {{.kind = FH_ARRAY, .array = integers}, {.kind = FH_WEAK_INT, .i = 5}};
    fh_array *sum = NULL;
    fh_ok(fh_ufunc(session, "add", two, 2, NULL, &sum, &error), error);
    fh_ok(fh_view_as(sum, ns, &back, &error), error);
    assert_int_equal(dtype_of(back), ns);
    fh_ok(fh_gather(back, got, NULL, &error), error);
    for (int i = 0; i < N; i++)
        assert_true(got[i] == ticks[i] + 5);
    fh_ok(fh_reduce(integers, "min", NULL, -1, 0, FH_DTYPE_NONE, &least, &error), error);
    fh_ok(fh_gather(least, &seen, NULL, &error), error);
    assert_true(seen == -5);
    two[0].array = dates;
    assert_int_equal(fh_ufunc(session, "add", two, 2, NULL, &sum, &error), FH_WRONG_TYPE);
    fh_array_free(&dates);
    fh_array_free(&integers);
    fh_array_free(&sum);
    fh_array_free(&back);
    fh_array_free(&least);
}

static void
texts_are_compared_and_sorted(void **state)
{
    (void)state;
    char words[N][5], sorted[N][5], first[5] = "w7", other[3] = "w7";
    uint8_t equal[N];
    fh_array *texts = NULL, *same = NULL, *ordered = NULL;
    fh_error error;
    for (int i = 0; i < N; i++) {
        memset(words[i], 0, sizeof words[i]);
        words[i][0] = 'w';
        words[i][1] = (char)('0' + i % 10);
    }
    texts = scatter(words, fh_dtype_from_name("S5"));
    fh_local seven = {.data = first, .dtype = fh_dtype_from_name("S5")};
    fh_operand two[] = {{.kind = FH_ARRAY, .array = texts}, {.kind = FH_LOCAL, .local = &seven}};
    fh_ok(fh_ufunc(session, "equal", two, 2, NULL, &same, &error), error);
    fh_ok(fh_gather(same, equal, NULL, &error), error);
    for (int i = 0; i < N; i++)
        assert_int_equal(equal[i], i % 10 == 7);
    fh_ok(fh_sort(texts, 0, &ordered, &error), error);
    fh_ok(fh_gather(ordered, sorted, NULL, &error), error);
    for (int i = 0; i < N; i++)
        assert_int_equal(sorted[i][1], '0' + i / (N / 10));
    seven = (fh_local){.data = other, .dtype = fh_dtype_from_name("S3")};
    assert_int_equal(fh_ufunc(session, "equal", two, 2, NULL, &same, &error), FH_WRONG_TYPE);
    fh_array_free(&texts);
    fh_array_free(&same);
    fh_array_free(&ordered);
}

static void
fields_are_views_and_descriptions_travel(void **state)
{
    (void)state;
    static const char TEXT[] = "whatever its maker understands";
    char *records = calloc(N, ITEM), *got = calloc(N, ITEM);
    fh_array *array = NULL, *values = NULL, *named = NULL;
    fh_dtype dtype, again, wide;
    fh_error error;
    assert_true(records && got);
    for (int i = 0; i < N; i++) {
        double x = i;
        memcpy(records + i * ITEM + 5, &x, sizeof x);
    }
    fh_ok(fh_dtype_structured(TEXT, ITEM, &dtype, &error), error);
    fh_ok(fh_dtype_structured(TEXT, ITEM, &again, &error), error);
    assert_int_equal(dtype, again);
    assert_int_equal(fh_dtype_size(dtype), ITEM);
    array = scatter(records, dtype);
    fh_ok(fh_field(array, 5, FH_FLOAT64, 0, NULL, &values, &error), error);
    fh_operand one = {.kind = FH_WEAK_FLOAT, .f = 0.5};
    fh_ok(fh_assign(values, &one, FH_CASTING_SAME_KIND, &error), error);
    fh_ok(fh_publish(array, "records", &error), error);
    fh_ok(fh_get(session, "records", &named, &error), error);
    assert_int_equal(dtype_of(named), dtype);
    assert_string_equal(fh_dtype_fields(dtype_of(named)), TEXT);
    fh_ok(fh_gather(named, got, NULL, &error), error);
    for (int i = 0; i < N; i++) {
        double x;
        memcpy(&x, got + i * ITEM + 5, sizeof x);
        assert_true(x == 0.5);
    }
    fh_array *none = NULL;
    assert_int_equal(fh_field(array, 6, FH_FLOAT64, 0, NULL, &none, &error), FH_BAD_INDEX);
    assert_int_equal(fh_field(array, -1, FH_INT8, 0, NULL, &none, &error), FH_BAD_INDEX);
    assert_int_equal(fh_field(array, 0, FH_INT8, 1, (int64_t[]){-1}, &none, &error), FH_INVALID_ARGUMENT);
    assert_int_equal(fh_field(array, 0, FH_INT8, 1, (int64_t[]){INT64_MAX}, &none, &error), FH_BAD_INDEX);
    assert_int_equal(fh_view_as(array, (fh_dtype)77, &none, &error), FH_WRONG_TYPE);
    assert_int_equal(fh_view_as(array, FH_COMPLEX128, &none, &error), FH_INVALID_ARGUMENT);
    assert_int_equal(fh_dtype_structured("", 4, &wide, &error), FH_INVALID_ARGUMENT);
    assert_int_equal(fh_dtype_structured(NULL, 4, &wide, &error), FH_INVALID_ARGUMENT);
    fh_ok(fh_unpublish(session, "records", &error), error);
    fh_array_free(&array);
    fh_array_free(&values);
    fh_array_free(&named);
    free(records);
    free(got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_seen_as_integers),
        cmocka_unit_test(texts_are_compared_and_sorted),
        cmocka_unit_test(fields_are_views_and_descriptions_travel),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
