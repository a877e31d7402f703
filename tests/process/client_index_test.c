/* Masks and integer arrays as indices over arrays that are cut over engines, through farhand.h. */
#include "tests/process/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { ENGINES = 3, ROWS = 4001, COLUMNS = 3, COUNT = ROWS * COLUMNS, PICKS = 20000, LAYOUTS = 4 };

static cluster_t cluster;
static fh_session *session;
static const int64_t shape[] = {ROWS, COLUMNS};
static double data[COUNT], got[PICKS * COLUMNS];
static int64_t rows[PICKS];

static const fh_scatter_options layouts[LAYOUTS] = {
    {.axis = 0}, {.axis = 1}, {.axis = FH_WHOLE}, {.axis = 0, .blocksize = 170}};

static int
start(void **state)
{
    uint64_t seed = check_seed();

    (void)state;
    for (int i = 0; i < COUNT; i++)
        data[i] = (double)(int64_t)(check_random(&seed) % 2001) - 1000;
    for (int i = 0; i < PICKS; i++)
        rows[i] = (int64_t)(check_random(&seed) % (2 * ROWS)) - ROWS;
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
scatter(void *memory, fh_dtype dtype, int ndim, const int64_t *extents, int layout)
{
    fh_local local = {.data = memory, .dtype = dtype, .ndim = ndim, .shape = extents};
    fh_array *array = NULL;
    fh_error error;

    fh_ok(fh_scatter(session, &local, &layouts[layout], &array, &error), error);
    return array;
}

static int64_t
row_of(int64_t index)
{
    return index < 0 ? index + ROWS : index;
}

static void
rows_are_read_and_written(void **state)
{
    static double wanted[COUNT];
    int64_t n = PICKS;
    fh_local local = {.data = rows, .dtype = FH_INT64, .ndim = 1, .shape = &n};
    fh_error error;

    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fh_array *x = scatter(data, FH_FLOAT64, 2, shape, layout), *remote = scatter(rows, FH_INT64, 1, &n, 0),
                 *taken = NULL;
        fh_operand index = {.kind = FH_LOCAL, .local = &local}, same = {.kind = FH_ARRAY, .array = remote};

        fh_ok(fh_index_arrays(x, layout % 2 ? &index : &same, 1, FH_INDEX_RAISE, &taken, &error), error);
        fh_ok(fh_gather(taken, got, NULL, &error), error);
        for (int i = 0; i < PICKS * COLUMNS; i++)
            assert_true(got[i] == data[row_of(rows[i / COLUMNS]) * COLUMNS + i % COLUMNS]);
        /* Negated and put back: the last of equal rows counts, and all say the same. */
        fh_array *negated = NULL;
        fh_operand in = {.kind = FH_ARRAY, .array = taken};

        fh_ok(fh_ufunc(session, "negative", &in, 1, NULL, &negated, &error), error);
        fh_operand value = {.kind = FH_ARRAY, .array = negated};

        fh_ok(fh_assign_arrays(x, &same, 1, FH_INDEX_RAISE, &value, FH_CASTING_SAME_KIND, &error), error);
        memcpy(wanted, data, sizeof wanted);
        for (int i = 0; i < PICKS; i++)
            for (int k = 0; k < COLUMNS; k++)
                wanted[row_of(rows[i]) * COLUMNS + k] = -data[row_of(rows[i]) * COLUMNS + k];
        fh_ok(fh_gather(x, got, NULL, &error), error);
        for (int i = 0; i < COUNT; i++)
            assert_true(got[i] == wanted[i]);
        fh_array *used[] = {x, remote, taken, negated};

        for (size_t i = 0; i < sizeof used / sizeof *used; i++)
            fh_array_free(&used[i]);
    }
}

static void
mask_chooses_and_writes(void **state)
{
    fh_error error;

    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fh_array *x = scatter(data, FH_FLOAT64, 2, shape, layout), *mask = NULL, *chosen = NULL, *where = NULL;
        fh_operand in[] = {{.kind = FH_ARRAY, .array = x}, {.kind = FH_WEAK_INT, .i = 900}};
        fh_array_info info;
        int64_t count = 0;

        fh_ok(fh_ufunc(session, "greater", in, 2, NULL, &mask, &error), error);
        fh_operand masks = {.kind = FH_ARRAY, .array = mask}, zero = {.kind = FH_WEAK_INT};

        fh_ok(fh_index_mask(x, &masks, &chosen, &error), error);
        fh_ok(fh_gather(chosen, got, NULL, &error), error);
        for (int i = 0; i < COUNT; i++)
            if (data[i] > 900)
                assert_true(got[count++] == data[i]);
        fh_array_describe(chosen, &info);
        assert_int_equal(info.shape[0], count);
        fh_ok(fh_nonzero(mask, &where, &error), error);
        fh_array_describe(where, &info);
        assert_true(info.ndim == 2 && info.shape[0] == 2 && info.shape[1] == count);
        fh_ok(fh_assign_mask(x, &masks, &zero, FH_CASTING_SAME_KIND, &error), error);
        fh_ok(fh_gather(x, got, NULL, &error), error);
        for (int i = 0; i < COUNT; i++)
            assert_true(got[i] == (data[i] > 900 ? 0 : data[i]));
        fh_operand values = {.kind = FH_ARRAY, .array = chosen};

        fh_ok(fh_assign_mask(x, &masks, &values, FH_CASTING_SAME_KIND, &error), error);
        fh_ok(fh_gather(x, got, NULL, &error), error);
        assert_memory_equal(got, data, sizeof data);
        fh_array *used[] = {x, mask, chosen, where};

        for (size_t i = 0; i < sizeof used / sizeof *used; i++)
            fh_array_free(&used[i]);
    }
}

static void
what_cannot_be_an_index_is_refused(void **state)
{
    int64_t bad[] = {0, ROWS}, two = 2, wide[] = {ROWS, COLUMNS + 1};
    fh_local local = {.data = bad, .dtype = FH_INT64, .ndim = 1, .shape = &two};
    fh_local floats = {.data = data, .dtype = FH_FLOAT64, .ndim = 1, .shape = &two};
    fh_operand index[] = {{.kind = FH_LOCAL, .local = &local}, {.kind = FH_LOCAL, .local = &floats}};
    fh_operand zero = {.kind = FH_WEAK_INT};
    fh_error error;

    (void)state;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        fh_array *x = scatter(data, FH_FLOAT64, 2, shape, layout), *taken = NULL, *mask = NULL;
        int status = fh_index_arrays(x, index, 1, FH_INDEX_RAISE, &taken, &error);

        if (!status)
            status = fh_gather(taken, got, NULL, &error);
        assert_int_equal(status, FH_BAD_INDEX);
        status = fh_assign_arrays(x, index, 1, FH_INDEX_RAISE, &zero, FH_CASTING_SAME_KIND, &error);
        if (!status)
            status = fh_sync(session, 30, &error);
        assert_int_equal(status, FH_BAD_INDEX);
        fh_ok(fh_gather(x, got, NULL, &error), error);
        assert_memory_equal(got, data, sizeof data);
        fh_fails(fh_index_arrays(x, index + 1, 1, FH_INDEX_RAISE, &taken, &error), FH_BAD_INDEX, error);
        fh_fails(fh_index_arrays(x, index, 0, FH_INDEX_RAISE, &taken, &error), FH_BAD_INDEX, error);
        fh_fails(fh_index_arrays(x, index, 3, FH_INDEX_RAISE, &taken, &error), FH_BAD_INDEX, error);
        fh_ok(fh_empty(session, FH_BOOL, 2, wide, &layouts[layout], &mask, &error), error);
        fh_operand masks = {.kind = FH_ARRAY, .array = mask};

        fh_fails(fh_index_mask(x, &masks, &taken, &error), FH_BAD_INDEX, error);
        fh_fails(fh_assign_mask(x, index + 1, &zero, FH_CASTING_SAME_KIND, &error), FH_BAD_INDEX, error);
        fh_array_free(&mask);
        fh_array_free(&taken);
        fh_array_free(&x);
    }
}

/* Last: the cluster has an engine less then. */
static void
lost_engine_is_an_error_in_time(void **state)
{
    int64_t n = PICKS;
    fh_array *x = scatter(data, FH_FLOAT64, 2, shape, 0), *taken = NULL;
    fh_local local = {.data = rows, .dtype = FH_INT64, .ndim = 1, .shape = &n};
    fh_operand index = {.kind = FH_LOCAL, .local = &local};
    fh_error error;

    (void)state;
    fh_ok(fh_wait(x, 30, &error), error);
    cluster_kill_engine(&cluster, 1);
    int status = fh_index_arrays(x, &index, 1, FH_INDEX_RAISE, &taken, &error);

    if (!status)
        status = fh_gather(taken, got, NULL, &error);
    assert_int_equal(status, FH_ENGINE_LOST);
    fh_array_free(&taken);
    fh_array_free(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_and_written),
        cmocka_unit_test(mask_chooses_and_writes),
        cmocka_unit_test(what_cannot_be_an_index_is_refused),
        cmocka_unit_test(lost_engine_is_an_error_in_time),
    };

    return cmocka_run_group_tests_name("process.client_index", tests, start, stop);
}
