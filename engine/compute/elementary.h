/* engine/compute/elementary.h - what the plainest operations compute, written once for loops over numbers and for
 * strips of vectors.
 *
 * Each list names an operation and its expression of a and b: M(OP, ..., expression), with what stands in front of it
 * passed on.  T is the type of an element (or a vector of them), U an unsigned one that wraps; bools are 0 or 1.
 * CHOOSE(condition, a, b) is a where the condition holds, else b; who includes this may have one for vectors. */
#ifndef FH_ENGINE_COMPUTE_ELEMENTARY_H
#define FH_ENGINE_COMPUTE_ELEMENTARY_H

#ifndef CHOOSE
#define CHOOSE(condition, a, b) ((condition) ? (a) : (b))
#endif

#define ELEMENTARY_INTEGER2(M, D, T, U)                                                                                \
    M(ADD, D, T, (U)a + (U)b)                                                                                          \
    M(SUBTRACT, D, T, (U)a - (U)b)                                                                                     \
    M(MULTIPLY, D, T, (U)a *(U)b)                                                                                      \
    M(BITWISE_AND, D, T, a &b)                                                                                         \
    M(BITWISE_OR, D, T, a | b)                                                                                         \
    M(BITWISE_XOR, D, T, a ^ b)
#define ELEMENTARY_EXTREME2(M, D, T)                                                                                   \
    M(MAXIMUM, D, T, CHOOSE(a > b, a, b))                                                                              \
    M(MINIMUM, D, T, CHOOSE(a < b, a, b))
#define ELEMENTARY_INTEGER1(M, D, T, U)                                                                                \
    M(INVERT, D, T, ~a)                                                                                                \
    M(NEGATIVE, D, T, 0 - (U)a)                                                                                        \
    M(SQUARE, D, T, (U)a *(U)a)

#define ELEMENTARY_BOOL2(M, ...)                                                                                       \
    M(ADD, __VA_ARGS__, a | b)                                                                                         \
    M(MULTIPLY, __VA_ARGS__, a &b)                                                                                     \
    M(MAXIMUM, __VA_ARGS__, a | b)                                                                                     \
    M(MINIMUM, __VA_ARGS__, a &b)                                                                                      \
    M(BITWISE_AND, __VA_ARGS__, a &b)                                                                                  \
    M(BITWISE_OR, __VA_ARGS__, a | b)                                                                                  \
    M(BITWISE_XOR, __VA_ARGS__, a ^ b)

#define ELEMENTARY_FLOAT2(M, ...)                                                                                      \
    M(ADD, __VA_ARGS__, a + b)                                                                                         \
    M(SUBTRACT, __VA_ARGS__, a - b)                                                                                    \
    M(MULTIPLY, __VA_ARGS__, a *b)                                                                                     \
    M(TRUE_DIVIDE, __VA_ARGS__, a / b)                                                                                 \
    M(MAXIMUM, __VA_ARGS__, CHOOSE((a >= b) | (a != a), a, b))                                                         \
    M(MINIMUM, __VA_ARGS__, CHOOSE((a <= b) | (a != a), a, b))                                                         \
    M(FMAX, __VA_ARGS__, CHOOSE((a >= b) | (b != b), a, b))                                                            \
    M(FMIN, __VA_ARGS__, CHOOSE((a <= b) | (b != b), a, b))
#define ELEMENTARY_FLOAT1(M, ...)                                                                                      \
    M(NEGATIVE, __VA_ARGS__, -a)                                                                                       \
    M(SQUARE, __VA_ARGS__, a *a)                                                                                       \
    M(RECIPROCAL, __VA_ARGS__, 1 / a)

#define ELEMENTARY_COMPARE(M, ...)                                                                                     \
    M(EQUAL, __VA_ARGS__, a == b)                                                                                      \
    M(NOT_EQUAL, __VA_ARGS__, a != b)                                                                                  \
    M(LESS, __VA_ARGS__, a < b)                                                                                        \
    M(LESS_EQUAL, __VA_ARGS__, a <= b)                                                                                 \
    M(GREATER, __VA_ARGS__, a > b)                                                                                     \
    M(GREATER_EQUAL, __VA_ARGS__, a >= b)

#endif
