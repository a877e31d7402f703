/* Results along an inner axis: they lie in one segment, are mapped as they lie, and stay what they were. */
#include "base/clock.h"
#include "tests/process/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 1024, COLUMNS = 1536, COUNT = ROWS * COLUMNS }; /* 12 MiB */

static cluster_t cluster;

static int
start(void **state)
{
    (void)state;
    cluster_start(&cluster, 2);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_stop(&cluster);
    return 0;
}

static fh_array *
scatter(fh_session *session)
{
    const int64_t shape[] = {ROWS, COLUMNS};
    double *values = malloc(COUNT * sizeof *values);
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_array *array = NULL;
    fh_error error;

    assert_non_null(values);
    for (int i = 0; i < COUNT; i++)
        values[i] = i;
    fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = 1}, &array, &error), error);
    free(values);
    return array;
}

/* array op number; out may be NULL. */
static fh_array *
compute(const char *op, fh_array *array, double number, fh_array *out)
{
    fh_operand in[2] = {{.kind = FH_ARRAY, .array = array}, {.kind = FH_WEAK_FLOAT, .f = number}};
    fh_array *const outs[] = {out};
    fh_ufunc_options options = {.out = outs};
    fh_array *made = NULL;
    fh_error error;

    fh_ok(fh_ufunc(fh_array_session(array), op, in, 2, &options, &made, &error), error);
    return made;
}

/* Element i is factor * i + shift. */
static void
check_values(const double *data, double factor, double shift)
{
    for (int i = 0; i < COUNT; i++)
        if (data[i] != factor * i + shift)
            fail_msg("element %d is %g", i, data[i]);
}

/* A session that has wanted to map what is cut along an inner axis: from then on results of some MiB lie together. */
static fh_session *
connect(cluster_t *from)
{
    fh_session *session = cluster_connect(from, 30);
    fh_array *array = scatter(session), *sum = compute("add", array, 1, NULL);
    fh_mapping *mapping = NULL;
    void *data = NULL;
    fh_error error;

    assert_int_equal(fh_gather_map(sum, &data, &mapping, &error), FH_STATUS_NOT_SUPPORTED);
    fh_array_free(&sum);
    fh_array_free(&array);
    return session;
}

static void
check_gathered(fh_array *array, double factor, double shift)
{
    double *data = malloc(COUNT * sizeof *data);
    fh_error error;

    assert_non_null(data);
    fh_ok(fh_gather(array, data, NULL, &error), error);
    check_values(data, factor, shift);
    free(data);
}

static fh_mapping *
map(fh_array *array, double **ret)
{
    fh_mapping *mapping = NULL;
    fh_stats before, after;
    fh_error error;

    fh_session_stats(fh_array_session(array), &before);
    fh_ok(fh_gather_map(array, (void **)ret, &mapping, &error), error);
    fh_session_stats(fh_array_session(array), &after);
    assert_int_equal(after.mapped_bytes - before.mapped_bytes, COUNT * sizeof **ret);
    return mapping;
}

static void
what_operations_make_is_mapped(void **state)
{
    fh_session *session = connect(&cluster);
    fh_array *array = scatter(session), *sum = compute("add", array, 1, NULL), *fused = NULL, *copy = NULL,
             *cast = NULL;
    double *data = NULL;
    fh_error error;

    (void)state;
    fh_array *twice = compute("multiply", sum, 2, NULL); /* with the line before one message */

    fused = compute("subtract", twice, 3, NULL);
    fh_ok(fh_copy(fused, &copy, &error), error);
    fh_ok(fh_astype(array, FH_FLOAT32, FH_CASTING_UNSAFE, &cast, &error), error);
    const struct {
        fh_array *array;
        double factor, shift;
    } CASES[] = {{sum, 1, 1}, {twice, 2, 2}, {fused, 2, -1}, {copy, 2, -1}};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        fh_mapping *mapping = map(CASES[i].array, &data);

        check_values(data, CASES[i].factor, CASES[i].shift);
        data[0] = 1e9; /* is the client's own */
        fh_mapping_free(&mapping);
        check_gathered(CASES[i].array, CASES[i].factor, CASES[i].shift);
    }
    fh_array *arrays[] = {array, sum, twice, fused, copy, cast};

    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fh_array_free(&arrays[i]);
    fh_close(&session);
}

static void
mapped_result_stays_what_it_was(void **state)
{
    fh_session *session = connect(&cluster);
    fh_array *array = scatter(session), *sum = compute("add", array, 1, NULL);
    double *data = NULL, *again = NULL;
    fh_mapping *mapping = map(sum, &data), *other = NULL;
    fh_error error;

    (void)state;
    (void)compute("add", sum, 5, sum);
    check_gathered(sum, 1, 6);
    (void)compute("multiply", sum, 2, sum);
    check_values(data, 1, 1);
    fh_array_free(&sum);
    /* What is free now is used again, what is mapped is not. */
    for (int i = 0; i < 6; i++) {
        fh_array *made = compute("add", array, 10 + i, NULL);

        if (i == 3)
            other = map(made, &again);
        fh_ok(fh_sync(session, -1, &error), error);
        fh_array_free(&made);
    }
    check_values(data, 1, 1);
    check_values(again, 1, 13);
    fh_array_free(&array);
    fh_mapping_free(&other);
    fh_close(&session);
    check_values(data, 1, 1);
    fh_mapping_free(&mapping);
}

/* Views need to know where the engines have put what they see. */
static void
views_of_results_see_their_elements(void **state)
{
    fh_session *session = connect(&cluster);
    fh_array *array = scatter(session), *sum = compute("add", array, 1, NULL), *view = NULL, *turned = NULL;
    fh_index_item items[] = {{FH_INDEX_SLICE, 3, 5, 1, 1, 1, 1}, {FH_INDEX_SLICE, 700, 800, 1, 1, 1, 1}};
    double got[200];
    fh_error error;

    (void)state;
    fh_ok(fh_index(sum, items, 2, &view, &error), error);
    fh_ok(fh_transpose(view, NULL, &turned, &error), error);
    fh_ok(fh_gather(turned, got, NULL, &error), error);
    for (int i = 0; i < 200; i++)
        assert_true(got[i] == (3 + i % 2) * COLUMNS + 700 + i / 2 + 1);
    fh_array_free(&turned);
    fh_array_free(&view);
    fh_array_free(&sum);
    fh_array_free(&array);
    fh_close(&session);
}

static void
results_lie_apart(fh_session *session)
{
    fh_array *array = scatter(session);
    fh_mapping *mapping = NULL;
    void *data = NULL;
    fh_error error;

    for (int i = 0; i < 3; i++) {
        fh_array *sum = compute("add", array, i, NULL);

        check_gathered(sum, 1, i);
        assert_int_equal(fh_gather_map(sum, &data, &mapping, &error), FH_STATUS_NOT_SUPPORTED);
        fh_array_free(&sum);
    }
    fh_array_free(&array);
}

static void
engines_that_spill_lend_nothing(void **state)
{
    char folder[] = "/tmp/fh-results-XXXXXX", option[64];
    cluster_t own;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(option, sizeof option, "--spill=%s", folder);
    cluster_start_with(&own, 2, option);
    fh_session *session = connect(&own);

    results_lie_apart(session);
    fh_close(&session);
    cluster_stop(&own);
    (void)rmdir(folder);
}

/* Fill the engines, as soon as what was there before has gone. */
static fh_array *
fill(fh_session *session)
{
    const int64_t shape[] = {108, 1 << 20};
    fh_array *full = NULL;
    fh_error error;
    int status = FH_STATUS_LIMIT_EXCEEDED;

    for (int64_t end = clock_now_ns() + 20000000000; status && clock_now_ns() < end;) {
        fh_array_free(&full);
        fh_ok(fh_empty(session, FH_UINT8, 2, shape, NULL, &full, &error), error);
        status = fh_wait(full, -1, &error);
    }
    fh_ok(status, error);
    return full;
}

/* Its own session does not know that there is none: another one has filled the engines. */
static void
result_that_has_no_room_at_one_engine_lies_apart(void **state)
{
    cluster_t own;
    fh_array *small = NULL, *large = NULL;
    fh_mapping *mapping = NULL;
    double *data = malloc(COUNT * sizeof *data);
    fh_error error;

    (void)state;
    assert_non_null(data);
    cluster_start_with(&own, 2, "--memory=64M");
    fh_session *session = connect(&own), *other = cluster_connect(&own, 30);
    fh_array *array = scatter(session);

    fh_ok(fh_astype(array, FH_INT8, FH_CASTING_UNSAFE, &small, &error), error);
    fh_array_free(&array);
    fh_ok(fh_sync(session, -1, &error), error);
    fh_array *full = fill(other);

    fh_ok(fh_astype(small, FH_FLOAT64, FH_CASTING_UNSAFE, &large, &error), error);
    fh_ok(fh_gather(large, data, NULL, &error), error);
    for (int i = 0; i < COUNT; i++)
        assert_true(data[i] == (int8_t)i);
    assert_int_equal(fh_gather_map(large, (void **)&data, &mapping, &error), FH_STATUS_NOT_SUPPORTED);
    fh_array_free(&large);
    fh_array_free(&small);
    fh_array_free(&full);
    fh_close(&other);
    fh_close(&session);
    cluster_stop(&own);
    free(data);
}

static void
session_goes_on_when_the_home_dies(void **state)
{
    cluster_t own;
    fh_error error;

    (void)state;
    cluster_start(&own, 2);
    fh_session *session = connect(&own);
    fh_array *array = scatter(session), *sums[4];
    double *data = NULL;

    for (int i = 0; i < 4; i++)
        sums[i] = compute("add", array, i, NULL);
    fh_mapping *mapping = map(sums[1], &data);

    cluster_kill_engine(&own, 0);
    int status = FH_OK;

    for (int i = 0; i < 1000 && !status; i++) { /* until the client knows it */
        fh_array *made = NULL;
        fh_operand in[2] = {{.kind = FH_ARRAY, .array = sums[i % 4]}, {.kind = FH_ARRAY, .array = array}};

        status = fh_ufunc(session, "add", in, 2, NULL, &made, &error);
        if (!status)
            status = fh_sync(session, -1, &error);
        fh_array_free(&made);
    }
    assert_int_equal(status, FH_STATUS_ENGINE_LOST);
    check_values(data, 1, 1);
    for (int i = 0; i < 4; i++)
        fh_array_free(&sums[i]);
    fh_array_free(&array);
    fh_mapping_free(&mapping);
    /* The other engine has nothing of the lost one's, and computes. */
    array = scatter(session);
    fh_array *sum = compute("add", array, 1, NULL);

    check_gathered(sum, 1, 1);
    fh_array_free(&sum);
    fh_array_free(&array);
    fh_close(&session);
    cluster_stop(&own);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_operations_make_is_mapped),
        cmocka_unit_test(mapped_result_stays_what_it_was),
        cmocka_unit_test(views_of_results_see_their_elements),
        cmocka_unit_test(engines_that_spill_lend_nothing),
        cmocka_unit_test(result_that_has_no_room_at_one_engine_lies_apart),
        cmocka_unit_test(session_goes_on_when_the_home_dies),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
