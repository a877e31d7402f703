/* Calls past the engine, through the rings to their Python host. */
#include "proxy/python_object.h"
#include "proxy/python_ring.h"

#include <stdlib.h>
#include <string.h>

bool
python_direct_send(fh_python_call *call, const fh_python_request *request)
{
    message_t message = {.code = MSG_PY_CALL};
    str_t what = str_of(request->what);
    bool large = request->size > PYTHON_BODY_INLINE;
    if (request->collected || request->keep || request->shared || !request->nobjects ||
        request->nobjects > PYTHON_RING_OBJECTS || request->narrays || request->nbuffers || request->timeout_s > 0 ||
        request->size > PYTHON_BODY_RAW || !python_ring_ready(call->engine, what) ||
        buf_new_copy(&call->pickle, request->body, request->size, NULL))
        return false;
    for (int i = 0; i < request->nobjects; i++)
        call->objects_of[i] = request->objects[i]->handle->id;
    call->nobjects = (uint32_t)request->nobjects;
    call->host = python_ring_pid(call->engine);
    str_copy(what, call->what, sizeof call->what);
    message.as.PY_CALL.what = what;
    message.as.PY_CALL.objects = (oids_t){call->objects_of, call->nobjects};
    if (!large)
        message.as.PY_CALL.body = (bin_t){request->body, (uint32_t)request->size};
    if (python_ring_send(call->engine, &message, large ? call->pickle : NULL, &call->request, NULL))
        return false;
    call->way = PYTHON_BY_RING;
    return true;
}

bool
python_direct_must_follow(const fh_python_call *call)
{
    return python_call_has_news(call) &&
           (call->claim || (call->way == PYTHON_BY_RING && call->request.status == FH_ENGINE_LOST));
}

int
python_direct_follow(fh_python_call *call, err_t *err)
{
    message_t message = {.code = call->claim ? MSG_PY_CALL : MSG_PY_LOST};
    oids_t objects = {call->objects_of, call->nobjects};
    void *body = call->body;
    buf_t *raw = NULL;
    uint64_t number;
    if (call->claim == PYTHON_CLAIM_VALUE)
        python_ring_avoid(call->engine, str_of(call->what));
    if (!call->claim)
        message.as.PY_LOST = (msg_PY_LOST_t){.what = str_of(call->what), .objects = objects, .pid = call->host};
    else
        message.as.PY_CALL = (msg_PY_CALL_t){.what = str_of(call->what), .objects = objects};
    if (call->claim == PYTHON_CLAIM_VALUE)
        message.as.PY_CALL.body = (bin_t){body, (uint32_t)call->answer.size};
    else if (call->claim && buf_size(call->pickle) <= PYTHON_BODY_INLINE)
        message.as.PY_CALL.body = (bin_t){buf_data(call->pickle), (uint32_t)buf_size(call->pickle)};
    else if (call->claim)
        raw = call->pickle;
    call->way = call->claim ? PYTHON_BY_LANE : PYTHON_ASKED_WHY;
    call->claim = 0;
    call->body = NULL;
    call->answer = (fh_python_answer){0};
    call->request = (request_t){.reply = python_answer_take, .context = call};
    int status = engine_link_call(call->engine, &message, raw, &number, err);
    free(body);
    if (status) {
        call->request.status = status;
        call->request.err = *err;
    } else {
        conn_expect_in_order(&call->engine->conn, &call->request, number, 1);
    }
    return status;
}
