/* Integers divided by one divisor: what the loops give then is what they give one by one, and what arithmetic says.
 * Real numbers: what the loops give is what the C library's fmod says. */
#include "engine/compute/flags.h"
#include "engine/compute/loops.h"
#include "tests/support/check.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { N = 256, ROUNDS = 2000 };

static const dtype_t INTEGERS[] = {DTYPE_INT8,  DTYPE_UINT8,  DTYPE_INT16, DTYPE_UINT16,
                                   DTYPE_INT32, DTYPE_UINT32, DTYPE_INT64, DTYPE_UINT64};
static const int OPS[] = {OP_FLOOR_DIVIDE, OP_REMAINDER, OP_FMOD, OP_DIVMOD};
enum { TYPES = sizeof INTEGERS / sizeof *INTEGERS, DIVISIONS = sizeof OPS / sizeof *OPS };

__extension__ typedef __int128 wide_t;

typedef struct {
    int64_t a[N], b[N], z[N], r[N]; /* room for elements of any type */
} numbers_t;

static wide_t
value_at(dtype_t dtype, const void *data, int i)
{
    int64_t value;
    dtype_convert(DTYPE_INT64, &value, dtype, (const char *)data + (size_t)i * dtype_size(dtype));
    return dtype == DTYPE_UINT64 ? (wide_t)(uint64_t)value : value;
}

static void
put(dtype_t dtype, void *data, int i, uint64_t bits)
{
    memcpy((char *)data + (size_t)i * dtype_size(dtype), &bits, dtype_size(dtype));
}

static unsigned
divide(int op, dtype_t dtype, numbers_t *numbers, int64_t from_step, int64_t by_step)
{
    op_loop_t which = {.in = {dtype, dtype}, .out = {dtype, dtype}};
    int64_t size = (int64_t)dtype_size(dtype);
    if (op != OP_DIVMOD)
        which.out[1] = DTYPE_NONE;
    loop_fn loop = loop_find(op_at(op), &which);
    char *p[] = {(char *)numbers->a, (char *)numbers->b, (char *)numbers->z, (char *)numbers->r};
    assert_true(loop != NULL);
    flags_clear();
    loop(p, (const int64_t[]){from_step, by_step, size, size}, from_step > size ? N / 2 : N);
    return flags_raised();
}

/* What NumPy says, from exact numbers: by zero is 0; the quotient wraps. */
static void
check_value(int op, dtype_t dtype, const numbers_t *numbers, int i, wide_t a, wide_t b)
{
    wide_t floor = 0, rest = 0, zero_rest = 0;
    int64_t wanted[2];
    if (b != 0) {
        zero_rest = a % b;
        floor = a / b - (zero_rest != 0 && (zero_rest < 0) != (b < 0));
        rest = a - floor * b;
    }
    wanted[0] = (int64_t)(op == OP_FMOD ? zero_rest : op == OP_REMAINDER ? rest : floor);
    wanted[1] = (int64_t)rest;
    size_t size = dtype_size(dtype);
    assert_memory_equal((const char *)numbers->z + (size_t)i * size, &wanted[0], size);
    if (op == OP_DIVMOD)
        assert_memory_equal((const char *)numbers->r + (size_t)i * size, &wanted[1], size);
}

/* By b, which is put where the divisor is: once, and, to compare flags, beside each element. */
static void
check_divisor(dtype_t dtype, numbers_t *numbers, uint64_t divisor)
{
    int64_t size = (int64_t)dtype_size(dtype);
    for (int i = 0; i < N; i++)
        put(dtype, numbers->b, i, divisor);
    wide_t b = value_at(dtype, numbers->b, 0);
    for (int k = 0; k < DIVISIONS; k++) {
        unsigned flags = divide(OPS[k], dtype, numbers, size, 0);
        for (int i = 0; i < N; i++)
            check_value(OPS[k], dtype, numbers, i, value_at(dtype, numbers->a, i), b);
        divide(OPS[k], dtype, numbers, 2 * size, 0);
        for (int i = 0; i < N / 2; i++)
            check_value(OPS[k], dtype, numbers, i, value_at(dtype, numbers->a, 2 * i), b);
        assert_int_equal(flags, divide(OPS[k], dtype, numbers, size, size));
        assert_int_equal((flags & FLAG_DIVIDE) != 0, b == 0);
    }
}

static void
every_byte_by_every_byte(void **state)
{
    static const dtype_t BYTES[] = {DTYPE_INT8, DTYPE_UINT8};
    numbers_t numbers;

    (void)state;
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < N; i++)
            put(BYTES[k], numbers.a, i, (uint64_t)i);
        for (uint64_t divisor = 0; divisor < 256; divisor++)
            check_divisor(BYTES[k], &numbers, divisor);
    }
}

/* Numbers of any size, often at the borders: 0, 1, -1, the smallest, the largest, powers of two and their neighbours.
 */
static uint64_t
any_number(uint64_t *random)
{
    uint64_t bits = check_random(random), kind = check_random(random);
    uint64_t power = UINT64_C(1) << (kind >> 8 & 63), small = bits >> (kind >> 8 & 63);
    if (kind % 2 == 0)
        return kind % 4 ? ~small : small;
    return (kind % 4 == 1 ? power : 0 - power) + bits % 3 - 1;
}

static void
any_number_by_any_number(void **state)
{
    uint64_t random = check_seed();
    numbers_t numbers;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        dtype_t dtype = INTEGERS[round % TYPES];
        uint64_t divisor = any_number(&random);
        for (int i = 0; i < N; i++) /* half of them multiples of the divisor, and what is before and behind these */
            put(dtype, numbers.a, i,
                i % 2 ? any_number(&random) : divisor * any_number(&random) + (uint64_t)(i % 3) - 1);
        check_divisor(dtype, &numbers, divisor);
    }
}

static void
the_smallest_by_minus_one_overflows(void **state)
{
    numbers_t numbers;

    (void)state;
    for (int k = 0; k < TYPES; k += 2) {
        dtype_t dtype = INTEGERS[k];
        for (int i = 0; i < N; i++) {
            put(dtype, numbers.a, i, i == N - 1 ? UINT64_C(1) << (dtype_size(dtype) * 8 - 1) : (uint64_t)i & 63);
            put(dtype, numbers.b, i, UINT64_MAX);
        }
        assert_int_equal(divide(OP_FLOOR_DIVIDE, dtype, &numbers, (int64_t)dtype_size(dtype), 0), FLAG_OVERFLOW);
        assert_int_equal(divide(OP_REMAINDER, dtype, &numbers, (int64_t)dtype_size(dtype), 0), 0);
        check_divisor(dtype, &numbers, UINT64_MAX);
    }
}

/* --- real numbers ----------------------------------------------------------------------------------------------------
 */

#define WANTED(C, F)                                                                                                   \
    static void wanted##F(int op, C a, C b, C *ret)                                                                    \
    {                                                                                                                  \
        C rest = fmod##F(a, b), left = rest, quotient = a / b;                                                         \
        if (b != 0 && a == a && b == b) {                                                                              \
            bool down = rest != 0 && (rest < 0) != (b < 0);                                                            \
            C near = (a - rest) / b - (down ? 1 : 0), whole = floor##F(near);                                          \
            quotient = near == 0 ? copysign##F(0, a / b) : near - whole > (C)0.5 ? whole + 1 : whole;                  \
            left = rest == 0 ? copysign##F(0, b) : down ? rest + b : rest;                                             \
        }                                                                                                              \
        ret[0] = op == OP_FMOD ? rest : op == OP_REMAINDER ? left : quotient;                                          \
        ret[1] = left;                                                                                                 \
    }
WANTED(float, f)
WANTED(double, )

static bool
same(double a, double b)
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

static double
any_real(uint64_t *random, bool narrow)
{
    static const double HARD[] = {
        0,       -0.0,    1,       -1,         3,       0.1,     INFINITY,       -(double)INFINITY,
        NAN,     DBL_MAX, DBL_MIN, 0x1p-1074,  FLT_MAX, FLT_MIN, 0x1p-149,       0x1p51,
        0x1p-51, 0x1p22,  0x1p53,  -0x1p-1030, 1e300,   1e-300,  16777217.0 / 3, 7};
    uint64_t kind = check_random(random) % 8, bits = check_random(random);
    double part = (double)(bits >> 11) * 0x1p-53, sign = bits & 1 ? -1 : 1;
    if (kind == 0)
        return HARD[bits % (sizeof HARD / sizeof *HARD)];
    if (kind < 3)
        return sign * (double)(bits >> 57); /* small and whole */
    if (kind < 6)
        return sign * part * 100;
    return sign * ldexp(0.5 + part, (int)(bits >> 20 & 0x7ff) % (narrow ? 60 : 2000) - (narrow ? 30 : 1000));
}

/* All pairs of a piece, with one divisor or one for each, and the flags of the first alone. */
static void
check_reals(dtype_t dtype, numbers_t *numbers, int64_t by_step)
{
    bool single = dtype == DTYPE_FLOAT32;
    int64_t size = (int64_t)dtype_size(dtype);
    for (int k = 0; k < DIVISIONS; k++) {
        divide(OPS[k], dtype, numbers, size, by_step);
        for (int i = 0; i < N; i++) {
            int by = by_step > 0 ? i : 0;
            double z[2];
            float f[2];
            if (single) {
                wantedf(OPS[k], ((float *)numbers->a)[i], ((float *)numbers->b)[by], f);
                z[0] = f[0];
                z[1] = f[1];
            } else {
                wanted(OPS[k], ((double *)numbers->a)[i], ((double *)numbers->b)[by], z);
            }
            assert_true(same(single ? ((float *)numbers->z)[i] : ((double *)numbers->z)[i], z[0]));
            if (OPS[k] == OP_DIVMOD)
                assert_true(same(single ? ((float *)numbers->r)[i] : ((double *)numbers->r)[i], z[1]));
        }
    }
}

static void
reals_are_divided_as_fmod_says(void **state)
{
    uint64_t random = check_seed();
    numbers_t numbers;

    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        for (int single = 0; single < 2; single++) {
            for (int i = 0; i < N; i++) {
                double b = any_real(&random, round % 2), a = any_real(&random, round % 2);
                if (i % 3 == 0) /* multiples, and what is before and behind these */
                    a = b * (double)(check_random(&random) >> (check_random(&random) % 40 + 12)) *
                        (1 + (i % 9 / 3 - 1) * 0x1p-52);
                if (single) {
                    ((float *)numbers.a)[i] = (float)a;
                    ((float *)numbers.b)[i] = (float)b;
                } else {
                    ((double *)numbers.a)[i] = a;
                    ((double *)numbers.b)[i] = b;
                }
            }
            dtype_t dtype = single ? DTYPE_FLOAT32 : DTYPE_FLOAT64;
            check_reals(dtype, &numbers, (int64_t)dtype_size(dtype));
            check_reals(dtype, &numbers, 0);
        }
}

static unsigned
flags_of(int op, double a, double b)
{
    numbers_t numbers;
    for (int i = 0; i < N; i++) {
        ((double *)numbers.a)[i] = i == 77 ? a : 6;
        ((double *)numbers.b)[i] = i == 77 ? b : 4;
    }
    return divide(op, DTYPE_FLOAT64, &numbers, sizeof a, sizeof b);
}

static void
divisions_of_reals_raise_what_they_should(void **state)
{
    (void)state;
    for (int k = 0; k < DIVISIONS; k++) {
        assert_int_equal(flags_of(OPS[k], 7, 4), 0);
        assert_int_equal(flags_of(OPS[k], NAN, 4), 0);
        assert_int_equal(flags_of(OPS[k], INFINITY, 4) & FLAG_INVALID, FLAG_INVALID);
    }
    assert_int_equal(flags_of(OP_FLOOR_DIVIDE, 7, 0), FLAG_DIVIDE);
    assert_int_equal(flags_of(OP_REMAINDER, 7, 0), FLAG_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_by_every_byte),
        cmocka_unit_test(any_number_by_any_number),
        cmocka_unit_test(reals_are_divided_as_fmod_says),
        cmocka_unit_test(divisions_of_reals_raise_what_they_should),
        cmocka_unit_test(the_smallest_by_minus_one_overflows),
    };

    return cmocka_run_group_tests_name("engine.compute.division", tests, NULL, NULL);
}
