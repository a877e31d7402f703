/* engine/compute/math_flags.h - the floating-point flags of functions whose vectors raise others: found by looking at
 * the inputs.
 *
 * A quick pass over each piece finds whether there is anything to look at; most pieces have nothing.  For loops only.
 */
#ifndef FH_ENGINE_COMPUTE_MATH_FLAGS_H
#define FH_ENGINE_COMPUTE_MATH_FLAGS_H

#include "engine/compute/flags.h"

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

enum { MATH_FLAGS_PIECE = 512 }; /* elements that stay in the cache between the two passes */

/* NAME(x, step, n): the flags of n elements of type T, computed in C.  ODD(a) may raise some; then FLAGS(a) says which.
 * I: an integer as wide as C. */
#define MATH_FLAGS(NAME, T, C, I, ODD, FLAGS)                                                                          \
    static unsigned NAME(const char *p, int64_t step, int64_t n)                                                       \
    {                                                                                                                  \
        I any = 0;                                                                                                     \
        unsigned found = 0;                                                                                            \
        if (step == (int64_t)sizeof(T)) {                                                                              \
            const T *x = (const void *)p;                                                                              \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                C a = (C)x[i];                                                                                         \
                any |= (ODD) ? 1 : 0;                                                                                  \
            }                                                                                                          \
        } else {                                                                                                       \
            any = 1;                                                                                                   \
        }                                                                                                              \
        for (int64_t i = 0; i < n && any; i++) {                                                                       \
            C a = (C) * (const T *)(const void *)(p + i * step);                                                       \
            found |= (ODD) ? (FLAGS) : 0;                                                                              \
        }                                                                                                              \
        return found;                                                                                                  \
    }

/* LOOP(p, step, n), a loop with one input and one output, with the flags that FIND finds. */
#define MATH_FLAGS_LOOP(NAME, LOOP, FIND)                                                                              \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        const flags_state_t before = flags_save();                                                                     \
        unsigned found = 0;                                                                                            \
        for (int64_t at = 0; at < n; at += MATH_FLAGS_PIECE) {                                                         \
            char *piece[2] = {p[0] + at * step[0], p[1] + at * step[1]};                                               \
            const int64_t now = n - at < MATH_FLAGS_PIECE ? n - at : MATH_FLAGS_PIECE;                                 \
            found |= FIND(piece[0], step[0], now);                                                                     \
            LOOP(piece, step, now);                                                                                    \
        }                                                                                                              \
        flags_put_back(before, found);                                                                                 \
    }

#endif
