/* engine/apply/linalg: functions of matrices and of stacks of them, for every type; what is refused. */
#include "codecs/linalg.h"
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <math.h>

enum { N = 3, MATRICES = 5, LARGE = 160 };

/* Lower triangular factors with a diagonal that says which matrix it is. */
static double
factor_at(int64_t matrix, int64_t i, int64_t j)
{
    return j > i ? 0 : i == j ? (double)(matrix + 1 + i) : 0.5;
}

static double
definite_at(int64_t matrix, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < N; k++)
        sum += factor_at(matrix, i, k) * factor_at(matrix, j, k);
    return sum;
}

static void
begin(harness_t *h, linalg_code_t code, void *data, dtype_t dtype, int ndim, const int64_t *shape)
{
    static int64_t integers[2];
    integers[0] = code;
    harness_init(h);
    h->call.integers = integers;
    h->call.nintegers = 1;
    harness_input(h, data, dtype, ndim, shape);
}

static void
every_matrix_of_a_stack_is_factorised(void **state)
{
    double data[MATRICES * N * N];
    const int64_t shape[] = {MATRICES, N, N};
    harness_t h;

    (void)state;
    for (int64_t i = 0; i < MATRICES * N * N; i++)
        data[i] = definite_at(i / (N * N), i / N % N, i % N);
    begin(&h, LINALG_CHOLESKY, data, DTYPE_FLOAT64, 3, shape);
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_LINALG, FH_OK);
    harness_check_shape(&h, 0, 3, shape);
    for (int64_t i = 0; i < MATRICES * N * N; i++)
        assert_true(fabs(((double *)(void *)h.out[0].data)[i] - factor_at(i / (N * N), i / N % N, i % N)) < 1e-12);
    harness_release(&h);
    data[3 * N * N] = -1;
    begin(&h, LINALG_CHOLESKY, data, DTYPE_FLOAT64, 3, shape);
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_LINALG, FH_LINALG_ERROR);
    harness_release(&h);
}

/* The second input's stack broadcasts, and its type is single precision. */
static void
equations_are_solved(void **state)
{
    float matrices[] = {2, 0, 0, 4, 1, 1, 0, 1}, right[] = {2, 4};
    const float wanted[] = {1, 1, -2, 4};
    harness_t h;

    (void)state;
    begin(&h, LINALG_SOLVE, matrices, DTYPE_FLOAT32, 3, (int64_t[]){2, 2, 2});
    harness_input(&h, right, DTYPE_FLOAT32, 2, (int64_t[]){2, 1});
    harness_output(&h, DTYPE_FLOAT32);
    harness_run(&h, APPLY_LINALG, FH_OK);
    harness_check_shape(&h, 0, 3, (int64_t[]){2, 2, 1});
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(((float *)(void *)h.out[0].data)[i] - wanted[i]) < 1e-5F);
    harness_release(&h);
}

static void
determinants_of_complex_matrices(void **state)
{
    double matrix[] = {0, 2, 0, 0, 5, 1, 3, 0}; /* ((2i, 0), (5 + i, 3)) */
    harness_t h;

    (void)state;
    begin(&h, LINALG_SLOGDET, matrix, DTYPE_COMPLEX128, 2, (int64_t[]){2, 2});
    harness_output(&h, DTYPE_COMPLEX128);
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_LINALG, FH_OK);
    const double *sign = (double *)(void *)h.out[0].data;
    assert_true(fabs(sign[0]) < 1e-12 && fabs(sign[1] - 1) < 1e-12);
    assert_true(fabs(*(double *)(void *)h.out[1].data - log(6)) < 1e-12);
    harness_release(&h);
}

/* Large enough for several threads: the factors give the matrix back. */
static void
a_large_matrix_has_orthogonal_factors(void **state)
{
    static double a[LARGE * LARGE];
    uint64_t seed = check_seed();
    harness_t h;

    (void)state;
    for (int i = 0; i < LARGE * LARGE; i++)
        a[i] = (double)(check_random(&seed) >> 11) / 9007199254740992.0;
    begin(&h, LINALG_QR, a, DTYPE_FLOAT64, 2, (int64_t[]){LARGE, LARGE});
    harness_output(&h, DTYPE_FLOAT64);
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_LINALG, FH_OK);
    const double *q = (double *)(void *)h.out[0].data, *r = (double *)(void *)h.out[1].data;
    for (int64_t i = 0; i < LARGE; i += 13)
        for (int64_t j = 0; j < LARGE; j++) {
            double sum = 0;
            for (int64_t k = 0; k < LARGE; k++)
                sum += q[i * LARGE + k] * r[k * LARGE + j];
            assert_true(fabs(sum - a[i * LARGE + j]) < 1e-10);
            assert_true(j >= i || r[i * LARGE + j] == 0);
        }
    harness_release(&h);
}

static void
refuse(linalg_code_t code, int64_t number, dtype_t dtype, int ndim, const int64_t *shape, int outputs, int status)
{
    double data[64] = {0};
    harness_t h;
    int64_t integers[] = {number};

    begin(&h, code, data, dtype, ndim, shape);
    h.call.integers = integers;
    for (int i = 0; i < outputs; i++)
        harness_output(&h, dtype);
    harness_run(&h, APPLY_LINALG, status);
    harness_release(&h);
}

static void
what_is_no_matrix_is_refused(void **state)
{
    const int64_t square[] = {2, 2}, oblong[] = {2, 3};

    (void)state;
    refuse(LINALG_INV, LINALG_INV, DTYPE_FLOAT64, 2, oblong, 1, FH_LINALG_ERROR);
    refuse(LINALG_INV, LINALG_INV, DTYPE_FLOAT64, 1, square, 1, FH_LINALG_ERROR);
    refuse(LINALG_INV, LINALG_INV, DTYPE_INT64, 2, square, 1, FH_WRONG_TYPE);
    refuse(LINALG_INV, LINALG_INV, DTYPE_FLOAT64, 2, square, 2, FH_INVALID_ARGUMENT);
    refuse(LINALG_INV, LINALG_COUNT, DTYPE_FLOAT64, 2, square, 1, FH_INVALID_ARGUMENT);
    refuse(LINALG_INV, -1, DTYPE_FLOAT64, 2, square, 1, FH_INVALID_ARGUMENT);
    refuse(LINALG_INV, LINALG_SOLVE, DTYPE_FLOAT64, 2, square, 1, FH_INVALID_ARGUMENT);
    refuse(LINALG_EIGVALSH, LINALG_EIGVALSH, DTYPE_COMPLEX128, 2, square, 1, FH_WRONG_TYPE);
}

static void
shapes_follow_from_the_inputs(void **state)
{
    const shape_t a = {.ndim = 3, .extent = {4, 7, 5}}, b = {.ndim = 2, .extent = {7, 2}};
    const shape_t *inputs[] = {&a, &b};
    linalg_dims_t dims;
    err_t err = {0};

    (void)state;
    const linalg_t *lstsq = linalg_at(linalg_find("lstsq"));
    check_ok(linalg_resolve(lstsq, inputs, &dims, &err), err);
    const shape_t wanted[] = {{.ndim = 3, .extent = {4, 5, 2}},
                              {.ndim = 2, .extent = {4, 2}},
                              {.ndim = 1, .extent = {4}},
                              {.ndim = 2, .extent = {4, 5}}};
    for (int i = 0; i < lstsq->nout; i++) {
        shape_t shape = linalg_shape(lstsq, &dims, i);
        assert_true(shape_equal(&shape, &wanted[i]));
    }
    assert_int_equal(linalg_dtype(lstsq, DTYPE_COMPLEX64, 3), DTYPE_FLOAT32);
    assert_int_equal(linalg_dtype(lstsq, DTYPE_COMPLEX64, 2), DTYPE_INT64);
    assert_int_equal(linalg_find("nothing"), -1);
    assert_null(linalg_at(-1));
    assert_null(linalg_at(LINALG_COUNT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_matrix_of_a_stack_is_factorised),
        cmocka_unit_test(equations_are_solved),
        cmocka_unit_test(determinants_of_complex_matrices),
        cmocka_unit_test(a_large_matrix_has_orthogonal_factors),
        cmocka_unit_test(what_is_no_matrix_is_refused),
        cmocka_unit_test(shapes_follow_from_the_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
