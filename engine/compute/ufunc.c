#include "base/stream_copy.h"
#include "engine/compute/compute.h"
#include "engine/compute/items.h"
#include "engine/compute/iterate.h"
#include "engine/compute/loops.h"

#include <string.h>

enum {
    CHUNK = 512,        /* elements that go through the buffers at a time: all of them fit the first-level cache */
    CHUNK_BYTES = 4096, /* of small results that go past the cache */
    LINE = 64,          /* bytes of the cache's lines */
    ELEMENT_MAX = 16,   /* bytes of the largest element */
    OPERANDS = OP_MAX_IN + OP_MAX_OUT,
};

/* How the rows of one call are computed.  Operands are the inputs, then the outputs, then the mask if there is one. */
typedef struct {
    loop_fn loop;
    int nin, nout;
    bool masked;
    loop_fn cast[OPERANDS]; /* to what the loop takes, or from what it gives; NULL: the loop uses the operand itself */
    int64_t item[OPERANDS]; /* bytes of an element in the loop */
    loop_fn move[OPERANDS]; /* masked outputs: how elements are moved */
    int64_t out_item[OPERANDS]; /* masked outputs: bytes of an element in the operand */
} call_t;

static bool
buffered(const call_t *call)
{
    bool any = call->masked;
    for (int k = 0; k < call->nin + call->nout; k++)
        any |= call->cast[k] != NULL;
    return any;
}

/* Elements under a true mask go out, in runs. */
static void
move_masked(loop_fn move, char *from, int64_t from_step, char *to, int64_t to_step, const char *mask, int64_t mask_step,
            int64_t n)
{
    int64_t steps[2] = {from_step, to_step};
    for (int64_t i = 0; i < n;) {
        int64_t end = i;
        while (end < n && mask[end * mask_step] != 0)
            end++;
        if (end > i) {
            char *pair[2] = {from + i * from_step, to + i * to_step};
            move(pair, steps, end - i);
        }
        i = end + 1;
    }
}

typedef struct {
    _Alignas(64) char bytes[OPERANDS][CHUNK * ELEMENT_MAX];
} buffers_t;

/* Bring the inputs of a chunk to the loop's dtypes and say where the loop reads and writes. */
static void
load_chunk(const call_t *call, char **data, const int64_t *step, int64_t n, buffers_t *buffers, char **ret_data,
           int64_t *ret_step)
{
    for (int k = 0; k < call->nin + call->nout; k++) {
        bool input = k < call->nin;
        if (call->cast[k] == NULL && (input || !call->masked)) {
            ret_data[k] = data[k];
            ret_step[k] = step[k];
            continue;
        }
        ret_data[k] = buffers->bytes[k];
        ret_step[k] = input && step[k] == 0 ? 0 : call->item[k];
        if (input) {
            char *pair[2] = {data[k], buffers->bytes[k]};
            int64_t steps[2] = {step[k], call->item[k]};
            call->cast[k](pair, steps, step[k] == 0 ? 1 : n);
        }
    }
}

static void
store_chunk(const call_t *call, char **data, const int64_t *step, int64_t n, buffers_t *buffers)
{
    char converted[CHUNK * ELEMENT_MAX];
    const int mask = call->nin + call->nout;
    for (int k = call->nin; k < mask; k++) {
        char *pair[2] = {buffers->bytes[k], call->masked ? converted : data[k]};
        int64_t steps[2] = {call->item[k], call->masked ? call->out_item[k] : step[k]};
        if (call->cast[k] != NULL)
            call->cast[k](pair, steps, n);
        if (call->masked)
            move_masked(call->move[k], call->cast[k] != NULL ? converted : buffers->bytes[k], call->out_item[k],
                        data[k], step[k], data[mask], step[mask], n);
    }
}

static void
direct_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const call_t *call = context;
    call->loop(data, step, n);
}

/* Results that are too many to stay in the cache go past it, in chunks that begin on a line of it. */
static void
streamed_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const call_t *call = context;
    const int out = call->nin;
    const int64_t item = call->item[out];
    _Alignas(LINE) char room[CHUNK * ELEMENT_MAX];
    if (step[out] != item) {
        call->loop(data, step, n);
        return;
    }
    const int64_t chunk = CHUNK_BYTES / item > CHUNK ? CHUNK_BYTES / item : CHUNK;
    int64_t now = (int64_t)(-(uintptr_t)data[out] % LINE) / item;
    for (now = now > 0 ? now : chunk; n > 0; now = chunk) {
        now = now < n ? now : n;
        char *to = data[out];
        data[out] = room;
        call->loop(data, step, now);
        stream_copy_part(to, room, (size_t)(now * item));
        data[out] = to;
        for (int k = 0; k <= out; k++)
            data[k] += now * step[k];
        n -= now;
    }
    stream_copy_settle();
}

static void
buffered_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const call_t *call = context;
    buffers_t buffers;
    char *loop_data[OPERANDS];
    int64_t loop_step[OPERANDS];
    while (n > 0) {
        int64_t now = n < CHUNK ? n : CHUNK;
        load_chunk(call, data, step, now, &buffers, loop_data, loop_step);
        call->loop(loop_data, loop_step, now);
        store_chunk(call, data, step, now, &buffers);
        for (int k = 0; k < call->nin + call->nout + call->masked; k++)
            data[k] += now * step[k];
        n -= now;
    }
}

/* --- integers to negative powers ------------------------------------------------------------------------------------
 */

typedef struct {
    loop_fn widen; /* the exponents' dtype to int64 */
    bool masked, negative;
} exponents_t;

static void
exponent_row(void *context, char **data, const int64_t *step, int64_t n)
{
    exponents_t *exponents = context;
    int64_t wide[CHUNK];
    for (int64_t at = 0; at < n; at += CHUNK) {
        int64_t now = n - at < CHUNK ? n - at : CHUNK, steps[2] = {step[0], sizeof wide[0]};
        char *pair[2] = {data[0] + at * step[0], (char *)wide};
        exponents->widen(pair, steps, now);
        for (int64_t i = 0; i < now; i++)
            if (wide[i] < 0 && (!exponents->masked || data[1][(at + i) * step[1]] != 0))
                exponents->negative = true;
    }
}

/* NumPy refuses these; nothing may have been written then, so look first. */
static int
check_exponents(const op_loop_t *loop, const nd_t *exponent, const nd_t *where, err_t *err)
{
    exponents_t exponents = {cast_find(exponent->dtype, DTYPE_INT64), where != NULL, false};
    if (dtype_kind(loop->in[1]) != 'i' || dtype_kind(exponent->dtype) == 'u')
        return FH_OK;
    const nd_t *both[2] = {exponent, where};
    nd_t wide[2];
    if (where != NULL) {
        shape_t shape;
        int status = shape_broadcast((const shape_t *[]){&exponent->shape, &where->shape}, 2, &shape, err);
        for (int i = 0; i < 2 && status == FH_OK; i++) {
            status = nd_broadcast(both[i], &shape, &wide[i], err);
            both[i] = &wide[i];
        }
        if (status != FH_OK)
            return status;
    }
    iterate_t walk;
    iterate_init(&walk, both, where != NULL ? 2 : 1, 0);
    iterate_range(&walk, 0, walk.count, exponent_row, &exponents);
    if (exponents.negative)
        return err_set(err, FH_INVALID_ARGUMENT, "power of integers takes no negative exponents; use a floating dtype");
    return FH_OK;
}

/* --- calls ----------------------------------------------------------------------------------------------------------
 */

/* An input of one element is converted once, into room. */
static void
settle_scalar(nd_t *nd, dtype_t dtype, char *room)
{
    for (int i = 0; i < nd->shape.ndim; i++)
        if (nd->shape.extent[i] != 1 && nd->stride[i] != 0)
            return;
    dtype_convert(dtype, room, nd->dtype, nd->data);
    nd->data = room;
    nd->dtype = dtype;
}

static int
check_call(const op_t *op, const op_loop_t *loop, const nd_t *in, int nin, const nd_t *out, int nout, const nd_t *where,
           err_t *err)
{
    if (nin != op->nin || nout != op->nout)
        return err_set(err, FH_INVALID_ARGUMENT, "%s takes %d inputs and gives %d, not %d and %d", op->name, op->nin,
                       op->nout, nin, nout);
    for (int k = 0; k < nin + nout; k++)
        if (!dtype_valid((uint64_t)(k < nin ? in[k].dtype : out[k - nin].dtype)))
            return err_set(err, FH_WRONG_TYPE, "%s: operand %d has no dtype", op->name, k);
    for (int k = 1; k < nout; k++)
        if (!shape_equal(&out[k].shape, &out[0].shape))
            return err_set(err, FH_INVALID_ARGUMENT, "%s: the outputs differ in shape", op->name);
    if (where != NULL && where->dtype != DTYPE_BOOL)
        return err_set(err, FH_WRONG_TYPE, "where must be bool, not %s", dtype_name(where->dtype));
    if (loop_find(op, loop) == NULL)
        return err_set(err, FH_WRONG_TYPE, "%s has no loop over %s", op->name, dtype_name(loop->in[op->nin - 1]));
    return FH_OK;
}

/* How operand k gets to or from the loop, whose dtype for it is dtype. */
static void
plan_operand(call_t *call, int k, const nd_t *nd, dtype_t dtype, bool input)
{
    call->item[k] = (int64_t)dtype_size(dtype);
    call->out_item[k] = (int64_t)dtype_size(nd->dtype);
    call->cast[k] = NULL;
    if (nd->dtype != dtype || !iterate_aligned(nd))
        call->cast[k] = input ? cast_find(nd->dtype, dtype) : cast_find(dtype, nd->dtype);
    call->move[k] = cast_find(nd->dtype, nd->dtype);
}

/* A new result is worth a way past the cache; what is written over an input is in it already. */
static bool
worth_streaming(const call_t *call, const nd_t *operand)
{
    const nd_t *out = &operand[call->nin];
    bool worth = call->nout == 1 && !buffered(call) && shape_bytes(&out->shape, out->dtype) >= STREAM_COPY_BYTES;
    for (int k = 0; k < call->nin && worth; k++)
        worth = !nd_overlap(&operand[k], out);
    return worth;
}

int
compute_ufunc(crew_t *crew, const op_t *op, const op_loop_t *loop, const nd_t *in, int nin, const nd_t *out, int nout,
              const nd_t *where, err_t *err)
{
    if (!dtype_valid((uint64_t)loop->in[op->nin - 1]) && where == NULL && nout == 1)
        return items_ufunc(crew, op, in, nin, out, err);
    int status = check_call(op, loop, in, nin, out, nout, where, err);
    if (status != FH_OK)
        return status;
    call_t call = {.loop = loop_find(op, loop), .nin = nin, .nout = nout, .masked = where != NULL};
    nd_t operand[ITERATE_MAX];
    const nd_t *order[ITERATE_MAX];
    _Alignas(16) char room[OP_MAX_IN][ELEMENT_MAX];
    int64_t bytes = 0;
    for (int k = 0; k < nin + nout + call.masked; k++) {
        const nd_t *nd = k < nin ? &in[k] : k < nin + nout ? &out[k - nin] : where;
        status = nd_broadcast(nd, &out[0].shape, &operand[k], err);
        if (status != FH_OK)
            return status;
        if (k < nin && shape_count(&out[0].shape) > 0)
            settle_scalar(&operand[k], loop->in[k], room[k]);
        if (k < nin + nout)
            plan_operand(&call, k, &operand[k], k < nin ? loop->in[k] : loop->out[k - nin], k < nin);
        bytes += (int64_t)dtype_size(operand[k].dtype);
    }
    if (op->code == OP_POWER)
        status = check_exponents(loop, &in[1], where, err);
    if (status != FH_OK)
        return status;
    for (int k = 0; k < nin + nout + call.masked; k++)
        order[k] = &operand[k];
    iterate_t walk;
    iterate_init(&walk, order, nin + nout + call.masked, nin);
    iterate_row_fn row = worth_streaming(&call, operand) ? streamed_row : direct_row;
    iterate_run(&walk, crew, bytes, buffered(&call) ? buffered_row : row, &call);
    return FH_OK;
}
