/* Gather without a copy from C: what is mapped is the value, stays it, and outlives array and session. */
#include "tests/process/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 1024, COLUMNS = 512, COUNT = ROWS * COLUMNS }; /* rows of a page */

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

static double *
make_values(void)
{
    double *values = malloc(COUNT * sizeof *values);

    assert_non_null(values);
    for (int i = 0; i < COUNT; i++)
        values[i] = i;
    return values;
}

static fh_array *
scatter(fh_session *session, double *values, int64_t rows, int64_t columns, int axis)
{
    const int64_t shape[] = {rows, columns};
    fh_local local = {.data = values, .dtype = FH_FLOAT64, .ndim = 2, .shape = shape};
    fh_array *array = NULL;
    fh_error error;

    fh_ok(fh_scatter(session, &local, &(fh_scatter_options){.axis = axis}, &array, &error), error);
    return array;
}

static void
mapped_value_stays_and_outlives_array_and_session(void **state)
{
    fh_session *session = cluster_connect(&cluster, 30);
    double *values = make_values(), *data = NULL, *again = NULL;
    fh_mapping *mapping = NULL, *other = NULL;
    fh_stats stats;
    fh_error error;

    (void)state;
    fh_array *array = scatter(session, values, ROWS, COLUMNS, 0);

    fh_ok(fh_gather_map(array, (void **)&data, &mapping, &error), error);
    fh_ok(fh_gather_map(array, (void **)&again, &other, &error), error);
    fh_session_stats(session, &stats);
    assert_int_equal(stats.mapped_bytes, 2 * COUNT * sizeof *values);
    assert_int_equal(stats.array_bytes_received, 0);
    assert_memory_equal(data, values, COUNT * sizeof *values);
    fh_ok(fh_assign(array, &(fh_operand){.kind = FH_WEAK_FLOAT}, FH_CASTING_SAME_KIND, &error), error);
    fh_ok(fh_sync(session, -1, &error), error);
    data[5] = -1;
    assert_memory_equal(again, values, COUNT * sizeof *values);
    fh_array_free(&array);
    fh_mapping_free(&other);
    assert_null(other);
    fh_close(&session);
    assert_true(data[4] == 4 && data[5] == -1 && data[COUNT - 1] == COUNT - 1);
    fh_mapping_free(&mapping);
    fh_mapping_free(&mapping);
    fh_mapping_free(NULL);
    free(values);
}

static void
pieces_beside_the_pages_are_copied_into_place(void **state)
{
    fh_session *session = cluster_connect(&cluster, 30);
    double *values = make_values();
    fh_error error;

    (void)state;
    for (int64_t columns = COLUMNS - 3; columns < COLUMNS; columns++) {
        fh_array *array = scatter(session, values, ROWS - 3, columns, 0);
        fh_mapping *mapping = NULL;
        void *data = NULL;

        fh_ok(fh_gather_map(array, &data, &mapping, &error), error);
        assert_memory_equal(data, values, (size_t)((ROWS - 3) * columns) * sizeof *values);
        fh_mapping_free(&mapping);
        fh_array_free(&array);
    }
    fh_close(&session);
    free(values);
}

static void
pieces_beside_each_other_are_mapped_together(void **state)
{
    fh_session *session = cluster_connect(&cluster, 30);
    double *values = make_values(), *data = NULL;
    fh_error error;

    (void)state;
    for (int axis = 0; axis < 2; axis++) {
        fh_array *array = scatter(session, values, ROWS - 5, COLUMNS - 3, axis);
        size_t bytes = (size_t)(ROWS - 5) * (COLUMNS - 3) * sizeof *values;
        fh_mapping *mapping = NULL;
        fh_stats before, after;

        fh_session_stats(session, &before);
        fh_ok(fh_gather_map(array, (void **)&data, &mapping, &error), error);
        fh_session_stats(session, &after);
        assert_int_equal(after.mapped_bytes - before.mapped_bytes, bytes);
        assert_memory_equal(data, values, bytes);
        data[0] = -1;
        fh_mapping_free(&mapping);
        fh_array_free(&array);
    }
    fh_close(&session);
    free(values);
}

static void
shared_memory_is_scattered_without_a_copy(void **state)
{
    const int64_t extents[] = {ROWS, COLUMNS};
    fh_session *session = cluster_connect(&cluster, 30);
    fh_operand operands[2] = {{.kind = FH_ARRAY}, {.kind = FH_ARRAY}};
    fh_mapping *mapping = NULL, *other = NULL;
    double *data = NULL, *copy = malloc(COUNT * sizeof *copy);
    fh_array *array = NULL, *sum = NULL;
    void *map = NULL;
    fh_stats before, after;
    fh_error error;

    (void)state;
    assert_non_null(copy);
    fh_ok(fh_shared(session, FH_FLOAT64, 2, extents, (void **)&data, &mapping, &error), error);
    for (int i = 0; i < COUNT; i++)
        data[i] = i;
    fh_session_stats(session, &before);
    array = scatter(session, data, ROWS, COLUMNS, 1);
    fh_session_stats(session, &after);
    assert_int_equal(after.shared_bytes + after.array_bytes_sent, before.shared_bytes + before.array_bytes_sent);
    data[5] = -1;
    operands[0].array = operands[1].array = array;
    fh_ok(fh_ufunc(session, "add", operands, 2, NULL, &sum, &error), error);
    fh_ok(fh_gather(sum, copy, NULL, &error), error);
    assert_true(copy[4] == 8 && copy[5] == -2 && copy[COUNT - 1] == 2 * (COUNT - 1));
    assert_int_equal(fh_gather_map(array, &map, &other, &error), FH_STATUS_NOT_SUPPORTED);
    fh_array_free(&sum);
    fh_array_free(&array);
    fh_close(&session);
    assert_true(data[5] == -1 && data[COUNT - 1] == COUNT - 1);
    data[5] = 5;
    fh_mapping_free(&mapping);
    assert_null(mapping);
    free(copy);
}

static void
what_cannot_be_mapped_is_said_to_be_so(void **state)
{
    static const struct {
        int64_t rows, columns;
        int axis;
    } cases[] = {{10, 10, 1}, {10, 10, 0}, {0, 10, 0}};
    fh_session *session = cluster_connect(&cluster, 30);
    double *values = make_values();
    fh_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_array *array = scatter(session, values, cases[i].rows, cases[i].columns, cases[i].axis);
        fh_mapping *mapping = NULL;
        void *data = NULL;

        assert_int_equal(fh_gather_map(array, &data, &mapping, &error), FH_STATUS_NOT_SUPPORTED);
        assert_null(mapping);
        fh_array_free(&array);
    }
    fh_close(&session);
    free(values);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_value_stays_and_outlives_array_and_session),
        cmocka_unit_test(pieces_beside_the_pages_are_copied_into_place),
        cmocka_unit_test(pieces_beside_each_other_are_mapped_together),
        cmocka_unit_test(shared_memory_is_scattered_without_a_copy),
        cmocka_unit_test(what_cannot_be_mapped_is_said_to_be_so),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
