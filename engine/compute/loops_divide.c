/* Quotients rounded down and what they leave, of real numbers.
 *
 * A vector divides, and a fused operation gives what is left of the whole quotient without an error: the quotient's
 * rounding can only have made it one too large.  That is right, and raises no flag, where all numbers and the quotient
 * are ordinary and the quotient is below half the numbers that are all whole; such are the bits of the C library's
 * fmod, too.  A piece's other elements are computed once more by that.  Without fused operations all go that way. */
#include "engine/compute/loops.h"
#include "engine/compute/math_flags.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

enum { PIECE = MATH_FLAGS_PIECE };

typedef enum { QUOTIENT, REMAINDER, REST, BOTH } division_t; /* BOTH: the first two */

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FUSED_OPERATIONS true
#else
#define FUSED_OPERATIONS false
#endif

/* I: an integer as wide as C; WHOLE: see above. */
#define DIVISIONS(C, F, I, WHOLE, LEAST, MOST)                                                                         \
    /* The remainder has the divisor's sign; the quotient is rounded down so that both fit together. */                \
    static C remainder_of##F(C a, C b)                                                                                 \
    {                                                                                                                  \
        if (a != a || b != b) /* no comparison says anything of NaN */                                                 \
            return a + b;                                                                                              \
        C rest = fmod##F(a, b);                                                                                        \
        if (b == 0)                                                                                                    \
            return rest;                                                                                               \
        if (rest == 0)                                                                                                 \
            return copysign##F(0, b);                                                                                  \
        return (b < 0) != (rest < 0) ? rest + b : rest;                                                                \
    }                                                                                                                  \
    static C quotient_of##F(C a, C b)                                                                                  \
    {                                                                                                                  \
        if (b == 0 || a != a || b != b)                                                                                \
            return a / b;                                                                                              \
        C rest = fmod##F(a, b), quotient = (a - rest) / b;                                                             \
        if (rest != 0 && (b < 0) != (rest < 0))                                                                        \
            quotient -= 1;                                                                                             \
        if (quotient == 0)                                                                                             \
            return copysign##F(0, a / b);                                                                              \
        C whole = floor##F(quotient); /* the division may have been rounded either way */                              \
        return quotient - whole > (C)0.5 ? whole + 1 : whole;                                                          \
    }                                                                                                                  \
    static inline bool ordinary##F(C a, C b)                                                                           \
    {                                                                                                                  \
        const C size = fabs##F(a / b);                                                                                 \
        return (size < (C)WHOLE) & ((size >= LEAST) | (a == 0)) & (fabs##F(b) <= MOST);                                \
    }                                                                                                                  \
    static inline bool divide_piece##F(division_t what, const C *x, const C *y, C *z, C *left, int64_t n)              \
    {                                                                                                                  \
        I odd = 0;                                                                                                     \
        LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                      \
        {                                                                                                              \
            const C a = x[i], b = y[i], by = fabs##F(b), ratio = a / b;                                                \
            C whole = trunc##F(fabs##F(ratio)), rest = fma##F(-whole, by, fabs##F(a));                                 \
            odd |= ordinary##F(a, b) ? 0 : 1;                                                                          \
            whole -= rest < 0 ? 1 : 0;                                                                                 \
            rest += rest < 0 ? by : 0;                                                                                 \
            const bool down = (rest != 0) & (copysign##F(1, ratio) < 0);                                               \
            if (what == REST)                                                                                          \
                z[i] = copysign##F(rest, a);                                                                           \
            if (what == QUOTIENT || what == BOTH)                                                                      \
                z[i] = copysign##F(whole + (down ? 1 : 0), ratio);                                                     \
            if (what == REMAINDER || what == BOTH)                                                                     \
                (what == BOTH ? left : z)[i] = copysign##F(down ? by - rest : rest, b);                                \
        }                                                                                                              \
        return odd == 0;                                                                                               \
    }                                                                                                                  \
    static void divide_plainly##F(division_t what, C a, C b, C *z, C *left)                                            \
    {                                                                                                                  \
        if (what == REST)                                                                                              \
            *z = fmod##F(a, b);                                                                                        \
        if (what == QUOTIENT || what == BOTH)                                                                          \
            *z = quotient_of##F(a, b);                                                                                 \
        if (what == REMAINDER || what == BOTH)                                                                         \
            *(what == BOTH ? left : z) = remainder_of##F(a, b);                                                        \
    }

DIVISIONS(float, f, int32_t, 0x1p22, FLT_MIN, FLT_MAX)
DIVISIONS(double, , int64_t, 0x1p51, DBL_MIN, DBL_MAX)

#define READ(T, C, from, step, n, room)                                                                                \
    for (int64_t i = 0; i < (n); i++)                                                                                  \
        (room)[i] = (C) * (const T *)(const void *)((from) + i * (step));

#define WRITE(T, to, step, n, from)                                                                                    \
    for (int64_t i = 0; i < (n); i++)                                                                                  \
        *(T *)(void *)((to) + i * (step)) = (T)(from)[i];

/* state: the thread's flags without those that vectors leave behind and that looking at elements does. */
#define DIVIDE_LOOPS(D, T, C, F)                                                                                       \
    static inline void divide_##D(division_t what, char **p, const int64_t *step, int64_t n)                           \
    {                                                                                                                  \
        C in[2][PIECE], out[2][PIECE];                                                                                 \
        uint16_t place[PIECE];                                                                                         \
        flags_state_t state = flags_save();                                                                            \
        for (int64_t at = 0; at < n; at += PIECE) {                                                                    \
            const int64_t now = n - at < PIECE ? n - at : PIECE;                                                       \
            for (int k = 0; k < 2; k++)                                                                                \
                if (step[k] == (int64_t)sizeof(T))                                                                     \
                    READ(T, C, p[k] + at * (int64_t)sizeof(T), (int64_t)sizeof(T), now, in[k])                         \
                else if (at == 0 || step[k] != 0)                                                                      \
                    READ(T, C, p[k] + at * step[k], step[k], now, in[k])                                               \
            const bool odd = !FUSED_OPERATIONS || !divide_piece##F(what, in[0], in[1], out[0], out[1], now);           \
            int places = 0;                                                                                            \
            for (int64_t i = 0; i < now && odd; i++)                                                                   \
                if (!FUSED_OPERATIONS || !ordinary##F(in[0][i], in[1][i]))                                             \
                    place[places++] = (uint16_t)i;                                                                     \
            flags_put_back(state, 0);                                                                                  \
            for (int k = 0; k < places; k++)                                                                           \
                divide_plainly##F(what, in[0][place[k]], in[1][place[k]], &out[0][place[k]], &out[1][place[k]]);       \
            for (int k = 2; k < (what == BOTH ? 4 : 3); k++)                                                           \
                if (step[k] == (int64_t)sizeof(T))                                                                     \
                    WRITE(T, p[k] + at * (int64_t)sizeof(T), (int64_t)sizeof(T), now, out[k - 2])                      \
                else                                                                                                   \
                    WRITE(T, p[k] + at * step[k], step[k], now, out[k - 2])                                            \
            state = flags_save();                                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void loop_FLOOR_DIVIDE_##D(char **p, const int64_t *step, int64_t n)                                        \
    {                                                                                                                  \
        divide_##D(QUOTIENT, p, step, n);                                                                              \
    }                                                                                                                  \
    static void loop_REMAINDER_##D(char **p, const int64_t *step, int64_t n)                                           \
    {                                                                                                                  \
        divide_##D(REMAINDER, p, step, n);                                                                             \
    }                                                                                                                  \
    static void loop_FMOD_##D(char **p, const int64_t *step, int64_t n)                                                \
    {                                                                                                                  \
        divide_##D(REST, p, step, n);                                                                                  \
    }                                                                                                                  \
    static void loop_DIVMOD_##D(char **p, const int64_t *step, int64_t n)                                              \
    {                                                                                                                  \
        divide_##D(BOTH, p, step, n);                                                                                  \
    }

DIVIDE_LOOPS(FLOAT16, half_t, float, f)
DIVIDE_LOOPS(FLOAT32, float, float, f)
DIVIDE_LOOPS(FLOAT64, double, double, )

#define LIST(D)                                                                                                        \
    LOOP_ENTRY2(FLOOR_DIVIDE, D, D)                                                                                    \
    LOOP_ENTRY2(REMAINDER, D, D)                                                                                       \
    LOOP_ENTRY2(FMOD, D, D){OP_DIVMOD, {DTYPE_##D, DTYPE_##D}, {DTYPE_##D, DTYPE_##D}, loop_DIVMOD_##D},

static const loop_entry_t entries[] = {
    LIST(FLOAT16) LIST(FLOAT32) LIST(FLOAT64){0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, divide)(void)
{
    return entries;
}
