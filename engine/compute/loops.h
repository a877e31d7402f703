/* engine/compute/loops.h - the innermost loops and the macros that make them.
 *
 * A loop computes n elements: p[k] is operand k (inputs, then outputs), step[k] its stride in bytes.  Operands are
 * aligned to their type (casts take any alignment).  An output may be exactly an input. The loops_*.c files are
 * compiled once for each variant (FH_LOOPS_VARIANT names it): the same code for the baseline processor, for one with
 * wider vectors and, loops_math.c and loops_sleef.c only, for the widest; table.c picks at run time.  All give the same
 * bits: no contraction, no reassociation. */
#ifndef FH_ENGINE_COMPUTE_LOOPS_H
#define FH_ENGINE_COMPUTE_LOOPS_H

#include "codecs/op.h"

#include <stdint.h>

typedef void (*loop_fn)(char **p, const int64_t *step, int64_t n);

typedef struct {
    uint8_t op; /* op_code_t */
    uint8_t in[OP_MAX_IN], out[OP_MAX_OUT];
    loop_fn fn;
} loop_entry_t;

/* One file's loops in one variant; ends with fn NULL. */
typedef const loop_entry_t *(*loop_table_fn)(void);

/* The loop for an operation and exactly these dtypes; NULL if there is none. */
loop_fn loop_find(const op_t *op, const op_loop_t *loop);
/* Converts p[0] to p[1], any alignment; for equal dtypes it moves.  NULL for DTYPE_NONE. */
loop_fn cast_find(dtype_t from, dtype_t to);

/* The files: LOOPS_FILE(name) for loops_name.c. */
#ifdef FH_LOOPS_FEW /* casts, folds and these: the client completes values of reductions */
#define LOOPS_FILES(X) X(float)
#else
#define LOOPS_FILES(X) X(integer) X(compare) X(float) X(divide) X(math) X(sleef) X(complex)
#endif
#define LOOPS_NAME_(variant, name) loops_##variant##_##name
#define LOOPS_NAME(variant, name) LOOPS_NAME_(variant, name)
#define LOOPS_DECLARE(name)                                                                                            \
    const loop_entry_t *LOOPS_NAME(baseline, name)(void);                                                              \
    const loop_entry_t *LOOPS_NAME(wide, name)(void);
LOOPS_FILES(LOOPS_DECLARE)
#undef LOOPS_DECLARE
const loop_entry_t *LOOPS_NAME(widest, math)(void);
const loop_entry_t *LOOPS_NAME(widest, sleef)(void);

loop_fn LOOPS_NAME(baseline, cast)(dtype_t from, dtype_t to);
loop_fn LOOPS_NAME(wide, cast)(dtype_t from, dtype_t to);

/* --- making loops ---------------------------------------------------------------------------------------------------
 */

#define DTYPE(NAME, code, ctype, name, chr, kind, size, format) typedef ctype elem_##NAME##_t;
#include "codecs/dtypes.def"
#undef DTYPE

/* No element depends on another one, even where an output is an input. */
#if defined(__clang__)
#define LOOP_FREE _Pragma("clang loop vectorize(assume_safety)")
#else
#define LOOP_FREE _Pragma("GCC ivdep")
#endif

#define LOOP_IS(k, T) (step[k] == (int64_t)sizeof(T))

/* z = EXPR(a), computed in C. */
#define LOOP_UNARY(NAME, TI, TO, C, EXPR)                                                                              \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        if (LOOP_IS(0, TI) && LOOP_IS(1, TO)) {                                                                        \
            const TI *x = (const void *)p[0];                                                                          \
            TO *z = (void *)p[1];                                                                                      \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                C a = (C)x[i];                                                                                         \
                z[i] = (TO)(EXPR);                                                                                     \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        LOOP_UNARY_STRIDED(TI, TO, C, EXPR)                                                                            \
    }

#define LOOP_UNARY_STRIDED(TI, TO, C, EXPR)                                                                            \
    const char *px = p[0];                                                                                             \
    char *pz = p[1];                                                                                                   \
    for (int64_t i = 0; i < n; i++, px += step[0], pz += step[1]) {                                                    \
        C a = (C) * (const TI *)(const void *)px;                                                                      \
        *(TO *)(void *)pz = (TO)(EXPR);                                                                                \
    }

/* The same for work that no vector makes faster. */
#define LOOP_UNARY_PLAIN(NAME, TI, TO, C, EXPR)                                                                        \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        LOOP_UNARY_STRIDED(TI, TO, C, EXPR)                                                                            \
    }

/* z = EXPR(a, b). */
#define LOOP_BINARY(NAME, T0, T1, TO, C, EXPR)                                                                         \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        const T0 *x = (const void *)p[0];                                                                              \
        const T1 *y = (const void *)p[1];                                                                              \
        TO *z = (void *)p[2];                                                                                          \
        if (LOOP_IS(0, T0) && LOOP_IS(1, T1) && LOOP_IS(2, TO)) {                                                      \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                C a = (C)x[i], b = (C)y[i];                                                                            \
                z[i] = (TO)(EXPR);                                                                                     \
            }                                                                                                          \
        } else if (LOOP_IS(0, T0) && step[1] == 0 && LOOP_IS(2, TO)) {                                                 \
            const C b = (C) * y;                                                                                       \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                C a = (C)x[i];                                                                                         \
                z[i] = (TO)(EXPR);                                                                                     \
            }                                                                                                          \
        } else if (step[0] == 0 && LOOP_IS(1, T1) && LOOP_IS(2, TO)) {                                                 \
            const C a = (C) * x;                                                                                       \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                C b = (C)y[i];                                                                                         \
                z[i] = (TO)(EXPR);                                                                                     \
            }                                                                                                          \
        } else {                                                                                                       \
            LOOP_BINARY_STRIDED(T0, T1, TO, C, EXPR)                                                                   \
        }                                                                                                              \
    }

#define LOOP_BINARY_STRIDED(T0, T1, TO, C, EXPR)                                                                       \
    const char *px = p[0], *py = p[1];                                                                                 \
    char *pz = p[2];                                                                                                   \
    for (int64_t i = 0; i < n; i++, px += step[0], py += step[1], pz += step[2]) {                                     \
        C a = (C) * (const T0 *)(const void *)px, b = (C) * (const T1 *)(const void *)py;                              \
        *(TO *)(void *)pz = (TO)(EXPR);                                                                                \
    }

#define LOOP_BINARY_PLAIN(NAME, T0, T1, TO, C, EXPR)                                                                   \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        LOOP_BINARY_STRIDED(T0, T1, TO, C, EXPR)                                                                       \
    }

/* Rows of a file's list: D(op, dtype) is the name of a loop and what its entry says. */
#define LOOP_ID(OP, D) loop_##OP##_##D
#define LOOP_ENTRY1(OP, DI, DO) {OP_##OP, {DTYPE_##DI}, {DTYPE_##DO}, LOOP_ID(OP, DI)},
#define LOOP_ENTRY2(OP, DI, DO) {OP_##OP, {DTYPE_##DI, DTYPE_##DI}, {DTYPE_##DO}, LOOP_ID(OP, DI)},

#endif
