/* An array that engines of several hosts need is handed on from host to host: it is right everywhere, and leaves no
 * engine more often than once for each host behind it and each engine beside it. */
#include "tests/process/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { ENGINES = 5, ROWS = 10, COLUMNS = (5 << 20) / 8 * 2 + 3 /* of doubles: 10 MiB and a little */ };

static const char *const HOSTS[ENGINES] = {"one/boot", "two/boot", "three/boot", "three/boot", "four/boot"};

static cluster_t cluster;

static int
start(void **state)
{
    (void)state;
    cluster_start_apart(&cluster, ENGINES, HOSTS);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_stop(&cluster);
    return 0;
}

static void
find_pushed(void *context, const fh_value *values, int count)
{
    for (int i = 0; i + 1 < count; i += 2)
        if (values[i].size == strlen("pushed") && memcmp(values[i].data, "pushed", values[i].size) == 0)
            *(int64_t *)context = values[i + 1].i;
}

static int64_t
pushed(fh_session *session, int engine)
{
    int64_t bytes = -1;
    fh_error error;
    fh_ok(fh_call(session, NULL, engine, "stats", NULL, 0, find_pushed, &bytes, &error), error);
    assert_true(bytes >= 0);
    return bytes;
}

static fh_array *
scatter(fh_session *session, const double *from, int ndim, const int64_t *shape, int axis)
{
    const fh_local local = {.data = (void *)(uintptr_t)from, .dtype = FH_FLOAT64, .ndim = ndim, .shape = shape};
    fh_scatter_options options = {.axis = axis};
    fh_engine_info engines[ENGINES];
    fh_array *array = NULL;
    fh_error error;
    int n;
    fh_ok(fh_engines(session, engines, ENGINES, &n, &error), error);
    assert_int_equal(n, ENGINES);
    if (axis == FH_WHOLE) { /* on the first */
        options.engines = &engines[0].id;
        options.nengines = 1;
    }
    fh_ok(fh_scatter(session, &local, &options, &array, &error), error);
    return array;
}

/* How often each engine, by its number, hands the array on: to the next host, and to engines beside it. */
static void
count_wanted(fh_session *session, int64_t *ret)
{
    fh_engine_info engines[ENGINES];
    int n, last = 0;
    fh_error error;
    fh_ok(fh_engines(session, engines, ENGINES, &n, &error), error);
    for (int i = 0; i < ENGINES; i++) {
        int beside = 0;
        ret[i] = 0;
        while (beside < i && strcmp(engines[beside].host, engines[i].host) != 0)
            beside++;
        if (i > 0)
            ret[beside < i ? beside : last]++;
        if (beside == i)
            last = i;
    }
}

static void
an_operand_goes_from_host_to_host(void **state)
{
    static const int64_t shape[] = {ROWS, COLUMNS};
    const int64_t row_bytes = COLUMNS * (int64_t)sizeof(double);
    double *row = malloc((size_t)row_bytes), *rows = calloc(ROWS, (size_t)row_bytes);
    fh_array *sum = NULL;
    fh_error error;
    int64_t before[ENGINES], after[ENGINES], wanted[ENGINES];
    (void)state;
    assert_non_null(row);
    assert_non_null(rows);
    for (int64_t i = 0; i < COLUMNS; i++)
        row[i] = (double)i;
    for (int64_t i = 0; i < ROWS; i++)
        rows[i * COLUMNS] = (double)i;
    fh_session *session = cluster_connect(&cluster, 60);
    fh_array *distributed = scatter(session, rows, 2, shape, 0),
             *single = scatter(session, row, 1, shape + 1, FH_WHOLE);
    fh_ok(fh_sync(session, -1, &error), error);
    for (int i = 0; i < ENGINES; i++)
        before[i] = pushed(session, i);
    fh_operand in[2] = {{.kind = FH_ARRAY, .array = distributed}, {.kind = FH_ARRAY, .array = single}};
    fh_ok(fh_ufunc(session, "add", in, 2, NULL, &sum, &error), error);
    fh_ok(fh_gather(sum, rows, NULL, &error), error);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t k = 0; k < COLUMNS; k++)
            if (rows[i * COLUMNS + k] != (double)(k + (k ? 0 : i)))
                fail_msg("row %lld, column %lld is %.17g", (long long)i, (long long)k, rows[i * COLUMNS + k]);
    for (int i = 0; i < ENGINES; i++)
        after[i] = pushed(session, i);
    count_wanted(session, wanted);
    for (int i = 0; i < ENGINES; i++)
        assert_int_equal(after[i] - before[i], wanted[i] * row_bytes);
    fh_array_free(&sum);
    fh_array_free(&single);
    fh_array_free(&distributed);
    fh_close(&session);
    free(row);
    free(rows);
}

/* Not worth a chain: each gets it from its source. */
static void
a_small_operand_comes_from_its_source(void **state)
{
    enum { SMALL = 1000 };
    static const int64_t shape[] = {ROWS, SMALL};
    double *room = calloc(ROWS, SMALL * sizeof *room);
    fh_array *sum = NULL;
    fh_error error;
    (void)state;
    assert_non_null(room);
    fh_session *session = cluster_connect(&cluster, 60);
    fh_array *distributed = scatter(session, room, 2, shape, 0);
    for (int i = 0; i < SMALL; i++)
        room[i] = i;
    fh_array *single = scatter(session, room, 1, shape + 1, FH_WHOLE);
    fh_operand in[2] = {{.kind = FH_ARRAY, .array = distributed}, {.kind = FH_ARRAY, .array = single}};
    int64_t before = pushed(session, 0);
    fh_ok(fh_ufunc(session, "add", in, 2, NULL, &sum, &error), error);
    fh_ok(fh_gather(sum, room, NULL, &error), error);
    for (int i = 0; i < ROWS * SMALL; i++)
        assert_true(room[i] == i % SMALL);
    assert_int_equal(pushed(session, 0) - before, (ENGINES - 1) * SMALL * (int64_t)sizeof *room);
    fh_array_free(&sum);
    fh_array_free(&single);
    fh_array_free(&distributed);
    fh_close(&session);
    free(room);
}

/* A host in the middle of the chain dies: a clear error, nothing hangs. */
static void
a_chain_that_breaks_is_told(void **state)
{
    static const int64_t shape[] = {ROWS, COLUMNS};
    double *room = calloc(ROWS, COLUMNS * sizeof *room);
    fh_array *sum = NULL;
    fh_error error;
    (void)state;
    assert_non_null(room);
    fh_session *session = cluster_connect(&cluster, 60);
    fh_array *distributed = scatter(session, room, 2, shape, 0),
             *single = scatter(session, room, 1, shape + 1, FH_WHOLE);
    fh_ok(fh_sync(session, -1, &error), error);
    fh_operand in[2] = {{.kind = FH_ARRAY, .array = distributed}, {.kind = FH_ARRAY, .array = single}};
    cluster_kill_engine(&cluster, 1);
    int status = fh_ufunc(session, "add", in, 2, NULL, &sum, &error);
    if (!status)
        status = fh_gather(sum, room, NULL, &error);
    assert_int_equal(status, FH_STATUS_ENGINE_LOST);
    fh_array_free(&sum);
    fh_array_free(&single);
    fh_array_free(&distributed);
    fh_close(&session);
    free(room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operand_goes_from_host_to_host),
        cmocka_unit_test(a_small_operand_comes_from_its_source),
        cmocka_unit_test(a_chain_that_breaks_is_told), /* the last: it ends an engine */
    };
    return cmocka_run_group_tests(tests, start, stop);
}
