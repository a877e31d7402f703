#include "engine/compute/strip_graph.h"

enum { RESULTS = EXPRESSION_STRIPS_RESULTS, SLOTS = EXPRESSION_STRIPS_SLOTS };

typedef struct {
    strip_graph_t *graph;
    uint32_t same;
    bool failed;
    int held;                /* the node in registers */
    int bound[STRIP_PLACES]; /* the node that lies in a slot */
} maker_t;

static int
add(maker_t *self, strip_node_t node)
{
    strip_graph_t *graph = self->graph;
    const int taken[] = {node.a, node.b, node.c};

    self->failed |= graph->n == STRIP_NODES;
    if (self->failed)
        return STRIP_NO_NODE;
    for (int i = 0; i < 3; i++)
        if (taken[i] != STRIP_NO_NODE)
            graph->node[taken[i]].last = graph->n;
    node.last = STRIP_NO_NODE;
    graph->node[graph->n] = node;
    return graph->n++;
}

/* What lies at a place, as elements of that dtype. */
static int
value_at(maker_t *self, int place, dtype_t dtype)
{
    bool constant = place >= SLOTS || (place < RESULTS && (self->same >> place & 1));
    strip_node_kind_t kind = constant ? STRIP_NODE_CONSTANT : place >= RESULTS ? STRIP_NODE_JOINED : STRIP_NODE_ARRAY;

    if (place >= SLOTS && self->bound[place] != STRIP_NO_NODE) {
        dtype_t have = (dtype_t)self->graph->node[self->bound[place]].dtype;

        self->failed |= dtype_size(have) != dtype_size(dtype) || (have == DTYPE_BOOL) != (dtype == DTYPE_BOOL);
        return self->bound[place];
    }
    for (int i = 0; i < self->graph->n; i++) {
        const strip_node_t *node = &self->graph->node[i];

        if (node->kind == (uint8_t)kind && node->place == place && node->dtype == (uint8_t)dtype)
            return i;
    }
    return add(self, (strip_node_t){.kind = (uint8_t)kind,
                                    .dtype = (uint8_t)dtype,
                                    .a = STRIP_NO_NODE,
                                    .b = STRIP_NO_NODE,
                                    .c = STRIP_NO_NODE,
                                    .place = place});
}

static bool
makes_bools(int op)
{
    static const uint8_t ops[] = {OP_EQUAL,   OP_NOT_EQUAL,     OP_LESS, OP_LESS_EQUAL,
                                  OP_GREATER, OP_GREATER_EQUAL, OP_ISNAN};

    for (size_t i = 0; i < sizeof ops; i++)
        if (ops[i] == op)
            return true;
    return false;
}

static void
apply(maker_t *self, const strip_row_t *row, const strip_step_t *step)
{
    const op_t *op = op_at(row->op);
    bool turned = row->kind == STRIP_TURNED, choice = row->op == OP_WHERE;
    strip_node_t node = {.kind = STRIP_NODE_APPLY,
                         .in = row->dtype,
                         .dtype = makes_bools(row->op) ? DTYPE_BOOL : row->dtype,
                         .op = row->op,
                         .a = self->held,
                         .b = STRIP_NO_NODE,
                         .c = STRIP_NO_NODE};

    if (op->nin > 1) {
        int other = value_at(self, step->place, (dtype_t)row->dtype);

        node.a = turned ? other : self->held;
        node.b = turned ? self->held : other;
    }
    if (choice)
        node.c = value_at(self, step->other, DTYPE_BOOL);
    self->failed |= node.a == STRIP_NO_NODE || op->nin > 3 || (op->nin > 2 && !choice);
    self->held = add(self, node);
}

/* The step on what is held. */
static void
leave(maker_t *self, strip_node_kind_t kind, const strip_row_t *row, int place)
{
    self->failed |= self->held == STRIP_NO_NODE;
    add(self, (strip_node_t){.kind = (uint8_t)kind,
                             .dtype = row->dtype,
                             .stream = row->kind == STRIP_STREAM,
                             .op = row->op,
                             .a = self->held,
                             .b = STRIP_NO_NODE,
                             .c = STRIP_NO_NODE,
                             .place = place});
}

static void
load(maker_t *self, const strip_row_t *row, const strip_step_t *step)
{
    self->held = value_at(self, step->place, (dtype_t)row->dtype);
}

static void
store(maker_t *self, const strip_row_t *row, const strip_step_t *step)
{
    if (step->place >= SLOTS)
        self->bound[step->place] = self->held;
    else
        leave(self, STRIP_NODE_STORE, row, step->place);
}

static void
cast(maker_t *self, const strip_row_t *row, const strip_step_t *step)
{
    (void)step;
    self->held = add(self, (strip_node_t){.kind = STRIP_NODE_CAST,
                                          .in = row->dtype,
                                          .dtype = row->other,
                                          .a = self->held,
                                          .b = STRIP_NO_NODE,
                                          .c = STRIP_NO_NODE});
}

static void
fold(maker_t *self, const strip_row_t *row, const strip_step_t *step)
{
    leave(self, STRIP_NODE_FOLD, row, step->place);
}

static void
end(maker_t *self, const strip_row_t *row, const strip_step_t *step)
{
    (void)self;
    (void)row;
    (void)step;
}

static void (*const take[STRIP_KINDS])(maker_t *, const strip_row_t *, const strip_step_t *) = {
    [STRIP_LOAD] = load,   [STRIP_STORE] = store,  [STRIP_STREAM] = store, [STRIP_CAST] = cast,
    [STRIP_APPLY] = apply, [STRIP_TURNED] = apply, [STRIP_FOLD] = fold,    [STRIP_END] = end,
};

bool
strip_graph_make(strip_graph_t *self, const strip_program_t *program, uint32_t same)
{
    maker_t maker = {.graph = self, .same = same, .held = STRIP_NO_NODE};

    self->n = 0;
    for (int i = 0; i < STRIP_PLACES; i++)
        maker.bound[i] = STRIP_NO_NODE;
    for (int i = 0; i < program->n && !maker.failed; i++)
        if (take[program->rows[i]->kind] != NULL)
            take[program->rows[i]->kind](&maker, program->rows[i], &program->steps[i]);
        else
            maker.failed = true;
    return !maker.failed && program->n > 0;
}
