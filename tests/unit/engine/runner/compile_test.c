/* What compiled kernels compute and what is said of them, for each kind of function but reductions. */
#include "compiler.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 67 };

/* NumPy's loop: out0 = a + b, out1 = a - b, by its own counting. */
static const char NUMPY_LOOP[] =
    "define void @f(ptr %args, ptr %dims, ptr %steps, ptr %x) {\n"
    "  %n = load i64, ptr %dims\n %p0 = load ptr, ptr %args\n %a1 = getelementptr ptr, ptr %args, i64 1\n"
    "  %p1 = load ptr, ptr %a1\n %a2 = getelementptr ptr, ptr %args, i64 2\n %p2 = load ptr, ptr %a2\n"
    "  %a3 = getelementptr ptr, ptr %args, i64 3\n %p3 = load ptr, ptr %a3\n"
    "  %s0 = load i64, ptr %steps\n %t1 = getelementptr i64, ptr %steps, i64 1\n %s1 = load i64, ptr %t1\n"
    "  %t2 = getelementptr i64, ptr %steps, i64 2\n %s2 = load i64, ptr %t2\n"
    "  %t3 = getelementptr i64, ptr %steps, i64 3\n %s3 = load i64, ptr %t3\n br label %loop\n"
    "loop:\n  %i = phi i64 [0, %0], [%next, %loop]\n"
    "  %o0 = mul i64 %i, %s0\n %o1 = mul i64 %i, %s1\n %o2 = mul i64 %i, %s2\n %o3 = mul i64 %i, %s3\n"
    "  %q0 = getelementptr i8, ptr %p0, i64 %o0\n %q1 = getelementptr i8, ptr %p1, i64 %o1\n"
    "  %q2 = getelementptr i8, ptr %p2, i64 %o2\n %q3 = getelementptr i8, ptr %p3, i64 %o3\n"
    "  %a = load double, ptr %q0\n %b = load double, ptr %q1\n %s = fadd double %a, %b\n %d = fsub double %a, %b\n"
    "  store double %s, ptr %q2\n store double %d, ptr %q3\n"
    "  %next = add i64 %i, 1\n %more = icmp slt i64 %next, %n\n br i1 %more, label %loop, label %end\n"
    "end:\n  ret void\n}\n";

static void
a_loop_of_numpy_is_a_ufunc_with_any_outputs(void **state)
{
    (void)state;
    static const kernel_options_t ASKED[] = {
        {.signature = "void(const float64[:], const float64[:], float64[:], float64[:])"},
        {.signature = "void(float64[:], float64[:], float64[:], float64[:])",
         .layout = "(),()->(),()",
         .kind = "ufunc"},
    };
    double a[N], b[N], sum[N], difference[N];
    for (int i = 0; i < N; i++) {
        a[i] = i * 1.5;
        b[i] = 7 - i;
    }
    for (size_t k = 0; k < 2; k++) {
        compiled_t kernel = compiler_compile(NUMPY_LOOP, ASKED[k]);
        assert_int_equal(kernel.run.about.kind, KERNEL_UFUNC);
        assert_int_equal(kernel.run.about.nin, 2);
        assert_int_equal(kernel.run.about.nout, 2);
        char *data[] = {(char *)a, (char *)b, (char *)sum, (char *)difference};
        for (int64_t stride = 8; stride >= -8; stride -= 16) {
            int64_t strides[] = {8, stride, 8, 8};
            data[1] = (char *)(stride > 0 ? b : b + N - 1);
            assert_int_equal(kernel.run.loop(data, strides, N), 0);
            for (int i = 0; i < N; i++) {
                double other = stride > 0 ? b[i] : b[N - 1 - i];
                assert_true(sum[i] == a[i] + other && difference[i] == a[i] - other);
            }
        }
        compiled_release(&kernel);
    }
    err_t err;
    kernel_options_t none = {.entry = "f"};
    assert_int_equal(compiler_refusal(NUMPY_LOOP, none, &err), FH_KERNEL_ERROR);
    assert_non_null(strstr(err.text, "give a signature"));
}

/* (n),(n)->(): one inner product for each outer index, and how many there are to be. */
static void
a_loop_of_numpy_is_a_gufunc_with_a_layout(void **state)
{
    (void)state;
    static const char DIMENSIONS[] =
        "define void @f(ptr %args, ptr %dims, ptr %steps, ptr %x) {\n"
        "  %a2 = getelementptr ptr, ptr %args, i64 2\n %out = load ptr, ptr %a2\n"
        "  %n = load i64, ptr %dims\n %d1 = getelementptr i64, ptr %dims, i64 1\n %k = load i64, ptr %d1\n"
        "  %s4 = getelementptr i64, ptr %steps, i64 4\n %core = load i64, ptr %s4\n"
        "  %m = mul i64 %n, 10000\n %l = mul i64 %k, 100\n %p = add i64 %m, %l\n %q = add i64 %p, %core\n"
        "  store i64 %q, ptr %out\n ret void\n}\n";
    kernel_options_t options = {.signature = "void(int64[:], int64[:], int64[:])", .layout = "(n),(n)->()"};
    compiled_t kernel = compiler_compile(DIMENSIONS, options);
    assert_int_equal(kernel.run.about.kind, KERNEL_GUFUNC);
    assert_true(kernel.run.about.loop_abi);
    assert_string_equal(kernel.run.about.layout, "(n),(n)->()");
    int64_t out = 0, numbers[] = {1, 2, 3, 8, 16, /* dimensions */ 5, 7};
    char *data[] = {NULL, NULL, (char *)&out};
    assert_int_equal(kernel.run.loop(data, numbers, 5), 0);
    assert_int_equal(out, 50000 + 700 + 16);
    compiled_release(&kernel);
    options.layout = "(n),(m)->(k)";
    err_t err;
    assert_int_equal(compiler_refusal(DIMENSIONS, options, &err), FH_KERNEL_ERROR);
}

static void
array_kernels_get_their_arrays_and_give_their_status(void **state)
{
    (void)state;
    static const char *const COUNT[] = {
        "define i32 @f(ptr %args, i32 %n) {\n  store i32 %n, ptr %args\n ret i32 3\n}\n",
        "define void @f(ptr %args, i32 %n) {\n  store i32 %n, ptr %args\n ret void\n}\n",
        "define i32 @_ZN1m1fE(ptr %r, ptr %e, ptr %args, i32 %n) {\n  store i32 %n, ptr %args\n ret i32 3\n}\n"};
    for (int k = 0; k < 3; k++) {
        kernel_options_t options = {.signature = k ? "" : "void(float64[:, ::1], int32)"};
        compiled_t kernel = compiler_compile(COUNT[k], options);
        assert_int_equal(kernel.run.about.kind, KERNEL_ARRAY);
        assert_int_equal(kernel.run.about.nin, k ? -1 : 2);
        assert_int_equal(kernel.run.about.nout, 0);
        int32_t seen = 0;
        assert_int_equal(kernel.run.loop((char *const *)(void *)&seen, NULL, 12), k == 1 ? 0 : 3);
        assert_int_equal(seen, 12);
        compiled_release(&kernel);
    }
}

static void
numba_pieces_report_what_they_raise(void **state)
{
    (void)state;
    static const char PIECE[] =
        "define i32 @_ZN1m1fE(ptr %r, ptr %e, ptr %in, ptr %out, i64 %n) {\n"
        "  %v = load double, ptr %in\n store double %v, ptr %out\n %s = trunc i64 %n to i32\n ret i32 %s\n}\n";
    kernel_options_t options = {.signature = "float64(float64)"};
    compiled_t kernel = compiler_compile(PIECE, options);
    assert_int_equal(kernel.run.about.kind, KERNEL_PIECE);
    assert_true(kernel.run.about.status_call);
    double in = 4, out = 0;
    char *data[] = {(char *)&in, (char *)&out};
    assert_int_equal(kernel.run.loop(data, NULL, 5), 5);
    assert_true(out == 4);
    compiled_release(&kernel);
}

/* What a wrapper does about exceptions is not for kernels; its type says more than that of what it wraps. */
static void
numba_wrappers_tell_dtypes_and_need_no_python(void **state)
{
    (void)state;
    static const char PYTHON[] = "@PyExc_ValueError = external global i8\n"
                                 "declare void @numba_gil_ensure(ptr)\ndeclare void @PyErr_SetNone(ptr)\n";
    static const char NATIVE[] =
        "define i32 @_ZN1m1fE(ptr %to, ptr %e, double %r, double %i) {\n  %c = fcmp olt double %r, %i\n"
        "  %b = zext i1 %c to i8\n  store i8 %b, ptr %to\n  ret i32 0\n}\n"
        "define i1 @cfunc._ZN1m1fE({double, double} %a) {\n  call void @numba_gil_ensure(ptr null)\n  ret i1 0\n}\n";
    static const char LOOP[] =
        "define void @__gufunc__f(ptr %args, ptr %dims, ptr %steps, ptr %x) {\n  %n = load i64, ptr %dims\n"
        "  %c = icmp eq i64 %n, 1234\n  br i1 %c, label %bad, label %good\n"
        "bad:\n  call void @numba_gil_ensure(ptr null)\n  call void @PyErr_SetNone(ptr @PyExc_ValueError)\n"
        "  ret void\ngood:\n  %p = load ptr, ptr %args\n  store i64 %n, ptr %p\n  ret void\n}\n";
    char ir[2000];
    snprintf(ir, sizeof ir, "%s%s", PYTHON, NATIVE);
    kernel_options_t none = {.entry = ""};
    compiled_t kernel = compiler_compile(ir, none);
    assert_true(kernel.run.about.status_call);
    assert_int_equal(kernel.run.about.nin, 1);
    assert_int_equal(kernel.run.about.in[0], DTYPE_COMPLEX128);
    assert_int_equal(kernel.run.about.out[0], DTYPE_BOOL);
    compiled_release(&kernel);
    snprintf(ir, sizeof ir, "%s%s", PYTHON, LOOP);
    kernel_options_t options = {.signature = "void(int64[:], int64[:])", .layout = "(n)->(n)"};
    kernel = compiler_compile(ir, options);
    int64_t seen = 0, numbers[] = {8, 8, 8, 8, /* dimensions */ 5, 7};
    char *data[] = {(char *)&seen, NULL};
    assert_int_equal(kernel.run.loop(data, numbers, 5), 0);
    assert_int_equal(seen, 5);
    compiled_release(&kernel);
}

static void
the_module_may_say_what_its_kernel_is(void **state)
{
    (void)state;
    static const char ANNOTATED[] =
        "@a = private constant [27 x i8] c\"farhand: uint8(uint8, bool)\", section \"llvm.metadata\"\n"
        "@b = private constant [2 x i8] c\"x\\00\", section \"llvm.metadata\"\n"
        "@llvm.global.annotations = appending global [1 x { ptr, ptr, ptr, i32, ptr }] [{ ptr, ptr, ptr, i32, ptr } "
        "{ ptr @f, ptr @a, ptr @b, i32 1, ptr null }], section \"llvm.metadata\"\n"
        "define i8 @f(i8 %a, i8 %b) {\n  ret i8 %a\n}\ndefine i8 @g(i8 %a) {\n  ret i8 %a\n}\n";
    static const char NAMED[] =
        "define void @f(ptr %a, i32 %n) {\n  ret void\n}\ndefine i8 @g(i8 %a) {\n  ret i8 %a\n}\n"
        "!farhand.kernels = !{!0}\n"
        "!0 = !{!\"f\", !\"void(int8[:], int16[:])\", !\"gufunc\", !\"(n)->(n)\"}\n";
    kernel_options_t none = {.entry = ""};
    compiled_t kernel = compiler_compile(ANNOTATED, none);
    assert_string_equal(kernel.run.about.entry, "f");
    assert_int_equal(kernel.run.about.in[0], DTYPE_UINT8);
    assert_int_equal(kernel.run.about.in[1], DTYPE_BOOL);
    compiled_release(&kernel);
    kernel_options_t mine = {.entry = "f", .signature = "int8(int8, int8)"};
    kernel = compiler_compile(ANNOTATED, mine);
    assert_int_equal(kernel.run.about.in[0], DTYPE_INT8);
    compiled_release(&kernel);
    kernel = compiler_compile(NAMED, none);
    assert_int_equal(kernel.run.about.kind, KERNEL_GUFUNC);
    assert_int_equal(kernel.run.about.out[0], DTYPE_INT16);
    assert_string_equal(kernel.run.about.layout, "(n)->(n)");
    compiled_release(&kernel);
}

/* Elements of a kernel with vector math have the same bits wherever they stand. */
static void
vector_math_gives_an_element_the_same_bits_everywhere(void **state)
{
    (void)state;
    static const char *const FUNCTIONS[] = {"exp", "sin", "pow", "atan2"};
    enum { ROOM = 4 * KERNEL_VECTOR };
    for (int k = 0; k < 8; k++) {
        bool single = k >= 4;
        int nin = k % 4 >= 2 ? 2 : 1;
        const char *type = single ? "float" : "double";
        char ir[400], out[ROOM * 8], first[8];
        snprintf(ir, sizeof ir,
                 "declare %s @%s%s(%s%s%s)\ndefine %s @f(%s %%a%s%s%s) {\n  %%r = call %s @%s%s(%s %%a%s%s%s)\n"
                 "  ret %s %%r\n}\n",
                 type, FUNCTIONS[k % 4], single ? "f" : "", type, nin == 2 ? ", " : "", nin == 2 ? type : "", type,
                 type, nin == 2 ? ", " : "", nin == 2 ? type : "", nin == 2 ? " %b" : "", type, FUNCTIONS[k % 4],
                 single ? "f" : "", type, nin == 2 ? ", " : "", nin == 2 ? type : "", nin == 2 ? " %b" : "", type);
        kernel_options_t options = {.inspect = true};
        compiled_t kernel = compiler_compile(ir, options);
#ifdef __x86_64__
        if (strstr(jit_target(compiler_jit())->features, "+avx2")) {
            assert_true(kernel.run.about.whole_vectors);
            assert_non_null(strstr(kernel.ir, "_ZGV"));
            char scalar[40]; /* none is left for a remainder */
            snprintf(scalar, sizeof scalar, "call %s @%s", type, FUNCTIONS[k % 4]);
            assert_null(strstr(kernel.ir, scalar));
        }
#endif
        size_t size = single ? 4 : 8;
        char a[ROOM * 8], b[ROOM * 8];
        for (int at = 0; at < ROOM; at++) { /* 1.234 at one place, something else around it */
            for (int i = 0; i < ROOM; i++) {
                double x = i == at ? 1.234 : 0.3 + i % 7, y = i == at ? 2.71 : 0.1 * (i % 5);
                float xf = (float)x, yf = (float)y;
                memcpy(a + (size_t)i * size, single ? (void *)&xf : (void *)&x, size);
                memcpy(b + (size_t)i * size, single ? (void *)&yf : (void *)&y, size);
            }
            char *data[] = {a, nin == 2 ? b : out, out};
            int64_t strides[] = {(int64_t)size, (int64_t)size, (int64_t)size};
            kernel.run.loop(data, strides, at % 2 && at < ROOM - KERNEL_VECTOR ? ROOM - KERNEL_VECTOR : ROOM);
            if (!at)
                memcpy(first, out, size);
            assert_memory_equal(first, out + (size_t)at * size, size);
        }
        compiled_release(&kernel);
        options = (kernel_options_t){.exact = true};
        kernel = compiler_compile(ir, options);
        assert_false(kernel.run.about.whole_vectors);
        compiled_release(&kernel);
    }
}

static void
machine_code_is_loaded_again(void **state)
{
    (void)state;
    static const char TWICE[] = "define i64 @f(i64 %x) {\n  %r = shl i64 %x, 1\n ret i64 %r\n}\n";
    static const kernel_options_t OPTIONS = {.entry = "", .signature = "", .kind = "", .layout = ""};
    compiled_t kernel, again;
    err_t err = {0};
    assert_int_equal(compile_kernel(compiler_jit(), TWICE, sizeof TWICE - 1, &OPTIONS, "once", &kernel, &err), FH_OK);
    jit_drop(&kernel.code);
    const void *object = LLVMGetBufferStart(kernel.object);
    size_t size = LLVMGetBufferSize(kernel.object);
    assert_int_equal(compile_load(compiler_jit(), object, size, "once", &kernel.run.about, &again, &err), FH_OK);
    int64_t in = 21, out = 0, strides[] = {8, 8};
    char *data[] = {(char *)&in, (char *)&out};
    assert_int_equal(again.run.loop(data, strides, 1), 0);
    assert_int_equal(out, 42);
    compiled_release(&again);
    assert_int_equal(compile_load(compiler_jit(), object, size, "twice", &kernel.run.about, &again, &err),
                     FH_BAD_BITCODE);
    assert_int_equal(compile_load(compiler_jit(), object, size / 2, "once", &kernel.run.about, &again, &err),
                     FH_BAD_BITCODE);
    assert_int_equal(compile_load(compiler_jit(), TWICE, sizeof TWICE, "once", &kernel.run.about, &again, &err),
                     FH_BAD_BITCODE);
    runner_description_t fold = kernel.run.about;
    fold.kind = KERNEL_REDUCTION;
    assert_int_equal(compile_load(compiler_jit(), object, size, "once", &fold, &again, &err), FH_BAD_BITCODE);
    fold.kind = 99;
    assert_int_equal(compile_load(compiler_jit(), object, size, "once", &fold, &again, &err), FH_BAD_BITCODE);
    compiled_release(&kernel);
}

/* A check that fails in Rust ends the call with a signal, and the other elements never see it. */
static void
panics_are_traps(void **state)
{
    (void)state;
    static const char PANIC[] =
        "declare void @_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE(i64, i64, ptr)\n"
        "declare i32 @rust_eh_personality(...)\n"
        "define i64 @f(i64 %x) personality ptr @rust_eh_personality {\n  %c = icmp ult i64 %x, 10\n"
        "  br i1 %c, label %good, label %bad\ngood:\n  ret i64 %x\n"
        "bad:\n  call void @_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE(i64 %x, i64 10, ptr null)\n"
        "  unreachable\n}\n";
    kernel_options_t options = {.entry = "f"};
    compiled_t kernel = compiler_compile(PANIC, options);
    int64_t in[] = {3, 12}, out[2], strides[] = {8, 8};
    char *data[] = {(char *)in, (char *)out};
    assert_int_equal(kernel.run.loop(data, strides, 1), 0);
    assert_int_equal(out[0], 3);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        signal(SIGILL, SIG_DFL);
        kernel.run.loop(data, strides, 2);
        _exit(0);
    }
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGILL);
    compiled_release(&kernel);
}

static void
what_does_not_fit_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *ir, *signature, *kind, *layout, *words;
        int status;
    } WRONG[] = {
        {"define double @f(double %a) {\n ret double %a\n}\n", "float64(float32)", "", "", "which would be float64",
         FH_KERNEL_ERROR},
        {"define double @f(double %a) {\n ret double %a\n}\n", "complex128(complex128)", "", "", "complex128",
         FH_KERNEL_ERROR},
        {"define double @f(double %a) {\n ret double %a\n}\n", "", "array", "", "", FH_KERNEL_ERROR},
        {"define double @f(double %a) {\n ret double %a\n}\n", "", "thing", "", "not thing", FH_KERNEL_ERROR},
        {"define void @f(ptr %a, i32 %n) {\n ret void\n}\n", "", "gufunc", "", "needs a layout", FH_KERNEL_ERROR},
        {"define void @f(ptr %a, i32 %n) {\n ret void\n}\n", "", "", "(n->", "", FH_KERNEL_ERROR},
        {"define void @f(ptr %a, i32 %n) {\n ret void\n}\n", "float64(float64)", "", "", "void(...)", FH_KERNEL_ERROR},
        {"declare <2 x double> @llvm.x86.sse2.min.pd(<2 x double>, <2 x double>)\n"
         "define double @f(double %a) {\n %v = insertelement <2 x double> zeroinitializer, double %a, i32 0\n"
         " %m = call <2 x double> @llvm.x86.sse2.min.pd(<2 x double> %v, <2 x double> %v)\n"
         " %r = extractelement <2 x double> %m, i32 0\n ret double %r\n}\n",
         "", "", "", "one family of CPUs", FH_BAD_BITCODE},
#ifdef __x86_64__
        {"declare {float, float} @cexpf([2 x float])\n"
         "define {float, float} @f([2 x float] %a) {\n %r = call {float, float} @cexpf([2 x float] %a)\n"
         " ret {float, float} %r\n}\n",
         "", "", "", "another CPU", FH_BAD_BITCODE},
#endif
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        err_t err = {0};
        kernel_options_t options = {.signature = WRONG[i].signature, .kind = WRONG[i].kind, .layout = WRONG[i].layout};
        if (compiler_refusal(WRONG[i].ir, options, &err) != WRONG[i].status || !strstr(err.text, WRONG[i].words))
            fail_msg("case %zu: %s: %s", i, status_name(err.status), err.text);
    }
}

/* Both loops of simple kernels agree to the bit; there is no other loop where nothing would go in vectors. */
static void
simple_kernels_have_a_loop_past_the_cache(void **state)
{
    enum { MANY = 4 * KERNEL_VECTOR };
    static const char FUSED[] = "define double @f(double %a, float %b) {\n  %w = fpext float %b to double\n"
                                "  %p = fmul double %a, %w\n  %s = fadd double %p, 0.1\n  ret double %s\n}\n";
    static const char CHOOSY[] = "define i64 @f(i64 %a, i64 %b) {\n  %z = icmp eq i64 %b, 0\n"
                                 "  br i1 %z, label %no, label %yes\nno:\n  ret i64 0\n"
                                 "yes:\n  %d = sdiv i64 %a, %b\n  ret i64 %d\n}\n";
    static _Alignas(64) double a[MANY], out[MANY + 8], streamed[MANY + 8];
    static float b[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        a[i] = 1.0 / (i + 3);
        b[i] = (float)i / 7;
    }
    compiled_t kernel = compiler_compile(FUSED, (kernel_options_t){0});
    assert_int_equal(kernel.run.about.streams, 1);
    kernel.run.loop((char *[]){(char *)a, (char *)b, (char *)out}, (int64_t[]){8, 4, 8}, MANY);
    kernel.run.stream((char *[]){(char *)a, (char *)b, (char *)streamed}, NULL, MANY);
    assert_memory_equal(out, streamed, sizeof out);
    assert_true(streamed[MANY - 1] != 0 && streamed[MANY] == 0);
    compiled_release(&kernel);
    kernel = compiler_compile(FUSED, (kernel_options_t){.debug = true});
    assert_int_equal(kernel.run.about.streams, 0);
    compiled_release(&kernel);
    kernel = compiler_compile(CHOOSY, (kernel_options_t){.signature = "int64(int64, int64)"});
    assert_true(kernel.run.about.streams == (kernel.run.stream != NULL));
    compiled_release(&kernel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_of_numpy_is_a_ufunc_with_any_outputs),
        cmocka_unit_test(a_loop_of_numpy_is_a_gufunc_with_a_layout),
        cmocka_unit_test(array_kernels_get_their_arrays_and_give_their_status),
        cmocka_unit_test(numba_pieces_report_what_they_raise),
        cmocka_unit_test(numba_wrappers_tell_dtypes_and_need_no_python),
        cmocka_unit_test(the_module_may_say_what_its_kernel_is),
        cmocka_unit_test(vector_math_gives_an_element_the_same_bits_everywhere),
        cmocka_unit_test(simple_kernels_have_a_loop_past_the_cache),
        cmocka_unit_test(machine_code_is_loaded_again),
        cmocka_unit_test(panics_are_traps),
        cmocka_unit_test(what_does_not_fit_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, compiler_set_up, compiler_tear_down);
}
