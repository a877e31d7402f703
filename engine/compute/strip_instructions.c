#include "engine/compute/strip_instructions.h"

#include <stddef.h>

/* Predicates of comparisons: of real numbers as C's operators have them, and of integers. */
enum { F_EQ = 0, F_LT = 1, F_LE = 2, F_NE = 4, F_GE = 13, F_GT = 14 };
enum { I_EQ = 0, I_LT = 1, I_LE = 2, I_NE = 4, I_GE = 5, I_GT = 6 };
/* Of roundings, without telling that they were not exact. */
enum { TO_NEAREST = 8, DOWN = 9, UP = 10, TO_ZERO = 11 };

#define NO_CODE 0
#define ROW(OP, D, SHAPE, X, BYTE, PATTERN) {OP_##OP, DTYPE_##D, STRIP_##SHAPE, BYTE, X, PATTERN},

#define FLOAT_ROWS(D, P, W, ROUND, SIGN, ONE_PATTERN)                                                                  \
    ROW(ADD, D, TWO, X86(P, 0F, W, 0x58), 0, 0)                                                                        \
    ROW(SUBTRACT, D, TWO, X86(P, 0F, W, 0x5c), 0, 0)                                                                   \
    ROW(MULTIPLY, D, TWO, X86(P, 0F, W, 0x59), 0, 0)                                                                   \
    ROW(TRUE_DIVIDE, D, TWO, X86(P, 0F, W, 0x5e), 0, 0)                                                                \
    ROW(MAXIMUM, D, LARGER, X86(P, 0F, W, 0xc2), F_GE, 0)                                                              \
    ROW(MINIMUM, D, LARGER, X86(P, 0F, W, 0xc2), F_LE, 0)                                                              \
    ROW(FMAX, D, LARGER_B, X86(P, 0F, W, 0xc2), F_GE, 0)                                                               \
    ROW(FMIN, D, LARGER_B, X86(P, 0F, W, 0xc2), F_LE, 0)                                                               \
    ROW(NEGATIVE, D, MASKED, X86(66, 0F, 1, 0xef), 0, SIGN)                                                            \
    ROW(SQUARE, D, SQUARE, X86(P, 0F, W, 0x59), 0, 0)                                                                  \
    ROW(RECIPROCAL, D, FROM, X86(P, 0F, W, 0x5e), 0, ONE_PATTERN)                                                      \
    ROW(ABSOLUTE, D, MASKED, X86(66, 0F, 1, 0xdb), 0, ~(uint64_t)(SIGN))                                               \
    ROW(FABS, D, MASKED, X86(66, 0F, 1, 0xdb), 0, ~(uint64_t)(SIGN))                                                   \
    ROW(SQRT, D, ONE, X86(P, 0F, W, 0x51), 0, 0)                                                                       \
    ROW(RINT, D, ONE_BYTE, X86(66, 0F3A, W, ROUND), TO_NEAREST, 0)                                                     \
    ROW(FLOOR, D, ONE_BYTE, X86(66, 0F3A, W, ROUND), DOWN, 0)                                                          \
    ROW(CEIL, D, ONE_BYTE, X86(66, 0F3A, W, ROUND), UP, 0)                                                             \
    ROW(TRUNC, D, ONE_BYTE, X86(66, 0F3A, W, ROUND), TO_ZERO, 0)                                                       \
    ROW(POSITIVE, D, SAME, NO_CODE, 0, 0)                                                                              \
    ROW(EQUAL, D, COMPARED, X86(P, 0F, W, 0xc2), F_EQ, 0)                                                              \
    ROW(NOT_EQUAL, D, COMPARED, X86(P, 0F, W, 0xc2), F_NE, 0)                                                          \
    ROW(LESS, D, COMPARED, X86(P, 0F, W, 0xc2), F_LT, 0)                                                               \
    ROW(LESS_EQUAL, D, COMPARED, X86(P, 0F, W, 0xc2), F_LE, 0)                                                         \
    ROW(GREATER, D, COMPARED, X86(P, 0F, W, 0xc2), F_GT, 0)                                                            \
    ROW(GREATER_EQUAL, D, COMPARED, X86(P, 0F, W, 0xc2), F_GE, 0)                                                      \
    ROW(ISNAN, D, ITSELF, X86(P, 0F, W, 0xc2), F_NE, 0) ROW(WHERE, D, CHOSEN, X86(66, 0F38, W, 0x65), 0, 0)

/* W: its width bit; the rest are instructions. */
#define INTEGER_ROWS(D, ADDS, SUBTRACTS, LARGEST, LEAST, CMP, BLEND)                                                   \
    ROW(ADD, D, TWO, ADDS, 0, 0)                                                                                       \
    ROW(SUBTRACT, D, TWO, SUBTRACTS, 0, 0)                                                                             \
    ROW(MAXIMUM, D, TWO, LARGEST, 0, 0)                                                                                \
    ROW(MINIMUM, D, TWO, LEAST, 0, 0)                                                                                  \
    ROW(BITWISE_AND, D, TWO, X86(66, 0F, 1, 0xdb), 0, 0)                                                               \
    ROW(BITWISE_OR, D, TWO, X86(66, 0F, 1, 0xeb), 0, 0)                                                                \
    ROW(BITWISE_XOR, D, TWO, X86(66, 0F, 1, 0xef), 0, 0)                                                               \
    ROW(INVERT, D, MASKED, X86(66, 0F, 1, 0xef), 0, UINT64_MAX)                                                        \
    ROW(NEGATIVE, D, FROM, SUBTRACTS, 0, 0)                                                                            \
    ROW(POSITIVE, D, SAME, NO_CODE, 0, 0)                                                                              \
    ROW(FLOOR, D, SAME, NO_CODE, 0, 0)                                                                                 \
    ROW(CEIL, D, SAME, NO_CODE, 0, 0)                                                                                  \
    ROW(TRUNC, D, SAME, NO_CODE, 0, 0)                                                                                 \
    ROW(EQUAL, D, COMPARED, CMP, I_EQ, 0)                                                                              \
    ROW(NOT_EQUAL, D, COMPARED, CMP, I_NE, 0)                                                                          \
    ROW(LESS, D, COMPARED, CMP, I_LT, 0)                                                                               \
    ROW(LESS_EQUAL, D, COMPARED, CMP, I_LE, 0)                                                                         \
    ROW(GREATER, D, COMPARED, CMP, I_GT, 0)                                                                            \
    ROW(GREATER_EQUAL, D, COMPARED, CMP, I_GE, 0) ROW(WHERE, D, CHOSEN, BLEND, 0, 0)
#define PRODUCT_ROWS(D, X) ROW(MULTIPLY, D, TWO, X, 0, 0) ROW(SQUARE, D, SQUARE, X, 0, 0)

static const strip_instruction_t instructions[] = {
    FLOAT_ROWS(FLOAT64, 66, 1, 0x09, UINT64_C(0x8000000000000000), UINT64_C(0x3ff0000000000000))
        FLOAT_ROWS(FLOAT32, NONE, 0, 0x08, UINT64_C(0x8000000080000000), UINT64_C(0x3f8000003f800000))
    /* clang-format off */
    INTEGER_ROWS(INT64, X86(66, 0F, 1, 0xd4), X86(66, 0F, 1, 0xfb), X86(66, 0F38, 1, 0x3d), X86(66, 0F38, 1, 0x39),
                 X86(66, 0F3A, 1, 0x1f), X86(66, 0F38, 1, 0x64))
    INTEGER_ROWS(INT32, X86(66, 0F, 0, 0xfe), X86(66, 0F, 0, 0xfa), X86(66, 0F38, 0, 0x3d), X86(66, 0F38, 0, 0x39),
                 X86(66, 0F3A, 0, 0x1f), X86(66, 0F38, 0, 0x64))
    INTEGER_ROWS(INT16, X86(66, 0F, 0, 0xfd), X86(66, 0F, 0, 0xf9), X86(66, 0F, 0, 0xee), X86(66, 0F, 0, 0xea),
                 X86(66, 0F3A, 1, 0x3f), X86(66, 0F38, 1, 0x66))
    INTEGER_ROWS(INT8, X86(66, 0F, 0, 0xfc), X86(66, 0F, 0, 0xf8), X86(66, 0F38, 0, 0x3c), X86(66, 0F38, 0, 0x38),
                 X86(66, 0F3A, 0, 0x3f), X86(66, 0F38, 0, 0x66))
    INTEGER_ROWS(UINT64, X86(66, 0F, 1, 0xd4), X86(66, 0F, 1, 0xfb), X86(66, 0F38, 1, 0x3f), X86(66, 0F38, 1, 0x3b),
                 X86(66, 0F3A, 1, 0x1e), X86(66, 0F38, 1, 0x64))
    INTEGER_ROWS(UINT32, X86(66, 0F, 0, 0xfe), X86(66, 0F, 0, 0xfa), X86(66, 0F38, 0, 0x3f), X86(66, 0F38, 0, 0x3b),
                 X86(66, 0F3A, 0, 0x1e), X86(66, 0F38, 0, 0x64))
    INTEGER_ROWS(UINT16, X86(66, 0F, 0, 0xfd), X86(66, 0F, 0, 0xf9), X86(66, 0F38, 0, 0x3e), X86(66, 0F38, 0, 0x3a),
                 X86(66, 0F3A, 1, 0x3e), X86(66, 0F38, 1, 0x66))
    INTEGER_ROWS(UINT8, X86(66, 0F, 0, 0xfc), X86(66, 0F, 0, 0xf8), X86(66, 0F, 0, 0xde), X86(66, 0F, 0, 0xda),
                 X86(66, 0F3A, 0, 0x3e), X86(66, 0F38, 0, 0x66))
    PRODUCT_ROWS(INT64, X86(66, 0F38, 1, 0x40)) PRODUCT_ROWS(UINT64, X86(66, 0F38, 1, 0x40))
    PRODUCT_ROWS(INT32, X86(66, 0F38, 0, 0x40)) PRODUCT_ROWS(UINT32, X86(66, 0F38, 0, 0x40))
    PRODUCT_ROWS(INT16, X86(66, 0F, 0, 0xd5)) PRODUCT_ROWS(UINT16, X86(66, 0F, 0, 0xd5))
    ROW(ABSOLUTE, INT64, ONE, X86(66, 0F38, 1, 0x1f), 0, 0) ROW(ABSOLUTE, INT32, ONE, X86(66, 0F38, 0, 0x1e), 0, 0)
    ROW(ABSOLUTE, INT16, ONE, X86(66, 0F38, 0, 0x1d), 0, 0) ROW(ABSOLUTE, INT8, ONE, X86(66, 0F38, 0, 0x1c), 0, 0)
    ROW(ABSOLUTE, UINT64, SAME, NO_CODE, 0, 0) ROW(ABSOLUTE, UINT32, SAME, NO_CODE, 0, 0)
    ROW(ABSOLUTE, UINT16, SAME, NO_CODE, 0, 0) ROW(ABSOLUTE, UINT8, SAME, NO_CODE, 0, 0)
    ROW(ABSOLUTE, BOOL, SAME, NO_CODE, 0, 0) ROW(FLOOR, BOOL, SAME, NO_CODE, 0, 0) ROW(CEIL, BOOL, SAME, NO_CODE, 0, 0)
    ROW(TRUNC, BOOL, SAME, NO_CODE, 0, 0)
    ROW(ADD, BOOL, LOGIC, NO_CODE, X86_OR, 0) ROW(MULTIPLY, BOOL, LOGIC, NO_CODE, X86_AND, 0)
    ROW(MAXIMUM, BOOL, LOGIC, NO_CODE, X86_OR, 0) ROW(MINIMUM, BOOL, LOGIC, NO_CODE, X86_AND, 0)
    ROW(BITWISE_OR, BOOL, LOGIC, NO_CODE, X86_OR, 0) ROW(BITWISE_AND, BOOL, LOGIC, NO_CODE, X86_AND, 0)
    ROW(BITWISE_XOR, BOOL, LOGIC, NO_CODE, X86_XOR, 0) ROW(LOGICAL_OR, BOOL, LOGIC, NO_CODE, X86_OR, 0)
    ROW(LOGICAL_AND, BOOL, LOGIC, NO_CODE, X86_AND, 0) ROW(LOGICAL_XOR, BOOL, LOGIC, NO_CODE, X86_XOR, 0)
    ROW(NOT_EQUAL, BOOL, LOGIC, NO_CODE, X86_XOR, 0) ROW(EQUAL, BOOL, LOGIC, NO_CODE, X86_NXOR, 0)
    ROW(INVERT, BOOL, LOGIC, NO_CODE, X86_NOT, 0) ROW(LOGICAL_NOT, BOOL, LOGIC, NO_CODE, X86_NOT, 0)
    /* clang-format on */
};

const strip_instruction_t *
strip_instruction(int op, dtype_t in)
{
    for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++)
        if (instructions[i].op == op && instructions[i].dtype == (uint8_t)in)
            return &instructions[i];
    return NULL;
}

bool
strip_instruction_has_pattern(const strip_instruction_t *self)
{
    return self->shape == STRIP_MASKED || self->shape == STRIP_FROM;
}

#define CASTING(FROM, TO, X) {DTYPE_##FROM, DTYPE_##TO, false, false, X, NO_CODE},
#define NARROWING(FROM, TO, X) {DTYPE_##FROM, DTYPE_##TO, true, false, X, NO_CODE},
#define BY_INT32(FROM, TO, X, AFTER) {DTYPE_##FROM, DTYPE_##TO, false, false, X, AFTER},
#define KEEPING(FROM, TO) {DTYPE_##FROM, DTYPE_##TO, false, true, NO_CODE, NO_CODE},

static const strip_casting_t castings[] = {
    /* clang-format off */
    CASTING(FLOAT32, FLOAT64, X86(NONE, 0F, 0, 0x5a)) CASTING(FLOAT64, FLOAT32, X86(66, 0F, 1, 0x5a))
    CASTING(INT32, FLOAT64, X86(F3, 0F, 0, 0xe6)) CASTING(INT32, FLOAT32, X86(NONE, 0F, 0, 0x5b))
    CASTING(INT64, FLOAT64, X86(F3, 0F, 1, 0xe6))
    CASTING(INT32, INT64, X86(66, 0F38, 0, 0x25)) CASTING(INT32, UINT64, X86(66, 0F38, 0, 0x25))
    NARROWING(INT64, INT32, X86(F3, 0F38, 0, 0x35)) NARROWING(UINT64, UINT32, X86(F3, 0F38, 0, 0x35))
    CASTING(UINT8, INT64, X86(66, 0F38, 0, 0x32)) CASTING(UINT8, UINT64, X86(66, 0F38, 0, 0x32))
    CASTING(UINT8, INT32, X86(66, 0F38, 0, 0x31)) CASTING(UINT8, UINT32, X86(66, 0F38, 0, 0x31))
    BY_INT32(UINT8, FLOAT64, X86(66, 0F38, 0, 0x31), X86(F3, 0F, 0, 0xe6))
    BY_INT32(UINT8, FLOAT32, X86(66, 0F38, 0, 0x31), X86(NONE, 0F, 0, 0x5b))
    KEEPING(INT8, UINT8) KEEPING(UINT8, INT8) KEEPING(INT16, UINT16) KEEPING(UINT16, INT16)
    KEEPING(INT32, UINT32) KEEPING(UINT32, INT32) KEEPING(INT64, UINT64) KEEPING(UINT64, INT64)
    /* clang-format on */
};

const strip_casting_t *
strip_casting(dtype_t from, dtype_t to)
{
    for (size_t i = 0; i < sizeof castings / sizeof castings[0]; i++)
        if (castings[i].from == (uint8_t)from && castings[i].to == (uint8_t)to)
            return &castings[i];
    return NULL;
}
