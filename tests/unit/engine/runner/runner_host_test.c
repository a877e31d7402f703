/* What runner_host promises when all goes well: kernels of every kind. */
#include "suite.h"

#include <math.h>
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
static const char SIN_EXP[] = "declare double @sin(double)\ndeclare double @llvm.exp.f64(double)\n"
                              "define double @f(double %x) {\n  %e = call double @llvm.exp.f64(double %x)\n"
                              "  %s = call double @sin(double %e)\n  ret double %s\n}\n";
static const char LESS[] =
    "define zeroext i1 @less(double %a, double %b) {\n  %c = fcmp olt double %a, %b\n  ret i1 %c\n}\n";
static const char DIVIDE_U32[] = "define i32 @half(i32 %a) {\n  %c = udiv i32 %a, 2\n  ret i32 %c\n}\n";
static const char REVERSE[] = /* void reverse(const double *in, double *out, int64_t n) */
    "define void @reverse(ptr %in, ptr %out, i64 %n) {\nentry:\n  %some = icmp sgt i64 %n, 0\n  br i1 %some, label "
    "%loop, label %end\n"
    "loop:\n  %i = phi i64 [0, %entry], [%next, %loop]\n  %p = getelementptr double, ptr %in, i64 %i\n  %v = load "
    "double, ptr %p\n"
    "  %next = add i64 %i, 1\n  %k = sub i64 %n, %next\n  %q = getelementptr double, ptr %out, i64 %k\n  store double "
    "%v, ptr %q\n"
    "  %more = icmp slt i64 %next, %n\n  br i1 %more, label %loop, label %end\nend:\n  ret void\n}\n";

static void
spare_ready_says_llvm_cpu_and_sandbox(void **state)
{
    (void)state;
    assert_true(strtol(runner_host_llvm(suite_host), NULL, 10) >= 19);
    assert_true(strlen(runner_host_cpu(suite_host)) > 0);
    assert_non_null(strstr(runner_host_sandbox(suite_host), "seccomp"));
    assert_non_null(strstr(runner_host_sandbox(suite_host), "landlock"));
}

static void
ufunc_int32_adds(void **state)
{
    (void)state;
    enum { N = 10007 };
    oid_t session = oid_new();
    driver_compiled_t kernel;
    assert_int_equal(driver_compile_text(suite_host, session, ADD_I32, "", &kernel), FH_OK);
    assert_string_equal(kernel.info.entry, "add");
    assert_int_equal(kernel.info.kind, KERNEL_UFUNC);
    assert_int_equal(kernel.info.nin, 2);
    assert_int_equal(kernel.info.out[0], DTYPE_INT32);
    assert_string_equal(kernel.info.producer, "textual IR");
    driver_array_t in[2] = {driver_array(DTYPE_INT32, 1, (int64_t[]){N}), driver_array(DTYPE_INT32, 1, (int64_t[]){N})};
    driver_array_t out = driver_array(DTYPE_INT32, 1, (int64_t[]){N});
    for (int i = 0; i < N; i++) {
        ((int32_t *)in[0].data)[i] = i * 3;
        ((int32_t *)in[1].data)[i] = -i;
    }
    suite_run(session, kernel.kernel, in, 2, &out);
    for (int i = 0; i < N; i++)
        assert_int_equal(((int32_t *)out.data)[i], 2 * i);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

static void
ufunc_second_compile_is_found_again(void **state)
{
    (void)state;
    oid_t session = oid_new();
    driver_compiled_t first, again;
    assert_int_equal(driver_compile_text(suite_host, session, ADD_I32, "", &first), FH_OK);
    assert_true(first.info.compile_ns > 0);
    assert_int_equal(driver_compile_text(suite_host, session, ADD_I32, "", &again), FH_OK);
    assert_int_equal(again.info.compile_ns, 0);
    assert_int_equal(first.kernel, again.kernel);
}

static void
compile_unknown_hash_without_bitcode_is_no_such_object(void **state)
{
    (void)state;
    uint8_t hash[32] = {1, 2, 3};
    uint32_t kernel;
    err_t err = {0};
    kernel_options_t options = {.entry = "", .signature = "", .kind = "", .layout = ""};
    assert_int_equal(runner_host_compile(suite_host, oid_new(), hash, NULL, 0, &options, NULL, NULL, &kernel, &err),
                     FH_NO_SUCH_OBJECT);
}

static void
ufunc_int32_adds_and_multiplies(void **state)
{
    (void)state;
    enum { N = 1000 };
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_MUL_I32, "int32(int32, int32, int32)");
    driver_array_t in[3], out = driver_array(DTYPE_INT32, 1, (int64_t[]){N});
    for (int k = 0; k < 3; k++) {
        in[k] = driver_array(DTYPE_INT32, 1, (int64_t[]){N});
        for (int i = 0; i < N; i++)
            ((int32_t *)in[k].data)[i] = i * (k + 1) - 7;
    }
    suite_run(session, kernel, in, 3, &out);
    for (int i = 0; i < N; i++)
        assert_int_equal(((int32_t *)out.data)[i], ((i - 7) + (2 * i - 7)) * (3 * i - 7));
    for (int k = 0; k < 3; k++)
        driver_array_free(&in[k]);
    driver_array_free(&out);
}

static void
ufunc_float64_calls_sin_and_exp(void **state)
{
    (void)state;
    enum { N = 501 };
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, SIN_EXP, "");
    driver_array_t in = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                   out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N});
    for (int i = 0; i < N; i++)
        ((double *)in.data)[i] = i / 100.0 - 2.5;
    suite_run(session, kernel, &in, 1, &out);
    for (int i = 0; i < N; i++)
        assert_true(fabs(((double *)out.data)[i] - sin(exp(((double *)in.data)[i]))) <= 1e-13);
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
exact_is_exact_and_the_others_are_near(void **state)
{
    (void)state;
    enum { N = 1003 };
    static const char EXP_TANH[] =
        "declare double @tanh(double)\ndeclare double @llvm.exp.f64(double)\n"
        "define double @f(double %x) {\n  %e = call double @llvm.exp.f64(double %x)\n"
        "  %t = call double @tanh(double %x)\n  %r = fmul double %e, %t\n  ret double %r\n}\n";
    oid_t session = oid_new();
    driver_compiled_t plain, fast, exact;
    const kernel_options_t only_exact = {.exact = true};
    assert_int_equal(driver_compile_text(suite_host, session, EXP_TANH, "", &plain), FH_OK);
    assert_int_equal(driver_compile_fast(suite_host, session, EXP_TANH, &fast), FH_OK);
    assert_int_equal(driver_compile_with(suite_host, session, EXP_TANH, sizeof EXP_TANH - 1, &only_exact, &exact),
                     FH_OK);
    assert_false(exact.info.whole_vectors);
    assert_int_not_equal(plain.kernel, fast.kernel);
    driver_array_t in = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                   out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N});
    double *x = (double *)(void *)in.data, *y = (double *)(void *)out.data;
    for (int i = 0; i < N; i++)
        x[i] = i / 100.0 - 5;
    suite_run(session, exact.kernel, &in, 1, &out);
    for (int i = 0; i < N; i++)
        assert_true(y[i] == exp(x[i]) * tanh(x[i]));
    suite_run(session, plain.kernel, &in, 1, &out);
    for (int i = 0; i < N; i++)
        assert_true(fabs(y[i] - exp(x[i]) * tanh(x[i])) <= 1e-14 * fabs(y[i]));
    suite_run(session, fast.kernel, &in, 1, &out);
    for (int i = 0; i < N; i++)
        assert_true(fabs(y[i] - exp(x[i]) * tanh(x[i])) <= 1e-14 * fabs(y[i]));
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
ufunc_bool_result_is_one_byte(void **state)
{
    (void)state;
    enum { N = 300 };
    oid_t session = oid_new();
    driver_compiled_t kernel;
    assert_int_equal(driver_compile_text(suite_host, session, LESS, "", &kernel), FH_OK);
    assert_int_equal(kernel.info.out[0], DTYPE_BOOL);
    driver_array_t in[2] = {driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                            driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N})};
    driver_array_t out = driver_array(DTYPE_BOOL, 1, (int64_t[]){N});
    for (int i = 0; i < N; i++) {
        ((double *)in[0].data)[i] = i % 7;
        ((double *)in[1].data)[i] = i % 5;
    }
    suite_run(session, kernel.kernel, in, 2, &out);
    for (int i = 0; i < N; i++)
        assert_int_equal(((uint8_t *)out.data)[i], i % 7 < i % 5);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

static void
ufunc_signature_makes_integers_unsigned(void **state)
{
    (void)state;
    oid_t session = oid_new();
    driver_compiled_t kernel;
    assert_int_equal(driver_compile_text(suite_host, session, DIVIDE_U32, "uint32(uint32)", &kernel), FH_OK);
    assert_int_equal(kernel.info.in[0], DTYPE_UINT32);
    assert_int_equal(kernel.info.out[0], DTYPE_UINT32);
    driver_array_t in = driver_array(DTYPE_UINT32, 1, (int64_t[]){2}),
                   out = driver_array(DTYPE_UINT32, 1, (int64_t[]){2});
    ((uint32_t *)in.data)[0] = 4000000000u;
    ((uint32_t *)in.data)[1] = 9;
    suite_run(session, kernel.kernel, &in, 1, &out);
    assert_int_equal(((uint32_t *)out.data)[0], 2000000000u);
    assert_int_equal(((uint32_t *)out.data)[1], 4);
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
ufunc_wrong_signature_is_kernel_error(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"int64(int32, int32)",  "int32(int32)",          "void(int32, int32)",
                                        "int32(int32*, int32)", "int32(int32, float32)", "int32(int32,",
                                        "banana(int32, int32)"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        driver_compiled_t kernel;
        assert_int_equal(driver_compile_text(suite_host, oid_new(), ADD_I32, WRONG[i], &kernel), FH_KERNEL_ERROR);
        assert_true(strlen(kernel.err.text) > 20);
    }
}

static void
ufunc_empty_arrays_do_nothing(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_I32, "");
    driver_array_t in[2] = {driver_array(DTYPE_INT32, 2, (int64_t[]){0, 3}),
                            driver_array(DTYPE_INT32, 1, (int64_t[]){3})};
    driver_array_t out = driver_array(DTYPE_INT32, 2, (int64_t[]){0, 3});
    suite_run(session, kernel, in, 2, &out);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

static void
piece_kernel_sees_whole_array(void **state)
{
    (void)state;
    enum { N = 1234 };
    static const char *const SIGNATURES[] = {"float64(float64)", "void(float64*, float64*, int64)",
                                             "void(const double *, double *, int64_t)",
                                             "void(CPointer(float64), CPointer(float64), int64)"};
    for (size_t s = 0; s < sizeof SIGNATURES / sizeof *SIGNATURES; s++) {
        oid_t session = oid_new();
        driver_compiled_t kernel;
        assert_int_equal(driver_compile_text(suite_host, session, REVERSE, SIGNATURES[s], &kernel), FH_OK);
        assert_int_equal(kernel.info.kind, KERNEL_PIECE);
        assert_int_equal(kernel.info.nin, 1);
        driver_array_t in = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                       out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N});
        for (int i = 0; i < N; i++)
            ((double *)in.data)[i] = i;
        suite_run(session, kernel.kernel, &in, 1, &out);
        for (int i = 0; i < N; i++)
            assert_true(((double *)out.data)[i] == N - 1 - i);
        driver_array_free(&in);
        driver_array_free(&out);
        runner_host_forget(suite_host, session);
    }
}

static void
piece_kernel_without_signature_says_what_is_missing(void **state)
{
    (void)state;
    driver_compiled_t kernel;
    assert_int_equal(driver_compile_text(suite_host, oid_new(), REVERSE, "", &kernel), FH_KERNEL_ERROR);
    assert_non_null(strstr(kernel.err.text, "signature"));
}

static void
run_wrong_arrays_are_refused(void **state)
{
    (void)state;
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, ADD_I32, "");
    driver_array_t in[2] = {driver_array(DTYPE_INT32, 1, (int64_t[]){10}),
                            driver_array(DTYPE_INT32, 1, (int64_t[]){10})};
    driver_array_t out = driver_array(DTYPE_INT32, 1, (int64_t[]){10});
    driver_done_t done;
    assert_int_equal(driver_run(suite_host, session, kernel, in, 1, &out, 1, &done), FH_KERNEL_ERROR);
    in[0].array.nd.dtype = DTYPE_FLOAT32;
    assert_int_equal(driver_run(suite_host, session, kernel, in, 2, &out, 1, &done), FH_KERNEL_ERROR);
    in[0].array.nd.dtype = DTYPE_INT32;
    in[0].array.nd.shape.extent[0] = 11; /* past the end */
    assert_int_equal(driver_run(suite_host, session, kernel, in, 2, &out, 1, &done), FH_KERNEL_ERROR);
    in[0].array.fd_size = 1 << 20; /* a lie about the memfd: the runner finds out */
    assert_int_equal(driver_run(suite_host, session, kernel, in, 2, &out, 1, &done), FH_KERNEL_ERROR);
    in[0].array.offset = INT64_MAX - 3;
    assert_int_equal(driver_run(suite_host, session, kernel, in, 2, &out, 1, &done), FH_KERNEL_ERROR);
    in[0].array.offset = 0;
    in[0].array.nd.shape.extent[0] = 7; /* does not broadcast to 10 */
    assert_int_not_equal(driver_run(suite_host, session, kernel, in, 2, &out, 1, &done), FH_OK);
    in[0].array.nd.shape.extent[0] = 10;
    suite_run(session, kernel, in, 2, &out);
    assert_int_equal(driver_run(suite_host, session, kernel + 1000, in, 2, &out, 1, &done), FH_NO_SUCH_OBJECT);
    assert_int_equal(driver_run(suite_host, oid_new(), kernel, in, 2, &out, 1, &done), FH_NO_SUCH_OBJECT);
    driver_array_free(&in[0]);
    driver_array_free(&in[1]);
    driver_array_free(&out);
}

static void
run_writes_no_input(void **state)
{
    (void)state;
    static const char POKE[] =
        "define void @poke(ptr %in, ptr %out, i64 %n) {\n  store double 1.0, ptr %in\n  ret void\n}\n";
    oid_t session = oid_new();
    uint32_t kernel = suite_compiled(session, POKE, "float64(float64)");
    driver_array_t in = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){4}),
                   out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){4});
    driver_done_t done;
    assert_int_equal(driver_run(suite_host, session, kernel, &in, 1, &out, 5, &done), FH_KERNEL_FAULT);
    assert_int_equal(done.err.signal, 11);
    assert_true(((double *)in.data)[0] == 0);
    driver_array_free(&in);
    driver_array_free(&out);
}

static void
callbacks(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    (void)err;
    int *counts = context;
    counts[0]++;
    if (!status && info->ir && strstr(info->ir, "define") && info->assembly && strlen(info->assembly) > 100)
        counts[1]++;
}

static void
compile_inspect_gives_ir_and_assembly(void **state)
{
    (void)state;
    uint8_t hash[32] = {9};
    uint32_t kernel;
    err_t err = {0};
    int counts[2] = {0};
    oid_t session = oid_new();
    kernel_options_t options = {
        .entry = "add", .signature = "", .kind = "ufunc", .layout = "", .inspect = true, .fastmath = true};
    assert_int_equal(runner_host_compile(suite_host, session, hash, ADD_I32, sizeof ADD_I32 - 1, &options, callbacks,
                                         counts, &kernel, &err),
                     FH_OK);
    int64_t deadline = clock_deadline(10);
    while (!counts[0] && clock_now_ns() < deadline) {
        struct pollfd fd;
        runner_host_pollfds(suite_host, &fd, 1);
        poll(&fd, 1, 100);
        runner_host_handle(suite_host);
    }
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
}

static void
entry_is_chosen_by_name_or_by_fit(void **state)
{
    (void)state;
    static const char TWO[] = "define double @f(double %a) {\n  ret double %a\n}\n"
                              "define double @g(double %a) {\n  %b = fadd double %a, 1.0\n  ret double %b\n}\n";
    driver_compiled_t kernel;
    oid_t session = oid_new();
    assert_int_equal(driver_compile(suite_host, session, TWO, sizeof TWO - 1, "", "", "", &kernel), FH_KERNEL_ERROR);
    assert_non_null(strstr(kernel.err.text, "f, g"));
    assert_int_equal(driver_compile(suite_host, session, TWO, sizeof TWO - 1, "g", "", "", &kernel), FH_OK);
    assert_string_equal(kernel.info.entry, "g");
    assert_int_equal(driver_compile(suite_host, session, TWO, sizeof TWO - 1, "h", "", "", &kernel), FH_KERNEL_ERROR);
    assert_int_equal(driver_compile(suite_host, session, TWO, sizeof TWO - 1, "g", "", "piece", &kernel),
                     FH_KERNEL_ERROR);
    assert_int_equal(driver_compile(suite_host, session, TWO, sizeof TWO - 1, "g", "", "banana", &kernel),
                     FH_KERNEL_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spare_ready_says_llvm_cpu_and_sandbox),
        cmocka_unit_test(ufunc_int32_adds),
        cmocka_unit_test(ufunc_second_compile_is_found_again),
        cmocka_unit_test(compile_unknown_hash_without_bitcode_is_no_such_object),
        cmocka_unit_test(ufunc_int32_adds_and_multiplies),
        cmocka_unit_test(ufunc_float64_calls_sin_and_exp),
        cmocka_unit_test(exact_is_exact_and_the_others_are_near),
        cmocka_unit_test(ufunc_bool_result_is_one_byte),
        cmocka_unit_test(ufunc_signature_makes_integers_unsigned),
        cmocka_unit_test(ufunc_wrong_signature_is_kernel_error),
        cmocka_unit_test(ufunc_empty_arrays_do_nothing),
        cmocka_unit_test(piece_kernel_sees_whole_array),
        cmocka_unit_test(piece_kernel_without_signature_says_what_is_missing),
        cmocka_unit_test(run_wrong_arrays_are_refused),
        cmocka_unit_test(run_writes_no_input),
        cmocka_unit_test(compile_inspect_gives_ir_and_assembly),
        cmocka_unit_test(entry_is_chosen_by_name_or_by_fit),
    };
    return cmocka_run_group_tests(tests, suite_start, suite_stop);
}
