/* engine/apply/take: elements at flat indices. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <stdlib.h>

static void
rows_and_elements(void **state)
{
    double data[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    int64_t indices[] = {2, 0, 2}, one = 1, two = 2, flat[] = {11, 5};
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 2, (int64_t[]){3, 4});
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){3});
    harness_output(&h, DTYPE_FLOAT64);
    h.call.integers = &one, h.call.nintegers = 1;
    harness_run(&h, APPLY_TAKE, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){3, 4});
    for (int i = 0; i < 12; i++)
        assert_true(((double *)h.out[0].data)[i] == (double)(indices[i / 4] * 4 + i % 4));
    harness_release(&h);

    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 2, (int64_t[]){3, 4});
    harness_input(&h, flat, DTYPE_INT64, 1, (int64_t[]){2});
    harness_output(&h, DTYPE_FLOAT64);
    h.call.integers = &two, h.call.nintegers = 1;
    harness_run(&h, APPLY_TAKE, FH_OK);
    assert_true(((double *)h.out[0].data)[0] == 11 && ((double *)h.out[0].data)[1] == 5);
    harness_release(&h);
}

/* The array is seen with its axes turned, so places have no single stride and the rest is not contiguous. */
static void
strided_memory(void **state)
{
    int32_t data[24];
    int64_t indices[] = {5, 0, 3}, two = 2;
    harness_t h;

    (void)state;
    for (int i = 0; i < 24; i++)
        data[i] = i;
    harness_init(&h);
    harness_input(&h, data, DTYPE_INT32, 3, (int64_t[]){2, 3, 4});
    h.in[0].shape = (shape_t){.ndim = 3, .extent = {3, 2, 4}}; /* axes 0 and 1 change places, the last runs backwards */
    h.in[0].stride[0] = 16, h.in[0].stride[1] = 48, h.in[0].stride[2] = -4;
    h.in[0].data += 12;
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){3});
    harness_output(&h, DTYPE_INT32);
    h.call.integers = &two, h.call.nintegers = 1;
    harness_run(&h, APPLY_TAKE, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){3, 4});
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            assert_int_equal(((int32_t *)h.out[0].data)[i * 4 + k], indices[i] % 2 * 12 + indices[i] / 2 * 4 + (3 - k));
    harness_release(&h);
}

static void
indices_that_are_none_are_refused(void **state)
{
    static const int64_t BAD[] = {3, -1, INT64_MAX, INT64_MIN};
    double data[3] = {1, 2, 3};
    int64_t one = 1, too_many = 2;
    harness_t h;

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        int64_t indices[] = {0, BAD[i]};

        harness_init(&h);
        harness_input(&h, data, DTYPE_FLOAT64, 1, (int64_t[]){3});
        harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){2});
        harness_output(&h, DTYPE_FLOAT64);
        h.call.integers = &one, h.call.nintegers = 1;
        harness_run(&h, APPLY_TAKE, FH_BAD_INDEX);
        h.call.integers = &too_many;
        harness_run(&h, APPLY_TAKE, FH_INVALID_ARGUMENT);
        h.call.nintegers = 0;
        harness_run(&h, APPLY_TAKE, FH_INVALID_ARGUMENT);
        assert_null(h.out[0].data);
        harness_release(&h);
    }
}

static void
many_indices_are_taken_by_all_threads(void **state)
{
    enum { N = 300000 };
    int64_t *indices = malloc(N * sizeof *indices), one = 1;
    uint8_t *data = malloc(N);
    harness_t h;

    (void)state;
    assert_non_null(indices);
    assert_non_null(data);
    for (int64_t i = 0; i < N; i++) {
        data[i] = (uint8_t)(i % 251);
        indices[i] = i * 7919 % N;
    }
    harness_init(&h);
    harness_input(&h, data, DTYPE_UINT8, 1, (int64_t[]){N});
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){N});
    harness_output(&h, DTYPE_UINT8);
    h.call.integers = &one, h.call.nintegers = 1;
    harness_run(&h, APPLY_TAKE, FH_OK);
    for (int64_t i = 0; i < N; i++)
        assert_int_equal(((uint8_t *)h.out[0].data)[i], indices[i] % 251);
    harness_release(&h);
    free(indices);
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_elements),
        cmocka_unit_test(strided_memory),
        cmocka_unit_test(indices_that_are_none_are_refused),
        cmocka_unit_test(many_indices_are_taken_by_all_threads),
    };

    return cmocka_run_group_tests_name("engine.apply.take", tests, NULL, NULL);
}
