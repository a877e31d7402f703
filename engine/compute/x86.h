/* engine/compute/x86.h - instructions of x86-64 with AVX-512, written as bytes.  Plain memory, no allocation; what does
 * not fit is counted and not written.  Vector registers have numbers 0 to 31, masks 0 to 7.
 *
 * bytes: of the vectors that an instruction works on, 8 (in the low half of 16), 16, 32 or 64. */
#ifndef FH_ENGINE_COMPUTE_X86_H
#define FH_ENGINE_COMPUTE_X86_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t *bytes;
    int n, room; /* n > room: it did not fit */
} x86_t;

/* General registers, those that are used. */
enum {
    X86_RAX = 0,
    X86_RCX = 1,
    X86_RDX = 2,
    X86_RSI = 6,
    X86_RDI = 7,
    X86_R8 = 8,
    X86_R9 = 9,
    X86_R10 = 10,
    X86_R11 = 11
};

/* How an instruction with a vector prefix is written: X86(prefix, map, width, opcode). */
typedef uint32_t x86_op_t;
enum { X86_NONE, X86_66, X86_F3, X86_F2 };
enum { X86_0F = 1, X86_0F38 = 2, X86_0F3A = 3 };
#define X86(PREFIX, MAP, WIDE, OPCODE)                                                                                 \
    ((x86_op_t)X86_##PREFIX << 24 | (x86_op_t)X86_##MAP << 16 | (x86_op_t)(WIDE) << 8 | (OPCODE))

/* An address: base + index * scale (a power of 2) + offset; index X86_NO_INDEX: none. */
enum { X86_NO_INDEX = 4 };
typedef struct {
    int base, index, scale, offset;
} x86_address_t;

/* reg = op(other, rm), where mask says so (0: everywhere, else those of a mask register are taken).  Registers of
 * masks stand where the instruction wants them. */
void x86_vector(x86_t *self, x86_op_t op, int bytes, int reg, int other, int rm, int mask);
/* The same with a last byte. */
void x86_vector_byte(x86_t *self, x86_op_t op, int bytes, int reg, int other, int rm, int byte);
void x86_vector_memory(x86_t *self, x86_op_t op, int bytes, int reg, x86_address_t address);
/* to = op(a, b), of 64-bit masks. */
enum { X86_AND = 0x41, X86_NOT = 0x44 /* of b; a is 0 */, X86_OR = 0x45, X86_NXOR = 0x46, X86_XOR = 0x47 };
void x86_mask(x86_t *self, int op, int to, int a, int b);

void x86_load(x86_t *self, int reg, x86_address_t address);       /* 64 bits */
void x86_store_past(x86_t *self, int reg, x86_address_t address); /* 64 bits, past the cache */
void x86_prefetch(x86_t *self, x86_address_t address);
void x86_set(x86_t *self, int reg, uint64_t value);
void x86_add(x86_t *self, int reg, int32_t value);
void x86_shift_left(x86_t *self, int reg, int bits);
void x86_clear(x86_t *self, int reg);
/* Jumps: back to a place, if the first is below the second; ahead, if any of the register's lowest bits is set, or
 * always: the place of the distance, for x86_land, which makes it go to what is written next. */
void x86_loop_below(x86_t *self, int first, int second, int to);
int x86_jump_if_bits(x86_t *self, int reg, int bits);
int x86_jump(x86_t *self);
void x86_land(x86_t *self, int jump);
/* A function's first and last instructions. */
void x86_enter(x86_t *self);
void x86_leave(x86_t *self);

#endif
