/* engine/compute/strip_instructions.h - which instructions of AVX-512 do what a node of a strip_graph_t says. */
#ifndef FH_ENGINE_COMPUTE_STRIP_INSTRUCTIONS_H
#define FH_ENGINE_COMPUTE_STRIP_INSTRUCTIONS_H

#include "codecs/op.h"
#include "engine/compute/x86.h"

typedef enum {
    STRIP_SAME,     /* the value stays */
    STRIP_TWO,      /* x(a, b) */
    STRIP_ONE,      /* x(a) */
    STRIP_ONE_BYTE, /* x(a, byte) */
    STRIP_SQUARE,   /* x(a, a) */
    STRIP_MASKED,   /* x(a, pattern) */
    STRIP_FROM,     /* x(pattern, a) */
    STRIP_COMPARED, /* a mask: x(a, b, byte) */
    STRIP_ITSELF,   /* a mask: x(a, a, byte) */
    STRIP_LARGER,   /* a where x(a, b, byte) or a is no number, else b */
    STRIP_LARGER_B, /* likewise, where b is none */
    STRIP_LOGIC,    /* of masks: a mask operation, byte */
    STRIP_CHOSEN,   /* x: a where c, else b */
} strip_shape_t;

typedef struct {
    uint8_t op, dtype, shape, byte;
    x86_op_t x;
    uint64_t pattern; /* of STRIP_MASKED and STRIP_FROM */
} strip_instruction_t;

/* NULL: there is none. */
const strip_instruction_t *strip_instruction(int op, dtype_t in);
bool strip_instruction_has_pattern(const strip_instruction_t *self);

/* Casts, but of bools. */
typedef struct {
    uint8_t from, to;
    bool turned; /* the result stands where others have their operand */
    bool same;   /* no instruction */
    x86_op_t x;
    x86_op_t after; /* from int32, which x makes then; 0: x is all */
} strip_casting_t;
const strip_casting_t *strip_casting(dtype_t from, dtype_t to);

#endif
