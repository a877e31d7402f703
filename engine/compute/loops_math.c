/* Loops over functions of real numbers that are our own (vector_math.h); the others: loops_sleef.c.  float16 is
 * computed in float and rounded once. */
#include "engine/compute/loops.h"
#include "engine/compute/math_flags.h"
#include "engine/compute/vector_math.h"

#include <float.h>
#include <math.h>

/* D dtype, T what is stored, C what is computed in, F suffix of libm's names. */
#define FLOAT_TYPES(M) M(FLOAT16, half_t, float, f) M(FLOAT32, float, float, f) M(FLOAT64, double, double, )

/* Those that vectors make faster, whose vectors raise other flags than the functions.  Above HIGH exp overflows, below
 * LOW its result is subnormal; MOST is the largest finite number.  Sine and cosine are computed in double. */
#define EXP_LOOP(D, T, C, I, F, HIGH, LOW, MOST)                                                                       \
    MATH_FLAGS_LOOP(EXP, D, T, C, I, (a > (C)HIGH) | (fabs##F(a) > -(C)LOW), vexp##F##_plain(a), vexp##F(a),           \
                    (((a > (C)HIGH) & (a <= MOST)) ? FLAG_OVERFLOW : 0) |                                              \
                        (((a < (C)LOW) & (a >= -MOST)) ? FLAG_UNDERFLOW : 0))
EXP_LOOP(FLOAT16, half_t, float, int32_t, f, 11.0898664, -9.70406052, FLT_MAX)
EXP_LOOP(FLOAT32, float, float, int32_t, f, 88.7228394, -87.3365479, FLT_MAX)
EXP_LOOP(FLOAT64, double, double, int64_t, , 709.782712893384, -708.3964185322641, DBL_MAX)

#define LOG_AND_TANH_LOOPS(D, T, C, I, F, LEAST, MOST)                                                                 \
    MATH_FLAGS_LOOP(LOG, D, T, C, I, !((a >= LEAST) & (a <= MOST)), vlog##F##_plain(a), vlog##F(a),                    \
                    (a < 0 ? FLAG_INVALID : 0) | (a == 0 ? FLAG_DIVIDE : 0))                                           \
    MATH_FLAGS_LOOP(TANH, D, T, C, I, 0, vtanh##F(a), z[i], 0)
LOG_AND_TANH_LOOPS(FLOAT16, half_t, float, int32_t, f, FLT_MIN, FLT_MAX)
LOG_AND_TANH_LOOPS(FLOAT32, float, float, int32_t, f, FLT_MIN, FLT_MAX)
LOG_AND_TANH_LOOPS(FLOAT64, double, double, int64_t, , DBL_MIN, DBL_MAX)

#define TRIG_LOOP(OP, D, T, VECTOR, EXACT)                                                                             \
    MATH_FLAGS_LOOP(OP, D, T, double, int64_t, !(fabs(a) <= VTRIG_LIMIT), VECTOR(a),                                   \
                    fabs(a) <= VTRIG_LIMIT ? (double)z[i] : EXACT(a), fabs(a) > DBL_MAX ? FLAG_INVALID : 0)
#define TRIG_LOOPS(D, T, C, F) TRIG_LOOP(SIN, D, T, vsin, sin) TRIG_LOOP(COS, D, T, vcos, cos)
FLOAT_TYPES(TRIG_LOOPS)

#define LIST(D, T, C, F)                                                                                               \
    LOOP_ENTRY1(EXP, D, D)                                                                                             \
    LOOP_ENTRY1(LOG, D, D)                                                                                             \
    LOOP_ENTRY1(TANH, D, D)                                                                                            \
    LOOP_ENTRY1(SIN, D, D)                                                                                             \
    LOOP_ENTRY1(COS, D, D)

static const loop_entry_t entries[] = {
    FLOAT_TYPES(LIST){0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, math)(void)
{
    return entries;
}
