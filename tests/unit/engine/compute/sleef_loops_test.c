#include "engine/compute/flags.h"
#include "engine/compute/loops.h"
#include "tests/support/check.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Functions on whole vectors against the C library's: their errors against its
 * wider ones, and what they give and raise at the edges, where they must do
 * what it does. */

enum { N = 4096, BATCHES = 40 };

/* Units of the last place: SLEEF promises 1, the wider functions that it is
 * compared with are not exact. */
#define MOST 1.001

typedef struct {
    uint8_t op;
    long double (*exact)(long double);
    double (*same)(double);
    float (*samef)(float);
    double low, high; /* where the function is defined, as far as float32 reaches */
} function1_t;

#define ROW(OP, NAME, LOW, HIGH) {OP_##OP, NAME##l, NAME, NAME##f, LOW, HIGH}
static const function1_t ONE[] = {
    ROW(CBRT, cbrt, -1e38, 1e38),     ROW(EXP2, exp2, -125, 127),       ROW(EXPM1, expm1, -100, 88),
    ROW(LOG2, log2, 1.2e-38, 1e38),   ROW(LOG10, log10, 1.2e-38, 1e38), ROW(LOG1P, log1p, -0.9999999, 1e36),
    ROW(TAN, tan, -1e38, 1e38),       ROW(ARCSIN, asin, -1, 1),         ROW(ARCCOS, acos, -1, 1),
    ROW(ARCTAN, atan, -1e38, 1e38),   ROW(SINH, sinh, -88, 88),         ROW(COSH, cosh, -88, 88),
    ROW(ARCSINH, asinh, -1e38, 1e38), ROW(ARCCOSH, acosh, 1, 1e38),     ROW(ARCTANH, atanh, -0.9999999, 0.9999999),
};

typedef struct {
    uint8_t op;
    long double (*exact)(long double, long double);
    double (*same)(double, double);
    float (*samef)(float, float);
} function2_t;

/* What POWER is to do: some exponents have results that one operation gives. */
static double
power(double a, double b)
{
    return b == 2 ? a * a : b == 1 ? a : b == -1 ? 1 / a : b == 0.5 && isgreaterequal(a, 0) ? sqrt(a + 0) : pow(a, b);
}

static float
powerf(float a, float b)
{
    return b == 2                              ? a * a
           : b == 1                            ? a
           : b == -1                           ? 1 / a
           : b == 0.5F && isgreaterequal(a, 0) ? sqrtf(a + 0)
                                               : powf(a, b);
}

static const function2_t TWO[] = {
    {OP_POWER, powl, power, powerf},
    {OP_ARCTAN2, atan2l, atan2, atan2f},
    {OP_HYPOT, hypotl, hypot, hypotf},
};

static double
uniform(uint64_t *random)
{
    return (double)(check_random(random) >> 11) * 0x1p-53;
}

/* The C library's elements of dtype (float32 or float64) as long double and
 * back. */
static void
store(dtype_t dtype, char *data, int i, double x)
{
    dtype_convert(dtype, data + (size_t)i * dtype_size(dtype), DTYPE_FLOAT64, &x);
}

static double
load(dtype_t dtype, const char *data, int i)
{
    double x;
    dtype_convert(DTYPE_FLOAT64, &x, dtype, data + (size_t)i * dtype_size(dtype));
    return x;
}

/* Of the size of x, in that dtype. */
static double
unit(dtype_t dtype, double x)
{
    if (dtype == DTYPE_FLOAT64)
        return fabs(x) < DBL_MIN ? 0x1p-1074 : nextafter(fabs(x), (double)INFINITY) - fabs(x);
    return fabs(x) < (double)FLT_MIN ? 0x1p-149 : (double)nextafterf((float)fabs(x), INFINITY) - (double)(float)fabs(x);
}

static double
error_in_units(dtype_t dtype, double got, long double wanted)
{
    return (double)(fabsl((long double)got - wanted) / (long double)unit(dtype, (double)wanted));
}

static loop_fn
loop_of(uint8_t op, dtype_t dtype)
{
    op_loop_t loop = {.in = {dtype, op_at(op)->nin == 2 ? dtype : DTYPE_NONE}, .out = {dtype}};
    loop_fn fn = loop_find(op_at(op), &loop);
    assert_non_null(fn);
    return fn;
}

/* All sizes down to the smallest, the whole range, and the neighbourhood of
 * numbers where results cancel: 0, 1, powers of two and ten, multiples of pi/2.
 */
static double
argument(uint64_t *random, int i, double low, double high)
{
    double x = low + uniform(random) * (high - low);
    double small = exp(-80 * uniform(random)), sign = check_random(random) & 1 ? 1 : -1;
    switch (i % 6) {
    case 0:
        return x;
    case 1:
        return low < 0 ? sign * small : 1 + small;
    case 2:
        return 1 + sign * small / 4;
    case 3:
        return (double)(check_random(random) % 4000) * 1.57079632679489661923 * sign * (1 + sign * small * 1e-6);
    case 4:
        return ldexp(1, (int)(check_random(random) % 40)) * (1 + sign * small / 1024);
    default:
        return sign * exp((uniform(random) - 0.5) * 170);
    }
}

static void
check_errors1(uint64_t *random, const function1_t *row, dtype_t dtype)
{
    static _Alignas(64) char in[N * 8], out[N * 8];
    const int64_t size = (int64_t)dtype_size(dtype), step[2] = {size, size};
    double worst = 0, where = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < N; i++) {
            double x = argument(random, i, row->low, row->high);
            store(dtype, in, i, x < row->low ? row->low : x > row->high ? row->high : x);
        }
        loop_of(row->op, dtype)((char *[]){in, out}, step, N);
        for (int i = 0; i < N; i++) {
            double x = load(dtype, in, i),
                   error = error_in_units(dtype, load(dtype, out, i), row->exact((long double)x));
            if (!(error <= worst)) {
                worst = error;
                where = x;
            }
        }
    }
    print_message("%s %s: %.3f units at %a\n", op_at(row->op)->name, dtype_name(dtype), worst, where);
    assert_true(worst < MOST);
}

static void
functions_of_one_are_within_a_unit(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    for (size_t i = 0; i < sizeof ONE / sizeof ONE[0]; i++) {
        check_errors1(&random, &ONE[i], DTYPE_FLOAT64);
        check_errors1(&random, &ONE[i], DTYPE_FLOAT32);
    }
}

static void
check_errors2(uint64_t *random, const function2_t *row, dtype_t dtype)
{
    static _Alignas(64) char in[2][N * 8], out[N * 8];
    const int64_t size = (int64_t)dtype_size(dtype), step[3] = {size, size, size};
    double worst = 0, largest = dtype == DTYPE_FLOAT64 ? DBL_MAX : FLT_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < N; i++) {
            double a = argument(random, i, -40, 40), b = argument(random, i / 6, -40, 40);
            if (row->op == OP_POWER && i % 5 == 0) /* also of negative numbers */
                b = rint(fmod(b, 50));
            else if (row->op == OP_POWER)
                a = fabs(a);
            if (row->op == OP_POWER && i % 5 == 1) /* results of all sizes */
                b = (uniform(random) - 0.5) * (dtype == DTYPE_FLOAT64 ? 1400 : 170) / log(a);
            store(dtype, in[0], i, a);
            store(dtype, in[1], i, b);
        }
        loop_of(row->op, dtype)((char *[]){in[0], in[1], out}, step, N);
        for (int i = 0; i < N; i++) {
            double a = load(dtype, in[0], i), b = load(dtype, in[1], i), got = load(dtype, out, i);
            long double wanted = row->exact((long double)a, (long double)b);
            if (isnan(wanted) || fabsl(wanted) > (long double)largest) {
                assert_true(isnan(wanted) ? isnan(got) : !(fabs(got) < largest));
                continue;
            }
            double error = error_in_units(dtype, got, wanted);
            worst = error <= worst ? worst : error;
        }
    }
    print_message("%s %s: %.3f units\n", op_at(row->op)->name, dtype_name(dtype), worst);
    assert_true(worst < MOST);
}

static void
functions_of_two_are_within_a_unit(void **state)
{
    (void)state;
    uint64_t random = check_seed();
    for (size_t i = 0; i < sizeof TWO / sizeof TWO[0]; i++) {
        check_errors2(&random, &TWO[i], DTYPE_FLOAT64);
        check_errors2(&random, &TWO[i], DTYPE_FLOAT32);
    }
}

static const double EDGES[] = {
    0.0,
    -0.0,
    0x1p-1074,
    -0x1p-1074,
    DBL_MIN,
    -DBL_MIN,
    0x1p-149,
    FLT_MIN,
    -(double)FLT_MIN,
    1e-5,
    -1e-5,
    0.5,
    -0.5,
    1 - 0x1p-53,
    1,
    -1,
    1 - 0x1p-24,
    -1 + 0x1p-24,
    -1 + 0x1p-53,
    1.5,
    2,
    -2,
    3,
    -3,
    10,
    -10,
    88.7,
    89,
    -103.5,
    -105,
    127.9,
    128,
    -126.5,
    -150,
    709.5,
    710.3,
    -710.3,
    711,
    1023.9,
    1024,
    -1022.5,
    -1073.5,
    -1080,
    1e10,
    -1e10,
    1e18,
    1e19,
    1e22,
    1e38,
    1e150,
    1e155,
    -1e155,
    1e300,
    DBL_MAX,
    -DBL_MAX,
    FLT_MAX,
    INFINITY,
    -(double)INFINITY,
    NAN,
};
enum { EDGE_COUNT = sizeof EDGES / sizeof EDGES[0] };

/* Equal, or as near as the C library comes to what is right. */
static void
check_like(dtype_t dtype, const char *name, double a, double b, double got, double wanted)
{
    bool fits = isnan(wanted) ? isnan(got) : got == wanted || fabs(got - wanted) <= 4 * unit(dtype, wanted);
    if (!fits || (!isnan(wanted) && signbit(got) != signbit(wanted)))
        fail_msg("%s(%a, %a) of %s is %a, not %a", name, a, b, dtype_name(dtype), got, wanted);
}

static void
check_flags(dtype_t dtype, const char *name, double a, double b, unsigned got, unsigned wanted)
{
    if (got != wanted)
        fail_msg("%s(%a, %a) of %s raises %u, not %u", name, a, b, dtype_name(dtype), got, wanted);
}

static void
check_edge1(const function1_t *row, dtype_t dtype, double edge)
{
    _Alignas(8) char in[8], out[8];
    store(dtype, in, 0, edge);
    volatile double x = load(dtype, in, 0);
    volatile float xf = (float)x;
    flags_clear();
    volatile double wanted = dtype == DTYPE_FLOAT64 ? row->same(x) : (double)row->samef(xf);
    unsigned flags = flags_raised();
    flags_clear();
    const int64_t size = (int64_t)dtype_size(dtype);
    loop_of(row->op, dtype)((char *[]){in, out}, (const int64_t[]){size, size}, 1);
    check_flags(dtype, op_at(row->op)->name, x, 0, flags_raised(), flags);
    check_like(dtype, op_at(row->op)->name, x, 0, load(dtype, out, 0), wanted);
}

static void
check_edge2(const function2_t *row, dtype_t dtype, double first, double second)
{
    _Alignas(8) char in[2][8], out[8];
    store(dtype, in[0], 0, first);
    store(dtype, in[1], 0, second);
    volatile double a = load(dtype, in[0], 0), b = load(dtype, in[1], 0);
    volatile float af = (float)a, bf = (float)b;
    flags_clear();
    volatile double wanted = dtype == DTYPE_FLOAT64 ? row->same(a, b) : (double)row->samef(af, bf);
    unsigned flags = flags_raised();
    const int64_t size = (int64_t)dtype_size(dtype);
    for (int spread = 0; spread < 2; spread++) { /* as one exponent for all, too */
        flags_clear();
        loop_of(row->op, dtype)((char *[]){in[0], in[1], out}, (const int64_t[]){size, spread * size, size}, 1);
        check_flags(dtype, op_at(row->op)->name, a, b, flags_raised(), flags);
        check_like(dtype, op_at(row->op)->name, a, b, load(dtype, out, 0), wanted);
    }
}

static void
edges_are_as_in_the_c_library(void **state)
{
    (void)state;
    for (int dtype = DTYPE_FLOAT32; dtype <= DTYPE_FLOAT64; dtype++) {
        for (size_t i = 0; i < sizeof ONE / sizeof ONE[0]; i++)
            for (int k = 0; k < EDGE_COUNT; k++)
                check_edge1(&ONE[i], (dtype_t)dtype, EDGES[k]);
        for (size_t i = 0; i < sizeof TWO / sizeof TWO[0]; i++)
            for (int k = 0; k < EDGE_COUNT * EDGE_COUNT; k++)
                check_edge2(&TWO[i], (dtype_t)dtype, EDGES[k / EDGE_COUNT], EDGES[k % EDGE_COUNT]);
    }
}

/* One exponent for all, one for each, or beside others: the same bits. */
static void
powers_of_few_products_are_right_to_half_a_unit(void **state)
{
    (void)state;
    static _Alignas(64) char in[2][N * 8], out[3][N * 8];
    static const double EXPONENTS[] = {3, 4, 1.5, -0.5};
    uint64_t random = check_seed();
    for (int round = 0; round < 8; round++) {
        const dtype_t dtype = round & 1 ? DTYPE_FLOAT32 : DTYPE_FLOAT64;
        const double exponent = EXPONENTS[round / 2];
        const int64_t size = (int64_t)dtype_size(dtype);
        const loop_fn loop = loop_of(OP_POWER, dtype);
        double worst = 0;
        for (int i = 0; i < N; i++) {
            double x = exp((uniform(&random) - 0.5) * (i % 7 == 0 ? 40 : 4));
            store(dtype, in[0], i, exponent >= 3 && i % 2 ? -x : x);
            store(dtype, in[1], i, exponent);
        }
        flags_clear();
        loop((char *[]){in[0], in[1], out[0]}, (const int64_t[]){size, 0, size}, N);
        assert_int_equal(flags_raised(), 0);
        for (int i = 0; i < N; i += 97) { /* which are odd */
            static const double HARD[] = {0, -0.0, INFINITY, NAN, 1e-300, 1e300, -2};
            store(dtype, in[0], i, HARD[i / 97 % 7]);
        }
        loop((char *[]){in[0], in[1], out[0]}, (const int64_t[]){size, 0, size}, N);
        loop((char *[]){in[0], in[1], out[1]}, (const int64_t[]){size, size, size}, N);
        assert_memory_equal(out[0], out[1], (size_t)(N * size));
        for (int i = 0; i < N; i += 3)
            store(dtype, in[1], i, 2.7);
        loop((char *[]){in[0], in[1], out[1]}, (const int64_t[]){size, size, size}, N);
        for (int i = 0; i < N; i++) {
            double x = load(dtype, in[0], i), got = load(dtype, out[0], i);
            if (i % 3 != 0)
                assert_memory_equal(out[0] + i * size, out[1] + i * size, (size_t)size);
            if (i % 97 == 0)
                check_like(dtype, "power", x, exponent, got,
                           dtype == DTYPE_FLOAT32 ? (double)powf((float)x, (float)exponent) : pow(x, exponent));
            else
                worst = fmax(worst, error_in_units(dtype, got, powl((long double)x, (long double)exponent)));
        }
        print_message("power %g %s: %.3f units\n", exponent, dtype_name(dtype), worst);
        assert_true(worst < 0.51);
    }
}

/* log(exp(a) + exp(b)), in a wider type. */
static void
sums_of_powers_are_within_two_units(void **state)
{
    (void)state;
    static _Alignas(64) char in[2][N * 8], out[N * 8];
    uint64_t random = check_seed();
    for (int round = 0; round < 4; round++) {
        const dtype_t dtype = round & 1 ? DTYPE_FLOAT32 : DTYPE_FLOAT64;
        const bool two = round & 2;
        const int64_t size = (int64_t)dtype_size(dtype), step[3] = {size, size, size};
        double worst = 0;
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 2; k++) /* nothing cancels: the larger one is not below 1 */
                store(dtype, in[k], i, 1 + uniform(&random) * (i % 2 ? 80 : 4));
        loop_of(two ? OP_LOGADDEXP2 : OP_LOGADDEXP, dtype)((char *[]){in[0], in[1], out}, step, N);
        for (int i = 0; i < N; i++) {
            long double a = (long double)load(dtype, in[0], i), b = (long double)load(dtype, in[1], i);
            long double wanted = two ? log2l(exp2l(a) + exp2l(b)) : logl(expl(a) + expl(b));
            double error = error_in_units(dtype, load(dtype, out, i), wanted);
            worst = error <= worst ? worst : error;
        }
        print_message("logaddexp%s %s: %.3f units\n", two ? "2" : "", dtype_name(dtype), worst);
        assert_true(worst < 2);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_are_within_a_unit),
        cmocka_unit_test(functions_of_two_are_within_a_unit),
        cmocka_unit_test(edges_are_as_in_the_c_library),
        cmocka_unit_test(powers_of_few_products_are_right_to_half_a_unit),
        cmocka_unit_test(sums_of_powers_are_within_two_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
