/* engine/methods.c - the tables of methods/ by message code, and what methods share. */
#include "engine/methods.h"

#include "engine/transfer.h"

#include <pthread.h>
#include <string.h>

enum { CODES = 256 };

static const method_t *by_code[CODES];
static pthread_once_t by_code_once = PTHREAD_ONCE_INIT;

static void
sort_by_code(void)
{
    static const method_table_t *const TABLES[] = {&METHODS_ARRAY,       &METHODS_MOVE,       &METHODS_ELEMENTWISE,
                                                   &METHODS_REDUCE,      &METHODS_CALL,       &METHODS_KERNEL,
                                                   &METHODS_KERNEL_CALL, &METHODS_KERNEL_MAP, &METHODS_KERNEL_FOLD};

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
run_shape(uint64_t dtype, ints_t extents, dtype_t *ret_dtype, shape_t *ret_shape, err_t *err)
{
    shape_t shape = {.ndim = (int)extents.count};

    if (!dtype_valid(dtype))
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
    return transfers_detach(run->core, pin->segment, run->lane, err);
}
