/* engine/apply/ravel, split: from index arrays to flat indices, and which piece they lie in. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <stdlib.h>

static void
indices_broadcast_and_count_from_the_end(void **state)
{
    int8_t rows[] = {-1, 0};
    uint16_t columns[] = {3, 0, 1};
    int64_t parameters[] = {0, 3, 0, 4, 1};
    static const int64_t WANTED[] = {11, 8, 9, 3, 0, 1};
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, rows, DTYPE_INT8, 2, (int64_t[]){2, 1});
    harness_input(&h, columns, DTYPE_UINT16, 1, (int64_t[]){3});
    harness_output(&h, DTYPE_INT64);
    h.call.integers = parameters, h.call.nintegers = 5;
    harness_run(&h, APPLY_RAVEL, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){2, 3});
    for (int i = 0; i < 6; i++)
        assert_int_equal(((int64_t *)h.out[0].data)[i], WANTED[i]);
    harness_release(&h);
}

static void
modes_bring_every_index_inside(void **state)
{
    static const struct {
        int64_t mode, wanted[4];
    } CASES[] = {{1, {2, 1, 0, 1}}, {2, {0, 2, 2, 2}}};
    int64_t indices[] = {-4, 7, 3, INT64_MAX}, parameters[] = {0, 3, 0};
    harness_t h;

    (void)state;
    for (int c = 0; c < 2; c++) {
        harness_init(&h);
        harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){4});
        harness_output(&h, DTYPE_INT64);
        parameters[0] = CASES[c].mode;
        h.call.integers = parameters, h.call.nintegers = 3;
        harness_run(&h, APPLY_RAVEL, FH_OK);
        for (int i = 0; i < 4; i++)
            assert_int_equal(((int64_t *)h.out[0].data)[i], CASES[c].wanted[i]);
        harness_release(&h);
    }
}

static void
bad_index_is_named_with_its_axis(void **state)
{
    int64_t rows[] = {0, 1}, columns[] = {2, -5}, parameters[] = {0, 2, 3, 4, 7};
    double reals[] = {0, 1};
    err_t err = {0};
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, rows, DTYPE_INT64, 1, (int64_t[]){2});
    harness_input(&h, columns, DTYPE_INT64, 1, (int64_t[]){2});
    harness_output(&h, DTYPE_INT64);
    h.call.integers = parameters, h.call.nintegers = 5;
    assert_int_equal(apply_function(APPLY_RAVEL)(&h.call, &err), FH_BAD_INDEX);
    assert_string_equal(err.text, "index -5 is out of bounds for axis 7 with size 4");
    h.out[0].data = NULL;
    parameters[0] = 3;
    harness_run(&h, APPLY_RAVEL, FH_INVALID_ARGUMENT);
    parameters[0] = 1, parameters[1] = 0;
    harness_run(&h, APPLY_RAVEL, FH_BAD_INDEX);
    h.in[0].data = (char *)reals, h.in[0].dtype = DTYPE_FLOAT64;
    parameters[1] = 2;
    harness_run(&h, APPLY_RAVEL, FH_BAD_INDEX);
    harness_release(&h);
}

static void
pieces_get_their_indices_in_order(void **state)
{
    enum { N = 200000 };
    int64_t *indices = malloc(N * sizeof *indices), cuts[] = {0, 10, 10, 500, 1000}, at = 0;
    harness_t h;

    (void)state;
    assert_non_null(indices);
    for (int64_t i = 0; i < N; i++)
        indices[i] = i * 7919 % 1000;
    harness_init(&h);
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){N});
    for (int i = 0; i < 3; i++)
        harness_output(&h, DTYPE_INT64);
    h.call.integers = cuts, h.call.nintegers = 5;
    harness_run(&h, APPLY_SPLIT, FH_OK);
    const int64_t *order = (const int64_t *)h.out[0].data, *local = (const int64_t *)h.out[1].data,
                  *counts = (const int64_t *)h.out[2].data;

    for (int piece = 0; piece < 4; piece++)
        for (int64_t i = 0, before = -1; i < counts[piece]; i++, at++) {
            assert_true(order[at] > before && order[at] < N);
            before = order[at];
            assert_int_equal(indices[before], cuts[piece] + local[at]);
            assert_true(indices[before] < cuts[piece + 1]);
        }
    assert_int_equal(at, N);
    assert_int_equal(counts[1], 0);
    cuts[2] = 5;
    harness_run(&h, APPLY_SPLIT, FH_INVALID_ARGUMENT);
    cuts[2] = 10;
    indices[N - 1] = 1000;
    harness_run(&h, APPLY_SPLIT, FH_BAD_INDEX);
    harness_release(&h);
    free(indices);
}

/* What another process could change is copied before it is looked at. */
static void
shared_indices_are_copied(void **state)
{
    int64_t indices[] = {1, 0};
    bool shared = true;
    nd_t nd;
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){2});
    assert_int_equal(apply_contiguous(&h.call, 0, DTYPE_INT64, &nd, NULL), FH_OK);
    assert_ptr_equal(nd.data, indices);
    h.call.shared = &shared;
    assert_int_equal(apply_contiguous(&h.call, 0, DTYPE_INT64, &nd, NULL), FH_OK);
    assert_ptr_not_equal(nd.data, indices);
    assert_memory_equal(nd.data, indices, sizeof indices);
    harness_release(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices_broadcast_and_count_from_the_end),
        cmocka_unit_test(modes_bring_every_index_inside),
        cmocka_unit_test(bad_index_is_named_with_its_axis),
        cmocka_unit_test(pieces_get_their_indices_in_order),
        cmocka_unit_test(shared_indices_are_copied),
    };

    return cmocka_run_group_tests_name("engine.apply.index", tests, NULL, NULL);
}
