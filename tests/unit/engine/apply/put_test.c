/* engine/apply/put, compress, put_mask: choosing and writing. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <stdlib.h>

static void
last_of_equal_indices_counts(void **state)
{
    enum { N = 200000, PLACES = 1000 };
    int64_t *indices = malloc(N * sizeof *indices), one = 1;
    int32_t *values = malloc(N * sizeof *values);
    float *out = calloc(PLACES, sizeof *out);
    harness_t h;

    (void)state;
    assert_non_null(indices);
    assert_non_null(values);
    assert_non_null(out);
    for (int i = 0; i < N; i++) {
        indices[i] = (int64_t)i * 7919 % (PLACES - 1);
        values[i] = i;
    }
    harness_init(&h);
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){N});
    harness_input(&h, values, DTYPE_INT32, 1, (int64_t[]){N});
    harness_in_place(&h, out, DTYPE_FLOAT32, 1, (int64_t[]){PLACES});
    h.call.integers = &one, h.call.nintegers = 1;
    harness_run(&h, APPLY_PUT, FH_OK);
    float *wanted = calloc(PLACES, sizeof *wanted);

    assert_non_null(wanted);
    for (int i = 0; i < N; i++)
        wanted[indices[i]] = (float)values[i];
    assert_memory_equal(out, wanted, PLACES * sizeof *out);
    indices[N - 1] = PLACES;
    values[0] = -7;
    harness_run(&h, APPLY_PUT, FH_BAD_INDEX);
    assert_memory_equal(out, wanted, PLACES * sizeof *out);
    harness_release(&h);
    free(indices);
    free(values);
    free(out);
    free(wanted);
}

/* Values without an axis for the indices, a row each, into columns of a matrix seen with its axes turned. */
static void
values_broadcast_to_rows(void **state)
{
    double matrix[12] = {0}, row[] = {1, 2, 3};
    int64_t indices[] = {3, 1}, one = 1;
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, indices, DTYPE_INT64, 1, (int64_t[]){2});
    harness_input(&h, row, DTYPE_FLOAT64, 1, (int64_t[]){3});
    harness_in_place(&h, matrix, DTYPE_FLOAT64, 2, (int64_t[]){4, 3});
    h.out[0].stride[0] = 8, h.out[0].stride[1] = 32;
    h.call.integers = &one, h.call.nintegers = 1;
    harness_run(&h, APPLY_PUT, FH_OK);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 4; i++)
            assert_true(matrix[k * 4 + i] == (i % 2 ? row[k] : 0));
    harness_release(&h);
}

static void
mask_chooses_in_order(void **state)
{
    enum { N = 300000 };
    uint8_t *mask = malloc(N);
    int16_t *data = malloc(N * sizeof *data);
    int64_t count = 0;
    harness_t h;

    (void)state;
    assert_non_null(mask);
    assert_non_null(data);
    for (int i = 0; i < N; i++) {
        count += mask[i] = i % 3 == 1 || i > N - 5;
        data[i] = (int16_t)i;
    }
    harness_init(&h);
    harness_input(&h, data, DTYPE_INT16, 1, (int64_t[]){N});
    harness_input(&h, mask, DTYPE_BOOL, 1, (int64_t[]){N});
    harness_output(&h, DTYPE_INT16);
    harness_run(&h, APPLY_COMPRESS, FH_OK);
    harness_check_shape(&h, 0, 1, &count);
    int64_t at = 0;

    for (int i = 0; i < N; i++)
        if (mask[i])
            assert_int_equal(((int16_t *)h.out[0].data)[at++], (int16_t)i);
    void *chosen = h.out[0].data;
    harness_t back;
    int16_t *again = calloc(N, sizeof *again);

    assert_non_null(again);
    harness_init(&back);
    harness_input(&back, mask, DTYPE_BOOL, 1, (int64_t[]){N});
    harness_input(&back, chosen, DTYPE_INT16, 1, &count);
    harness_in_place(&back, again, DTYPE_INT16, 1, (int64_t[]){N});
    harness_run(&back, APPLY_PUT_MASK, FH_OK);
    for (int i = 0; i < N; i++)
        assert_int_equal(again[i], mask[i] ? data[i] : 0);
    back.in[1].shape.extent[0]--;
    harness_run(&back, APPLY_PUT_MASK, FH_INVALID_ARGUMENT);
    harness_release(&back);
    harness_release(&h);
    free(mask);
    free(data);
    free(again);
}

static void
mask_of_rows_chooses_rows(void **state)
{
    double data[] = {0, 1, 2, 3, 4, 5}, nine = 9;
    uint8_t mask[] = {1, 0, 1};
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 2, (int64_t[]){3, 2});
    harness_input(&h, mask, DTYPE_BOOL, 1, (int64_t[]){3});
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_COMPRESS, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){2, 2});
    for (int i = 0; i < 4; i++)
        assert_true(((double *)h.out[0].data)[i] == (i < 2 ? i : i + 2));
    h.in[1].shape.extent[0] = 2;
    harness_run(&h, APPLY_COMPRESS, FH_BAD_INDEX);
    harness_release(&h);

    harness_init(&h);
    harness_input(&h, mask, DTYPE_BOOL, 1, (int64_t[]){3});
    harness_input(&h, &nine, DTYPE_FLOAT64, 0, NULL);
    harness_in_place(&h, data, DTYPE_FLOAT64, 2, (int64_t[]){3, 2});
    harness_run(&h, APPLY_PUT_MASK, FH_OK);
    for (int i = 0; i < 6; i++)
        assert_true(data[i] == (i / 2 == 1 ? i : 9));
    harness_release(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_of_equal_indices_counts),
        cmocka_unit_test(values_broadcast_to_rows),
        cmocka_unit_test(mask_chooses_in_order),
        cmocka_unit_test(mask_of_rows_chooses_rows),
    };

    return cmocka_run_group_tests_name("engine.apply.put", tests, NULL, NULL);
}
