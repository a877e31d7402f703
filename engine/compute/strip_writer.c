#include "engine/compute/strip_writer.h"

#include <stddef.h>

static const x86_op_t op_load = X86(F3, 0F, 1, 0x6f), op_load8 = X86(F3, 0F, 1, 0x7e), op_store = X86(F3, 0F, 1, 0x7f),
                      op_store8 = X86(66, 0F, 1, 0xd6), op_past = X86(66, 0F, 0, 0xe7),
                      op_to_general = X86(66, 0F, 1, 0x7e), op_spread = X86(66, 0F38, 1, 0x7c),
                      op_test_bytes = X86(66, 0F38, 0, 0x26), op_bytes_of = X86(F3, 0F38, 0, 0x28),
                      op_absolute_bytes = X86(66, 0F38, 0, 0x1c);

/* --- registers ------------------------------------------------------------------------------------------------------
 */

int
strip_writer_take(strip_writer_t *self, uint32_t *free)
{
    self->failed |= *free == 0;
    if (self->failed)
        return 0;
    int reg = __builtin_ctz(*free);
    *free &= *free - 1;
    return reg;
}

int
strip_writer_take_vector(strip_writer_t *self)
{
    return strip_writer_take(self, &self->vectors);
}

void
strip_writer_give_vector(strip_writer_t *self, int reg)
{
    self->vectors |= UINT32_C(1) << reg;
}

bool
strip_writer_is_bool(const strip_node_t *node)
{
    return node->dtype == DTYPE_BOOL;
}

int
strip_writer_bytes_of(const strip_writer_t *self, dtype_t dtype)
{
    return self->lanes * (int)dtype_size(dtype);
}

const strip_node_t *
strip_writer_node_of(const strip_writer_t *self, int i)
{
    return &self->graph->node[i];
}

bool
strip_writer_keeps(const strip_writer_t *self, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i);

    if (node->kind == STRIP_NODE_CONSTANT)
        return self->saving < STRIP_WRITER_CONSTANTS;
    return node->kind != STRIP_NODE_ARRAY || strip_writer_is_bool(node) || self->saving < STRIP_WRITER_ARRAYS;
}

/* A register for group g of node i. */
int
strip_writer_take_for(strip_writer_t *self, int i, int g)
{
    return self->reg[i][g] = (int8_t)strip_writer_take(
               self, strip_writer_is_bool(strip_writer_node_of(self, i)) ? &self->masks : &self->vectors);
}

/* Node `at` has taken group g of node i. */
void
strip_writer_done_with(strip_writer_t *self, int i, int g, int at)
{
    const strip_node_t *node = i == STRIP_NO_NODE ? NULL : strip_writer_node_of(self, i);

    if (node == NULL || node->last != at || !strip_writer_keeps(self, i) || node->kind == STRIP_NODE_CONSTANT ||
        node->kind == STRIP_NODE_JOINED)
        return;
    *(strip_writer_is_bool(node) ? &self->masks : &self->vectors) |= UINT32_C(1) << self->reg[i][g];
}

void
strip_writer_done_with_all(strip_writer_t *self, int i, int g)
{
    strip_writer_done_with(self, strip_writer_node_of(self, i)->a, g, i);
    strip_writer_done_with(self, strip_writer_node_of(self, i)->b, g, i);
    strip_writer_done_with(self, strip_writer_node_of(self, i)->c, g, i);
}

/* --- addresses ------------------------------------------------------------------------------------------------------
 */

void
strip_writer_load_base(strip_writer_t *self, int reg, int place)
{
    x86_load(self->code, reg,
             (x86_address_t){X86_RDI, X86_NO_INDEX, 1,
                             (int)(offsetof(strip_run_t, place) + sizeof(char *) * (size_t)place)});
}

/* The register that has a place's address. */
int
strip_writer_base_of(strip_writer_t *self, int place)
{
    for (int i = 0; i < self->nbases; i++)
        if (self->base[i] == place)
            return X86_R8 + i;
    strip_writer_load_base(self, X86_RAX, place);
    return X86_RAX;
}

/* Group g of the elements that the loop is at. */
x86_address_t
strip_writer_address_of(const strip_writer_t *self, int base, dtype_t dtype, int g)
{
    return (x86_address_t){base, X86_RCX, (int)dtype_size(dtype), g * strip_writer_bytes_of(self, dtype)};
}

static void
read_vector(strip_writer_t *self, int reg, int bytes, x86_address_t address)
{
    x86_vector_memory(self->code, bytes == 8 ? op_load8 : op_load, bytes, reg, address);
}

static void
write_vector(strip_writer_t *self, int reg, int bytes, x86_address_t address)
{
    x86_vector_memory(self->code, bytes == 8 ? op_store8 : op_store, bytes, reg, address);
}

static void
write_past(strip_writer_t *self, int reg, int bytes, x86_address_t address)
{
    if (bytes >= 16) {
        x86_vector_memory(self->code, op_past, bytes, reg, address);
    } else {
        x86_vector(self->code, op_to_general, 16, reg, 0, X86_R11, 0);
        x86_store_past(self->code, X86_R11, address);
    }
}

/* Elements of a place, bools as masks. */
void
strip_writer_read_group(strip_writer_t *self, int reg, dtype_t dtype, x86_address_t address)
{
    int bytes = strip_writer_bytes_of(self, dtype);

    if (dtype != DTYPE_BOOL) {
        read_vector(self, reg, bytes, address);
        return;
    }
    int room = strip_writer_take_vector(self);
    read_vector(self, room, bytes, address);
    x86_vector(self->code, op_test_bytes, bytes, reg, room, room, 0);
    strip_writer_give_vector(self, room);
}

void
strip_writer_write_group(strip_writer_t *self, int reg, dtype_t dtype, x86_address_t address, bool past)
{
    int bytes = strip_writer_bytes_of(self, dtype), from = reg;

    if (dtype == DTYPE_BOOL) {
        from = strip_writer_take_vector(self);
        x86_vector(self->code, op_bytes_of, bytes, from, 0, reg, 0);
        x86_vector(self->code, op_absolute_bytes, bytes, from, 0, from, 0);
        strip_writer_give_vector(self, from);
    }
    if (past)
        write_past(self, from, bytes, address);
    else
        write_vector(self, from, bytes, address);
}

/* --- constants ------------------------------------------------------------------------------------------------------
 */

int
strip_writer_pattern_of(strip_writer_t *self, uint64_t bits)
{
    for (int i = 0; i < self->npatterns; i++)
        if (self->pattern[i].bits == bits)
            return self->pattern[i].reg;
    self->failed |= self->npatterns == STRIP_WRITER_PATTERNS;
    if (self->failed)
        return 0;
    self->pattern[self->npatterns].bits = bits;
    self->pattern[self->npatterns].reg = strip_writer_take_vector(self);
    x86_set(self->code, X86_RAX, bits);
    x86_vector(self->code, op_spread, STRIP_WRITER_VECTOR, self->pattern[self->npatterns].reg, 0, X86_RAX, 0);
    return self->pattern[self->npatterns++].reg;
}

void
strip_writer_load_constant(strip_writer_t *self, int reg, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i);

    self->failed |= strip_writer_is_bool(node);
    strip_writer_load_base(self, X86_RAX, node->place);
    read_vector(self, reg, strip_writer_bytes_of(self, (dtype_t)node->dtype),
                (x86_address_t){X86_RAX, X86_NO_INDEX, 1, 0});
}

int
strip_writer_operand(strip_writer_t *self, int i, int g, int *room)
{
    const strip_node_t *node = strip_writer_node_of(self, i);
    bool constant = node->kind == STRIP_NODE_CONSTANT;

    if (strip_writer_keeps(self, i))
        return self->reg[i][constant ? 0 : g];
    if (*room == STRIP_WRITER_NO_REGISTER)
        *room = strip_writer_take_vector(self);
    if (constant)
        strip_writer_load_constant(self, *room, i);
    else
        strip_writer_read_group(
            self, *room, (dtype_t)node->dtype,
            strip_writer_address_of(self, strip_writer_base_of(self, node->place), (dtype_t)node->dtype, g));
    return *room;
}
