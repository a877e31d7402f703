/* One loop over strips, or parts of them: groups of registers, as many as fit.  Constants stay in registers if there is
 * room. */
#include "engine/compute/strip_emit.h"

#include "engine/compute/strip_emit_values.h"
#include "engine/compute/strip_instructions.h"

enum {
    LINE = 64,
    AHEAD = 2048, /* bytes before they are used, elements of arrays are fetched: as strip_registers.h has it */
};

static const x86_op_t op_move = X86(F3, 0F, 1, 0x6f);

/* --- arrays and results ---------------------------------------------------------------------------------------------
 */

static void
emit_array(strip_writer_t *self, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i);
    dtype_t dtype = (dtype_t)node->dtype;
    int base = strip_writer_base_of(self, node->place);

    for (int offset = 0; offset < self->groups * strip_writer_bytes_of(self, dtype); offset += LINE) {
        x86_address_t address = strip_writer_address_of(self, base, dtype, 0);
        address.offset = AHEAD + offset;
        x86_prefetch(self->code, address);
    }
    for (int g = 0; g < self->groups && strip_writer_keeps(self, i); g++)
        strip_writer_read_group(self, strip_writer_take_for(self, i, g), dtype,
                                strip_writer_address_of(self, base, dtype, g));
}

static int
find_joined(const strip_writer_t *self, int place)
{
    for (int i = 0; i < self->graph->n; i++)
        if (strip_writer_node_of(self, i)->kind == STRIP_NODE_JOINED && strip_writer_node_of(self, i)->place == place)
            return i;
    return STRIP_NO_NODE;
}

static void
write_groups(strip_writer_t *self, const strip_node_t *node, int base, bool past)
{
    dtype_t dtype = (dtype_t)node->dtype;

    for (int g = 0; g < self->groups; g++)
        strip_writer_write_group(self, self->reg[node->a][g], dtype, strip_writer_address_of(self, base, dtype, g),
                                 past);
}

static void
emit_store(strip_writer_t *self, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i);
    int joined = find_joined(self, node->place);

    self->failed |= strip_writer_node_of(self, node->a)->kind <= STRIP_NODE_CONSTANT; /* no value of a step */
    self->failed |= node->dtype != strip_writer_node_of(self, node->a)->dtype &&
                    (strip_writer_is_bool(node) || strip_writer_is_bool(strip_writer_node_of(self, node->a)));
    if (self->failed)
        return;
    if (joined != STRIP_NO_NODE) {
        for (int g = 0; g < self->groups; g++)
            if (strip_writer_is_bool(node))
                x86_mask(self->code, X86_OR, self->reg[joined][g], self->reg[node->a][g], self->reg[node->a][g]);
            else
                x86_vector(self->code, op_move, strip_writer_bytes_of(self, (dtype_t)node->dtype), self->reg[joined][g],
                           0, self->reg[node->a][g], 0);
    } else if (node->stream) {
        int base = strip_writer_base_of(self, node->place), unaligned = x86_jump_if_bits(self->code, base, LINE - 1);
        write_groups(self, node, base, true);
        int end = x86_jump(self->code);
        x86_land(self->code, unaligned);
        write_groups(self, node, base, false);
        x86_land(self->code, end);
    } else {
        write_groups(self, node, strip_writer_base_of(self, node->place), false);
    }
    for (int g = 0; g < self->groups; g++)
        strip_writer_done_with(self, node->a, g, i);
}

/* --- the loop -------------------------------------------------------------------------------------------------------
 */

static void
emit_nothing(strip_writer_t *self, int i)
{
    (void)self;
    (void)i;
}

static void (*const emit_node[])(strip_writer_t *, int) = {
    [STRIP_NODE_ARRAY] = emit_array,       [STRIP_NODE_CONSTANT] = emit_nothing, [STRIP_NODE_JOINED] = emit_nothing,
    [STRIP_NODE_APPLY] = strip_emit_apply, [STRIP_NODE_CAST] = strip_emit_cast,  [STRIP_NODE_STORE] = emit_store,
    [STRIP_NODE_FOLD] = strip_emit_fold,
};

/* Addresses, constants and what is joined come into registers. */
static void
emit_head(strip_writer_t *self)
{
    for (int i = 0; i < self->graph->n && !self->failed; i++) {
        const strip_node_t *node = strip_writer_node_of(self, i);
        bool array = node->kind == STRIP_NODE_ARRAY || node->kind == STRIP_NODE_STORE || node->kind == STRIP_NODE_FOLD;
        bool known = false;
        for (int k = 0; k < self->nbases; k++)
            known |= self->base[k] == node->place;
        if (array && !known && self->nbases < STRIP_WRITER_BASES) {
            self->base[self->nbases] = node->place;
            strip_writer_load_base(self, X86_R8 + self->nbases++, node->place);
        }
        if (node->kind == STRIP_NODE_CONSTANT && strip_writer_keeps(self, i)) {
            self->reg[i][0] = (int8_t)strip_writer_take_vector(self);
            strip_writer_load_constant(self, self->reg[i][0], i);
        }
        const strip_instruction_t *row =
            node->kind == STRIP_NODE_APPLY ? strip_instruction(node->op, (dtype_t)node->in) : NULL;
        if (row != NULL && strip_instruction_has_pattern(row))
            strip_writer_pattern_of(self, row->pattern);
        for (int g = 0; g < self->groups && node->kind == STRIP_NODE_JOINED; g++) {
            strip_writer_load_base(self, X86_RAX, node->place);
            strip_writer_read_group(
                self, strip_writer_take_for(self, i, g), (dtype_t)node->dtype,
                (x86_address_t){X86_RAX, X86_NO_INDEX, 1, g * strip_writer_bytes_of(self, (dtype_t)node->dtype)});
        }
    }
}

static void
strip_writer_tail(strip_writer_t *self)
{
    for (int i = 0; i < self->graph->n; i++)
        for (int g = 0; g < self->groups && strip_writer_node_of(self, i)->kind == STRIP_NODE_JOINED; g++) {
            dtype_t dtype = (dtype_t)strip_writer_node_of(self, i)->dtype;
            strip_writer_load_base(self, X86_RAX, strip_writer_node_of(self, i)->place);
            strip_writer_write_group(self, self->reg[i][g], dtype,
                                     (x86_address_t){X86_RAX, X86_NO_INDEX, 1, g * strip_writer_bytes_of(self, dtype)},
                                     false);
        }
}

static bool
makes_value(const strip_node_t *node)
{
    return node->kind == STRIP_NODE_ARRAY || node->kind == STRIP_NODE_APPLY || node->kind == STRIP_NODE_CAST;
}

/* Nothing takes the value; it was computed for its flags. */
static void
forget(strip_writer_t *self, int i)
{
    for (int g = 0; g < self->groups && strip_writer_keeps(self, i); g++)
        *(strip_writer_is_bool(strip_writer_node_of(self, i)) ? &self->masks : &self->vectors) |= UINT32_C(1)
                                                                                                  << self->reg[i][g];
}

static bool
emit_loop(strip_writer_t *self)
{
    enum { LOG2_STRIP = 5 };
    _Static_assert(STRIP == 1 << LOG2_STRIP, "strips are counted in elements by a shift");

    x86_enter(self->code);
    x86_shift_left(self->code, X86_RSI, LOG2_STRIP);
    x86_clear(self->code, X86_RCX);
    x86_clear(self->code, X86_RDX);
    emit_head(self);
    int begin = self->code->n;
    for (int i = 0; i < self->graph->n && !self->failed; i++) {
        emit_node[strip_writer_node_of(self, i)->kind](self, i);
        if (strip_writer_node_of(self, i)->last == STRIP_NO_NODE && makes_value(strip_writer_node_of(self, i)))
            forget(self, i);
    }
    x86_add(self->code, X86_RCX, self->lanes * self->groups);
    x86_add(self->code, X86_RDX, 1);
    x86_loop_below(self->code, X86_RCX, X86_RSI, begin);
    strip_writer_tail(self);
    x86_leave(self->code);
    return !self->failed && self->code->n <= self->code->room;
}

static bool
try(const strip_graph_t *graph, x86_t *code, int lanes, int groups, int saving)
{
    enum { MASKS = 0xfe /* mask 0 means none */ };
    strip_writer_t self = {.graph = graph,
                           .code = code,
                           .lanes = lanes,
                           .groups = groups,
                           .saving = saving,
                           .vectors = UINT32_MAX,
                           .masks = MASKS};
    int before = code->n;
    bool done = emit_loop(&self);

    if (!done)
        code->n = before;
    return done;
}

bool
strip_emit(const strip_graph_t *graph, x86_t *code)
{
    int widest = 1;
    bool whole = false; /* strips must not be cut */

    for (int i = 0; i < graph->n; i++) {
        const strip_node_t *node = &graph->node[i];
        int size = (int)dtype_size((dtype_t)node->dtype);
        widest = size > widest ? size : widest;
        whole |= node->kind == STRIP_NODE_FOLD || node->kind == STRIP_NODE_JOINED;
    }
    if (widest > 8)
        return false;
    int lanes = STRIP_WRITER_VECTOR / widest > STRIP ? STRIP : STRIP_WRITER_VECTOR / widest;
    for (int saving = STRIP_WRITER_NOTHING; saving <= STRIP_WRITER_ARRAYS; saving++)
        for (int groups = STRIP / lanes; groups >= 1; groups = whole ? 0 : groups / 2)
            if (try(graph, code, lanes, groups, saving))
                return true;
    return false;
}
