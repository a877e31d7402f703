#include "proxy/whole.h"

#include "codecs/dtype_fields.h"
#include "proxy/emit.h"
#include "proxy/error.h"
#include "proxy/wait.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- which parts ---------------------------------------------------------------------------------------------------
 */

static int64_t
part_bytes(const fh_array *array, const layout_t *layout, int i)
{
    shape_t shape = layout_part_shape(layout, &array->shape, i);
    return shape_bytes(&shape, array->dtype);
}

/* The only run of parts on this host, or none. */
static void
find_parts(const fh_array *array, const layout_t *layout, whole_t *ret)
{
    int64_t bytes = 0;
    int runs = 0;
    bool before = false;
    for (int i = 0; i < layout->n; i++) {
        bool here = nearby_possible(layout->engines[i], NEARBY_BYTES);
        if (here && !before) {
            runs++;
            ret->first = i;
        }
        ret->n += here;
        bytes += here ? part_bytes(array, layout, i) : 0;
        before = here;
    }
    if (runs != 1 || bytes < NEARBY_BYTES || layout->axis < 0)
        ret->n = 0;
}

static engine_link_t *
choose_home(const layout_t *layout, const whole_t *whole)
{
    engine_link_t *best = layout->engines[whole->first];
    for (int i = whole->first; i < whole->first + whole->n; i++)
        if (layout->engines[i]->live_bytes < best->live_bytes)
            best = layout->engines[i];
    return best;
}

/* ---- placing -------------------------------------------------------------------------------------------------------
 */

/* An ADOPT that is under way. */
typedef struct adoption {
    request_t request;
    engine_link_t *engine; /* NULL: the part is a view */
} adoption_t;

static int
adopt(adoption_t *self, engine_link_t *engine, const handle_t *memory, const nd_t *nd, handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_ADOPT};
    msg_ADOPT_t *adopt = &message.as.ADOPT;
    handle_t *made;
    uint64_t call;
    int status = handle_new(&made, engine, OID_NONE, 0, err);
    if (status)
        return status;
    adopt->result = made->id;
    adopt->engine = memory->engine->id;
    adopt->object = memory->id;
    adopt->dtype = (uint64_t)dtype_wire(nd->dtype);
    adopt->offset = (int64_t)((intptr_t)nd->data - (intptr_t)ARRAY_BASE);
    adopt->shape = (ints_t){nd->shape.extent, (uint32_t)nd->shape.ndim};
    adopt->strides = (ints_t){nd->stride, (uint32_t)nd->shape.ndim};
    status = engine_link_call(engine, &message, NULL, &call, err);
    if (status) {
        handle_discard(&made);
        return status;
    }
    conn_expect(&engine->conn, &self->request, call, 1);
    self->engine = engine;
    *ret = made;
    return FH_OK;
}

/* Put part i where nd says that it is. */
static int
place_part(const whole_t *self, int i, engine_link_t *engine, handle_t *memory, const nd_t *nd, err_t *err)
{
    handle_t *handle = NULL;
    int status = engine == memory->engine ? emit_view(memory, nd, &handle, err)
                                          : adopt(&self->adoptions[i - self->first], engine, memory, nd, &handle, err);
    if (!status)
        array_put(self->array, i, handle, nd->stride);
    return status;
}

static void
take_out(const whole_t *self)
{
    for (int i = self->first; i < self->first + self->n; i++)
        handle_unref(&self->array->parts[i].handle);
}

/* nd: all parts together. */
static int
place(whole_t *self, const layout_t *layout, handle_t *memory, const nd_t *nd, err_t *err)
{
    self->adoptions = calloc((size_t)self->n, sizeof *self->adoptions);
    int status = self->adoptions ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to place %d pieces", self->n);
    for (int i = self->first; i < self->first + self->n && !status; i++) {
        nd_t part = *nd;
        if (layout->axis >= 0) {
            part.data += (layout->cuts[i].start - layout->cuts[self->first].start) * part.stride[layout->axis];
            part.shape.extent[layout->axis] = layout->cuts[i].length;
        }
        status = place_part(self, i, layout->engines[i], memory, &part, err);
    }
    if (status)
        take_out(self);
    else
        session_push(self->array->session);
    return status;
}

int
whole_begin_in(fh_array *array, const layout_t *layout, handle_t *memory, const nd_t *nd, whole_t *ret, err_t *err)
{
    *ret = (whole_t){.array = array, .n = layout->n};
    for (int i = 0; i < layout->n; i++)
        if (!nearby_possible(layout->engines[i], NEARBY_BYTES))
            return err_set(err, FH_NOT_SUPPORTED, "piece %d would not be on this host", i);
    return place(ret, layout, memory, nd, err);
}

/* ---- making --------------------------------------------------------------------------------------------------------
 */

/* Have the home make the memory, and look whether it can be reached. */
static int
make_memory(whole_t *self, engine_link_t *home, fh_session *session, err_t *err)
{
    int fd = -1, status = emit_empty(home, self->nd.dtype, &self->nd.shape, NULL, &self->handle, err);
    if (!status)
        status = nearby_ask(&self->near, self->handle, true, err);
    if (!status)
        status = wait_until(session, session_deadline(session, -1), nearby_came, &self->near, err);
    if (status)
        return status;
    if (!nearby_there(&self->near))
        return err_set(err, FH_NOT_SUPPORTED, "the engine gives no memory for all: %s", self->near.request.err.text);
    status = nearby_open(&self->near, O_RDWR, 0, shape_bytes(&self->nd.shape, self->nd.dtype), &fd, err);
    if (!status)
        close(fd);
    return status;
}

/* The pieces take over what the whole accounts for.  They do not overlap. */
static void
hand_over(const whole_t *self)
{
    handle_t *whole = self->handle;
    for (int i = self->first; i < self->first + self->n; i++) {
        handle_t *handle = self->array->parts[i].handle;
        handle->root = handle->id;
        if (handle->engine != whole->engine)
            continue;
        handle->bytes = whole->bytes;
        whole->bytes = 0;
    }
}

int
whole_begin(fh_array *array, const layout_t *layout, whole_t *ret, err_t *err)
{
    *ret = (whole_t){.array = array};
    find_parts(array, layout, ret);
    if (ret->n < 2)
        return err_set(err, FH_NOT_SUPPORTED, "there are no pieces on this host that could share memory");
    shape_t shape = array->shape;
    shape.extent[layout->axis] = 0;
    for (int i = ret->first; i < ret->first + ret->n; i++)
        shape.extent[layout->axis] += layout->cuts[i].length;
    nd_init(&ret->nd, ARRAY_BASE, array->dtype, &shape);
    int status = make_memory(ret, choose_home(layout, ret), array->session, err);
    if (!status)
        status = place(ret, layout, ret->handle, &ret->nd, err);
    if (!status)
        hand_over(ret);
    return status;
}

/* ---- ends ----------------------------------------------------------------------------------------------------------
 */

static bool
all_came(const void *context)
{
    const whole_t *self = context;
    for (int i = 0; i < self->n; i++)
        if (self->adoptions[i].engine && self->adoptions[i].request.due > 0)
            return false;
    return true;
}

int
whole_end(whole_t *self, err_t *err)
{
    fh_session *session = self->array->session;
    int status = wait_until(session, session_deadline(session, -1), all_came, self, err);
    for (int i = 0; i < self->n && !status; i++)
        if (self->adoptions[i].engine && self->adoptions[i].request.status)
            status = err_set(err, FH_NOT_SUPPORTED, "piece %d cannot share memory with the others: %s", i,
                             self->adoptions[i].request.err.text);
    if (status)
        take_out(self);
    return status;
}

void
whole_release(whole_t *self)
{
    for (int i = 0; i < self->n && self->adoptions; i++)
        if (self->adoptions[i].engine)
            conn_forget(&self->adoptions[i].engine->conn, &self->adoptions[i].request);
    free(self->adoptions);
    nearby_forget(&self->near, 1);
    handle_unref(&self->handle);
}
