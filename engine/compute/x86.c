/* Instructions as bytes; see the processor's manual, volume 2: chapter 2 has prefixes and addresses. */
#include "engine/compute/x86.h"

#include <string.h>

static void
put(x86_t *self, unsigned byte)
{
    if (self->n < self->room)
        self->bytes[self->n] = (uint8_t)byte;
    self->n++;
}

static void
put_long(x86_t *self, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        put(self, (unsigned)(value >> (8 * i)) & 0xff);
}

static unsigned
bit_of(int number, int bit)
{
    return (unsigned)number >> bit & 1;
}

/* --- addresses ------------------------------------------------------------------------------------------------------
 */

static int
log2_of(int scale)
{
    return scale == 8 ? 3 : scale == 4 ? 2 : scale == 2 ? 1 : 0;
}

/* What follows the opcode.  unit: what a short offset counts in. */
static void
put_address(x86_t *self, int reg, x86_address_t address, int unit)
{
    bool few = address.offset % unit == 0 && address.offset / unit >= -128 && address.offset / unit <= 127;

    put(self, (few ? 0x44U : 0x84U) | ((unsigned)reg & 7) << 3);
    put(self,
        (unsigned)log2_of(address.scale) << 6 | ((unsigned)address.index & 7) << 3 | ((unsigned)address.base & 7));
    if (few)
        put(self, (unsigned)(address.offset / unit) & 0xff);
    else
        put_long(self, (uint64_t)(int64_t)address.offset, 4);
}

static void
put_rex(x86_t *self, bool wide, int reg, x86_address_t address)
{
    put(self,
        0x40U | (unsigned)wide << 3 | bit_of(reg, 3) << 2 | bit_of(address.index, 3) << 1 | bit_of(address.base, 3));
}

/* --- vectors --------------------------------------------------------------------------------------------------------
 */

/* high: the bits 3 and 4 of what stands as rm; of an address, those of its base and its index. */
static void
put_evex(x86_t *self, x86_op_t op, int bytes, int reg, int other, unsigned high, int mask)
{
    unsigned length = bytes == 64 ? 2 : bytes == 32 ? 1 : 0;

    put(self, 0x62);
    put(self, (bit_of(reg, 3) ^ 1) << 7 | ((high >> 1 & 1) ^ 1) << 6 | ((high & 1) ^ 1) << 5 |
                  (bit_of(reg, 4) ^ 1) << 4 | (op >> 16 & 0xff));
    put(self, (op >> 8 & 1) << 7 | (~(unsigned)other & 15) << 3 | 4 | op >> 24);
    put(self, length << 5 | (bit_of(other, 4) ^ 1) << 3 | (unsigned)mask);
    put(self, op & 0xff);
}

void
x86_vector(x86_t *self, x86_op_t op, int bytes, int reg, int other, int rm, int mask)
{
    put_evex(self, op, bytes, reg, other, bit_of(rm, 4) << 1 | bit_of(rm, 3), mask);
    put(self, 0xc0U | ((unsigned)reg & 7) << 3 | ((unsigned)rm & 7));
}

void
x86_vector_byte(x86_t *self, x86_op_t op, int bytes, int reg, int other, int rm, int byte)
{
    x86_vector(self, op, bytes, reg, other, rm, 0);
    put(self, (unsigned)byte);
}

void
x86_vector_memory(x86_t *self, x86_op_t op, int bytes, int reg, x86_address_t address)
{
    put_evex(self, op, bytes, reg, 0, bit_of(address.index, 3) << 1 | bit_of(address.base, 3), 0);
    put_address(self, reg, address, bytes);
}

void
x86_mask(x86_t *self, int op, int to, int a, int b)
{
    bool two = op != X86_NOT;

    put(self, 0xc4);
    put(self, 0xe1);
    put(self, 0x80U | (~(unsigned)a & 15) << 3 | (unsigned)two << 2);
    put(self, (unsigned)op);
    put(self, 0xc0U | (unsigned)to << 3 | (unsigned)b);
}

/* --- general registers ----------------------------------------------------------------------------------------------
 */

void
x86_load(x86_t *self, int reg, x86_address_t address)
{
    put_rex(self, true, reg, address);
    put(self, 0x8b);
    put_address(self, reg, address, 1);
}

void
x86_store_past(x86_t *self, int reg, x86_address_t address)
{
    put_rex(self, true, reg, address);
    put(self, 0x0f);
    put(self, 0xc3);
    put_address(self, reg, address, 1);
}

void
x86_prefetch(x86_t *self, x86_address_t address)
{
    put_rex(self, false, 0, address);
    put(self, 0x0f);
    put(self, 0x18);
    put_address(self, 1, address, 1);
}

void
x86_set(x86_t *self, int reg, uint64_t value)
{
    put(self, 0x48U | bit_of(reg, 3));
    put(self, 0xb8U | ((unsigned)reg & 7));
    put_long(self, value, 8);
}

void
x86_add(x86_t *self, int reg, int32_t value)
{
    put(self, 0x48U | bit_of(reg, 3));
    put(self, 0x81);
    put(self, 0xc0U | ((unsigned)reg & 7));
    put_long(self, (uint64_t)(int64_t)value, 4);
}

void
x86_shift_left(x86_t *self, int reg, int bits)
{
    put(self, 0x48U | bit_of(reg, 3));
    put(self, 0xc1);
    put(self, 0xe0U | ((unsigned)reg & 7));
    put(self, (unsigned)bits);
}

static void
put_two(x86_t *self, unsigned opcode, int reg, int rm)
{
    put(self, 0x48U | bit_of(reg, 3) << 2 | bit_of(rm, 3));
    put(self, opcode);
    put(self, 0xc0U | ((unsigned)reg & 7) << 3 | ((unsigned)rm & 7));
}

void
x86_clear(x86_t *self, int reg)
{
    put_two(self, 0x31, reg, reg);
}

/* --- control --------------------------------------------------------------------------------------------------------
 */

void
x86_loop_below(x86_t *self, int first, int second, int to)
{
    put_two(self, 0x39, second, first);
    put(self, 0x0f);
    put(self, 0x82);
    put_long(self, (uint64_t)(int64_t)(to - (self->n + 4)), 4);
}

static int
put_distance(x86_t *self)
{
    put_long(self, 0, 4);
    return self->n;
}

int
x86_jump_if_bits(x86_t *self, int reg, int bits)
{
    put(self, 0x40U | bit_of(reg, 3));
    put(self, 0xf6);
    put(self, 0xc0U | ((unsigned)reg & 7));
    put(self, (unsigned)bits);
    put(self, 0x0f);
    put(self, 0x85);
    return put_distance(self);
}

int
x86_jump(x86_t *self)
{
    put(self, 0xe9);
    return put_distance(self);
}

void
x86_land(x86_t *self, int jump)
{
    int32_t distance = self->n - jump;

    if (self->n <= self->room)
        memcpy(self->bytes + jump - sizeof distance, &distance, sizeof distance);
}

void
x86_enter(x86_t *self)
{
    put_long(self, UINT32_C(0xfa1e0ff3), 4); /* endbr64: a place that may be called */
}

void
x86_leave(x86_t *self)
{
    put_long(self, UINT32_C(0xc377f8c5), 4); /* vzeroupper, ret */
}
