/* Complex loops.  Products are taken by parts, as NumPy does: infinities are not recovered as C's Annex G would. */
#include <complex.h>
#undef complex /* a name in loops.h */
#include "engine/compute/flags.h"
#include "engine/compute/loops.h"

#include <math.h>
#include <stdlib.h>

#define LN2 0.693147180559945309417232121458176568
#define LOG2E 1.44269504088896340735992468100189214
#define LOG10E 0.434294481903251827651128918916605082

/* D dtype, R real dtype, Z complex type, T real type, F suffix of libm's names. */
#define COMPLEX_TYPES(M)                                                                                               \
    M(COMPLEX64, FLOAT32, float _Complex, float, f) M(COMPLEX128, FLOAT64, double _Complex, double, )

#define FUNCTIONS(D, R, Z, T, F)                                                                                       \
    static inline Z multiply##F(Z a, Z b)                                                                              \
    {                                                                                                                  \
        T ar = creal##F(a), ai = cimag##F(a), br = creal##F(b), bi = cimag##F(b);                                      \
        return __builtin_complex(ar * br - ai * bi, ar * bi + ai * br);                                                \
    }                                                                                                                  \
    /* Each part becomes infinity or NaN by itself.  A call of its own: compilers divide only where it is wanted. */   \
    static Z __attribute__((noinline, cold)) divide_by_zero##F(Z a, T zero)                                            \
    {                                                                                                                  \
        return __builtin_complex(creal##F(a) / zero, cimag##F(a) / zero);                                              \
    }                                                                                                                  \
    /* Smith's method: dividing by the larger part first keeps squares from overflowing.  Parts are picked before */   \
    /* they are computed with: of two branches compilers may compute both, and flags are looked at. */                 \
    static Z divide##F(Z a, Z b)                                                                                       \
    {                                                                                                                  \
        T ar = creal##F(a), ai = cimag##F(a), br = creal##F(b), bi = cimag##F(b);                                      \
        if (br == 0 && bi == 0)                                                                                        \
            return divide_by_zero##F(a, fabs##F(br));                                                                  \
        bool turned = !(fabs##F(br) >= fabs##F(bi));                                                                   \
        T large = turned ? bi : br, small = turned ? br : bi, x = turned ? ai : ar, y = turned ? ar : ai;              \
        T ratio = small / large, scale = 1 / (large + small * ratio), along = x * ratio;                               \
        return __builtin_complex((x + y * ratio) * scale, (turned ? along - y : y - along) * scale);                   \
    }                                                                                                                  \
    static Z undefined##F(void)                                                                                        \
    {                                                                                                                  \
        flags_raise(FLAG_INVALID);                                                                                     \
        return __builtin_complex((T)NAN, (T)NAN);                                                                      \
    }                                                                                                                  \
    static Z reciprocal##F(Z a)                                                                                        \
    {                                                                                                                  \
        return a == 0 ? undefined##F() : divide##F(1, a);                                                              \
    }                                                                                                                  \
    static bool not_less##F(Z a, Z b)                                                                                  \
    {                                                                                                                  \
        T ar = creal##F(a), ai = cimag##F(a), br = creal##F(b), bi = cimag##F(b);                                      \
        return (ar > br && ai == ai && bi == bi) || (ar == br && ai >= bi);                                            \
    }                                                                                                                  \
    static bool not_greater##F(Z a, Z b)                                                                               \
    {                                                                                                                  \
        return not_less##F(b, a);                                                                                      \
    }                                                                                                                  \
    static bool has_nan##F(Z a)                                                                                        \
    {                                                                                                                  \
        return isnan(creal##F(a)) || isnan(cimag##F(a));                                                               \
    }                                                                                                                  \
    /* Small whole exponents are products; the rest goes by way of logarithms. */                                      \
    static Z power##F(Z a, Z b)                                                                                        \
    {                                                                                                                  \
        T br = creal##F(b), bi = cimag##F(b);                                                                          \
        if (br == 0 && bi == 0)                                                                                        \
            return 1;                                                                                                  \
        if (a == 0)                                                                                                    \
            return br > 0 ? __builtin_complex((T)0, (T)0) : undefined##F();                                            \
        if (bi != 0 || br != trunc##F(br) || fabs##F(br) > 100)                                                        \
            return cpow##F(a, b);                                                                                      \
        int left = abs((int)br);                                                                                       \
        Z square = a; /* no factor of 1: times infinity it would make NaN */                                           \
        for (; !(left & 1); left >>= 1)                                                                                \
            square = multiply##F(square, square);                                                                      \
        Z result = square;                                                                                             \
        while ((left >>= 1) != 0) {                                                                                    \
            square = multiply##F(square, square);                                                                      \
            if (left & 1)                                                                                              \
                result = multiply##F(result, square);                                                                  \
        }                                                                                                              \
        return br < 0 ? divide##F(1, result) : result;                                                                 \
    }                                                                                                                  \
    static Z sign##F(Z a)                                                                                              \
    {                                                                                                                  \
        T ar = creal##F(a), ai = cimag##F(a), size = hypot##F(ar, ai);                                                 \
        if (has_nan##F(a))                                                                                             \
            return __builtin_complex((T)NAN, (T)NAN);                                                                  \
        if (isinf(size)) {                                                                                             \
            if (isinf(ar) && isinf(ai))                                                                                \
                return __builtin_complex((T)NAN, (T)NAN);                                                              \
            return __builtin_complex(isinf(ar) ? copysign##F(1, ar) : 0, isinf(ai) ? copysign##F(1, ai) : 0);          \
        }                                                                                                              \
        return size == 0 ? __builtin_complex((T)0, (T)0) : __builtin_complex(ar / size, ai / size);                    \
    }                                                                                                                  \
    static Z times##F(Z a, T factor)                                                                                   \
    {                                                                                                                  \
        return __builtin_complex(creal##F(a) * factor, cimag##F(a) * factor);                                          \
    }                                                                                                                  \
    static Z expm1_of##F(Z a)                                                                                          \
    {                                                                                                                  \
        T ar = creal##F(a), ai = cimag##F(a), half = sin##F(ai / 2);                                                   \
        return __builtin_complex(expm1##F(ar) * cos##F(ai) - 2 * half * half, exp##F(ar) * sin##F(ai));                \
    }                                                                                                                  \
    static Z log1p_of##F(Z a)                                                                                          \
    {                                                                                                                  \
        T ar = creal##F(a) + 1, ai = cimag##F(a);                                                                      \
        return __builtin_complex(log##F(hypot##F(ar, ai)), atan2##F(ai, ar));                                          \
    }
COMPLEX_TYPES(FUNCTIONS)

#define BINARY_LOOPS(M, D, Z, F)                                                                                       \
    M(ADD, D, Z, a + b)                                                                                                \
    M(SUBTRACT, D, Z, a - b)                                                                                           \
    M(MULTIPLY, D, Z, multiply##F(a, b))                                                                               \
    M(TRUE_DIVIDE, D, Z, divide##F(a, b))                                                                              \
    M(POWER, D, Z, power##F(a, b))                                                                                     \
    M(MAXIMUM, D, Z, not_less##F(a, b) || has_nan##F(a) ? a : b)                                                       \
    M(MINIMUM, D, Z, not_greater##F(a, b) || has_nan##F(a) ? a : b)                                                    \
    M(FMAX, D, Z, not_less##F(a, b) || has_nan##F(b) ? a : b)                                                          \
    M(FMIN, D, Z, not_greater##F(a, b) || has_nan##F(b) ? a : b)
#define UNARY_LOOPS(M, D, Z, F)                                                                                        \
    M(NEGATIVE, D, Z, -a)                                                                                              \
    M(POSITIVE, D, Z, a)                                                                                               \
    M(SIGN, D, Z, sign##F(a))                                                                                          \
    M(SQUARE, D, Z, multiply##F(a, a))                                                                                 \
    M(RECIPROCAL, D, Z, reciprocal##F(a))                                                                              \
    M(CONJUGATE, D, Z, conj##F(a))                                                                                     \
    M(RINT, D, Z, __builtin_complex(rint##F(creal##F(a)), rint##F(cimag##F(a))))                                       \
    M(SQRT, D, Z, csqrt##F(a))                                                                                         \
    M(EXP, D, Z, cexp##F(a))                                                                                           \
    M(EXP2, D, Z, cexp##F(times##F(a, LN2##F)))                                                                        \
    M(EXPM1, D, Z, expm1_of##F(a))                                                                                     \
    M(LOG, D, Z, clog##F(a))                                                                                           \
    M(LOG2, D, Z, times##F(clog##F(a), LOG2E##F))                                                                      \
    M(LOG10, D, Z, times##F(clog##F(a), LOG10E##F))                                                                    \
    M(LOG1P, D, Z, log1p_of##F(a))                                                                                     \
    M(SIN, D, Z, csin##F(a))                                                                                           \
    M(COS, D, Z, ccos##F(a))                                                                                           \
    M(TAN, D, Z, ctan##F(a))                                                                                           \
    M(ARCSIN, D, Z, casin##F(a))                                                                                       \
    M(ARCCOS, D, Z, cacos##F(a))                                                                                       \
    M(ARCTAN, D, Z, catan##F(a))                                                                                       \
    M(SINH, D, Z, csinh##F(a))                                                                                         \
    M(COSH, D, Z, ccosh##F(a))                                                                                         \
    M(TANH, D, Z, ctanh##F(a))                                                                                         \
    M(ARCSINH, D, Z, casinh##F(a))                                                                                     \
    M(ARCCOSH, D, Z, cacosh##F(a))                                                                                     \
    M(ARCTANH, D, Z, catanh##F(a))
#define REAL_LOOPS(M, D, R, Z, T, F)                                                                                   \
    M(REAL, D, R, Z, T, creal##F(a))                                                                                   \
    M(IMAG, D, R, Z, T, cimag##F(a))

#define LN2f ((float)LN2)
#define LOG2Ef ((float)LOG2E)
#define LOG10Ef ((float)LOG10E)

#define MAKE2(OP, D, Z, EXPR) LOOP_BINARY(LOOP_ID(OP, D), Z, Z, Z, Z, EXPR)
#define MAKE1(OP, D, Z, EXPR) LOOP_UNARY_PLAIN(LOOP_ID(OP, D), Z, Z, Z, EXPR)
#define MAKE_REAL(OP, D, R, Z, T, EXPR) LOOP_UNARY(LOOP_ID(OP, D), Z, T, Z, EXPR)
#define CLIP_LOOP(D, Z, F)                                                                                             \
    static void loop_CLIP_##D(char **p, const int64_t *step, int64_t n)                                                \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            Z a = *(const Z *)(const void *)(p[0] + i * step[0]);                                                      \
            Z low = *(const Z *)(const void *)(p[1] + i * step[1]);                                                    \
            Z high = *(const Z *)(const void *)(p[2] + i * step[2]);                                                   \
            a = not_less##F(a, low) || has_nan##F(a) ? a : low;                                                        \
            *(Z *)(void *)(p[3] + i * step[3]) = not_greater##F(a, high) || has_nan##F(a) ? a : high;                  \
        }                                                                                                              \
    }
#define MAKE(D, R, Z, T, F)                                                                                            \
    BINARY_LOOPS(MAKE2, D, Z, F)                                                                                       \
    UNARY_LOOPS(MAKE1, D, Z, F)                                                                                        \
    REAL_LOOPS(MAKE_REAL, D, R, Z, T, F)                                                                               \
    CLIP_LOOP(D, Z, F)
COMPLEX_TYPES(MAKE)

#define ENTRY2(OP, D, Z, EXPR) LOOP_ENTRY2(OP, D, D)
#define ENTRY1(OP, D, Z, EXPR) LOOP_ENTRY1(OP, D, D)
#define ENTRY_REAL(OP, D, R, Z, T, EXPR) LOOP_ENTRY1(OP, D, R)
#define LIST(D, R, Z, T, F)                                                                                            \
    BINARY_LOOPS(ENTRY2, D, Z, F)                                                                                      \
    UNARY_LOOPS(ENTRY1, D, Z, F)                                                                                       \
    REAL_LOOPS(ENTRY_REAL, D, R, Z, T, F){OP_CLIP, {DTYPE_##D, DTYPE_##D, DTYPE_##D}, {DTYPE_##D}, loop_CLIP_##D},

static const loop_entry_t entries[] = {
    COMPLEX_TYPES(LIST){
        OP_FLOAT_POWER, {DTYPE_COMPLEX128, DTYPE_COMPLEX128}, {DTYPE_COMPLEX128}, loop_POWER_COMPLEX128},
    {0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, complex)(void)
{
    return entries;
}
