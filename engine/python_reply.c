/* engine/python_reply.c - from what a Python call has made to what its client hears. */
#include "engine/python_host.h"

#include <string.h>

enum { BODY_INLINE = 8192 };

/* Dtypes, dimensions and extents of arrays, for the message. */
typedef struct {
    int64_t dtypes[PYHOST_ARRAYS], ndims[PYHOST_ARRAYS], extents[PYHOST_ARRAYS * SHAPE_MAX_DIMS];
    uint32_t count;
} shapes_t;

static void
list_shapes(const python_made_t *made, shapes_t *ret)
{
    ret->count = 0;
    for (int i = 0; i < made->narrays; i++) {
        const nd_t *nd = &made->arrays[i].nd;

        ret->dtypes[i] = nd->dtype;
        ret->ndims[i] = nd->shape.ndim;
        memcpy(ret->extents + ret->count, nd->shape.extent, (size_t)nd->shape.ndim * sizeof *ret->extents);
        ret->count += (uint32_t)nd->shape.ndim;
    }
}

/* Under the lock: what was made becomes the session's, all or nothing. */
static int
publish(core_t *core, lane_t *lane, oid_t id, python_job_t *job, err_t *err)
{
    owner_t *owner = &lane->owner;
    python_made_t *made = &job->made;
    uint32_t objects = 0;
    int arrays = 0, status = lane->gone ? err_set(err, FH_CANCELLED, "the session has ended") : FH_OK;
    bool result = !oid_is_none(job->result) && !job->raised;

    if (!status && result)
        status = object_table_add_python(&core->objects, owner, id, job->host, err);
    for (; objects < made->nobjects && !status; objects += !status)
        status = object_table_add_python(&core->objects, owner, made->objects[objects], job->host, err);
    for (; arrays < made->narrays && !status; arrays += !status)
        status = object_table_add_array(&core->objects, owner, made->array_ids[arrays], &made->arrays[arrays].segment,
                                        &made->arrays[arrays].nd, false, err);
    if (!status) {
        made->nobjects = 0; /* they are no longer the job's */
        job->result = OID_NONE;
        return FH_OK;
    }
    for (int i = 0; i < arrays; i++)
        object_table_drop(&core->objects, owner, made->array_ids[i]);
    while (objects > 0)
        object_table_drop(&core->objects, owner, made->objects[--objects]);
    return status;
}

/* Under the lock. */
static void
reply(core_t *core, lane_t *lane, uint64_t call, const python_job_t *job, oids_t objects, const shapes_t *shapes)
{
    const python_made_t *made = &job->made;
    buf_t *raws[1] = {NULL};
    uint32_t narrays = (uint32_t)made->narrays;
    message_t message = {.code = MSG_PY_RESULT,
                         .as.PY_RESULT = {.call = call,
                                          .raised = job->raised,
                                          .objects = objects,
                                          .arrays = {made->array_ids, narrays},
                                          .dtypes = {shapes->dtypes, narrays},
                                          .ndims = {shapes->ndims, narrays},
                                          .shapes = {shapes->extents, shapes->count}}};

    if (made->body && buf_size(made->body) > BODY_INLINE) {
        raws[0] = made->body;
        message.raw = 1;
    } else {
        message.as.PY_RESULT.body = made->body ? (bin_t){buf_data(made->body), (uint32_t)buf_size(made->body)}
                                               : (bin_t){made->small, made->small_bytes};
    }
    core_reply(core, lane, &message, raws);
}

int
python_reply(core_t *core, lane_t *lane, const msg_PY_CALL_t *call, python_job_t *job, err_t *err)
{
    shapes_t shapes;
    oids_t objects = {job->made.objects, job->made.nobjects};

    if (job->status && !job->raised) {
        *err = job->err;
        return job->status;
    }
    list_shapes(&job->made, &shapes);
    int status = publish(core, lane, call->result, job, err);

    if (!status)
        reply(core, lane, call->call, job, objects, &shapes);
    if (!status && job->raised && !oid_is_none(call->result)) {
        buf_t *poison = NULL;

        err_set_origin(&job->err, "engine %d (%s), PY_CALL %.40s", core->number, core->host_name, job->what);
        if (buf_new_copy(&poison, &job->err, sizeof job->err, NULL))
            poison = buf_ref(core->no_memory);
        (void)object_table_add_poisoned(&core->objects, &lane->owner, call->result, poison, NULL);
        buf_unref(&poison);
    }
    return status;
}
