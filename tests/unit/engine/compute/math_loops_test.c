#include "engine/compute/flags.h"
#include "engine/compute/loops.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

/* Loops that do a piece of elements in one pass, and again where some of them are odd: what an element becomes, and the
 * flags it raises, depend on nothing but itself. */

enum { N = 1100 }; /* more than two pieces */

static double
random_double(uint64_t *random, double size)
{
    return ((double)(check_random(random) >> 11) * 0x1p-52 - 1) * size;
}

/* Ordinary numbers, with one odd one after each `odd` of them; 0: none. */
static void
fill(uint64_t *random, dtype_t dtype, int odd, char *data)
{
    static const double ODD[] = {(double)INFINITY,
                                 -(double)INFINITY,
                                 (double)NAN,
                                 0,
                                 -0.0,
                                 -1,
                                 1e300,
                                 -1e300,
                                 1e7,
                                 710,
                                 -720,
                                 -750,
                                 88.8,
                                 -90,
                                 -105,
                                 1e-310,
                                 1e-40,
                                 12};
    for (int i = 0; i < N; i++) {
        double x = fabs(random_double(random, 9)) + 0.001;
        if (odd > 0 && i % odd == odd - 1)
            x = ODD[check_random(random) % (sizeof ODD / sizeof ODD[0])];
        dtype_convert(dtype, data + (size_t)i * dtype_size(dtype), DTYPE_FLOAT64, &x);
    }
}

/* NaN has many forms, and which one comes out is nobody's promise. */
static void
check_same(dtype_t dtype, const char *a, const char *b)
{
    double x, y;
    dtype_convert(DTYPE_FLOAT64, &x, dtype, a);
    dtype_convert(DTYPE_FLOAT64, &y, dtype, b);
    if (!isnan(x) || !isnan(y))
        assert_memory_equal(a, b, dtype_size(dtype));
}

static void
check_loop(uint64_t *random, const loop_entry_t *entry, int odd)
{
    static _Alignas(64) char in[N * 8], out[N * 8], spread[N * 16];
    const dtype_t dtype = (dtype_t)entry->in[0];
    const int64_t size = (int64_t)dtype_size(dtype);
    unsigned each = 0;

    fill(random, dtype, odd, in);
    flags_clear();
    entry->fn((char *[]){in, out}, (const int64_t[]){size, size}, N);
    unsigned all = flags_raised();
    for (int i = 0; i < N; i++) { /* alone, from a place with gaps to another */
        char alone[8];
        flags_clear();
        entry->fn((char *[]){in + i * size, alone}, (const int64_t[]){size, size}, 1);
        each |= flags_raised();
        check_same(dtype, alone, out + i * size);
        memcpy(spread + 2 * i * size, in + i * size, (size_t)size);
    }
    assert_int_equal(all, each);
    entry->fn((char *[]){spread, spread + size}, (const int64_t[]){2 * size, 2 * size}, N);
    flags_clear();
    entry->fn((char *[]){in, in}, (const int64_t[]){size, size}, N);
    assert_int_equal(flags_raised(), all);
    for (int i = 0; i < N; i++) {
        check_same(dtype, spread + (2 * i + 1) * size, out + i * size);
        check_same(dtype, in + i * size, out + i * size);
    }
}

/* The same with two inputs, of which one may be one element for all. */
static void
check_loop2(uint64_t *random, const loop_entry_t *entry, int odd)
{
    static _Alignas(64) char in[2][N * 8], out[N * 8], spread[N * 16];
    const dtype_t dtype = (dtype_t)entry->in[0];
    const int64_t size = (int64_t)dtype_size(dtype);

    for (int one = 0; one < 3; one++) { /* no input, the first, the second */
        const int64_t step[2] = {one == 1 ? 0 : size, one == 2 ? 0 : size};
        unsigned each = 0;

        fill(random, dtype, odd, in[0]);
        fill(random, dtype, odd == 0 ? 0 : odd - 1, in[1]);
        flags_clear();
        entry->fn((char *[]){in[0], in[1], out}, (const int64_t[]){step[0], step[1], size}, N);
        unsigned all = flags_raised();
        for (int i = 0; i < N; i++) {
            char alone[8];
            flags_clear();
            entry->fn((char *[]){in[0] + i * step[0], in[1] + i * step[1], alone}, (const int64_t[]){size, size, size},
                      1);
            each |= flags_raised();
            check_same(dtype, alone, out + i * size);
        }
        assert_int_equal(all, each);
        entry->fn((char *[]){in[0], in[1], spread}, (const int64_t[]){step[0], step[1], 2 * size}, N);
        const int over = one == 1; /* written over an input that has all elements */
        entry->fn((char *[]){in[0], in[1], in[over]}, (const int64_t[]){step[0], step[1], size}, N);
        for (int i = 0; i < N; i++) {
            check_same(dtype, spread + 2 * i * size, out + i * size);
            check_same(dtype, in[over] + i * size, out + i * size);
        }
    }
}

/* Of complex numbers: that of their parts, by the C library to a unit. */
static void
check_size(uint64_t *random, const loop_entry_t *entry, int odd)
{
    static _Alignas(64) char in[N * 16], out[N * 8];
    const dtype_t real = (dtype_t)entry->out[0];
    const int64_t size = (int64_t)dtype_size(real);
    const double unit = real == DTYPE_FLOAT64 ? 0x1p-52 : 0x1p-23;

    assert_int_equal(entry->op, OP_ABSOLUTE);
    fill(random, real, odd, in);
    fill(random, real, odd, in + N * size);
    entry->fn((char *[]){in, out}, (const int64_t[]){2 * size, size}, N);
    for (int i = 0; i < N; i++) {
        char alone[8];
        double part[2], got;
        dtype_convert(DTYPE_FLOAT64, &part[0], real, in + 2 * i * size);
        dtype_convert(DTYPE_FLOAT64, &part[1], real, in + (2 * i + 1) * size);
        dtype_convert(DTYPE_FLOAT64, &got, real, out + i * size);
        double wanted = hypot(part[0], part[1]);
        if (isfinite(got))
            assert_true(fabs(got - wanted) <= unit * wanted + 0x1p-149 * (real == DTYPE_FLOAT32));
        entry->fn((char *[]){in + 2 * i * size, alone}, (const int64_t[]){2 * size, size}, 1);
        check_same(real, alone, out + i * size);
    }
}

static void
check_table(loop_table_fn table)
{
    uint64_t random = check_seed();
    for (const loop_entry_t *entry = table(); entry->fn != NULL; entry++)
        for (int odd = 0; odd < 1000; odd = odd * 30 + 7)
            (dtype_kind((dtype_t)entry->in[0]) == 'c' ? check_size
             : op_at(entry->op)->nin == 1             ? check_loop
                                                      : check_loop2)(&random, entry, odd);
}

static void
baseline_elements_depend_on_themselves_only(void **state)
{
    (void)state;
    check_table(LOOPS_NAME(baseline, math));
    check_table(LOOPS_NAME(baseline, sleef));
}

#ifdef FH_LOOPS_WIDE
static void
wide_elements_depend_on_themselves_only(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("x86-64-v3"))
        skip();
    check_table(LOOPS_NAME(wide, math));
    check_table(LOOPS_NAME(wide, sleef));
}

static void
widest_elements_depend_on_themselves_only(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("x86-64-v4"))
        skip();
    check_table(LOOPS_NAME(widest, math));
    check_table(LOOPS_NAME(widest, sleef));
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_elements_depend_on_themselves_only),
#ifdef FH_LOOPS_WIDE
        cmocka_unit_test(wide_elements_depend_on_themselves_only),
        cmocka_unit_test(widest_elements_depend_on_themselves_only),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
