/* engine/compute/divisor.h - many integers divided by one: a multiplication and a shift each (Granlund and Montgomery,
 * Division by Invariant Integers using Multiplication, 1994).
 *
 * For each type of integers <D> (INT8 ... UINT64) there are divisor_<D>_t, divisor_<D>(d) for d other than 0, and
 * divide_<D>(&divisor, a), the quotient rounded down; the smallest number divided by -1 wraps. */
#ifndef FH_ENGINE_COMPUTE_DIVISOR_H
#define FH_ENGINE_COMPUTE_DIVISOR_H

#include <stdint.h>

__extension__ typedef unsigned __int128 divisor_wide_t;

/* The smallest l with d <= 2**l. */
static inline int
divisor_log(uint64_t d)
{
    return d <= 1 ? 0 : 64 - __builtin_clzll(d - 1);
}

/* T is the type, U the unsigned one of its size, W one of twice that. */
#define DIVISOR_BITS(U) ((int)sizeof(U) * 8)

/* a below 0, divided by d above 0: not a is not negative, and not its quotient is that of a.  d below 0: -a is divided
 * by -d, or a - 1 and the quotient inverted.  What is divided so is at most 2**(bits - 1), so that the factor, 2**(bits
 * - 1 + log) / |d| rounded up, fits and is near enough. */
#define DIVISOR_SIGNED(D, T, U, W)                                                                                     \
    typedef struct {                                                                                                   \
        U factor, below; /* below: all bits if d is below 0 */                                                         \
        int log;                                                                                                       \
    } divisor_##D##_t;                                                                                                 \
    static inline divisor_##D##_t divisor_##D(T d)                                                                     \
    {                                                                                                                  \
        const U size = (U)(d < 0 ? 0 - (U)d : (U)d);                                                                   \
        const int log = divisor_log(size);                                                                             \
        const W one = (W)((W)1 << (DIVISOR_BITS(U) - 1 + log));                                                        \
        return (divisor_##D##_t){(U)((one + size - 1) / size), (U)(d < 0 ? ~(U)0 : 0), log};                           \
    }                                                                                                                  \
    static inline T divide_##D(const divisor_##D##_t *by, T a)                                                         \
    {                                                                                                                  \
        const U invert = (U)(0 - (U)(by->below ? a > 0 : a < 0));                                                      \
        const U x = (U)((U)((U)a + by->below) ^ invert ^ by->below);                                                   \
        const U quotient = (U)((U)((W)((W)by->factor * x) >> (DIVISOR_BITS(U) - 1)) >> by->log);                       \
        return (T)(quotient ^ invert);                                                                                 \
    }

/* The factor has one bit more than fits: it is 2**bits + factor. */
#define DIVISOR_UNSIGNED(D, T, U, W)                                                                                   \
    typedef struct {                                                                                                   \
        U factor;                                                                                                      \
        int first, then; /* shifts */                                                                                  \
    } divisor_##D##_t;                                                                                                 \
    static inline divisor_##D##_t divisor_##D(T d)                                                                     \
    {                                                                                                                  \
        const int log = divisor_log(d);                                                                                \
        const W over = (W)(((W)1 << log) - d);                                                                         \
        return (divisor_##D##_t){(U)((W)(over << DIVISOR_BITS(U)) / d + 1), log > 0, log > 0 ? log - 1 : 0};           \
    }                                                                                                                  \
    static inline T divide_##D(const divisor_##D##_t *by, T a)                                                         \
    {                                                                                                                  \
        const U high = (U)((W)((W)by->factor * a) >> DIVISOR_BITS(U));                                                 \
        return (T)((U)(high + ((U)(a - high) >> by->first)) >> by->then);                                              \
    }

DIVISOR_SIGNED(INT8, int8_t, uint8_t, uint16_t)
DIVISOR_SIGNED(INT16, int16_t, uint16_t, uint32_t)
DIVISOR_SIGNED(INT32, int32_t, uint32_t, uint64_t)
DIVISOR_SIGNED(INT64, int64_t, uint64_t, divisor_wide_t)
DIVISOR_UNSIGNED(UINT8, uint8_t, uint8_t, uint16_t)
DIVISOR_UNSIGNED(UINT16, uint16_t, uint16_t, uint32_t)
DIVISOR_UNSIGNED(UINT32, uint32_t, uint32_t, uint64_t)
DIVISOR_UNSIGNED(UINT64, uint64_t, uint64_t, divisor_wide_t)

#undef DIVISOR_SIGNED
#undef DIVISOR_UNSIGNED
#undef DIVISOR_BITS

#endif
