/* Writing into arrays, and copies of them. */
#include "proxy/error.h"
#include "proxy/inputs.h"
#include "proxy/placing.h"

static int
check_shape(const input_t *value, const fh_array *target, err_t *err)
{
    const shape_t *shapes[] = {&value->shape, &target->shape};
    shape_t shape;
    char from[256], to[256];
    if (shape_broadcast(shapes, 2, &shape, NULL) == FH_OK && shape_equal(&shape, &target->shape))
        return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "could not broadcast a value of shape %s into an array of shape %s",
                   shape_format(&value->shape, from, sizeof from), shape_format(&target->shape, to, sizeof to));
}

static int
assign(fh_array *target, input_t *value, err_t *err)
{
    layout_t layout;
    int status = array_layout(target, 0, &layout, err);
    if (status)
        return status;
    /* First bring everything, then write: what is brought must be from before. */
    status = input_align(value, target->session, &target->shape, &layout, err);
    if (!status)
        status = input_shield(value, &target->shape, &layout, target, err);
    for (int i = 0; i < target->n && !status; i++) {
        operand_t operand = input_operand(value, i);
        status = emit_assign(target->parts[i].handle, &operand, NULL, err);
    }
    layout_release(&layout);
    return status ? status : session_flush(target->session, err);
}

/* NumPy drops leading axes of extent 1 that the target does not have. */
static int
drop_leading(input_t *value, const fh_array *target, fh_array **ret_view, err_t *err)
{
    int extra = value->shape.ndim - target->shape.ndim;
    shape_t shape = {.ndim = target->shape.ndim};
    if (extra <= 0)
        return FH_OK;
    for (int axis = 0; axis < value->shape.ndim; axis++) {
        if (axis >= extra)
            shape.extent[axis - extra] = value->shape.extent[axis];
        else if (value->shape.extent[axis] != 1)
            return FH_OK; /* check_shape will say so */
    }
    if (value->is_local) {
        for (int axis = extra; axis < value->shape.ndim; axis++)
            value->local.stride[axis - extra] = value->local.stride[axis];
        value->local.shape = value->shape = shape;
        return FH_OK;
    }
    int status = fh_reshape(value->array, shape.ndim, shape.extent, ret_view, (fh_error *)err);
    if (!status) {
        value->array = *ret_view;
        value->shape = shape;
    }
    return status;
}

int
fh_assign(fh_array *array, const fh_operand *value, fh_casting casting, fh_error *error)
{
    err_t *err = error_start(error);
    input_t input;
    fh_array *view = NULL;
    int status = array_enter(array, err);
    if (status)
        return status;
    status = input_init_for(&input, value, array->dtype, casting, err);
    if (!status)
        status = drop_leading(&input, array, &view, err);
    if (!status)
        status = check_shape(&input, array, err);
    if (!status)
        status = assign(array, &input, err);
    input_release(&input);
    fh_array_free(&view);
    return status;
}

int
fh_astype(fh_array *array, fh_dtype dtype, fh_casting casting, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *made = NULL;
    layout_t layout;
    int status = array_enter(array, err);
    if (status)
        return status;
    if (!dtype_known((uint64_t)dtype))
        return err_set(err, FH_WRONG_TYPE, "%u is not a dtype", (unsigned)dtype);
    if (!dtype_can_cast(array->dtype, (dtype_t)dtype, (casting_t)casting))
        return err_set(err, FH_WRONG_TYPE, "cannot cast an array from %s to %s with this casting rule",
                       dtype_name(array->dtype), dtype_name((dtype_t)dtype));
    if ((dtype_t)dtype != array->dtype && dtype_valid((uint64_t)dtype) && dtype_valid((uint64_t)array->dtype)) {
        const fh_operand operand = {.kind = FH_ARRAY, .array = array};
        const fh_ufunc_options options = {.dtype = dtype, .casting_given = true, .casting = casting};

        return fh_ufunc(array->session, "cast", &operand, 1, &options, ret, error);
    }
    status = array_layout(array, 0, &layout, err);
    if (status)
        return status;
    status = array_new_as(&made, array->session, (dtype_t)dtype, &array->shape, &layout, err);
    for (int i = 0; i < array->n && !status; i++) {
        shape_t shape = array_part_shape(array, i);
        handle_t *source = array->parts[i].handle, *copy = NULL;
        status = handle_new(&copy, source->engine, OID_NONE, shape_bytes(&shape, (dtype_t)dtype), err);
        if (!status)
            status = placing_add(made, i, copy, err);
        if (!status)
            status = emit_copy_piece(source, (dtype_t)dtype, layout_first(&layout, &array->shape, i), &copy, err);
        if (status)
            handle_discard(&copy);
        else
            array_put(made, i, copy, NULL);
    }
    layout_release(&layout);
    if (!status)
        status = session_flush(array->session, err);
    if (status)
        fh_array_free(&made);
    else
        *ret = made;
    return status;
}

int
fh_copy(fh_array *array, fh_array **ret, fh_error *error)
{
    if (!array)
        return err_set(error_start(error), FH_INVALID_ARGUMENT, "no array was given");
    return fh_astype(array, (fh_dtype)array->dtype, FH_CASTING_NO, ret, error);
}
