/* engine/methods.c - the tables of methods/ by message code, and what methods share. */
#include "engine/methods.h"

#include "engine/compute/iterate.h"
#include "engine/transfer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 256 };

static const method_t *by_code[CODES];
static pthread_once_t by_code_once = PTHREAD_ONCE_INIT;

static void
sort_by_code(void)
{
    static const method_table_t *const TABLES[] = {
        &METHODS_ARRAY,       &METHODS_ADOPT,  &METHODS_MOVE,   &METHODS_ELEMENTWISE, &METHODS_REDUCE,
        &METHODS_FUSED,       &METHODS_CALL,   &METHODS_KERNEL, &METHODS_KERNEL_CALL, &METHODS_KERNEL_MAP,
        &METHODS_KERNEL_FOLD, &METHODS_PYTHON, &METHODS_APPLY,  &METHODS_CARVE,       &METHODS_FETCH_LIST};

    for (size_t t = 0; t < sizeof TABLES / sizeof *TABLES; t++)
        for (int i = 0; i < TABLES[t]->count; i++)
            if ((unsigned)TABLES[t]->rows[i].code < CODES)
                by_code[TABLES[t]->rows[i].code] = &TABLES[t]->rows[i];
}

const method_t *
methods_find(msg_code_t code)
{
    (void)pthread_once(&by_code_once, sort_by_code);
    return (unsigned)code < CODES ? by_code[code] : NULL;
}

bool
run_defer(run_t *run, int64_t bytes)
{
    if (!run->on_reactor || bytes <= METHOD_INLINE_BYTES)
        return false;
    run->next = NEXT_COMPUTE;
    return true;
}

int
run_take_error(run_t *run, err_t *err)
{
    int status = FH_OK;

    pthread_mutex_lock(&run->core->lock);
    if (run->lane->error) {
        status = run->lane->error->status;
        *err = *run->lane->error;
        free(run->lane->error);
        run->lane->error = NULL;
    }
    pthread_mutex_unlock(&run->core->lock);
    return status;
}

int
run_shape(uint64_t dtype, ints_t extents, dtype_t *ret_dtype, shape_t *ret_shape, err_t *err)
{
    shape_t shape = {.ndim = (int)extents.count};

    if (!dtype_known(dtype))
        return err_set(err, FH_INVALID_ARGUMENT, "%llu is not the code of a dtype", (unsigned long long)dtype);
    if (extents.count > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "%u dimensions; at most %d are possible", extents.count,
                       SHAPE_MAX_DIMS);
    for (int i = 0; i < shape.ndim; i++) {
        shape.extent[i] = extents.items[i];
        if (shape.extent[i] < 0)
            return err_set(err, FH_INVALID_ARGUMENT, "the extent %lld of axis %d is negative",
                           (long long)shape.extent[i], i);
    }
    if (shape_bytes(&shape, (dtype_t)dtype) < 0)
        return err_set(err, FH_OVERFLOW, "an array with so many elements is too large for this machine");
    *ret_dtype = (dtype_t)dtype;
    *ret_shape = shape;
    return FH_OK;
}

int
run_strided(uint64_t dtype, ints_t extents, ints_t strides, nd_t *ret, err_t *err)
{
    if (extents.count != strides.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u extents and %u strides", extents.count, strides.count);
    int status = run_shape(dtype, extents, &ret->dtype, &ret->shape, err);

    for (int i = 0; i < ret->shape.ndim && !status; i++)
        ret->stride[i] = strides.items[i];
    return status;
}

int
run_place(const segment_t *segment, int64_t start, int64_t offset, nd_t *view, err_t *err)
{
    int64_t low, high;
    int status = nd_extent(view, &low, &high);

    if (!status && (__builtin_add_overflow(start, offset, &start) || __builtin_add_overflow(low, start, &low) ||
                    __builtin_add_overflow(high, start, &high)))
        status = FH_OVERFLOW;
    if (status)
        return err_set(err, status, "the offset and strides of the view are out of range");
    if (low == high) {
        view->data = segment->data;
        return FH_OK;
    }
    if (low < 0 || high > (int64_t)segment->size)
        return err_set(err, FH_BAD_INDEX, "the view covers bytes %lld to %lld of a segment of %zu", (long long)low,
                       (long long)high, segment->size);
    view->data = segment->data + start;
    return FH_OK;
}

int
run_place_aligned(const segment_t *segment, int64_t start, int64_t offset, nd_t *view, err_t *err)
{
    int status = run_place(segment, start, offset, view, err);

    if (!status && !iterate_aligned(view))
        status = err_set(err, FH_INVALID_ARGUMENT, "the offset and strides of a new array are multiples of %zu",
                         dtype_alignment(view->dtype));
    return status;
}

int
run_pin_aligned(run_t *run, oid_t id, pin_t *ret, err_t *err)
{
    int status = core_pin(run->core, id, ret, err);

    if (!status && !iterate_aligned(&ret->nd))
        status = err_set(err, FH_NOT_SUPPORTED,
                         "the elements of this view of dtype %s do not lie on multiples of %zu bytes; copy it first",
                         dtype_name(ret->nd.dtype), dtype_alignment(ret->nd.dtype));
    return status;
}

int
run_align(run_t *run, pin_t *pin, err_t *err)
{
    pin_t copy = {0};

    if (iterate_aligned(&pin->nd))
        return FH_OK;
    int status = core_make(run->core, run->lane, pin->nd.dtype, &pin->nd.shape, false, 0, &copy, err);

    if (!status) {
        segment_touch(copy.segment);
        status = compute_assign(run->crew, &copy.nd, &pin->nd, err);
    }
    if (status) {
        pin_release(&copy);
        return status;
    }
    pin_release(pin);
    *pin = copy;
    return FH_OK;
}

int
run_operand(run_t *run, const operand_t *operand, uint8_t scalar[16], pin_t *ret, err_t *err)
{
    if (!oid_is_none(operand->object))
        return core_pin(run->core, operand->object, ret, err);
    if (!dtype_valid(operand->dtype))
        return err_set(err, FH_INVALID_ARGUMENT, "a constant of an unknown dtype");
    memcpy(scalar, operand->scalar, sizeof operand->scalar);
    ret->segment = NULL;
    nd_init(&ret->nd, scalar, (dtype_t)operand->dtype, &(shape_t){.ndim = 0});
    return FH_OK;
}

int
run_thaw(run_t *run, pin_t *pin, err_t *err)
{
    int status = core_begin_write(run->core, run->on_reactor ? NULL : run->crew, pin, err);

    if (status == FH_BUSY) {
        run->next = NEXT_COMPUTE;
        run->put_off = true;
    }
    return status;
}

int
run_detach(run_t *run, pin_t *pin, err_t *err)
{
    int status = transfers_detach(run->core, pin->segment, run->lane, err);

    if (status == FH_BUSY) {
        run->next = NEXT_COMPUTE;
        run->put_off = true;
    }
    return status;
}

int
run_writes(run_t *run, pin_t *pin, err_t *err)
{
    int status;

    for (int i = 0; i < pin->nd.shape.ndim; i++)
        if (pin->nd.stride[i] == 0 && pin->nd.shape.extent[i] > 1)
            return err_set(err, FH_INVALID_ARGUMENT,
                           "the array that is to be written is a broadcast view: its elements share memory");
    status = run_thaw(run, pin, err);
    if (status)
        return status;
    segment_touch(pin->segment);
    return run_detach(run, pin, err);
}
