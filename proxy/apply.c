#include "proxy/apply.h"

#include "codecs/dtype_fields.h"
#include "codecs/linalg.h"
#include "proxy/placing.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

operand_t
apply_object(const handle_t *handle)
{
    return (operand_t){.object = handle->id};
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

/* What a message borrows from here. */
typedef struct {
    oid_t outputs[APPLY_MAX_OUT];
    int64_t dtypes[APPLY_MAX_OUT];
    int64_t shapes[APPLY_MAX_OUT * (SHAPE_MAX_DIMS + 1)];
    value_t reals[APPLY_MAX_REALS];
} lists_t;

static uint32_t
put_shape(int64_t *ret, const apply_output_t *out)
{
    if (out->exists || !out->shape) {
        *ret = -1;
        return 1;
    }
    *ret = out->shape->ndim;
    memcpy(ret + 1, out->shape->extent, (size_t)out->shape->ndim * sizeof *ret);
    return (uint32_t)out->shape->ndim + 1;
}

static int
make_outputs(const apply_emit_t *self, lists_t *lists, msg_APPLY_t *message, handle_t **ret, err_t *err)
{
    int status = FH_OK;
    uint32_t n = 0;
    for (int i = 0; i < self->nout && !status; i++) {
        const apply_output_t *out = &self->out[i];
        n += put_shape(lists->shapes + n, out);
        if (out->exists) {
            message->outs |= UINT64_C(1) << i;
            lists->outputs[i] = out->exists->id;
            continue;
        }
        lists->dtypes[i] = (int64_t)dtype_wire(out->dtype);
        int64_t bytes = out->shape ? shape_bytes(out->shape, out->dtype) : 0;
        status = handle_new(&ret[i], self->engine, OID_NONE, bytes, err);
        if (!status)
            lists->outputs[i] = ret[i]->id;
        if (!status && out->of)
            status = placing_add(out->of, out->part, ret[i], err);
    }
    message->outputs = (oids_t){lists->outputs, (uint32_t)self->nout};
    message->dtypes = (ints_t){lists->dtypes, (uint32_t)self->nout};
    message->shapes = (ints_t){lists->shapes, n};
    return status;
}

/* Others only compare, count and move, or NumPy itself says nothing of what they raise. */
static bool
is_watched(const apply_emit_t *self)
{
    bool determinant = self->method == APPLY_LINALG && self->nintegers &&
                       (self->integers[0] == LINALG_DET || self->integers[0] == LINALG_SLOGDET);
    return determinant || self->method == APPLY_MATMUL || self->method == APPLY_ACCUMULATE;
}

int
apply_emit(const apply_emit_t *self, handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_APPLY};
    msg_APPLY_t *apply = &message.as.APPLY;
    lists_t lists;
    for (int i = 0; i < self->nout; i++)
        ret[i] = NULL;
    if (self->nin > APPLY_MAX_IN || self->nout > APPLY_MAX_OUT || self->nintegers > APPLY_MAX_INTEGERS ||
        self->nreals > APPLY_MAX_REALS)
        return err_set(err, FH_LIMIT_EXCEEDED, "%d arrays, %d integers and %d floats are too much for one array method",
                       self->nin + self->nout, self->nintegers, self->nreals);
    memset(lists.dtypes, 0, sizeof lists.dtypes);
    int status = make_outputs(self, &lists, apply, ret, err);
    for (int i = 0; i < self->nreals; i++)
        lists.reals[i] = (value_t){.kind = VALUE_FLOAT, .as.f = self->reals[i]};
    apply->method = str_of(apply_at((int)self->method)->name);
    apply->inputs = (operands_t){self->in, (uint32_t)self->nin};
    apply->integers = (ints_t){self->integers, (uint32_t)self->nintegers};
    apply->reals = (values_t){lists.reals, (uint32_t)self->nreals};
    apply->first = self->out[0].of ? array_first(self->out[0].of, self->out[0].part) : self->first;
    apply->whole = self->whole ? self->whole->id : OID_NONE;
    if (is_watched(self))
        apply->watch = self->engine->session->watch;
    if (!status)
        status = engine_link_call(self->engine, &message, NULL, NULL, err);
    for (int i = 0; i < self->nout && status; i++)
        if (ret[i])
            handle_discard(&ret[i]);
    return status;
}

int
apply_emit_one(apply_code_t method, const operand_t *in, int nin, engine_link_t *engine, dtype_t dtype,
               const shape_t *shape, const int64_t *integers, int nintegers, handle_t **ret, err_t *err)
{
    apply_output_t out = {.dtype = dtype, .shape = shape};
    apply_emit_t emit = {.method = method,
                         .engine = engine,
                         .in = in,
                         .nin = nin,
                         .out = &out,
                         .nout = 1,
                         .integers = integers,
                         .nintegers = nintegers};
    return apply_emit(&emit, ret, err);
}

int
apply_emit_part(apply_code_t method, const operand_t *in, int nin, engine_link_t *engine, fh_array *made, int i,
                const int64_t *integers, int nintegers, err_t *err)
{
    shape_t shape = array_part_shape(made, i);
    apply_output_t out = {.dtype = made->dtype, .shape = &shape, .of = made, .part = i};
    apply_emit_t emit = {.method = method,
                         .engine = engine,
                         .in = in,
                         .nin = nin,
                         .out = &out,
                         .nout = 1,
                         .integers = integers,
                         .nintegers = nintegers};
    handle_t *part = NULL;
    int status = apply_emit(&emit, &part, err);
    if (!status)
        array_put(made, i, part, NULL);
    return status;
}

/* ---- shapes --------------------------------------------------------------------------------------------------------
 */

typedef struct {
    request_t request;
    conn_t *conn;
} question_t;

static int
take_shape(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    shape_t *shape = context;
    const values_t *values = &reply->as.RESULT.values;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_RESULT || values->count > SHAPE_MAX_DIMS)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine was asked for a shape and answered with something else");
    shape->ndim = (int)values->count;
    for (int axis = 0; axis < shape->ndim; axis++) {
        if (values->items[axis].kind != VALUE_INT || values->items[axis].as.i < 0)
            return err_set(err, FH_PROTOCOL_ERROR, "an engine answered with an extent that is no number");
        shape->extent[axis] = values->items[axis].as.i;
    }
    return shape_count(shape) < 0 ? err_set(err, FH_PROTOCOL_ERROR, "an engine answered with an impossible shape")
                                  : FH_OK;
}

static int
ask(handle_t *handle, question_t *question, shape_t *ret, err_t *err)
{
    message_t message = {.code = MSG_CALL};
    uint64_t call;
    message.as.CALL.object = handle->id;
    message.as.CALL.method = str_of("shape");
    int status = engine_link_call(handle->engine, &message, NULL, &call, err);
    if (status)
        return status;
    question->conn = &handle->engine->conn;
    question->request = (request_t){.reply = take_shape, .context = ret};
    conn_expect(question->conn, &question->request, call, 1);
    return FH_OK;
}

int
apply_shapes(fh_session *session, handle_t *const *handles, int n, shape_t *ret, err_t *err)
{
    question_t *questions = calloc((size_t)n + 1, sizeof *questions);
    int64_t deadline = session_deadline(session, -1);
    int status = questions ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to ask for %d shapes", n);
    for (int i = 0; i < n && !status; i++)
        status = ask(handles[i], &questions[i], &ret[i], err);
    for (int i = 0; questions && i < n; i++) {
        if (!questions[i].conn)
            continue;
        if (status)
            conn_forget(questions[i].conn, &questions[i].request);
        else
            status = wait_request(session, questions[i].conn, &questions[i].request, deadline, err);
    }
    free(questions);
    if (status == FH_INTERRUPTED)
        session_cancel(session);
    return status;
}
