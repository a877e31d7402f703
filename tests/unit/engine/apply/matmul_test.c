/* engine/apply/matmul: products of matrices of every dtype, as they lie. */
#include "engine/apply/matmul.h"
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    dtype_t dtype;
    int64_t n, k, m;
    bool turned_a, turned_b; /* the operand is seen with its axes exchanged */
} product_t;

static double _Complex value_at(const nd_t *nd, int64_t i, int64_t j)
{
    char wide[16];
    dtype_convert(DTYPE_COMPLEX128, wide, nd->dtype, nd->data + i * nd->stride[0] + j * nd->stride[1]);
    double _Complex value;
    memcpy(&value, wide, sizeof value);
    return value;
}

/* Small whole numbers: products are exact in every dtype, and integers of 8 bits wrap. */
static void *
matrix(uint64_t *random, dtype_t dtype, int64_t count)
{
    char *data = malloc((size_t)count * dtype_size(dtype) + 1);
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++) {
        int64_t value = (int64_t)(check_random(random) % 7) - (dtype_kind(dtype) == 'u' ? 0 : 3);
        dtype_convert(dtype, data + (size_t)i * dtype_size(dtype), DTYPE_INT64, &value);
    }
    return data;
}

static void
check_product(const product_t *want, const nd_t *a, const nd_t *b, const nd_t *out)
{
    for (int64_t i = 0; i < want->n; i++)
        for (int64_t j = 0; j < want->m; j++) {
            double _Complex sum = 0;
            char expected[16];
            for (int64_t k = 0; k < want->k; k++)
                sum += value_at(a, i, k) * value_at(b, k, j);
            if (dtype_kind(want->dtype) == 'c' || dtype_kind(want->dtype) == 'f') {
                assert_true(value_at(out, i, j) == sum); /* the sign of a zero depends on the way that OpenBLAS takes */
                continue;
            }
            if (want->dtype == DTYPE_BOOL) {
                dtype_convert(want->dtype, expected, DTYPE_COMPLEX128, &sum);
            } else {
                int64_t whole = (int64_t)creal(sum);
                dtype_convert(want->dtype, expected, DTYPE_INT64, &whole);
            }
            assert_memory_equal(out->data + i * out->stride[0] + j * out->stride[1], expected, dtype_size(want->dtype));
        }
}

static void
turn(nd_t *nd)
{
    shape_t shape = {.ndim = 2, .extent = {nd->shape.extent[1], nd->shape.extent[0]}};
    int64_t stride[2] = {nd->stride[1], nd->stride[0]};
    nd->shape = shape;
    memcpy(nd->stride, stride, sizeof stride);
}

static void
multiply(uint64_t *random, const product_t *want)
{
    harness_t h;
    int64_t plain = 0;
    void *a = matrix(random, want->dtype, want->n * want->k), *b = matrix(random, want->dtype, want->k * want->m);
    void *out = calloc((size_t)(want->n * want->m) + 1, 16);
    harness_init(&h);
    harness_input(&h, a, want->dtype, 2,
                  want->turned_a ? (int64_t[]){want->k, want->n} : (int64_t[]){want->n, want->k});
    harness_input(&h, b, want->dtype, 2,
                  want->turned_b ? (int64_t[]){want->m, want->k} : (int64_t[]){want->k, want->m});
    if (want->turned_a)
        turn(&h.in[0]);
    if (want->turned_b)
        turn(&h.in[1]);
    harness_in_place(&h, out, want->dtype, 2, (int64_t[]){want->n, want->m});
    h.call.integers = &plain, h.call.nintegers = 1;
    harness_run(&h, APPLY_MATMUL, FH_OK);
    check_product(want, &h.in[0], &h.in[1], &h.out[0]);
    harness_release(&h);
    free(a);
    free(b);
    free(out);
}

static void
products_of_every_dtype_and_order(void **state)
{
    static const int64_t EXTENTS[] = {0, 1, 2, 3, 17, 50};
    uint64_t random = check_seed();
    (void)state;
    for (int dtype = DTYPE_BOOL; dtype < DTYPE_COUNT; dtype++)
        for (int round = 0; round < 40 && dtype != DTYPE_FLOAT16; round++) {
            int64_t extent[3];
            for (int i = 0; i < 3; i++)
                extent[i] = EXTENTS[check_random(&random) % 6];
            multiply(&random, &(product_t){(dtype_t)dtype, extent[0], extent[1], extent[2], round & 1, round & 2});
        }
}

/* Large enough for several strips, along both axes. */
static void
strips_of_a_large_product(void **state)
{
    uint64_t random = check_seed();
    (void)state;
    multiply(&random, &(product_t){DTYPE_FLOAT64, 301, 40, 20, false, false});
    multiply(&random, &(product_t){DTYPE_FLOAT32, 20, 40, 301, true, true});
    multiply(&random, &(product_t){DTYPE_COMPLEX128, 20, 40, 301, false, false});
    multiply(&random, &(product_t){DTYPE_INT32, 301, 40, 20, true, true});
    multiply(&random, &(product_t){DTYPE_FLOAT64, 301, 400, 1, false, false});
    multiply(&random, &(product_t){DTYPE_FLOAT64, 301, 400, 1, true, false});
}

/* (2, 1, 2, 2) @ (3, 2, 1): a stack of six, and b has gaps between its rows. */
static void
stacks_broadcast(void **state)
{
    double a[] = {1, 2, 3, 4, 5, 6, 7, 8}, b[] = {1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9}, out[12] = {0};
    int64_t plain = 0;
    harness_t h;
    (void)state;
    harness_init(&h);
    harness_input(&h, a, DTYPE_FLOAT64, 4, (int64_t[]){2, 1, 2, 2});
    harness_input(&h, b, DTYPE_FLOAT64, 3, (int64_t[]){3, 2, 2});
    h.in[1].shape.extent[2] = 1;
    harness_in_place(&h, out, DTYPE_FLOAT64, 4, (int64_t[]){2, 3, 2, 1});
    h.call.integers = &plain, h.call.nintegers = 1;
    harness_run(&h, APPLY_MATMUL, FH_OK);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int row = 0; row < 2; row++)
                assert_true(out[i * 6 + j * 2 + row] ==
                            a[i * 4 + row * 2] * (2 * j + 1) + a[i * 4 + row * 2 + 1] * (2 * j + 2));
    harness_release(&h);
}

static void
what_is_there_is_added_to(void **state)
{
    double a[] = {1, 2, 3, 4}, b[] = {1, 0, 0, 1}, out[] = {10, 20, 30, 40};
    int64_t add = 1;
    harness_t h;
    (void)state;
    harness_init(&h);
    harness_input(&h, a, DTYPE_FLOAT64, 2, (int64_t[]){2, 2});
    harness_input(&h, b, DTYPE_FLOAT64, 2, (int64_t[]){2, 2});
    harness_in_place(&h, out, DTYPE_FLOAT64, 2, (int64_t[]){2, 2});
    h.call.integers = &add, h.call.nintegers = 1;
    harness_run(&h, APPLY_MATMUL, FH_OK);
    assert_true(out[0] == 11 && out[1] == 22 && out[2] == 33 && out[3] == 44);
    harness_release(&h);
}

static void
integers_and_bools_are_added_to(void **state)
{
    uint8_t small[4] = {200, 1, 2, 3}, ones[4] = {1, 0, 0, 1}, sum[4] = {100, 100, 100, 100};
    uint8_t truth[4] = {1, 0, 0, 0}, other[4] = {0, 1, 0, 0};
    int64_t add = 1;
    harness_t h;
    (void)state;
    harness_init(&h);
    harness_input(&h, small, DTYPE_UINT8, 2, (int64_t[]){2, 2});
    harness_input(&h, ones, DTYPE_UINT8, 2, (int64_t[]){2, 2});
    harness_in_place(&h, sum, DTYPE_UINT8, 2, (int64_t[]){2, 2});
    h.call.integers = &add, h.call.nintegers = 1;
    harness_run(&h, APPLY_MATMUL, FH_OK);
    assert_memory_equal(sum, ((uint8_t[]){44, 101, 102, 103}), 4);
    harness_release(&h);
    harness_init(&h);
    harness_input(&h, truth, DTYPE_BOOL, 2, (int64_t[]){2, 2});
    harness_input(&h, other, DTYPE_BOOL, 2, (int64_t[]){2, 2});
    harness_in_place(&h, ones, DTYPE_BOOL, 2, (int64_t[]){2, 2});
    h.call.integers = &add, h.call.nintegers = 1;
    harness_run(&h, APPLY_MATMUL, FH_OK);
    assert_memory_equal(ones, ((uint8_t[]){1, 1, 0, 1}), 4);
    harness_release(&h);
}

static void
what_does_not_fit_is_refused(void **state)
{
    double a[6] = {0}, out[4] = {0};
    int64_t plain = 0;
    harness_t h;
    (void)state;
    harness_init(&h);
    harness_input(&h, a, DTYPE_FLOAT64, 2, (int64_t[]){2, 3});
    harness_input(&h, a, DTYPE_FLOAT64, 2, (int64_t[]){2, 3});
    harness_in_place(&h, out, DTYPE_FLOAT64, 2, (int64_t[]){2, 2});
    h.call.integers = &plain, h.call.nintegers = 1;
    harness_run(&h, APPLY_MATMUL, FH_INVALID_ARGUMENT);
    harness_release(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_every_dtype_and_order),
        cmocka_unit_test(strips_of_a_large_product),
        cmocka_unit_test(stacks_broadcast),
        cmocka_unit_test(what_is_there_is_added_to),
        cmocka_unit_test(integers_and_bools_are_added_to),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
