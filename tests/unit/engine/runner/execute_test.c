/* Ufunc kernels over arrays of every layout, with one thread and with two. */
#include "suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char ADD_I32[] = "define i32 @add(i32 %a, i32 %b) {\n  %c = add i32 %a, %b\n  ret i32 %c\n}\n";
static const char ADD_MUL_I32[] =
    "define i32 @addmul(i32 %a, i32 %b, i32 %c) {\n  %d = add i32 %a, %b\n  %e = mul i32 %d, %c\n"
    "  ret i32 %e\n}\n";

static void
ufunc_inputs_broadcast(void **state)
{
    (void)state;
    enum { ROWS = 7, COLUMNS = 300 };
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_I32, "");
    driver_array_t in[2] = {driver_array(DTYPE_INT32, 2, (int64_t[]){ROWS, 1}),
                            driver_array(DTYPE_INT32, 1, (int64_t[]){COLUMNS})};
    driver_array_t out = driver_array(DTYPE_INT32, 2, (int64_t[]){ROWS, COLUMNS});
    for (int i = 0; i < ROWS; i++)
        ((int32_t *)in[0].data)[i] = 1000 * i;
    for (int j = 0; j < COLUMNS; j++)
        ((int32_t *)in[1].data)[j] = j;
    suite_run(session, kernel, in, 2, &out);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            assert_int_equal(((int32_t *)out.data)[i * COLUMNS + j], 1000 * i + j);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

static void
ufunc_scalar_input_fills_long_rows(void **state)
{
    (void)state;
    enum { N = 5003 };
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_I32, "");
    driver_array_t in[2] = {driver_array(DTYPE_INT32, 0, NULL), driver_array(DTYPE_INT32, 1, (int64_t[]){N})};
    driver_array_t out = driver_array(DTYPE_INT32, 1, (int64_t[]){N});
    ((int32_t *)in[0].data)[0] = 17;
    for (int j = 0; j < N; j++)
        ((int32_t *)in[1].data)[j] = j;
    suite_run(session, kernel, in, 2, &out);
    for (int j = 0; j < N; j++)
        assert_int_equal(((int32_t *)out.data)[j], 17 + j);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

/* Random layouts against a plain loop: permuted, reversed, stepped views of inputs and output. */
static void
random_view(driver_array_t *array, unsigned *seed)
{
    nd_t *nd = &array->array.nd;
    int axes[3] = {0, 1, 2};
    for (int i = 2; i > 0; i--) {
        int j = rand_r(seed) % (i + 1), swap = axes[i];
        axes[i] = axes[j];
        axes[j] = swap;
    }
    int64_t stride = (int64_t)dtype_size(nd->dtype), step = 1 + rand_r(seed) % 2;
    array->array.offset = 0;
    for (int i = 0; i < 3; i++) {
        nd->stride[axes[i]] = stride * step;
        stride *= nd->shape.extent[axes[i]] * step;
        step = 1;
        if (rand_r(seed) % 2) {
            array->array.offset += nd->stride[axes[i]] * (nd->shape.extent[axes[i]] - 1);
            nd->stride[axes[i]] = -nd->stride[axes[i]];
        }
    }
}

static int32_t *
element(const driver_array_t *array, int i, int j, int k)
{
    const int64_t *s = array->array.nd.stride;
    return (int32_t *)(void *)(array->data + array->array.offset + i * s[0] + j * s[1] + k * s[2]);
}

static void
ufunc_views_of_any_layout_agree_with_plain_loops(void **state)
{
    (void)state;
    unsigned seed = 20260101;
    print_message("seed %u\n", seed);
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_MUL_I32, "");
    for (int round = 0; round < 60; round++) {
        int64_t extent[3], room[4];
        for (int i = 0; i < 3; i++)
            room[i] = extent[i] = 1 + rand_r(&seed) % 9;
        room[3] = 2;
        driver_array_t arrays[4];
        for (int k = 0; k < 4; k++) {
            arrays[k] = driver_array(DTYPE_INT32, 4, room);
            arrays[k].array.nd.shape.ndim = 3;
            random_view(&arrays[k], &seed);
            for (size_t i = 0; i < arrays[k].size / 4; i++)
                ((int32_t *)(void *)arrays[k].data)[i] = rand_r(&seed) % 1000;
        }
        suite_run(session, kernel, arrays, 3, &arrays[3]);
        for (int i = 0; i < extent[0]; i++)
            for (int j = 0; j < extent[1]; j++)
                for (int k = 0; k < extent[2]; k++)
                    assert_int_equal(*element(&arrays[3], i, j, k),
                                     (*element(&arrays[0], i, j, k) + *element(&arrays[1], i, j, k)) *
                                         *element(&arrays[2], i, j, k));
        for (int k = 0; k < 4; k++)
            driver_array_free(&arrays[k]);
    }
}

static void
ufunc_two_threads_share_a_loop(void **state)
{
    (void)state;
    enum { ROWS = 37, COLUMNS = 20011 };
    runner_host_t *one = suite_host;
    suite_host = driver_host_threads(2);
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_I32, "");
    driver_array_t in[2] = {driver_array(DTYPE_INT32, 2, (int64_t[]){ROWS, COLUMNS}),
                            driver_array(DTYPE_INT32, 2, (int64_t[]){ROWS, 1})};
    driver_array_t out = driver_array(DTYPE_INT32, 2, (int64_t[]){ROWS, COLUMNS});
    for (int i = 0; i < ROWS; i++) {
        ((int32_t *)(void *)in[1].data)[i] = -i;
        for (int j = 0; j < COLUMNS; j++)
            ((int32_t *)(void *)in[0].data)[i * COLUMNS + j] = i * j;
    }
    for (int round = 0; round < 20; round++) {
        memset(out.data, 0, out.size);
        suite_run(session, kernel, in, 2, &out);
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < COLUMNS; j++)
                if (((int32_t *)(void *)out.data)[i * COLUMNS + j] != i * j - i)
                    fail_msg("element %d, %d of round %d", i, j, round);
    }
    in[0].array.nd.stride[1] = 0; /* the same again with one column: no row is contiguous */
    suite_run(session, kernel, in, 2, &out);
    assert_int_equal(((int32_t *)(void *)out.data)[36 * COLUMNS + 20010], -36);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
    runner_host_destroy(&suite_host);
    suite_host = one;
}

static void
fault_on_any_thread_is_reported(void **state)
{
    (void)state;
    enum { N = 1000000 };
    static const char LATE[] =
        "define i32 @late(i32 %x) {\n  %bad = icmp eq i32 %x, 7\n  br i1 %bad, label %fault, label %end\nfault:\n"
        "  %p = inttoptr i64 24 to ptr\n  store volatile i32 1, ptr %p\n  br label %end\nend:\n  ret i32 %x\n}\n";
    runner_host_t *one = suite_host;
    suite_host = driver_host_threads(2);
    driver_array_t in = driver_array(DTYPE_INT32, 1, (int64_t[]){N}),
                   out = driver_array(DTYPE_INT32, 1, (int64_t[]){N});
    for (int i = 0; i < 12; i++) {
        oid_t session = oid_new();
        uint32_t kernel = suite_compiled(session, LATE, "");
        memset(in.data, 0, in.size);
        ((int32_t *)(void *)in.data)[i * 83000] = 7;
        driver_done_t done;
        assert_int_equal(driver_run(suite_host, session, kernel, &in, 1, &out, 10, &done), FH_KERNEL_FAULT);
        assert_int_equal(done.err.address, 24);
        runner_host_forget(suite_host, session);
    }
    driver_array_free(&in);
    driver_array_free(&out);
    runner_host_destroy(&suite_host);
    suite_host = one;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ufunc_inputs_broadcast),
        cmocka_unit_test(ufunc_scalar_input_fills_long_rows),
        cmocka_unit_test(ufunc_views_of_any_layout_agree_with_plain_loops),
        cmocka_unit_test(ufunc_two_threads_share_a_loop),
        cmocka_unit_test(fault_on_any_thread_is_reported),
    };
    return cmocka_run_group_tests(tests, suite_start, suite_stop);
}
