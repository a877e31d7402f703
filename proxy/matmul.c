/* matmul: operands of any kind and shape become matrices of one dtype, and their product what NumPy makes of it. */
#include "proxy/error.h"
#include "proxy/product.h"
#include "proxy/scatter.h"

static int
take_operand(fh_session *session, const fh_operand *operand, const fh_operand *other, fh_array **ret, err_t *err)
{
    if (operand->kind == FH_ARRAY) {
        int status = array_enter(operand->array, err);
        return status ? status : fh_alias(operand->array, ret, (fh_error *)err);
    }
    if (operand->kind != FH_LOCAL || other->kind != FH_ARRAY)
        return err_set(err, FH_INVALID_ARGUMENT, "matmul: numbers cannot be multiplied as matrices; use *");
    nd_t nd;
    bool swapped;
    layout_t layout = {0};
    int status = scatter_local(operand->local, &nd, &swapped, err);
    if (!status)
        status = layout_single(&layout, other->array->parts[0].handle->engine, err);
    if (!status)
        status = scatter_to(session, &nd, swapped, &layout, ret, err);
    layout_release(&layout);
    return status;
}

/* As a matrix (a vector gets an axis) of the dtype. */
static int
make_matrix(fh_array **array, int which, dtype_t dtype, err_t *err)
{
    static const fh_index_item ITEMS[2][2] = {{{.kind = FH_INDEX_NEWAXIS}, {.kind = FH_INDEX_ELLIPSIS}},
                                              {{.kind = FH_INDEX_ELLIPSIS}, {.kind = FH_INDEX_NEWAXIS}}};
    fh_array *made = NULL;
    int status = FH_OK;
    if ((*array)->shape.ndim == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "matmul: Input operand %d does not have enough dimensions (has 0)",
                       which);
    if ((*array)->dtype != dtype) {
        status = fh_astype(*array, (fh_dtype)dtype, FH_CASTING_UNSAFE, &made, (fh_error *)err);
        if (!status) {
            fh_array_free(array);
            *array = made;
        }
    }
    if (!status && (*array)->shape.ndim == 1) {
        status = fh_index(*array, ITEMS[which], 2, &made, (fh_error *)err);
        if (!status) {
            fh_array_free(array);
            *array = made;
        }
    }
    return status;
}

static int
find_shape(product_t *self, err_t *err)
{
    shape_t stacks[2];
    const shape_t *both[2] = {&stacks[0], &stacks[1]};
    const int64_t *last[2];
    for (int i = 0; i < 2; i++) {
        stacks[i] = self->in[i]->shape;
        stacks[i].ndim -= 2;
        last[i] = self->in[i]->shape.extent + stacks[i].ndim;
    }
    if (last[0][1] != last[1][0])
        return err_set(err, FH_INVALID_ARGUMENT,
                       "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                       "(n?,k),(k,m?)->(n?,m?) (size %lld is different from %lld)",
                       (long long)last[1][0], (long long)last[0][1]);
    int status = shape_broadcast(both, 2, &self->shape, err);
    if (status)
        return status;
    if (self->shape.ndim + 2 > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "matmul: more than %d dimensions", SHAPE_MAX_DIMS);
    self->shape.extent[self->shape.ndim++] = last[0][0];
    self->shape.extent[self->shape.ndim++] = last[1][1];
    return FH_OK;
}

/* Take the axes away that vectors were given, and give the result its dtype. */
static int
finish(fh_array **made, const bool vector[2], dtype_t dtype, err_t *err)
{
    fh_index_item items[3] = {{.kind = FH_INDEX_ELLIPSIS}, {.kind = FH_INDEX_INT}, {.kind = FH_INDEX_INT}};
    fh_array *seen = NULL;
    int status = FH_OK;
    if (vector[0] && !vector[1])
        items[2].kind = FH_INDEX_SLICE;
    if (vector[0] || vector[1])
        status = fh_index(*made, items, vector[0] ? 3 : 2, &seen, (fh_error *)err);
    if (!status && seen) {
        fh_array_free(made);
        *made = seen;
        seen = NULL;
    }
    if (!status && (*made)->dtype != dtype) {
        status = fh_astype(*made, (fh_dtype)dtype, FH_CASTING_UNSAFE, &seen, (fh_error *)err);
        if (!status) {
            fh_array_free(made);
            *made = seen;
        }
    }
    return status;
}

int
fh_matmul(fh_session *session, const fh_operand *a, const fh_operand *b, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    product_t self = {.session = session};
    fh_array *made = NULL;
    dtype_t dtype = DTYPE_NONE;
    int status = session_enter(session, err);
    if (!status)
        status = take_operand(session, a, b, &self.in[0], err);
    if (!status)
        status = take_operand(session, b, a, &self.in[1], err);
    if (status)
        goto done;
    dtype = dtype_promote(self.in[0]->dtype, self.in[1]->dtype);
    self.dtype = dtype == DTYPE_FLOAT16 ? DTYPE_FLOAT32 : dtype;
    bool vector[2] = {self.in[0]->shape.ndim == 1, self.in[1]->shape.ndim == 1};
    for (int i = 0; i < 2 && !status; i++)
        status = make_matrix(&self.in[i], i, self.dtype, err);
    if (!status)
        status = find_shape(&self, err);
    if (!status)
        status = product_compute(&self, &made, err);
    if (!status)
        status = finish(&made, vector, dtype, err);
    if (!status)
        status = session_flush(session, err);
done:
    product_release(&self);
    if (status)
        fh_array_free(&made);
    else
        *ret = made;
    return status;
}
