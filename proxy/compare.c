#include "proxy/compare.h"

#include <string.h>

/* For x OP n with n above (below) the range: the answer is that of x OTHER end, for the upper (lower) end of the range.
 */
typedef struct {
    const char *op, *mirrored; /* n OP x is x MIRRORED n */
    bool above, below;         /* the answer */
} comparison_t;

static const comparison_t comparisons[] = {
    {"less", "greater", true, false}, {"less_equal", "greater_equal", true, false},
    {"greater", "less", false, true}, {"greater_equal", "less_equal", false, true},
    {"equal", "equal", false, false}, {"not_equal", "not_equal", true, true},
};

static const comparison_t *
find(const char *name)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        if (strcmp(comparisons[i].op, name) == 0)
            return &comparisons[i];
    return NULL;
}

void
compare_replace(ufunc_t *self)
{
    const comparison_t *row = find(self->op->name);
    for (int i = 0; row && i < self->nin; i++) {
        input_t *input = &self->in[i];
        int excess = input_excess(input, self->loop.in[i]);
        if (!excess)
            continue;
        if (i == 0)
            row = find(row->mirrored);
        bool answer = excess > 0 ? row->above : row->below;
        /* The lowest value of any integer dtype: x >= lowest is always true, x < lowest never. */
        int bits = 8 * (int)dtype_size(self->loop.in[i]);
        int64_t lowest = dtype_kind(self->loop.in[i]) == 'u' ? 0 : (int64_t)(UINT64_MAX << (bits - 1));
        dtype_convert(self->loop.in[i], input->scalar, DTYPE_INT64, &lowest);
        input->dtype = self->loop.in[i];
        input->weak = WEAK_NO;
        const char *name = answer ? (i == 0 ? "less_equal" : "greater_equal") : (i == 0 ? "greater" : "less");
        self->op = op_find(name, strlen(name));
        return;
    }
}
