/* What Python calls gave: replies as handles. */
#include "proxy/python_object.h"

#include "codecs/dtype_fields.h"

#include <stdlib.h>
#include <string.h>

static int
take_body(fh_python_call *self, const msg_PY_RESULT_t *result, const bin_t *raw, int nraw, err_t *err)
{
    bin_t body = nraw ? raw[0] : result->body;
    self->answer.body_in_array = body.size == 0;
    if (body.size == 0 && result->arrays.count == 0)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine sent a Python result without a pickle");
    self->body = malloc(body.size ? body.size : 1);
    if (!self->body)
        return err_set(err, FH_NO_MEMORY, "no memory for a result of %u bytes", body.size);
    if (body.size)
        memcpy(self->body, body.data, body.size);
    self->answer.body = self->body;
    self->answer.size = body.size;
    return FH_OK;
}

static int
take_objects(fh_python_call *self, const oids_t *ids, err_t *err)
{
    if (!ids->count)
        return FH_OK;
    self->objects = calloc(ids->count, sizeof(fh_object *));
    if (!self->objects)
        return err_set(err, FH_NO_MEMORY, "no memory for %u handles", ids->count);
    for (uint32_t i = 0; i < ids->count; i++) {
        handle_t *handle = NULL;
        int status = handle_adopt(&handle, self->engine, ids->items[i], 0, err);
        if (!status)
            status = python_object_new(&self->objects[i], handle, self->shared, err);
        if (status) {
            handle_unref(&handle);
            return status;
        }
        self->answer.nobjects++;
    }
    return FH_OK;
}

static int
take_array(fh_python_call *self, oid_t id, uint64_t dtype, const shape_t *shape, fh_array **ret, err_t *err)
{
    handle_t *handle = NULL;
    if (!dtype_known(dtype) || dtype_wire((dtype_t)dtype) != dtype || shape_bytes(shape, (dtype_t)dtype) < 0)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine sent an array of dtype %u that makes no sense",
                       (unsigned)dtype);
    int status = handle_adopt(&handle, self->engine, id, shape_bytes(shape, (dtype_t)dtype), err);
    if (status)
        return status;
    status = array_new(ret, self->session, (dtype_t)dtype, shape, -1, 1, err);
    if (status) {
        handle_unref(&handle);
        return status;
    }
    array_put(*ret, 0, handle, NULL);
    return FH_OK;
}

static int
take_arrays(fh_python_call *self, const msg_PY_RESULT_t *result, err_t *err)
{
    uint32_t n = result->arrays.count, at = 0;
    if (!n)
        return FH_OK;
    if (result->dtypes.count != n || result->ndims.count != n)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine described %u of %u arrays", result->dtypes.count, n);
    self->arrays = calloc(n, sizeof(fh_array *));
    if (!self->arrays)
        return err_set(err, FH_NO_MEMORY, "no memory for %u handles", n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t ndim = result->ndims.items[i];
        if (ndim < 0 || ndim > SHAPE_MAX_DIMS || (uint64_t)ndim > result->shapes.count - at)
            return err_set(err, FH_PROTOCOL_ERROR, "an engine sent an array of %lld dimensions", (long long)ndim);
        shape_t shape = {.ndim = (int)ndim};
        memcpy(shape.extent, result->shapes.items + at, (size_t)ndim * sizeof *shape.extent);
        at += (uint32_t)ndim;
        int status =
            take_array(self, result->arrays.items[i], (uint64_t)result->dtypes.items[i], &shape, &self->arrays[i], err);
        if (status)
            return status;
        self->answer.narrays++;
    }
    return FH_OK;
}

int
python_answer_take(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    fh_python_call *self = context;
    if (reply->code != MSG_PY_RESULT)
        return err_set(err, FH_PROTOCOL_ERROR, "a Python call was answered with message %d", (int)reply->code);
    const msg_PY_RESULT_t *result = &reply->as.PY_RESULT;
    self->answer.raised = result->raised;
    self->claim = self->way ? (unsigned)result->claim : 0;
    if (self->claim == PYTHON_CLAIM_CALL)
        return FH_OK; /* it is empty */
    int status = take_objects(self, &result->objects, err);
    if (!status)
        status = take_arrays(self, result, err);
    return status ? status : take_body(self, result, raw, nraw, err);
}

void
python_answer_release(fh_python_call *self)
{
    for (int i = 0; i < self->answer.nobjects; i++)
        fh_object_free(&self->objects[i]);
    for (int i = 0; i < self->answer.narrays; i++)
        fh_array_free(&self->arrays[i]);
    free(self->objects);
    free(self->arrays);
    free(self->body);
}
