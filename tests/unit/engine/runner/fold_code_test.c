/* What the functions of compiled reductions compute, against the order of engine/kernel.h written out in C. */
#include "compiler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char SUM[] =
    "define double @sum_init() {\n  ret double 0.0\n}\n"
    "define double @sum_step(double %s, double %x) {\n  %r = fadd double %s, %x\n  ret double %r\n}\n";
/* No init, no set: the smaller of two numbers that are not ordered when one is NaN. */
static const char LEAST[] = "define double @least(double %s, double %x) {\n  %c = fcmp olt double %x, %s\n"
                            "  %r = select i1 %c, double %x, double %s\n  ret double %r\n}\n";
/* Sum and sum of squares, in registers one by one; the result is their difference. */
static const char PAIR[] =
    "define {double, double} @p_init() {\n  ret {double, double} zeroinitializer\n}\n"
    "define {double, double} @p_step(double %a, double %b, double %x) {\n  %n = fadd double %a, %x\n"
    "  %q = fmul double %x, %x\n  %m = fadd double %b, %q\n"
    "  %r = insertvalue {double, double} poison, double %n, 0\n  %t = insertvalue {double, double} %r, double %m, 1\n"
    "  ret {double, double} %t\n}\n"
    "define {double, double} @p_combine(double %a, double %b, double %c, double %d) {\n  %n = fadd double %a, %c\n"
    "  %m = fadd double %b, %d\n  %r = insertvalue {double, double} poison, double %n, 0\n"
    "  %t = insertvalue {double, double} %r, double %m, 1\n  ret {double, double} %t\n}\n"
    "define double @p_finish(double %a, double %b) {\n  %r = fsub double %a, %b\n  ret double %r\n}\n";
/* The same in a struct of 32 bytes, which goes through memory. */
static const char LARGE[] =
    "%S = type { double, double, i64, i64 }\n"
    "define void @p_init(ptr sret(%S) %to) {\n  store %S zeroinitializer, ptr %to\n  ret void\n}\n"
    "define void @p_step(ptr sret(%S) %to, ptr byval(%S) %s, double %x) {\n"
    "  %a = load double, ptr %s\n  %p = getelementptr i8, ptr %s, i64 8\n  %b = load double, ptr %p\n"
    "  %n = fadd double %a, %x\n  %q = fmul double %x, %x\n  %m = fadd double %b, %q\n  store double %n, ptr %to\n"
    "  %t = getelementptr i8, ptr %to, i64 8\n  store double %m, ptr %t\n  ret void\n}\n"
    "define void @p_combine(ptr sret(%S) %to, ptr byval(%S) %s, ptr byval(%S) %f) {\n"
    "  %a = load double, ptr %s\n  %p = getelementptr i8, ptr %s, i64 8\n  %b = load double, ptr %p\n"
    "  %c = load double, ptr %f\n  %q = getelementptr i8, ptr %f, i64 8\n  %d = load double, ptr %q\n"
    "  %n = fadd double %a, %c\n  %m = fadd double %b, %d\n  store double %n, ptr %to\n"
    "  %t = getelementptr i8, ptr %to, i64 8\n  store double %m, ptr %t\n  ret void\n}\n"
    "define double @p_finish(ptr byval(%S) %s) {\n  %a = load double, ptr %s\n"
    "  %p = getelementptr i8, ptr %s, i64 8\n  %b = load double, ptr %p\n  %r = fsub double %a, %b\n"
    "  ret double %r\n}\n";
/* The same behind a pointer. */
static const char POINTER[] =
    "@p_state_bytes = constant i64 24\n"
    "define void @p_init(ptr %s) {\n  store [3 x double] zeroinitializer, ptr %s\n  ret void\n}\n"
    "define void @p_step(ptr %s, double %x) {\n  %a = load double, ptr %s\n  %p = getelementptr i8, ptr %s, i64 8\n"
    "  %b = load double, ptr %p\n  %n = fadd double %a, %x\n  %q = fmul double %x, %x\n  %m = fadd double %b, %q\n"
    "  store double %n, ptr %s\n  store double %m, ptr %p\n  ret void\n}\n"
    "define void @p_combine(ptr %s, ptr %f) {\n  %a = load double, ptr %s\n  %p = getelementptr i8, ptr %s, i64 8\n"
    "  %b = load double, ptr %p\n  %c = load double, ptr %f\n  %q = getelementptr i8, ptr %f, i64 8\n"
    "  %d = load double, ptr %q\n  %n = fadd double %a, %c\n  %m = fadd double %b, %d\n  store double %n, ptr %s\n"
    "  store double %m, ptr %p\n  ret void\n}\n"
    "define double @p_finish(ptr %s) {\n  %a = load double, ptr %s\n  %p = getelementptr i8, ptr %s, i64 8\n"
    "  %b = load double, ptr %p\n  %r = fsub double %a, %b\n  ret double %r\n}\n";

typedef struct {
    double a, b;
} pair_t;

/* What a reduction does, in C. */
typedef struct {
    const char *ir;
    bool init;
    pair_t (*step)(pair_t, double), (*combine)(pair_t, pair_t);
    double (*finish)(pair_t);
    int lanes;
    int64_t state_bytes;
} fold_case_t;

static pair_t
add(pair_t s, double x)
{
    return (pair_t){s.a + x, 0};
}

static pair_t
add_states(pair_t s, pair_t t)
{
    return (pair_t){s.a + t.a, 0};
}

static pair_t
lesser(pair_t s, double x)
{
    return (pair_t){x < s.a ? x : s.a, 0};
}

static pair_t
lesser_states(pair_t s, pair_t t)
{
    return lesser(s, t.a);
}

static double
first(pair_t s)
{
    return s.a;
}

static pair_t
add_both(pair_t s, double x)
{
    return (pair_t){s.a + x, s.b + x * x};
}

static pair_t
add_both_states(pair_t s, pair_t t)
{
    return (pair_t){s.a + t.a, s.b + t.b};
}

static double
difference(pair_t s)
{
    return s.a - s.b;
}

static const fold_case_t CASES[] = {
    {SUM, true, add, add_states, first, KERNEL_LANES, 16},
    {LEAST, false, lesser, lesser_states, first, KERNEL_LANES, 16},
    {PAIR, true, add_both, add_both_states, difference, KERNEL_LANES, 16},
    {LARGE, true, add_both, add_both_states, difference, KERNEL_LANES, 32},
    {POINTER, true, add_both, add_both_states, difference, 1, 32},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

static pair_t
tree(const fold_case_t *fold, const pair_t *states, int n)
{
    int half = 1;
    if (n == 1)
        return states[0];
    while (half * 2 < n)
        half *= 2;
    return fold->combine(tree(fold, states, half), tree(fold, states + half, n - half));
}

static pair_t
block(const fold_case_t *fold, const double *x, int64_t stride, int n)
{
    pair_t lanes[KERNEL_LANES] = {{0}};
    for (int i = 0; i < n; i++) {
        pair_t *lane = &lanes[i % fold->lanes];
        double value = *(const double *)(const void *)((const char *)x + i * stride);
        *lane = fold->init || i >= fold->lanes ? fold->step(*lane, value) : (pair_t){value, 0};
    }
    return tree(fold, lanes, n < fold->lanes ? n : fold->lanes);
}

static unsigned seed;

/* Numbers whose sums depend on their order. */
static double
wild(void)
{
    return ldexp((double)rand_r(&seed) / RAND_MAX - 0.5, rand_r(&seed) % 80 - 40);
}

static compiled_t
compiled(const fold_case_t *fold)
{
    kernel_options_t options = {.kind = "reduction"};
    compiled_t kernel = compiler_compile(fold->ir, options);
    const runner_description_t *about = &kernel.run.about;
    assert_int_equal(about->kind, KERNEL_REDUCTION);
    assert_int_equal(about->nin, 1);
    assert_int_equal(about->in[0], DTYPE_FLOAT64);
    assert_int_equal(about->out[0], DTYPE_FLOAT64);
    assert_int_equal(about->state_bytes, fold->state_bytes);
    assert_int_equal(about->has_start, fold->init);
    assert_int_equal(about->pointer_state, fold->lanes == 1);
    assert_true((kernel.run.fold.start != NULL) == fold->init);
    return kernel;
}

static void
same(double have, double wanted)
{
    if (memcmp(&have, &wanted, sizeof have) != 0)
        fail_msg("%.17g is not %.17g", have, wanted);
}

enum { MOST = 1024, COLUMNS = 37 };
static double numbers[MOST * COLUMNS];
static _Alignas(16) char states[KERNEL_LANES * COLUMNS * 32], other[COLUMNS * 32];

static double
finished(const compiled_t *kernel, const char *state)
{
    double result[2] = {0, 7};
    kernel->run.fold.finish((char *)result, 8, state, 1);
    assert_true(result[1] == 7);
    return result[0];
}

static void
blocks_go_by_lanes_and_tree(void **state)
{
    (void)state;
    for (int c = 0; c < CASE_COUNT; c++) {
        compiled_t kernel = compiled(&CASES[c]);
        for (int n = 1; n <= MOST; n += n < 35 ? 1 : 247)
            for (int64_t stride = 8; stride >= -24; stride -= 16) {
                const double *start = stride > 0 ? numbers : numbers + MOST * COLUMNS - 1;
                char *data = (char *)(uintptr_t)start;
                memset(states, 0xff, sizeof states);
                kernel.run.fold.block(states, &data, &stride, n);
                same(finished(&kernel, states), CASES[c].finish(block(&CASES[c], start, stride, n)));
                assert_int_equal((unsigned char)states[CASES[c].state_bytes], 0xff);
            }
        compiled_release(&kernel);
    }
}

static void
rows_give_the_bits_of_blocks(void **state)
{
    (void)state;
    for (int c = 0; c < CASE_COUNT; c++) {
        compiled_t kernel = compiled(&CASES[c]);
        for (int rows = 1; rows <= MOST; rows += rows < 19 ? 1 : 335)
            for (int64_t stride = 8; stride <= 16; stride += 8) {
                int64_t n = stride == 8 ? COLUMNS : COLUMNS / 2;
                memset(states, 0xff, sizeof states);
                for (int64_t row = 0; row < rows; row++) {
                    char *data = (char *)(numbers + row * COLUMNS);
                    kernel.run.fold.rows(states, &data, &stride, n, row);
                }
                kernel.run.fold.lanes(states, n, rows);
                for (int64_t k = 0; k < n; k++) {
                    const double *column = numbers + k * stride / 8;
                    same(finished(&kernel, states + k * CASES[c].state_bytes),
                         CASES[c].finish(block(&CASES[c], column, COLUMNS * 8, rows)));
                }
            }
        compiled_release(&kernel);
    }
}

static void
states_combine_start_and_scan(void **state)
{
    (void)state;
    for (int c = 0; c < CASE_COUNT; c++) {
        const fold_case_t *fold = &CASES[c];
        compiled_t kernel = compiled(fold);
        int64_t bytes = fold->state_bytes, stride = 8;
        pair_t expected[COLUMNS];
        for (int k = 0; k < COLUMNS; k++) {
            char *left = (char *)(numbers + k * 20), *right = (char *)(numbers + k * 20 + 9);
            kernel.run.fold.block(states + k * bytes, &left, &stride, 9);
            kernel.run.fold.block(other + k * bytes, &right, &stride, 11);
            expected[k] = fold->combine(block(fold, numbers + k * 20, 8, 9), block(fold, numbers + k * 20 + 9, 8, 11));
        }
        kernel.run.fold.combine(states, other, COLUMNS);
        for (int k = 0; k < COLUMNS; k++)
            same(finished(&kernel, states + k * bytes), fold->finish(expected[k]));

        double running[2 * 50];
        char *data[] = {(char *)numbers, (char *)running};
        int64_t strides[] = {8, 16};
        kernel.run.fold.scan(states, 0, data, strides, 20); /* every other place, in two calls */
        data[0] += 20 * 8;
        data[1] += 20 * 16;
        kernel.run.fold.scan(states, 1, data, strides, 30);
        pair_t s = {0};
        for (int i = 0; i < 50; i++) {
            s = i || fold->init ? fold->step(s, numbers[i]) : (pair_t){numbers[0], 0};
            same(running[2 * i], fold->finish(s));
        }
        if (fold->init) {
            kernel.run.fold.start(states);
            same(finished(&kernel, states), 0);
        }
        compiled_release(&kernel);
    }
}

static void
small_integers_and_bools_are_states(void **state)
{
    (void)state;
    static const char PARITY[] = "define zeroext i1 @odd_init() {\n  ret i1 false\n}\n"
                                 "define zeroext i1 @odd_step(i1 zeroext %s, i1 zeroext %x) {\n  %r = xor i1 %s, %x\n"
                                 "  ret i1 %r\n}\n";
    static const char BITS[] = "define i16 @f(i16 %s, i16 %x) {\n  %r = or i16 %s, %x\n  ret i16 %r\n}\n";
    kernel_options_t none = {.entry = ""};
    compiled_t kernel = compiler_compile(PARITY, none); /* a set says by itself that it is a reduction */
    assert_int_equal(kernel.run.about.out[0], DTYPE_BOOL);
    assert_string_equal(kernel.run.about.entry, "odd");
    uint8_t bits[100], result = 9;
    int odd = 0;
    for (int i = 0; i < 100; i++) {
        bits[i] = (uint8_t)(i % 3 == 0);
        odd ^= bits[i];
    }
    char *data = (char *)bits;
    int64_t stride = 1;
    kernel.run.fold.block(states, &data, &stride, 100);
    kernel.run.fold.finish((char *)&result, 1, states, 1);
    assert_int_equal(result, odd);
    compiled_release(&kernel);
    kernel_options_t options = {.kind = "reduction", .entry = "f", .signature = "uint16(uint16, uint16)"};
    kernel = compiler_compile(BITS, options);
    assert_int_equal(kernel.run.about.in[0], DTYPE_UINT16);
    assert_int_equal(kernel.run.about.out[0], DTYPE_UINT16);
    compiled_release(&kernel);
}

static void
what_is_missing_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *ir, *entry, *words;
    } WRONG[] = {
        {"define i64 @p_step(i64 %s, double %x) {\n ret i64 %s\n}\ndefine i64 @p_init() {\n ret i64 0\n}\n", "p",
         "p_combine is missing"},
        {"define i64 @p_step(i64 %s, double %x) {\n ret i64 %s\n}\n"
         "define i64 @p_combine(i64 %a, i64 %b) {\n ret i64 %a\n}\n",
         "p", "p_init is missing"},
        {"define void @p_step(ptr %s, double %x) {\n ret void\n}\ndefine void @p_init(ptr %s) {\n ret void\n}\n", "p",
         "state_bytes"},
        {"@p_state_bytes = constant i64 5000\n"
         "define void @p_step(ptr %s, double %x) {\n ret void\n}\ndefine void @p_init(ptr %s) {\n ret void\n}\n",
         "p", "4096"},
        {"define double @p_step(double %s, double %x) {\n ret double %s\n}\n"
         "define float @p_init() {\n ret float 0.0\n}\n",
         "p", "p_init"},
        {"define double @p_step(double %s) {\n ret double %s\n}\ndefine double @p_init() {\n ret double 0.0\n}\n", "p",
         "takes no element"},
        {"define double @f(double %s) {\n ret double %s\n}\n", "", "0 functions"},
        {"define i32 @_ZN1m1fE(ptr %r, ptr %e, double %s, double %x) {\n store double %s, ptr %r\n ret i32 0\n}\n",
         "_ZN1m1fE", "error_model"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        err_t err = {0};
        kernel_options_t options = {.entry = WRONG[i].entry, .kind = "reduction"};
        if (compiler_refusal(WRONG[i].ir, options, &err) != FH_KERNEL_ERROR || !strstr(err.text, WRONG[i].words))
            fail_msg("case %zu: %s: %s", i, status_name(err.status), err.text);
    }
}

static void
the_caller_gives_state_bytes_and_result(void **state)
{
    (void)state;
    static const char LAST[] = "define void @p_init(ptr %s) {\n store i64 -1, ptr %s\n ret void\n}\n"
                               "define void @p_step(ptr %s, i64 %x) {\n store i64 %x, ptr %s\n ret void\n}\n"
                               "define void @p_combine(ptr %s, ptr %f) {\n %x = load i64, ptr %f\n"
                               " store i64 %x, ptr %s\n ret void\n}\n";
    kernel_options_t options = {.entry = "p", .signature = "uint64(int64)", .state_bytes = 8};
    compiled_t kernel = compiler_compile(LAST, options);
    assert_int_equal(kernel.run.about.kind, KERNEL_REDUCTION);
    assert_int_equal(kernel.run.about.out[0], DTYPE_UINT64);
    assert_int_equal(kernel.run.about.state_bytes, 16);
    int64_t in[] = {5, 6, 7}, stride = 8, result = 0;
    char *data = (char *)in;
    kernel.run.fold.block(states, &data, &stride, 3);
    kernel.run.fold.finish((char *)&result, 8, states, 1);
    assert_int_equal(result, 7);
    compiled_release(&kernel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_by_lanes_and_tree),   cmocka_unit_test(rows_give_the_bits_of_blocks),
        cmocka_unit_test(states_combine_start_and_scan), cmocka_unit_test(small_integers_and_bools_are_states),
        cmocka_unit_test(what_is_missing_is_named),      cmocka_unit_test(the_caller_gives_state_bytes_and_result),
    };
    seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int i = 0; i < MOST * COLUMNS; i++)
        numbers[i] = wild();
    return cmocka_run_group_tests(tests, compiler_set_up, compiler_tear_down);
}
