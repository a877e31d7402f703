#include "engine/compute/items.h"

#include "codecs/order.h"
#include "engine/compute/iterate.h"

#include <string.h>

enum { OPERANDS = 4 };

typedef struct {
    dtype_t dtype;
    size_t size;
    bool truth[3]; /* what less, equal and greater mean */
} comparison_t;

/* What comparing says, by operation. */
static const struct {
    op_code_t op;
    bool truth[3];
} COMPARISONS[] = {
    {OP_EQUAL, {false, true, false}},     {OP_NOT_EQUAL, {true, false, true}}, {OP_LESS, {true, false, false}},
    {OP_LESS_EQUAL, {true, true, false}}, {OP_GREATER, {false, false, true}},  {OP_GREATER_EQUAL, {false, true, true}},
};

static void
compare_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const comparison_t *self = context;
    for (int64_t i = 0; i < n; i++) {
        int order = order_compare(self->dtype, false, data[0] + i * step[0], data[1] + i * step[1]);
        data[2][i * step[2]] = (char)self->truth[order < 0 ? 0 : order == 0 ? 1 : 2];
    }
}

/* The same for what is compared by its bytes. */
static void
compare_bytes_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const comparison_t *self = context;
    const char *a = data[0], *b = data[1];
    for (int64_t i = 0; i < n; i++, a += step[0], b += step[1]) {
        int order = memcmp(a, b, self->size);
        data[2][i * step[2]] = (char)self->truth[(order > 0) - (order < 0) + 1];
    }
}

static void
choose_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const comparison_t *self = context;
    for (int64_t i = 0; i < n; i++) {
        int chosen = data[0][i * step[0]] != 0 ? 1 : 2;
        memcpy(data[3] + i * step[3], data[chosen] + i * step[chosen], self->size);
    }
}

static int
check(const op_t *op, const nd_t *in, int nin, const nd_t *out, bool choosing, err_t *err)
{
    dtype_t dtype = in[nin - 1].dtype, made = choosing ? dtype : DTYPE_BOOL;
    bool good = nin == 2 + choosing && (!choosing || in[0].dtype == DTYPE_BOOL) && in[nin - 2].dtype == dtype &&
                (choosing || dtype_is_items(dtype));
    if (good && out->dtype == made)
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "%s of %s and %s to %s: they must be of one dtype, the result %s", op->name,
                   dtype_name(in[nin > 1 ? nin - 2 : 0].dtype), dtype_name(dtype), dtype_name(out->dtype),
                   dtype_name(made));
}

int
items_ufunc(crew_t *crew, const op_t *op, const nd_t *in, int nin, const nd_t *out, err_t *err)
{
    bool choosing = op->code == OP_WHERE;
    int status = check(op, in, nin, out, choosing, err);
    if (status != FH_OK)
        return status;
    comparison_t self = {.dtype = in[nin - 1].dtype, .size = dtype_size(in[nin - 1].dtype)};
    size_t row = 0, rows = sizeof COMPARISONS / sizeof *COMPARISONS;
    while (!choosing && row < rows && (int)COMPARISONS[row].op != op->code)
        row++;
    if (row == rows)
        return err_set(err, FH_WRONG_TYPE, "%s is not for elements of %s", op->name, dtype_name(self.dtype));
    memcpy(self.truth, COMPARISONS[row].truth, sizeof self.truth);
    nd_t operand[OPERANDS];
    const nd_t *order[OPERANDS];
    for (int k = 0; k <= nin; k++) {
        status = nd_broadcast(k < nin ? &in[k] : out, &out->shape, &operand[k], err);
        if (status != FH_OK)
            return status;
        order[k] = &operand[k];
    }
    iterate_t walk;
    iterate_init(&walk, order, nin + 1, nin);
    bool bytes = dtype_code(self.dtype) != CODE_STR || self.truth[0] == self.truth[2]; /* or only equality counts */
    iterate_run(&walk, crew, 3 * (int64_t)self.size,
                choosing ? choose_row
                : bytes  ? compare_bytes_row
                         : compare_row,
                &self);
    return FH_OK;
}
