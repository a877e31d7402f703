/* Each way in which compilers pass complex numbers and bools to functions and get them back. */
#include "compiler.h"

#include <complex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { N = 67 };

/* a * i (that is, (-im, re)) by every way to pass complex128; and b added, a float64. */
static const char *const TURN128[] = {
    "define {double, double} @f(double %r, double %i, double %b) {\n"
    "  %n = fneg double %i\n %s = fadd double %n, %b\n %x = insertvalue {double, double} poison, double %s, 0\n"
    "  %y = insertvalue {double, double} %x, double %r, 1\n ret {double, double} %y\n}\n",
    "define {double, double} @f({double, double} %a, double %b) {\n"
    "  %r = extractvalue {double, double} %a, 0\n %i = extractvalue {double, double} %a, 1\n"
    "  %n = fneg double %i\n %s = fadd double %n, %b\n %x = insertvalue {double, double} poison, double %s, 0\n"
    "  %y = insertvalue {double, double} %x, double %r, 1\n ret {double, double} %y\n}\n",
    "define [2 x double] @f([2 x double] %a, double %b) {\n"
    "  %r = extractvalue [2 x double] %a, 0\n %i = extractvalue [2 x double] %a, 1\n"
    "  %n = fneg double %i\n %s = fadd double %n, %b\n %x = insertvalue [2 x double] poison, double %s, 0\n"
    "  %y = insertvalue [2 x double] %x, double %r, 1\n ret [2 x double] %y\n}\n",
    "define void @f(ptr sret({double, double}) %to, double %r, double %i, double %b) {\n"
    "  %n = fneg double %i\n %s = fadd double %n, %b\n store double %s, ptr %to\n"
    "  %q = getelementptr i8, ptr %to, i64 8\n store double %r, ptr %q\n ret void\n}\n",
    "define void @f(ptr sret({double, double}) %to, ptr byval({double, double}) %a, double %b) {\n"
    "  %r = load double, ptr %a\n %p = getelementptr i8, ptr %a, i64 8\n %i = load double, ptr %p\n"
    "  %n = fneg double %i\n %s = fadd double %n, %b\n store double %s, ptr %to\n"
    "  %q = getelementptr i8, ptr %to, i64 8\n store double %r, ptr %q\n ret void\n}\n",
    /* Numba's own convention */
    "define i32 @_ZN1m1fE(ptr %to, ptr %exception, double %r, double %i, double %b) {\n"
    "  %n = fneg double %i\n %s = fadd double %n, %b\n %x = insertvalue {double, double} poison, double %s, 0\n"
    "  %y = insertvalue {double, double} %x, double %r, 1\n store {double, double} %y, ptr %to\n ret i32 0\n}\n",
};

static void
complex128_is_passed_in_every_way(void **state)
{
    (void)state;
    static double complex in[N], out[N];
    static double b[N];
    for (int i = 0; i < N; i++) {
        in[i] = i * 0.5 - 3 + (double complex)I * (double)(i * i);
        b[i] = i * 0.25;
    }
    for (size_t k = 0; k < sizeof TURN128 / sizeof *TURN128; k++) {
        kernel_options_t options = {.signature = "complex128(complex128, float64)"};
        compiled_t kernel = compiler_compile(TURN128[k], options);
        assert_int_equal(kernel.run.about.nin, 2);
        assert_int_equal(kernel.run.about.out[0], DTYPE_COMPLEX128);
        for (int step = 1; step <= 2; step++) { /* contiguous, and every other element */
            memset(out, 0, sizeof out);
            char *data[] = {(char *)in, (char *)b, (char *)out};
            int64_t strides[] = {16 * step, 8 * step, 16 * step};
            assert_int_equal(kernel.run.loop(data, strides, N / step), 0);
            for (int i = 0; i < N / step * step; i += step)
                assert_true(creal(out[i]) == -cimag(in[i]) + b[i] && cimag(out[i]) == creal(in[i]));
        }
        compiled_release(&kernel);
    }
}

static const char *const TURN64[] = {
    "define <2 x float> @f(<2 x float> %a) {\n  %r = extractelement <2 x float> %a, i32 0\n"
    "  %i = extractelement <2 x float> %a, i32 1\n %n = fneg float %i\n"
    "  %x = insertelement <2 x float> poison, float %n, i32 0\n"
    "  %y = insertelement <2 x float> %x, float %r, i32 1\n ret <2 x float> %y\n}\n",
    "define {float, float} @f({float, float} %a) {\n  %r = extractvalue {float, float} %a, 0\n"
    "  %i = extractvalue {float, float} %a, 1\n %n = fneg float %i\n"
    "  %x = insertvalue {float, float} poison, float %n, 0\n"
    "  %y = insertvalue {float, float} %x, float %r, 1\n ret {float, float} %y\n}\n",
    "define [2 x float] @f([2 x float] %a) {\n  %r = extractvalue [2 x float] %a, 0\n"
    "  %i = extractvalue [2 x float] %a, 1\n %n = fneg float %i\n"
    "  %x = insertvalue [2 x float] poison, float %n, 0\n"
    "  %y = insertvalue [2 x float] %x, float %r, 1\n ret [2 x float] %y\n}\n",
    "define {float, float} @f(float %r, float %i) {\n  %n = fneg float %i\n"
    "  %x = insertvalue {float, float} poison, float %n, 0\n"
    "  %y = insertvalue {float, float} %x, float %r, 1\n ret {float, float} %y\n}\n",
    /* Rust: two floats in one double */
    "define double @f(double %d) {\n  %a = bitcast double %d to <2 x float>\n"
    "  %r = extractelement <2 x float> %a, i32 0\n %i = extractelement <2 x float> %a, i32 1\n %n = fneg float %i\n"
    "  %x = insertelement <2 x float> poison, float %n, i32 0\n"
    "  %y = insertelement <2 x float> %x, float %r, i32 1\n %z = bitcast <2 x float> %y to double\n ret double %z\n}\n",
};

static void
complex64_is_passed_in_every_way(void **state)
{
    (void)state;
    static float complex in[N], out[N];
    for (int i = 0; i < N; i++)
        in[i] = (float)i * 0.5f - 3 + I * (float)(i * i);
    for (size_t k = 0; k < sizeof TURN64 / sizeof *TURN64; k++) {
        kernel_options_t options = {.signature = "complex64(complex64)"};
        compiled_t kernel = compiler_compile(TURN64[k], options);
        char *data[] = {(char *)in, (char *)out};
        int64_t strides[] = {8, 8};
        memset(out, 0, sizeof out);
        assert_int_equal(kernel.run.loop(data, strides, N), 0);
        for (int i = 0; i < N; i++)
            assert_true(crealf(out[i]) == -cimagf(in[i]) && cimagf(out[i]) == crealf(in[i]));
        compiled_release(&kernel);
    }
}

static void
two_numbers_or_one_complex_needs_a_signature(void **state)
{
    (void)state;
    err_t err;
    kernel_options_t none = {.kind = "ufunc"};
    assert_int_equal(compiler_refusal(TURN128[0], none, &err), FH_KERNEL_ERROR);
    assert_non_null(strstr(err.text, "one complex number or two real ones"));
    compiled_t kernel = compiler_compile(TURN128[1], none);
    assert_int_equal(kernel.run.about.in[0], DTYPE_COMPLEX128);
    assert_int_equal(kernel.run.about.in[1], DTYPE_FLOAT64);
    compiled_release(&kernel);
}

static void
bool_is_a_byte_in_every_way(void **state)
{
    (void)state;
    static const char *const LESS[] = {
        "define zeroext i1 @f(double %a, i1 zeroext %b) {\n  %c = fcmp olt double %a, 4.0\n %r = and i1 %c, %b\n"
        "  ret i1 %r\n}\n",
        "define i8 @f(double %a, i8 %b) {\n  %c = fcmp olt double %a, 4.0\n %t = trunc i8 %b to i1\n"
        "  %r = and i1 %c, %t\n %z = select i1 %r, i8 2, i8 0\n ret i8 %z\n}\n"};
    for (size_t k = 0; k < sizeof LESS / sizeof *LESS; k++) {
        kernel_options_t options = {.signature = "bool(float64, bool)"};
        compiled_t kernel = compiler_compile(LESS[k], options);
        double a[N];
        uint8_t b[N], out[N];
        for (int i = 0; i < N; i++) {
            a[i] = i % 9;
            b[i] = (uint8_t)(i % 2);
        }
        char *data[] = {(char *)a, (char *)b, (char *)out};
        int64_t strides[] = {8, 1, 1};
        assert_int_equal(kernel.run.loop(data, strides, N), 0);
        for (int i = 0; i < N; i++)
            assert_int_equal(out[i], i % 9 < 4 && i % 2);
        compiled_release(&kernel);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complex128_is_passed_in_every_way),
        cmocka_unit_test(complex64_is_passed_in_every_way),
        cmocka_unit_test(two_numbers_or_one_complex_needs_a_signature),
        cmocka_unit_test(bool_is_a_byte_in_every_way),
    };
    return cmocka_run_group_tests(tests, compiler_set_up, compiler_tear_down);
}
