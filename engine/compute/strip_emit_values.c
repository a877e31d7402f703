/* Operations, casts and folds. */
#include "engine/compute/strip_emit_values.h"

#include "engine/compute/strip_instructions.h"

static const x86_op_t op_move = X86(F3, 0F, 1, 0x6f);

typedef struct {
    const strip_instruction_t *row;
    int bytes, to, a, b, c, pattern;
} order_t;

static void
put_same(strip_writer_t *self, const order_t *order)
{
    if (order->row->dtype == DTYPE_BOOL)
        x86_mask(self->code, X86_OR, order->to, order->a, order->a);
    else
        x86_vector(self->code, op_move, order->bytes, order->to, 0, order->a, 0);
}

static void
put_two(strip_writer_t *self, const order_t *order)
{
    x86_vector(self->code, order->row->x, order->bytes, order->to, order->a, order->b, 0);
}

static void
put_one(strip_writer_t *self, const order_t *order)
{
    x86_vector(self->code, order->row->x, order->bytes, order->to, 0, order->a, 0);
}

static void
put_one_byte(strip_writer_t *self, const order_t *order)
{
    x86_vector_byte(self->code, order->row->x, order->bytes, order->to, 0, order->a, order->row->byte);
}

static void
put_square(strip_writer_t *self, const order_t *order)
{
    x86_vector(self->code, order->row->x, order->bytes, order->to, order->a, order->a, 0);
}

static void
put_masked(strip_writer_t *self, const order_t *order)
{
    x86_vector(self->code, order->row->x, order->bytes, order->to, order->a, order->pattern, 0);
}

static void
put_from(strip_writer_t *self, const order_t *order)
{
    x86_vector(self->code, order->row->x, order->bytes, order->to, order->pattern, order->a, 0);
}

static void
put_compared(strip_writer_t *self, const order_t *order)
{
    x86_vector_byte(self->code, order->row->x, order->bytes, order->to, order->a, order->b, order->row->byte);
}

static void
put_itself(strip_writer_t *self, const order_t *order)
{
    x86_vector_byte(self->code, order->row->x, order->bytes, order->to, order->a, order->a, order->row->byte);
}

/* Not a number: unequal to itself. */
static void
put_larger(strip_writer_t *self, const order_t *order)
{
    enum { NOT_EQUAL = 4 };
    bool wide = order->row->dtype == DTYPE_FLOAT64;
    int larger = strip_writer_take(self, &self->masks), none = strip_writer_take(self, &self->masks);
    int judged = order->row->shape == STRIP_LARGER ? order->a : order->b;

    x86_vector_byte(self->code, order->row->x, order->bytes, larger, order->a, order->b, order->row->byte);
    x86_vector_byte(self->code, order->row->x, order->bytes, none, judged, judged, NOT_EQUAL);
    x86_mask(self->code, X86_OR, larger, larger, none);
    x86_vector(self->code, X86(66, 0F38, wide, 0x65), order->bytes, order->to, order->b, order->a, larger);
    self->masks |= UINT32_C(1) << larger | UINT32_C(1) << none;
}

static void
put_logic(strip_writer_t *self, const order_t *order)
{
    bool one = order->row->byte == X86_NOT;

    x86_mask(self->code, order->row->byte, order->to, one ? 0 : order->a, one ? order->a : order->b);
}

static void
put_chosen(strip_writer_t *self, const order_t *order)
{
    x86_vector(self->code, order->row->x, order->bytes, order->to, order->b, order->a, order->c);
}

static void (*const put[])(strip_writer_t *, const order_t *) = {
    [STRIP_SAME] = put_same,         [STRIP_TWO] = put_two,           [STRIP_ONE] = put_one,
    [STRIP_ONE_BYTE] = put_one_byte, [STRIP_SQUARE] = put_square,     [STRIP_MASKED] = put_masked,
    [STRIP_FROM] = put_from,         [STRIP_COMPARED] = put_compared, [STRIP_ITSELF] = put_itself,
    [STRIP_LARGER] = put_larger,     [STRIP_LARGER_B] = put_larger,   [STRIP_LOGIC] = put_logic,
    [STRIP_CHOSEN] = put_chosen,
};

void
strip_emit_apply(strip_writer_t *self, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i);
    order_t order = {.row = strip_instruction(node->op, (dtype_t)node->in)};
    int room[2] = {STRIP_WRITER_NO_REGISTER, STRIP_WRITER_NO_REGISTER};

    self->failed |= order.row == NULL;
    self->failed |= node->c != STRIP_NO_NODE && strip_writer_node_of(self, node->c)->kind == STRIP_NODE_CONSTANT;
    if (self->failed)
        return;
    order.bytes = strip_writer_bytes_of(self, (dtype_t)node->in);
    order.pattern = strip_instruction_has_pattern(order.row) ? strip_writer_pattern_of(self, order.row->pattern) : 0;
    for (int g = 0; g < self->groups && !self->failed; g++) {
        order.a = strip_writer_operand(self, node->a, g, &room[0]);
        order.b = node->b == STRIP_NO_NODE ? 0 : strip_writer_operand(self, node->b, g, &room[1]);
        order.c = node->c == STRIP_NO_NODE ? 0 : self->reg[node->c][g];
        bool apart = put[order.row->shape] == put_larger; /* several instructions: the result has its own register */
        if (!apart)
            strip_writer_done_with_all(self, i, g);
        order.to = strip_writer_take_for(self, i, g);
        put[order.row->shape](self, &order);
        if (apart)
            strip_writer_done_with_all(self, i, g);
    }
    for (int k = 0; k < 2; k++)
        if (room[k] != STRIP_WRITER_NO_REGISTER)
            strip_writer_give_vector(self, room[k]);
}

/* Bools become integers of 0 and 1 of the width of `to`, and numbers. */
static void
put_numbers(strip_writer_t *self, dtype_t to, int reg, int mask)
{
    int size = (int)dtype_size(to), bytes = strip_writer_bytes_of(self, to);
    bool wide = size == 2 || size == 8;
    static const uint8_t absolute[] = {0x1c, 0x1d, 0x1e, 0x1f};

    x86_vector(self->code, X86(F3, 0F38, wide, size <= 2 ? 0x28 : 0x38), bytes, reg, 0, mask, 0);
    x86_vector(self->code, X86(66, 0F38, size == 8, absolute[__builtin_ctz((unsigned)size)]), bytes, reg, 0, reg, 0);
    if (to == DTYPE_FLOAT64)
        x86_vector(self->code, X86(F3, 0F, 1, 0xe6), bytes, reg, 0, reg, 0);
    if (to == DTYPE_FLOAT32)
        x86_vector(self->code, X86(NONE, 0F, 0, 0x5b), bytes, reg, 0, reg, 0);
}

void
strip_emit_cast(strip_writer_t *self, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i), *from = strip_writer_node_of(self, node->a);
    const strip_casting_t *row = strip_casting((dtype_t)node->in, (dtype_t)node->dtype);
    bool numbers = strip_writer_is_bool(from);
    int more = strip_writer_bytes_of(
        self, (dtype_t)(dtype_size((dtype_t)node->in) > dtype_size((dtype_t)node->dtype) ? node->in : node->dtype));
    int room = STRIP_WRITER_NO_REGISTER;

    self->failed |= (row == NULL && !numbers) || strip_writer_is_bool(node);
    for (int g = 0; g < self->groups && !self->failed; g++) {
        int a = strip_writer_operand(self, node->a, g, &room), to;
        strip_writer_done_with(self, node->a, g, i);
        to = strip_writer_take_for(self, i, g);
        if (numbers)
            put_numbers(self, (dtype_t)node->dtype, to, a);
        else if (row->same)
            x86_vector(self->code, op_move, more, to, 0, a, 0);
        else
            x86_vector(self->code, row->x, row->after ? strip_writer_bytes_of(self, DTYPE_INT32) : more,
                       row->turned ? a : to, 0, row->turned ? to : a, 0);
        if (!numbers && row->after)
            x86_vector(self->code, row->after, more, to, 0, to, 0);
    }
    if (room != STRIP_WRITER_NO_REGISTER)
        strip_writer_give_vector(self, room);
}

/* A leaf in eight strands, which are joined by halves (see strip_steps.c). */
void
strip_emit_fold(strip_writer_t *self, int i)
{
    const strip_node_t *node = strip_writer_node_of(self, i);
    bool wide = node->dtype == DTYPE_FLOAT64;
    uint8_t opcode = node->op == REDUCE_SUM ? 0x58 : 0x59;
    x86_op_t op = wide ? X86(66, 0F, 1, opcode) : X86(NONE, 0F, 0, opcode);
    x86_op_t one = wide ? X86(F2, 0F, 1, opcode) : X86(F3, 0F, 0, opcode);
    const int8_t *from = self->reg[node->a];
    int all = strip_writer_take_vector(self), half = strip_writer_take_vector(self), strands = wide ? 64 : 32;

    self->failed |= node->op != REDUCE_SUM && node->op != REDUCE_PROD;
    self->failed |=
        strip_writer_node_of(self, node->a)->kind <= STRIP_NODE_CONSTANT || self->lanes * self->groups != STRIP;
    if (self->failed)
        return;
    if (self->lanes == 8) {
        x86_vector(self->code, op, strands, all, from[0], from[1], 0);
        for (int g = 2; g < self->groups; g++)
            x86_vector(self->code, op, strands, all, all, from[g], 0);
    } else {
        x86_vector_byte(self->code, X86(66, 0F3A, 0, 0x1b), 64, from[0], 0, half, 1);
        x86_vector(self->code, op, strands, all, from[0], half, 0);
        x86_vector(self->code, op, strands, all, all, from[1], 0);
        x86_vector_byte(self->code, X86(66, 0F3A, 0, 0x1b), 64, from[1], 0, half, 1);
        x86_vector(self->code, op, strands, all, all, half, 0);
    }
    if (wide) {
        x86_vector_byte(self->code, X86(66, 0F3A, 1, 0x1b), 64, all, 0, half, 1);
        x86_vector(self->code, op, 32, all, all, half, 0);
        x86_vector_byte(self->code, X86(66, 0F3A, 1, 0x19), 32, all, 0, half, 1);
        x86_vector(self->code, op, 16, all, all, half, 0);
        x86_vector_byte(self->code, X86(66, 0F3A, 1, 0x05), 16, half, 0, all, 1);
    } else {
        x86_vector_byte(self->code, X86(66, 0F3A, 0, 0x19), 32, all, 0, half, 1);
        x86_vector(self->code, op, 16, all, all, half, 0);
        x86_vector_byte(self->code, X86(66, 0F3A, 0, 0x04), 16, half, 0, all, 0xee);
        x86_vector(self->code, op, 16, all, all, half, 0);
        x86_vector_byte(self->code, X86(66, 0F3A, 0, 0x04), 16, half, 0, all, 0x55);
    }
    x86_vector(self->code, one, 16, all, all, half, 0);
    x86_vector_memory(
        self->code, wide ? X86(F2, 0F, 1, 0x11) : X86(F3, 0F, 0, 0x11), (int)dtype_size((dtype_t)node->dtype), all,
        (x86_address_t){strip_writer_base_of(self, node->place), X86_RDX, (int)dtype_size((dtype_t)node->dtype), 0});
    strip_writer_give_vector(self, all);
    strip_writer_give_vector(self, half);
    for (int g = 0; g < self->groups; g++)
        strip_writer_done_with(self, node->a, g, i);
}
