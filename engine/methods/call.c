/* engine/methods/call.c - CALL: methods of objects by name, a table for each type. */
#include "engine/methods/call.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

void
answer_text(answer_t *self, const char *text)
{
    self->small[self->count++] = (value_t){.kind = VALUE_STR, .as.str = str_of(text)};
}

void
answer_number(answer_t *self, uint64_t number)
{
    self->small[self->count++] = (value_t){.kind = VALUE_INT, .as.i = (int64_t)number};
}

void
answer_named(answer_t *self, const char *name, uint64_t number)
{
    answer_text(self, name);
    answer_number(self, number);
}

int
answer_methods(answer_t *self, const object_type_table_t *table)
{
    for (int i = 0; i < table->count; i++)
        answer_text(self, table->rows[i].name);
    return FH_OK;
}

int
answer_nothing(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)answer, (void)err;
    return FH_OK;
}

/* ---- arrays --------------------------------------------------------------------------------------------------------
 */

static int
run_describe(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    const nd_t *nd = &self->array.nd;

    (void)run, (void)err;
    answer_text(answer, "type");
    answer_text(answer, "array");
    answer_text(answer, "dtype");
    answer_text(answer, dtype_name(nd->dtype));
    answer_text(answer, "shape");
    answer_text(answer, shape_format(&nd->shape, answer->text, sizeof answer->text));
    answer_named(answer, "bytes", (uint64_t)shape_bytes(&nd->shape, nd->dtype));
    answer_named(answer, "contiguous", nd_is_c_contiguous(nd));
    return FH_OK;
}

/* For who could not know it: some array methods find the shapes of what they make. */
static int
run_shape_method(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)err;
    for (int axis = 0; axis < self->array.nd.shape.ndim; axis++)
        answer_number(answer, (uint64_t)self->array.nd.shape.extent[axis]);
    return FH_OK;
}

static int run_array_methods(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);

static const object_method_t ARRAY_ROWS[] = {
    {.name = "nop", .run = answer_nothing},
    {.name = "describe", .run = run_describe},
    {.name = "shape", .run = run_shape_method},
    {.name = "methods", .run = run_array_methods},
};
static const object_type_table_t ARRAY = {"array", ARRAY_ROWS, sizeof ARRAY_ROWS / sizeof *ARRAY_ROWS};

static int
run_array_methods(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)err;
    return answer_methods(answer, &ARRAY);
}

/* ---- the engine ----------------------------------------------------------------------------------------------------
 */

static int
run_stats(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    core_t *core = run->core;
    pool_stats_t pool;

    (void)self, (void)err;
    pool_stats(core->pool, &pool);
    pthread_mutex_lock(&core->lock);
    counters_t counters = core->counters;
    size_t objects = core->objects.map.count, sessions = core->lanes.by_session.count;

    pthread_mutex_unlock(&core->lock);
    answer_named(answer, "calls", counters.calls);
    answer_named(answer, "bytes_in", counters.bytes_in);
    answer_named(answer, "bytes_out", counters.bytes_out);
    answer_named(answer, "pushed", counters.pushed);
    answer_named(answer, "segments", (uint64_t)pool.segments);
    answer_named(answer, "recycled", (uint64_t)pool.recycled);
    answer_named(answer, "used", (uint64_t)pool.used);
    answer_named(answer, "queued", (uint64_t)pool.queued);
    answer_named(answer, "cached", (uint64_t)pool.cached);
    answer_named(answer, "limit", (uint64_t)pool.limit);
    answer_named(answer, "spilled", (uint64_t)pool.spilled);
    answer_named(answer, "went", (uint64_t)pool.went);
    answer_named(answer, "returned", (uint64_t)pool.returned);
    answer_named(answer, "objects", objects);
    answer_named(answer, "sessions", sessions);
    answer_named(answer, "kernels", counters.kernels);
    answer_named(answer, "kernel_calls", counters.kernel_calls);
    answer_named(answer, "kernel_faults", counters.kernel_faults);
    return FH_OK;
}

static int run_engine_methods(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);

static const object_method_t ENGINE_ROWS[] = {
    {.name = "nop", .run = answer_nothing},
    {.name = "stats", .run = run_stats},
    {.name = "memory", .run = memory_method},
    {.name = "kernels", .run = kernel_methods_list, .on_reactor = true, .args = 1},
    {.name = "methods", .run = run_engine_methods},
};
static const object_type_table_t ENGINE = {"engine", ENGINE_ROWS, sizeof ENGINE_ROWS / sizeof *ENGINE_ROWS};

static int
run_engine_methods(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)err;
    return answer_methods(answer, &ENGINE);
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

/* The receiver and the table of its type. */
static int
take_receiver(run_t *run, oid_t id, receiver_t *ret, const object_type_table_t **ret_table, err_t *err)
{
    *ret_table = &ENGINE;
    if (oid_is_none(id))
        return FH_OK;
    *ret_table = &ARRAY;
    int status = core_pin(run->core, id, &ret->array, err);

    if (status != FH_WRONG_TYPE)
        return status;
    *ret_table = &OBJECT_TYPE_KERNEL;
    return kernel_find(run->core, id, &ret->kernel, err);
}

static int
find(const object_type_table_t *table, str_t name, const object_method_t **ret, err_t *err)
{
    for (int i = 0; i < table->count; i++)
        if (str_is(name, table->rows[i].name)) {
            *ret = &table->rows[i];
            return FH_OK;
        }
    return err_set(err, FH_NO_SUCH_METHOD, "objects of type %s have no method %.*s; \"methods\" lists them",
                   table->type, (int)name.size, name.data);
}

static void
send_answer(run_t *run, const answer_t *answer)
{
    const value_t *values = answer->values ? answer->values : answer->small;
    message_t message = {.code = MSG_RESULT, .as.RESULT = {run->call->message.as.CALL.call, {values, answer->count}}};

    pthread_mutex_lock(&run->core->lock);
    core_reply(run->core, run->lane, &message, NULL);
    pthread_mutex_unlock(&run->core->lock);
}

static int
run_call(run_t *run, err_t *err)
{
    const msg_CALL_t *call = &run->call->message.as.CALL;
    const object_type_table_t *table;
    const object_method_t *method = NULL;
    receiver_t self;
    answer_t answer;

    self.array.segment = NULL;
    answer.values = NULL;
    answer.memory = NULL;
    answer.count = 0;
    int status = take_receiver(run, call->object, &self, &table, err);

    if (!status)
        status = find(table, call->method, &method, err);
    if (!status && call->args.count > method->args)
        status = err_set(err, FH_INVALID_ARGUMENT, "the method %s takes at most %u arguments, %u were given",
                         method->name, method->args, call->args.count);
    if (!status && method->on_reactor && !run->on_reactor) {
        run->next = NEXT_REACTOR;
    } else if (!status) {
        status = method->run(run, &self, &answer, err);
        if (!status && run->next == NEXT_DONE)
            send_answer(run, &answer);
    }
    free(answer.memory);
    pin_release(&self.array);
    return status;
}

static const method_t ROWS[] = {
    {.code = MSG_CALL, .flags = METHOD_ANSWERS, .detail = offsetof(message_t, as.CALL.method), .run = run_call},
};

const method_table_t METHODS_CALL = {ROWS, sizeof ROWS / sizeof *ROWS};
