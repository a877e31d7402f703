/* Kernels that are compiled with checks: each check trips where it should and not where it should not.  IR by hand
 * here; what compilers make of C is tried with the files of debug_kernels. */
#include "suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 100 };

static void
put(driver_array_t *array, dtype_t dtype, int i, double value)
{
    if (dtype == DTYPE_FLOAT64)
        ((double *)(void *)array->data)[i] = value;
    else if (dtype == DTYPE_FLOAT32)
        ((float *)(void *)array->data)[i] = (float)value;
    else if (dtype == DTYPE_INT64)
        ((int64_t *)(void *)array->data)[i] = (int64_t)value;
    else if (dtype == DTYPE_INT32)
        ((int32_t *)(void *)array->data)[i] = (int32_t)value;
    else
        fail_msg("no values of dtype %d", (int)dtype);
}

/* Run a kernel over N elements: input k of element i is i - 10 * k.  The text of the error; "" for success. */
static const char *
outcome(const void *bitcode, size_t size, const kernel_options_t *options)
{
    static char text[ERR_TEXT_MAX + 40];
    oid_t session = oid_new();
    driver_compiled_t kernel;
    driver_done_t done = {.status = FH_OK};
    text[0] = '\0';
    if (driver_compile_with(suite_host, session, bitcode, size, options, &kernel)) {
        snprintf(text, sizeof text, "compiling: %s", kernel.err.text);
        return text;
    }
    driver_array_t in[4], out = driver_array(kernel.info.out[0], 1, (int64_t[]){N});
    assert_true(kernel.info.nin <= 4);
    for (int k = 0; k < kernel.info.nin; k++) {
        in[k] = driver_array(kernel.info.in[k], 1, (int64_t[]){N});
        for (int i = 0; i < N; i++)
            put(&in[k], kernel.info.in[k], i, i - 10 * k);
    }
    int status = driver_run(suite_host, session, kernel.kernel, in, kernel.info.nin, &out, 10, &done);
    if (status)
        snprintf(text, sizeof text, "%s%s", status == FH_KERNEL_FAULT ? "" : status_name(status), done.err.text);
    for (int k = 0; k < kernel.info.nin; k++)
        driver_array_free(&in[k]);
    driver_array_free(&out);
    runner_host_forget(suite_host, session);
    return text;
}

static const char *
outcome_of(const char *text, const char *signature, bool debug)
{
    kernel_options_t options = {
        .signature = signature, .kind = strstr(signature, "*") ? "piece" : "ufunc", .debug = debug};
    return outcome(text, strlen(text), &options);
}

/* Kernels of one function each, and what is said of them; "": nothing. */
static const struct {
    const char *name, *text, *signature, *verdict;
} KERNELS[] = {
    {"0 / 0", "define double @f(double %x) {\n  %y = fdiv double %x, %x\n  ret double %y\n}\n", "",
     "NaN made by fdiv in kernel f, element 0"},
    {"1 / 0 is no NaN", "define double @f(double %x) {\n  %y = fdiv double 1.0, %x\n  ret double %y\n}\n", "", ""},
    {"NaN that was there",
     "define double @f(double %x) {\n  %y = fadd double 0x7FF8000000000000, %x\n  ret double %y\n}\n", "", ""},
    {"sqrt(20 - x)",
     "declare double @llvm.sqrt.f64(double)\ndefine double @f(double %x) {\n  %d = fsub double 20.0, %x\n"
     "  %y = call double @llvm.sqrt.f64(double %d)\n  ret double %y\n}\n",
     "", "NaN made by sqrt in kernel f, element 21"},
    {"log of the C library, float",
     "declare float @logf(float)\ndefine float @f(float %x, float %z) {\n  %y = call float @logf(float %z)\n"
     "  ret float %y\n}\n",
     "", "NaN made by logf in kernel f, element 0"},
    {"promises that there are no NaNs are not believed",
     "declare double @llvm.log.f64(double)\ndefine nofpclass(nan inf) double @f(double nofpclass(nan inf) %x) #0 {\n"
     "  %d = fsub fast double 30.0, %x\n  %y = call fast double @llvm.log.f64(double %d)\n"
     "  %z = fmul fast double %y, 2.0\n  ret double %z\n}\nattributes #0 = { \"no-nans-fp-math\"=\"true\" memory(none) "
     "willreturn }\n",
     "", "NaN made by log in kernel f, element 31"},
    {"computed ahead, not chosen",
     "declare double @llvm.sqrt.f64(double)\ndefine double @f(double %x) {\n  %d = fsub double 20.0, %x\n"
     "  %s = call double @llvm.sqrt.f64(double %d)\n  %t = fmul double %s, 3.0\n  %c = fcmp ole double %x, 20.0\n"
     "  %y = select i1 %c, double %t, double -1.0\n  ret double %y\n}\n",
     "", ""},
    {"computed ahead, chosen by a branch",
     "declare double @llvm.sqrt.f64(double)\ndefine double @f(double %x) {\n  %d = fsub double 20.0, %x\n"
     "  %s = call double @llvm.sqrt.f64(double %d)\n  %c = fcmp ole double %x, 20.0\n"
     "  br i1 %c, label %end, label %else\nelse:\n  br label %end\nend:\n"
     "  %y = phi double [ %s, %0 ], [ 7.0, %else ]\n  ret double %y\n}\n",
     "", ""},
    {"chosen by a branch that chooses wrongly",
     "declare double @llvm.sqrt.f64(double)\ndefine double @f(double %x) {\n  %d = fsub double 20.0, %x\n"
     "  %s = call double @llvm.sqrt.f64(double %d)\n  %c = fcmp ole double %x, 22.0\n"
     "  br i1 %c, label %end, label %else\nelse:\n  br label %end\nend:\n"
     "  %y = phi double [ %s, %0 ], [ 7.0, %else ]\n  ret double %y\n}\n",
     "", "NaN made by sqrt in kernel f, element 21"},
    {"asked whether it is one",
     "define double @f(double %x) {\n  %d = fdiv double %x, %x\n  %n = fcmp uno double %d, %d\n"
     "  %y = select i1 %n, double 0.0, double %d\n  ret double %y\n}\n",
     "", ""},
    {"compared",
     "define double @f(double %x) {\n  %d = fdiv double %x, %x\n  %n = fcmp olt double %d, 0.5\n"
     "  %y = select i1 %n, double 1.0, double 2.0\n  ret double %y\n}\n",
     "", "NaN made by fdiv in kernel f, element 0"},
    {"a lane of a vector",
     "declare <2 x double> @llvm.sqrt.v2f64(<2 x double>)\ndefine double @f(double %x) {\n  %d = fsub double 9.0, %x\n"
     "  %v = insertelement <2 x double> <double 4.0, double 4.0>, double %d, i32 1\n"
     "  %s = call <2 x double> @llvm.sqrt.v2f64(<2 x double> %v)\n"
     "  %t = shufflevector <2 x double> %s, <2 x double> poison, <2 x i32> <i32 1, i32 0>\n"
     "  %y = extractelement <2 x double> %t, i32 0\n  ret double %y\n}\n",
     "", "NaN made by sqrt in kernel f, element 10"},
    {"the other lane of a vector",
     "declare <2 x double> @llvm.sqrt.v2f64(<2 x double>)\ndefine double @f(double %x) {\n  %d = fsub double 9.0, %x\n"
     "  %v = insertelement <2 x double> <double 4.0, double 4.0>, double %d, i32 1\n"
     "  %s = call <2 x double> @llvm.sqrt.v2f64(<2 x double> %v)\n"
     "  %t = shufflevector <2 x double> %s, <2 x double> poison, <2 x i32> <i32 1, i32 0>\n"
     "  %y = extractelement <2 x double> %t, i32 1\n  ret double %y\n}\n",
     "", ""},
    {"a chosen lane",
     "declare <2 x double> @llvm.sqrt.v2f64(<2 x double>)\n"
     "declare double @llvm.vector.reduce.fadd.v2f64(double, <2 x double>)\ndefine double @f(double %x) {\n"
     "  %d = fsub double 9.0, %x\n  %v = insertelement <2 x double> <double 4.0, double 4.0>, double %d, i32 1\n"
     "  %s = call <2 x double> @llvm.sqrt.v2f64(<2 x double> %v)\n"
     "  %c = fcmp oge <2 x double> %v, zeroinitializer\n"
     "  %t = select <2 x i1> %c, <2 x double> %s, <2 x double> zeroinitializer\n"
     "  %y = call double @llvm.vector.reduce.fadd.v2f64(double 0.0, <2 x double> %t)\n  ret double %y\n}\n",
     "", ""},
    {"all lanes added",
     "declare <2 x double> @llvm.sqrt.v2f64(<2 x double>)\n"
     "declare double @llvm.vector.reduce.fadd.v2f64(double, <2 x double>)\ndefine double @f(double %x) {\n"
     "  %d = fsub double 9.0, %x\n  %v = insertelement <2 x double> <double 4.0, double 4.0>, double %d, i32 1\n"
     "  %s = call <2 x double> @llvm.sqrt.v2f64(<2 x double> %v)\n"
     "  %y = call double @llvm.vector.reduce.fadd.v2f64(double 0.0, <2 x double> %s)\n  ret double %y\n}\n",
     "", "NaN made by sqrt in kernel f, element 10"},
    {"a vector of one",
     "declare <1 x double> @llvm.sqrt.v1f64(<1 x double>)\ndefine double @f(double %x) {\n  %d = fsub double 9.0, %x\n"
     "  %v = insertelement <1 x double> poison, double %d, i32 0\n"
     "  %s = call <1 x double> @llvm.sqrt.v1f64(<1 x double> %v)\n  %t = fadd <1 x double> %s, <double 1.0>\n"
     "  %y = extractelement <1 x double> %t, i32 0\n  ret double %y\n}\n",
     "", "NaN made by sqrt in kernel f, element 10"},
    {"a number that becomes a vector",
     "declare double @llvm.sqrt.f64(double)\ndefine double @f(double %x) {\n  %d = fsub double 9.0, %x\n"
     "  %s = call double @llvm.sqrt.f64(double %d)\n  %b = bitcast double %s to <2 x float>\n"
     "  %z = fadd <2 x float> %b, zeroinitializer\n  %e = extractelement <2 x float> %z, i32 0\n"
     "  %y = fpext float %e to double\n  ret double %y\n}\n",
     "", "NaN made by sqrt in kernel f, element 10"},
    {"division by 0", "define i64 @f(i64 %a, i64 %b) {\n  %y = sdiv i64 %a, %b\n  ret i64 %y\n}\n", "",
     "integer division by zero: sdiv in kernel f, element 10"},
    {"remainder of the least number by -1",
     "define i32 @f(i32 %a, i32 %b) {\n  %y = srem i32 -2147483648, %b\n  ret i32 %y\n}\n", "",
     "integer division of the least number by -1: srem in kernel f, element 9"},
    {"unsigned division", "define i64 @f(i64 %a) {\n  %b = or i64 %a, 1\n  %y = udiv i64 -1, %b\n  ret i64 %y\n}\n", "",
     ""},
    {"lanes of a division",
     "define i64 @f(i64 %a) {\n  %v = insertelement <2 x i64> <i64 1, i64 1>, i64 %a, i32 1\n"
     "  %q = sdiv <2 x i64> <i64 7, i64 7>, %v\n  %y = extractelement <2 x i64> %q, i32 0\n  ret i64 %y\n}\n",
     "", "integer division by zero: sdiv in kernel f, element 0"},
    {"wide shift", "define i32 @f(i32 %a) {\n  %y = shl i32 1, %a\n  ret i32 %y\n}\n", "",
     "shift by more bits than the number has: shl in kernel f, element 32"},
    {"wide shift, not chosen",
     "define i32 @f(i32 %a) {\n  %s = lshr i32 -1, %a\n  %t = add i32 %s, 1\n  %c = icmp ult i32 %a, 32\n"
     "  %y = select i1 %c, i32 %t, i32 0\n  ret i32 %y\n}\n",
     "", ""},
    {"variable, whole",
     "define i64 @f(i64 %a) {\n  %v = alloca [4 x i64]\n  %i = and i64 %a, 3\n"
     "  %p = getelementptr [4 x i64], ptr %v, i64 0, i64 %i\n  store i64 %a, ptr %p\n"
     "  %y = load i64, ptr %p\n  ret i64 %y\n}\n",
     "", ""},
    {"behind a variable",
     "define i64 @f(i64 %a) {\n  %v = alloca [4 x i64]\n"
     "  %p = getelementptr [4 x i64], ptr %v, i64 0, i64 %a\n  store volatile i64 %a, ptr %p\n  ret i64 %a\n}\n",
     "", "write of 8 bytes right behind the end of a variable of 32 bytes in kernel f, element 4"},
    {"a table of the module",
     "@t = internal constant [100 x i64] zeroinitializer\ndefine i64 @f(i64 %a) {\n"
     "  %p = getelementptr [100 x i64], ptr @t, i64 0, i64 %a\n  %y = load i64, ptr %p\n  ret i64 %y\n}\n",
     "", ""},
    {"before a table of the module",
     "@t = internal global [100 x i64] zeroinitializer\ndefine i64 @f(i64 %a) {\n  %i = sub i64 7, %a\n"
     "  %p = getelementptr [100 x i64], ptr @t, i64 0, i64 %i\n  store i64 %a, ptr %p\n  ret i64 %a\n}\n",
     "", "write of 8 bytes at 8 bytes before the start of a variable of 800 bytes in kernel f, element 8"},
    {"tables behind a pointer",
     "@t = internal global [100 x i64] zeroinitializer\n@u = internal global [100 x i64] zeroinitializer\n"
     "define i64 @f(i64 %a) {\n  %c = icmp slt i64 %a, 50\n  %b = select i1 %c, ptr @t, ptr @u\n"
     "  %p = getelementptr i64, ptr %b, i64 %a\n  store volatile i64 %a, ptr %p\n  %y = load volatile i64, ptr %p\n"
     "  ret i64 %y\n}\n",
     "", ""},
    {"a constant that is written",
     "@t = internal constant [100 x i64] zeroinitializer\ndefine i64 @f(i64 %a) {\n"
     "  %p = getelementptr [100 x i64], ptr @t, i64 0, i64 %a\n  store volatile i64 %a, ptr %p\n  ret i64 %a\n}\n",
     "", "write of 8 bytes into a constant of the kernel, which is read-only in kernel f, element 0"},
    {"a null pointer",
     "define i64 @f(i64 %a) {\n  %p = inttoptr i64 %a to ptr\n  %y = load i64, ptr %p\n  ret i64 %y\n}\n", "",
     "read of 8 bytes at address 0x0, which is in none of the arrays in kernel f, element 0"},
    {"a piece",
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  br label %loop\nloop:\n"
     "  %i = phi i64 [ 0, %0 ], [ %j, %loop ]\n  %p = getelementptr double, ptr %x, i64 %i\n"
     "  %v = load double, ptr %p\n  %q = getelementptr double, ptr %y, i64 %i\n  store double %v, ptr %q\n"
     "  %j = add i64 %i, 1\n  %c = icmp slt i64 %j, %n\n  br i1 %c, label %loop, label %end\nend:\n"
     "  ret void\n}\n",
     "void(float64*, float64*, int64)", ""},
    {"behind a piece's input",
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  %i = add i64 %n, 1\n  %p = getelementptr double, ptr %x, i64 %i\n"
     "  %v = load double, ptr %p\n  store double %v, ptr %y\n  ret void\n}\n",
     "void(float64*, float64*, int64)",
     "read of 8 bytes at 8 bytes past the end of argument 0 (float64[100]) in kernel f"},
    {"before a piece's output",
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  %p = getelementptr double, ptr %y, i64 -2\n"
     "  store double 1.0, ptr %p\n  ret void\n}\n",
     "void(float64*, float64*, int64)",
     "write of 8 bytes at 16 bytes before the start of argument 1 (float64[100]) in kernel f"},
    {"a piece's input is written",
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  store double 1.0, ptr %x\n  ret void\n}\n",
     "void(float64*, float64*, int64)",
     "write of 8 bytes into argument 0 (float64[100]), which is read-only in kernel f"},
    {"atomics",
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  %p = getelementptr i64, ptr %y, i64 %n\n"
     "  %v = atomicrmw add ptr %p, i64 1 seq_cst\n  ret void\n}\n",
     "void(int64*, int64*, int64)", "write of 8 bytes right behind the end of argument 1 (int64[100]) in kernel f"},
    {"memcpy that fits",
     "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\ndefine void @f(ptr %x, ptr %y, i64 %n) {\n"
     "  %s = mul i64 %n, 8\n  call void @llvm.memcpy.p0.p0.i64(ptr %y, ptr %x, i64 %s, i1 false)\n  ret void\n}\n",
     "void(float64*, float64*, int64)", ""},
    {"memcpy of too much",
     "declare ptr @memcpy(ptr, ptr, i64)\ndefine void @f(ptr %x, ptr %y, i64 %n) {\n"
     "  %s = mul i64 %n, 8\n  %t = add i64 %s, 8\n  %z = call ptr @memcpy(ptr %y, ptr %x, i64 %t)\n  ret void\n}\n",
     "void(float64*, float64*, int64)", "write of 808 bytes across the end of argument 1 (float64[100]) in kernel f"},
    {"masked lanes",
     "declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)\n"
     "declare void @llvm.masked.store.v4f64.p0(<4 x double>, ptr, i32, <4 x i1>)\n"
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  %i = sub i64 %n, 2\n  %p = getelementptr double, ptr %x, i64 %i\n"
     "  %q = getelementptr double, ptr %y, i64 %i\n"
     "  %v = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %p, i32 8, <4 x i1> <i1 1, i1 1, i1 0, i1 0>,"
     " <4 x double> zeroinitializer)\n"
     "  call void @llvm.masked.store.v4f64.p0(<4 x double> %v, ptr %q, i32 8, <4 x i1> <i1 1, i1 1, i1 0, i1 0>)\n"
     "  ret void\n}\n",
     "void(float64*, float64*, int64)", ""},
    {"a masked lane behind the end",
     "declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)\n"
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  %i = sub i64 %n, 2\n  %p = getelementptr double, ptr %x, i64 %i\n"
     "  %v = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %p, i32 8, <4 x i1> <i1 1, i1 0, i1 1, i1 0>,"
     " <4 x double> zeroinitializer)\n  store <4 x double> %v, ptr %y\n  ret void\n}\n",
     "void(float64*, float64*, int64)",
     "read of 8 bytes right behind the end of argument 0 (float64[100]) in kernel f"},
    {"results of the C library",
     "declare double @frexp(double, ptr)\ndefine void @f(ptr %x, ptr %y, i64 %n) {\n  %e = alloca i32\n"
     "  %v = load double, ptr %x\n  %m = call double @frexp(double %v, ptr %e)\n"
     "  %p = getelementptr i32, ptr %y, i64 200\n  %k = call double @frexp(double %v, ptr %p)\n  ret void\n}\n",
     "void(float64*, float64*, int64)",
     "write of 4 bytes right behind the end of argument 1 (float64[100]) in kernel f"},
    {"arrays by way of a variable",
     "define void @f(ptr %x, ptr %y, i64 %n) {\n  %s = alloca ptr\n  store ptr %x, ptr %s\n  %p = load ptr, ptr %s\n"
     "  %v = load double, ptr %p\n  %w = alloca [2 x double]\n  %i = and i64 %n, 1\n"
     "  %q = getelementptr [2 x double], ptr %w, i64 0, i64 %i\n  store ptr %q, ptr %s\n"
     "  %r = load volatile ptr, ptr %s\n  store double %v, ptr %r\n  ret void\n}\n",
     "void(float64*, float64*, int64)", ""},
};

static void
each_check_says_what_it_is_to_say(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++) {
        const char *said = outcome_of(KERNELS[i].text, KERNELS[i].signature, true);
        if (!strcmp(said, KERNELS[i].verdict))
            continue;
        print_error("%s: wanted \"%s\", got \"%s\"\n", KERNELS[i].name, KERNELS[i].verdict, said);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* A hundred failed checks of one module: none of them poisons it. */
static void
failed_checks_poison_nothing(void **state)
{
    (void)state;
    static const char TEXT[] = "define double @f(double %x) {\n  %y = fdiv double %x, %x\n  ret double %y\n}\n";
    kernel_options_t options = {.debug = true};
    oid_t session = oid_new();
    driver_array_t in = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N}),
                   out = driver_array(DTYPE_FLOAT64, 1, (int64_t[]){N});
    memset(in.data, 0, in.size);
    for (int i = 0; i < 10; i++) {
        driver_compiled_t kernel;
        driver_done_t done;
        if (driver_compile_with(suite_host, session, TEXT, sizeof TEXT - 1, &options, &kernel))
            fail_msg("%s", kernel.err.text);
        assert_int_equal(driver_run(suite_host, session, kernel.kernel, &in, 1, &out, 10, &done), FH_KERNEL_FAULT);
        assert_string_equal(done.err.text, "NaN made by fdiv in kernel f, element 0");
    }
    driver_array_free(&in);
    driver_array_free(&out);
    runner_host_forget(suite_host, session);
}

/* ---- what compilers make ------------------------------------------------------------------------------------------
 */

/* A kernel of debug_kernels.c as a clang made it. */
static void
check_file(const char *name, const char *entry, bool debug, const char *verdict)
{
    char path[600];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s.bc", FH_DEBUG_FOLDER, name);
    char *bitcode = driver_file(path, &size);
    assert_non_null(bitcode);
    kernel_options_t options = {.entry = entry, .debug = debug};
    const char *said = outcome(bitcode, size, &options);
    if (strcmp(said, verdict))
        fail_msg("%s of %s: wanted \"%s\", got \"%s\"", entry, name, verdict, said);
    free(bitcode);
}

static const struct {
    const char *entry, *verdict;
} COMPILED[] = {
    {"nan_made", "NaN made by fdiv in kernel nan_made (debug_kernels.c:11), element 5"},
    {"nan_avoided", ""},
    {"nan_late", "NaN made by sqrt in kernel nan_late (debug_kernels.c:28), element 5"},
    {"behind_table", "read of 8 bytes right behind the end of a variable of 400 bytes in kernel behind_table "
                     "(debug_kernels.c:39), element 50"},
    {"in_tables", ""},
    {"shifted", "shift by more bits than the number has: shl in kernel shifted (debug_kernels.c:56), element 64"},
    {"shifted_well", ""},
};

static void
kernels_of_clang_are_checked_whatever_it_optimises(void **state)
{
    (void)state;
    if (!*FH_DEBUG_FOLDER) {
        print_message("no clang: nothing was compiled\n");
        skip();
    }
    static const char *const FILES[] = {"debug_kernels_O0", "debug_kernels_O2"};
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; i < sizeof COMPILED / sizeof *COMPILED; i++)
            check_file(FILES[f], COMPILED[i].entry, true, COMPILED[i].verdict);
}

static void
faults_name_their_lines(void **state)
{
    (void)state;
    if (!*FH_DEBUG_FOLDER) {
        print_message("no clang: nothing was compiled\n");
        skip();
    }
    static const char *const FILES[] = {"debug_kernels_O0", "debug_kernels_O2"};
    for (size_t f = 0; f < 2; f++) {
        check_file(FILES[f], "crashes", false,
                   "SIGSEGV at address 0x8 in kernel crashes (debug_kernels.c:79), elements 0 to 99");
        check_file(FILES[f], "crashes_in_a_library", false,
                   "SIGSEGV at address 0x10 in kernel crashes_in_a_library (debug_kernels.c:95), elements 0 to 99");
    }
}

/* Debug information that is broken or of another time is nothing that a kernel fails for. */
static void
bad_debug_information_is_passed_over(void **state)
{
    (void)state;
    static const char TEXT[] =
        "define double @f(double %%x) !dbg !4 {\n  %%y = fadd double %%x, 1.0, !dbg !7\n  ret double %%y%s\n}\n"
        "!llvm.dbg.cu = !{!0}\n!llvm.module.flags = !{!3}\n"
        "!0 = distinct !DICompileUnit(language: DW_LANG_C99, file: !1, isOptimized: true, emissionKind: FullDebug)\n"
        "!1 = !DIFile(filename: \"a.c\", directory: \"/\")\n!3 = !{i32 2, !\"Debug Info Version\", i32 %d}\n"
        "!4 = distinct !DISubprogram(name: \"f\", scope: !1, file: !1, line: 1, type: !5, scopeLine: 1,"
        " spFlags: DISPFlagDefinition, unit: !0)\n!5 = !DISubroutineType(types: !6)\n!6 = !{}\n"
        "!7 = !DILocation(line: 12, scope: !4)\n";
    static const struct {
        const char *place;
        int version;
    } CASES[] = {{", !dbg !7", 3}, {", !dbg !1", 3}, {", !dbg !7", 2}, {", !dbg !7", 99}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[1500];
        snprintf(text, sizeof text, TEXT, CASES[i].place, CASES[i].version);
        assert_string_equal(outcome_of(text, "", i % 2), "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_check_says_what_it_is_to_say),
        cmocka_unit_test(failed_checks_poison_nothing),
        cmocka_unit_test(kernels_of_clang_are_checked_whatever_it_optimises),
        cmocka_unit_test(faults_name_their_lines),
        cmocka_unit_test(bad_debug_information_is_passed_over),
    };
    return cmocka_run_group_tests(tests, suite_start, suite_stop);
}
