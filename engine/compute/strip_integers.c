/* Steps of strip programs over integers and bools. */
#include "engine/compute/strip_registers.h"

/* Types of a size: S signed, U unsigned. */
#define SIZES(M) M(i64, u64) M(i32, u32) M(i16, u16) M(i8, u8)
#define DTYPES(M)                                                                                                      \
    M(INT64, UINT64, i64, u64) M(INT32, UINT32, i32, u32) M(INT16, UINT16, i16, u16) M(INT8, UINT8, i8, u8)

#define FUNCTION_OF2(OP, D, T, EXPR) FUNCTION2(OP##_##D, D, EXPR)
#define FUNCTION_OF1(OP, D, T, EXPR) FUNCTION1(OP##_##D, D, EXPR)
#define FUNCTIONS(S, U)                                                                                                \
    ELEMENTARY_INTEGER2(FUNCTION_OF2, U, U##_t, U##_t)                                                                 \
    ELEMENTARY_INTEGER1(FUNCTION_OF1, U, U##_t, U##_t)                                                                 \
    ELEMENTARY_EXTREME2(FUNCTION_OF2, S, S##_t)                                                                        \
    ELEMENTARY_EXTREME2(FUNCTION_OF2, U, U##_t)                                                                        \
    FUNCTION1(ABSOLUTE_##S, S, CHOOSE(a < 0, 0 - (U##_t)a, (U##_t)a))
SIZES(FUNCTIONS)
/* Bools are bytes of 0 or 1. */
FUNCTION1(not_bool, u8, a ^ 1)
FUNCTION2(same_bool, u8, a ^ b ^ 1)
FUNCTION1(truth, u8, CHOOSE(a > 1, (u8_t){0} + 1, a))

#define STEPS_OF2(OP, D, T, EXPR) READING(apply_##OP##_##D, D, DO_APPLY, D, OP##_##D)
#define STEPS_OF1(OP, D, T, EXPR) UNARY_STEP(apply_##OP##_##D, D, OP##_##D)
#define STEPS(S, U)                                                                                                    \
    ELEMENTARY_INTEGER2(STEPS_OF2, U, , )                                                                              \
    ELEMENTARY_INTEGER1(STEPS_OF1, U, , )                                                                              \
    ELEMENTARY_EXTREME2(STEPS_OF2, S, )                                                                                \
    ELEMENTARY_EXTREME2(STEPS_OF2, U, )                                                                                \
    READING(turned_SUBTRACT_##U, U, DO_TURNED, U, SUBTRACT_##U)                                                        \
    UNARY_STEP(apply_ABSOLUTE_##S, S, ABSOLUTE_##S)
SIZES(STEPS)
UNARY_STEP(invert_bool, u8, not_bool)
READING(same_bool, u8, DO_APPLY, u8, same_bool)
#define DO_LOAD_TRUTH(k, T) x##k = (registers_t)truth(READ_##T(k, place));
READING(load_truth, u8, DO_LOAD_TRUTH, u8)

/* What commutes needs no turned step. */
#define BOTH_ROWS(OP, D, NAME) READING_ROW(APPLY, D, OP_##OP, NAME) READING_ROW(TURNED, D, OP_##OP, NAME)
#define COMMON_ROWS(D, U)                                                                                              \
    BOTH_ROWS(ADD, D, apply_ADD_##U)                                                                                   \
    BOTH_ROWS(MULTIPLY, D, apply_MULTIPLY_##U)                                                                         \
    BOTH_ROWS(BITWISE_AND, D, apply_BITWISE_AND_##U)                                                                   \
    BOTH_ROWS(BITWISE_OR, D, apply_BITWISE_OR_##U)                                                                     \
    BOTH_ROWS(BITWISE_XOR, D, apply_BITWISE_XOR_##U)                                                                   \
    READING_ROW(APPLY, D, OP_SUBTRACT, apply_SUBTRACT_##U)                                                             \
    READING_ROW(TURNED, D, OP_SUBTRACT, turned_SUBTRACT_##U)                                                           \
    PLAIN_ROW(APPLY, D, OP_INVERT, apply_INVERT_##U)                                                                   \
    PLAIN_ROW(APPLY, D, OP_NEGATIVE, apply_NEGATIVE_##U)                                                               \
    PLAIN_ROW(APPLY, D, OP_SQUARE, apply_SQUARE_##U)
#define EXTREME_ROWS(D, T) BOTH_ROWS(MAXIMUM, D, apply_MAXIMUM_##T) BOTH_ROWS(MINIMUM, D, apply_MINIMUM_##T)
#define ROWS(DS, DU, S, U)                                                                                             \
    COMMON_ROWS(DS, U)                                                                                                 \
    COMMON_ROWS(DU, U)                                                                                                 \
    EXTREME_ROWS(DS, S) EXTREME_ROWS(DU, U) PLAIN_ROW(APPLY, DS, OP_ABSOLUTE, apply_ABSOLUTE_##S)

static const strip_row_t rows[] = {
    DTYPES(ROWS) BOTH_ROWS(ADD, BOOL, apply_BITWISE_OR_u8) BOTH_ROWS(MULTIPLY, BOOL, apply_BITWISE_AND_u8)
        BOTH_ROWS(MAXIMUM, BOOL, apply_BITWISE_OR_u8) BOTH_ROWS(MINIMUM, BOOL, apply_BITWISE_AND_u8)
            BOTH_ROWS(BITWISE_OR, BOOL, apply_BITWISE_OR_u8) BOTH_ROWS(BITWISE_AND, BOOL, apply_BITWISE_AND_u8)
                BOTH_ROWS(BITWISE_XOR, BOOL, apply_BITWISE_XOR_u8) BOTH_ROWS(LOGICAL_OR, BOOL, apply_BITWISE_OR_u8)
                    BOTH_ROWS(LOGICAL_AND, BOOL, apply_BITWISE_AND_u8)
                        BOTH_ROWS(LOGICAL_XOR, BOOL, apply_BITWISE_XOR_u8)
                            BOTH_ROWS(NOT_EQUAL, BOOL, apply_BITWISE_XOR_u8) BOTH_ROWS(EQUAL, BOOL, same_bool)
                                PLAIN_ROW(APPLY, BOOL, OP_INVERT, invert_bool)
                                    PLAIN_ROW(APPLY, BOOL, OP_LOGICAL_NOT, invert_bool)
                                        READING_ROW(LOAD, BOOL, 0, load_truth){STRIP_END, 0, 0, 0, NULL, NULL},
};

const strip_row_t *
LOOPS_NAME(FH_LOOPS_VARIANT, strip_integers)(void)
{
    return rows;
}
