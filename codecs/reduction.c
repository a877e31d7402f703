#include "codecs/reduction.h"

bool
reduction_is_ordered(reduce_t reduce, dtype_t result)
{
    char kind = dtype_kind(result);
    return (reduce == REDUCE_SUM || reduce == REDUCE_PROD) && (kind == 'f' || kind == 'c');
}

dtype_t
reduction_state_dtype(dtype_t result)
{
    return result == DTYPE_FLOAT16 ? DTYPE_FLOAT32 : result;
}

int
reduction_groups(const shape_t *shape, uint32_t axes, uint32_t ret[SHAPE_MAX_DIMS])
{
    int n = 0;
    int64_t elements = REDUCTION_GROUP;
    for (int axis = shape->ndim - 1; axis >= 0; axis--) {
        if (!(axes >> axis & 1))
            continue;
        if (n == 0 || (elements >= REDUCTION_GROUP && shape->extent[axis] > 1)) {
            ret[n++] = 0;
            elements = 1;
        }
        ret[n - 1] |= UINT32_C(1) << axis;
        elements *= shape->extent[axis];
    }
    return n;
}

int
reduction_outermost(const shape_t *shape, uint32_t group)
{
    for (int axis = 0; axis < shape->ndim; axis++)
        if (group >> axis & 1 && shape->extent[axis] > 1)
            return axis;
    return -1;
}

int64_t
reduction_slot(int64_t at, int64_t end, int64_t whole, int *ret_level)
{
    int64_t leaf = at / REDUCTION_LEAF, n = REDUCTION_LEAF;
    *ret_level = -1;
    if (at % REDUCTION_LEAF != 0)
        return 1;
    if (n > whole - at)
        n = whole - at; /* the last leaf is shorter */
    if (n > end - at)
        return 1;
    *ret_level = 0;
    if (n < REDUCTION_LEAF)
        return n;
    for (; leaf % 2 == 0 && 2 * n <= end - at; leaf /= 2, n *= 2)
        ++*ret_level;
    return n;
}

int64_t
reduction_slots(int64_t at, int64_t end, int64_t whole)
{
    int64_t slots = 0;
    for (int level; at < end; slots++)
        at += reduction_slot(at, end, whole, &level);
    return slots;
}
