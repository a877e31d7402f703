/* Steps of strip programs that compute functions of real numbers, as the loops of loops_math.c do.
 *
 * Ordinary elements are computed by the form that is right for them (vector_math.h).  A strip that holds others is left
 * to the operation's loop, which knows their values and their flags; those that ordinary forms leave behind are put
 * back. */
#include "engine/compute/strip_registers.h"
#include "engine/compute/vector_math.h"

/* M(operation, type of elements, what it is computed in, the form, for which arguments). */
#define FUNCTIONS(M)                                                                                                   \
    M(EXP, f64, double, vexp_plain(a), fabs(a) <= VEXP_PLAIN_LIMIT)                                                    \
    M(EXP, f32, float, vexpf_plain(a), fabsf(a) <= VEXPF_PLAIN_LIMIT)                                                  \
    M(LOG, f64, double, vlog_plain(a), (a >= DBL_MIN) & (a <= DBL_MAX))                                                \
    M(LOG, f32, float, vlogf_plain(a), (a >= FLT_MIN) & (a <= FLT_MAX))                                                \
    M(TANH, f64, double, vtanh(a), a == a)                                                                             \
    M(TANH, f32, float, vtanhf(a), a == a)                                                                             \
    M(SIN, f64, double, vsin(a), fabs(a) <= VTRIG_LIMIT)                                                               \
    M(SIN, f32, double, vsin(a), fabs(a) <= VTRIG_LIMIT)                                                               \
    M(COS, f64, double, vcos(a), fabs(a) <= VTRIG_LIMIT)                                                               \
    M(COS, f32, double, vcos(a), fabs(a) <= VTRIG_LIMIT)

typedef double number_f64_t;
typedef float number_f32_t;
typedef int64_t integer_double_t;
typedef int32_t integer_float_t;

#define DO_PUT(k, T) WRITE(k, T, in, x##k)
#define DO_TAKE(k, T) x##k = (registers_t)READ(k, T, out);
#define FUNCTION_STEP(OP, T, C, PLAIN, ORDINARY)                                                                       \
    STEP(apply_##OP##_##T)                                                                                             \
    {                                                                                                                  \
        _Alignas(LINE) number_##T##_t in[STRIP], out[STRIP];                                                           \
        const unsigned flags = _mm_getcsr();                                                                           \
        integer_##C##_t odd = 0;                                                                                       \
                                                                                                                       \
        EACH_##T(DO_PUT, T) LOOP_FREE for (int i = 0; i < STRIP; i++)                                                  \
        {                                                                                                              \
            C a = (C)in[i];                                                                                            \
            odd |= (ORDINARY) ? 0 : 1;                                                                                 \
            out[i] = (number_##T##_t)(PLAIN);                                                                          \
        }                                                                                                              \
        _mm_setcsr(flags);                                                                                             \
        if (odd != 0) {                                                                                                \
            const strip_call_t *call = &run->calls[step->other];                                                       \
                                                                                                                       \
            call->loop((char *[]){(char *)in, (char *)out}, call->item, STRIP);                                        \
        }                                                                                                              \
        EACH_##T(DO_TAKE, T) NEXT;                                                                                     \
    }
FUNCTIONS(FUNCTION_STEP)

#define DTYPE_OF_f64 DTYPE_FLOAT64
#define DTYPE_OF_f32 DTYPE_FLOAT32
#define ROW(OP, T, ...) {STRIP_FUNCTION, DTYPE_OF_##T, 0, OP_##OP, FN(apply_##OP##_##T), NULL},

static const strip_row_t rows[] = {
    FUNCTIONS(ROW){STRIP_END, 0, 0, 0, NULL, NULL},
};

const strip_row_t *
LOOPS_NAME(FH_LOOPS_VARIANT, strip_functions)(void)
{
    return rows;
}
