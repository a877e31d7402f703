/* Gufuncs by functions of this program. */
#include "engine/runner/farhand_kernel.h"
#include "here.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int32_t
get(const char *at)
{
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void
put(char *at, int32_t value)
{
    memcpy(at, &value, sizeof value);
}

/* (m,k),(k,n)->(m,n) */
static int32_t
matmul(char *const *data, const int64_t *strides, int64_t n)
{
    (void)strides;
    const fh_array *a = (const fh_array *)(const void *)data, *b = a + 1, *c = a + 2;
    if (n != 3 || a->ndim != 2 || a->offset[0] || a->whole[0] != a->shape[0] || a->shape[1] != b->shape[0])
        return 1;
    for (int64_t i = 0; i < a->shape[0]; i++)
        for (int64_t j = 0; j < b->shape[1]; j++) {
            int32_t sum = 0;
            for (int64_t k = 0; k < a->shape[1]; k++)
                sum += get(fh_at2(a, i, k)) * get(fh_at2(b, k, j));
            put(fh_at2(c, i, j), sum);
        }
    return get(fh_at2(c, 0, 0)) == -1 ? 42 : 0;
}

static const kernel_code_t MATMUL = {
    .about = {.entry = "matmul",
              .kind = KERNEL_GUFUNC,
              .nin = 2,
              .nout = 1,
              .in = {DTYPE_INT32, DTYPE_INT32},
              .out = {DTYPE_INT32},
              .layout = "(m,k),(k,n)->(m,n)"},
    .loop = matmul,
};

enum { P = 60, Q = 5, M = 3, K = 4, N = 2 };

static void
fill(here_array_t *array, int32_t modulus)
{
    for (size_t i = 0; i + 4 <= array->size; i += 4)
        put(array->data + i, (int32_t)(i * 31 % 1009) % modulus);
}

static void
core_arrays_are_looped_over_and_broadcast(void **state)
{
    (void)state;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 3, NULL), 0);
    here_array_t arrays[3] = {here_array(DTYPE_INT32, 4, (int64_t[]){P, 1, M, K}),
                              here_array(DTYPE_INT32, 3, (int64_t[]){Q, K, N}),
                              here_array(DTYPE_INT32, 4, (int64_t[]){P, Q, M, N})};
    fill(&arrays[0], 100);
    fill(&arrays[1], 50);
    runner_run_t request = {.nin = 2, .nout = 1};
    err_t err = {0};
    if (here_run(&MATMUL, &request, arrays, crew, NULL, &err))
        fail_msg("%s", err.text);
    for (int64_t p = 0; p < P; p++)
        for (int64_t q = 0; q < Q; q++)
            for (int64_t i = 0; i < M; i++)
                for (int64_t j = 0; j < N; j++) {
                    int32_t sum = 0;
                    for (int64_t k = 0; k < K; k++)
                        sum += get(arrays[0].data + 4 * ((p * M + i) * K + k)) *
                               get(arrays[1].data + 4 * ((q * K + k) * N + j));
                    assert_int_equal(get(arrays[2].data + 4 * (((p * Q + q) * M + i) * N + j)), sum);
                }
    arrays[1].nd.shape.extent[1] = K - 1;
    assert_int_equal(here_run(&MATMUL, &request, arrays, crew, NULL, &err), FH_INVALID_ARGUMENT);
    arrays[1].nd.shape.extent[1] = K;
    arrays[2].nd.shape.extent[0] = P - 1;
    assert_int_equal(here_run(&MATMUL, &request, arrays, crew, NULL, &err), FH_INVALID_ARGUMENT);
    kernel_code_t kernel = MATMUL;
    snprintf(kernel.about.layout, sizeof kernel.about.layout, "(m->");
    assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, &err), FH_INVALID_ARGUMENT);
    snprintf(kernel.about.layout, sizeof kernel.about.layout, "(m)->(m)");
    assert_int_equal(here_run(&kernel, &request, arrays, crew, NULL, &err), FH_KERNEL_ERROR);
    here_free(arrays, 3);
    crew_destroy(&crew);
}

static void
the_number_a_kernel_returns_is_told_with_its_place(void **state)
{
    (void)state;
    here_array_t arrays[3] = {here_array(DTYPE_INT32, 4, (int64_t[]){P, Q, M, K}),
                              here_array(DTYPE_INT32, 2, (int64_t[]){K, N}),
                              here_array(DTYPE_INT32, 4, (int64_t[]){P, Q, M, N})};
    put(arrays[1].data, 1);
    put(arrays[0].data + 4 * (7 * Q + 3) * M * K, -1);
    put(arrays[0].data + 4 * (9 * Q + 3) * M * K, -1);
    runner_run_t request = {.nin = 2, .nout = 1};
    err_t err = {0};
    assert_int_equal(here_run(&MATMUL, &request, arrays, NULL, NULL, &err), FH_KERNEL_ERROR);
    if (!strstr(err.text, "returned 42 for element (7, 3) of a loop over (60, 5)"))
        fail_msg("%s", err.text);
    here_free(arrays, 3);
}

/* NumPy's loop for (n,k),(k)->(n): what lies behind the strides are NumPy's dimensions. */
static int32_t
matvec(char *const *data, const int64_t *steps, int64_t count)
{
    const int64_t *dimensions = steps + 3 + 2 + 1 + 1, *core = steps + 3;
    if (dimensions[0] != count || dimensions[1] != M || dimensions[2] != K)
        return 1;
    for (int64_t i = 0; i < count; i++)
        for (int64_t m = 0; m < M; m++) {
            int32_t sum = 0;
            for (int64_t k = 0; k < K; k++)
                sum +=
                    get(data[0] + i * steps[0] + m * core[0] + k * core[1]) * get(data[1] + i * steps[1] + k * core[2]);
            put(data[2] + i * steps[2] + m * core[3], sum);
        }
    return 0;
}

static void
loops_of_numpy_get_its_dimensions_and_steps(void **state)
{
    (void)state;
    crew_t *crew;
    assert_int_equal(crew_new(&crew, 2, NULL), 0);
    kernel_code_t kernel = MATMUL;
    kernel.loop = matvec;
    kernel.about.loop_abi = 1;
    snprintf(kernel.about.layout, sizeof kernel.about.layout, "(n,k),(k)->(n)");
    here_array_t arrays[3] = {here_array(DTYPE_INT32, 4, (int64_t[]){P, Q, M, K}),
                              here_array(DTYPE_INT32, 3, (int64_t[]){P, 1, K}),
                              here_array(DTYPE_INT32, 3, (int64_t[]){P, Q, M})};
    fill(&arrays[0], 100);
    fill(&arrays[1], 50);
    runner_run_t request = {.nin = 2, .nout = 1};
    err_t err = {0};
    if (here_run(&kernel, &request, arrays, crew, NULL, &err))
        fail_msg("%s", err.text);
    for (int64_t p = 0; p < P; p++)
        for (int64_t q = 0; q < Q; q++)
            for (int64_t m = 0; m < M; m++) {
                int32_t sum = 0;
                for (int64_t k = 0; k < K; k++)
                    sum += get(arrays[0].data + 4 * (((p * Q + q) * M + m) * K + k)) *
                           get(arrays[1].data + 4 * (p * K + k));
                assert_int_equal(get(arrays[2].data + 4 * ((p * Q + q) * M + m)), sum);
            }
    here_free(arrays, 3);
    crew_destroy(&crew);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_arrays_are_looped_over_and_broadcast),
        cmocka_unit_test(the_number_a_kernel_returns_is_told_with_its_place),
        cmocka_unit_test(loops_of_numpy_get_its_dimensions_and_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
