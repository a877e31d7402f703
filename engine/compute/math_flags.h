/* engine/compute/math_flags.h - the floating-point flags of functions whose vectors raise others: found by looking at
 * the inputs, in the pass that computes.  For loops only.
 */
#ifndef FH_ENGINE_COMPUTE_MATH_FLAGS_H
#define FH_ENGINE_COMPUTE_MATH_FLAGS_H

#include "engine/compute/flags.h"
#include "engine/compute/loops.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* The thread's flags, to be put back.  Loops use no others than these on x86-64, and they are read in no time. */
#if defined(__x86_64__)
typedef unsigned flags_state_t;
static inline flags_state_t
flags_save(void)
{
    return _mm_getcsr();
}
static inline void
flags_put_back(flags_state_t state, unsigned found)
{
    _mm_setcsr(state);
    flags_raise(found);
}
#else
typedef unsigned flags_state_t;
static inline flags_state_t
flags_save(void)
{
    return flags_raised();
}
static inline void
flags_put_back(flags_state_t state, unsigned found)
{
    flags_restore(state, found);
}
#endif

enum { MATH_FLAGS_PIECE = 512 }; /* elements that stay in the cache until they are looked at again */

/* A loop with one input and one output of type T, computed in C, piece by piece.  ODD(a): PLAIN(a) is not the result,
 * or the function raises a flag.  A piece without odd elements is done in one pass.  One with some is done again: all
 * its elements become AGAIN(a), which may use z[i], and what they raise is FLAGS(a) of all of them.
 * I: an integer as wide as C.
 * Elements with steps between them, and those that would be overwritten before they are looked at, go through buffers.
 */
#define MATH_FLAGS_LOOP(OP, D, T, C, I, ODD, PLAIN, AGAIN, FLAGS)                                                      \
    static unsigned piece_##OP##_##D(const T *x, T *z, int64_t n)                                                      \
    {                                                                                                                  \
        I any = 0, found = 0;                                                                                          \
        LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                      \
        {                                                                                                              \
            C a = (C)x[i];                                                                                             \
            any |= (ODD) ? 1 : 0;                                                                                      \
            z[i] = (T)(PLAIN);                                                                                         \
        }                                                                                                              \
        if (any == 0)                                                                                                  \
            return 0;                                                                                                  \
        LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                      \
        {                                                                                                              \
            C a = (C)x[i];                                                                                             \
            (void)a;                                                                                                   \
            z[i] = (T)(AGAIN);                                                                                         \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            C a = (C)x[i];                                                                                             \
            (void)a;                                                                                                   \
            found |= FLAGS;                                                                                            \
        }                                                                                                              \
        return (unsigned)found;                                                                                        \
    }                                                                                                                  \
    static void LOOP_ID(OP, D)(char **p, const int64_t *step, int64_t n)                                               \
    {                                                                                                                  \
        const flags_state_t before = flags_save();                                                                     \
        T in[MATH_FLAGS_PIECE], out[MATH_FLAGS_PIECE];                                                                 \
        unsigned found = 0;                                                                                            \
        for (int64_t at = 0; at < n; at += MATH_FLAGS_PIECE) {                                                         \
            const int64_t now = n - at < MATH_FLAGS_PIECE ? n - at : MATH_FLAGS_PIECE;                                 \
            const char *from = p[0] + at * step[0];                                                                    \
            char *to = p[1] + at * step[1];                                                                            \
            const bool straight = LOOP_IS(1, T) && p[0] != p[1];                                                       \
            for (int64_t i = 0; i < now && !LOOP_IS(0, T); i++)                                                        \
                in[i] = *(const T *)(const void *)(from + i * step[0]);                                                \
            found |= piece_##OP##_##D(LOOP_IS(0, T) ? (const void *)from : in, straight ? (void *)to : out, now);      \
            for (int64_t i = 0; i < now && !straight; i++)                                                             \
                *(T *)(void *)(to + i * step[1]) = out[i];                                                             \
        }                                                                                                              \
        flags_put_back(before, found);                                                                                 \
    }

#endif
