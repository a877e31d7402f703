#include "codecs/linalg.h"

#include <limits.h>
#include <string.h>

#define COUNT(dtypes) ((int)sizeof(dtypes) - 1)

static const linalg_t ROWS[] = {
#define LINALG(number, NAME, name, inputs, outputs, dtypes, waits, doc)                                                \
    [number] = {#name, inputs, outputs, dtypes, waits, sizeof inputs > 3 ? 2 : 1, COUNT(dtypes)},
#include "codecs/linalg.def"
#undef LINALG
};

int
linalg_find(const char *name)
{
    for (int i = 0; i < LINALG_COUNT; i++)
        if (strcmp(ROWS[i].name, name) == 0)
            return i;
    return -1;
}

const linalg_t *
linalg_at(int64_t code)
{
    return code >= 0 && code < LINALG_COUNT ? &ROWS[code] : NULL;
}

bool
linalg_takes(dtype_t dtype)
{
    return dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64 || dtype == DTYPE_COMPLEX64 || dtype == DTYPE_COMPLEX128;
}

/* Word i of a text with single spaces: where it begins, and its letters. */
static const char *
word_at(const char *text, int i, int *ret_length)
{
    for (; i > 0; i--)
        text = strchr(text, ' ') + 1;
    *ret_length = *text == '-' ? 0 : (int)strcspn(text, " ");
    return text;
}

static int64_t *
extent_of(linalg_dims_t *dims, char letter)
{
    return letter == 'm' ? &dims->m : letter == 'n' ? &dims->n : letter == 'r' ? &dims->r : &dims->k;
}

static int
take_extents(const linalg_t *self, const shape_t *shape, int i, linalg_dims_t *dims, err_t *err)
{
    int length;
    const char *letters = word_at(self->inputs, i, &length);
    if (shape->ndim < 2)
        return err_set(err, FH_LINALG_ERROR, "%d-dimensional array given. Array must be at least two-dimensional",
                       shape->ndim);
    const int64_t *last = shape->extent + shape->ndim - 2;
    if (letters[0] == letters[1] && last[0] != last[1])
        return err_set(err, FH_LINALG_ERROR, "Last 2 dimensions of the array must be square");
    for (int axis = 0; axis < 2; axis++) {
        int64_t *extent = extent_of(dims, letters[axis]);
        if (last[axis] > INT_MAX / 2)
            return err_set(err, FH_NOT_SUPPORTED, "%s of a matrix with an extent of %lld: at most %d", self->name,
                           (long long)last[axis], INT_MAX / 2);
        if (*extent >= 0 && *extent != last[axis])
            return err_set(err, FH_INVALID_ARGUMENT,
                           "%s: Input operand %d has a mismatch in its core dimension %d (size %lld is different from "
                           "%lld)",
                           self->name, i, axis, (long long)last[axis], (long long)*extent);
        *extent = last[axis];
    }
    return FH_OK;
}

int
linalg_resolve(const linalg_t *self, const shape_t *const *inputs, linalg_dims_t *ret, err_t *err)
{
    shape_t stacks[LINALG_MAX_IN];
    const shape_t *pointers[LINALG_MAX_IN];
    *ret = (linalg_dims_t){.m = -1, .n = -1, .r = -1};
    for (int i = 0; i < self->nin; i++) {
        int status = take_extents(self, inputs[i], i, ret, err);
        if (status)
            return status;
        stacks[i] = *inputs[i];
        stacks[i].ndim -= 2;
        pointers[i] = &stacks[i];
    }
    ret->m = ret->m < 0 ? ret->n : ret->m;
    ret->k = ret->m < ret->n ? ret->m : ret->n;
    return shape_broadcast(pointers, self->nin, &ret->stack, err);
}

shape_t
linalg_shape(const linalg_t *self, const linalg_dims_t *dims, int i)
{
    linalg_dims_t copy = *dims;
    shape_t shape = dims->stack;
    int length;
    const char *letters = word_at(self->outputs, i, &length);
    for (int axis = 0; axis < length; axis++)
        shape.extent[shape.ndim++] = *extent_of(&copy, letters[axis]);
    return shape;
}

dtype_t
linalg_dtype(const linalg_t *self, dtype_t input, int i)
{
    bool single = input == DTYPE_FLOAT32 || input == DTYPE_COMPLEX64;
    switch (self->dtypes[i]) {
    case 'r':
        return single ? DTYPE_FLOAT32 : DTYPE_FLOAT64;
    case 'c':
        return single ? DTYPE_COMPLEX64 : DTYPE_COMPLEX128;
    case 'i':
        return DTYPE_INT64;
    default:
        return input;
    }
}
