/* engine/methods/call.c - CALL: methods of objects by name, a table for each type. */
#include "engine/methods.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { MAX_VALUES = 40 };

/* What a method gives back: values, and room for their texts. */
typedef struct {
    value_t values[MAX_VALUES];
    uint32_t count;
    char text[512];
} answer_t;

typedef struct {
    const char *name;
    int (*run)(run_t *run, const pin_t *self, answer_t *answer, err_t *err);
} object_method_t;

typedef struct {
    const char *type;
    const object_method_t *rows;
    int count;
} object_type_table_t;

static void
give_text(answer_t *answer, const char *text)
{
    answer->values[answer->count++] = (value_t){.kind = VALUE_STR, .as.str = str_of(text)};
}

static void
give_number(answer_t *answer, const char *name, uint64_t number)
{
    give_text(answer, name);
    answer->values[answer->count++] = (value_t){.kind = VALUE_INT, .as.i = (int64_t)number};
}

static int
run_nop(run_t *run, const pin_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)answer, (void)err;
    return FH_OK;
}

static int
run_describe(run_t *run, const pin_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)err;
    give_text(answer, "type");
    give_text(answer, "array");
    give_text(answer, "dtype");
    give_text(answer, dtype_name(self->nd.dtype));
    give_text(answer, "shape");
    give_text(answer, shape_format(&self->nd.shape, answer->text, sizeof answer->text));
    give_number(answer, "bytes", (uint64_t)shape_bytes(&self->nd.shape, self->nd.dtype));
    give_number(answer, "contiguous", nd_is_c_contiguous(&self->nd));
    return FH_OK;
}

static int run_array_methods(run_t *run, const pin_t *self, answer_t *answer, err_t *err);
static int run_engine_methods(run_t *run, const pin_t *self, answer_t *answer, err_t *err);

static int
run_stats(run_t *run, const pin_t *self, answer_t *answer, err_t *err)
{
    core_t *core = run->core;
    pool_stats_t pool;

    (void)self, (void)err;
    pool_stats(core->pool, &pool);
    pthread_mutex_lock(&core->lock);
    counters_t counters = core->counters;
    size_t objects = core->objects.map.count, sessions = core->lanes.by_session.count;

    pthread_mutex_unlock(&core->lock);
    give_number(answer, "calls", counters.calls);
    give_number(answer, "bytes_in", counters.bytes_in);
    give_number(answer, "bytes_out", counters.bytes_out);
    give_number(answer, "pushed", counters.pushed);
    give_number(answer, "segments", (uint64_t)pool.segments);
    give_number(answer, "recycled", (uint64_t)pool.recycled);
    give_number(answer, "used", (uint64_t)pool.used);
    give_number(answer, "cached", (uint64_t)pool.cached);
    give_number(answer, "limit", (uint64_t)pool.limit);
    give_number(answer, "objects", objects);
    give_number(answer, "sessions", sessions);
    give_number(answer, "kernels", counters.kernels);
    give_number(answer, "kernel_calls", counters.kernel_calls);
    give_number(answer, "kernel_faults", counters.kernel_faults);
    return FH_OK;
}

static const object_method_t ARRAY_ROWS[] = {
    {"nop", run_nop}, {"describe", run_describe}, {"methods", run_array_methods}};
static const object_method_t ENGINE_ROWS[] = {{"nop", run_nop}, {"stats", run_stats}, {"methods", run_engine_methods}};
static const object_type_table_t ARRAY = {"array", ARRAY_ROWS, sizeof ARRAY_ROWS / sizeof *ARRAY_ROWS};
static const object_type_table_t ENGINE = {"engine", ENGINE_ROWS, sizeof ENGINE_ROWS / sizeof *ENGINE_ROWS};

static int
run_array_methods(run_t *run, const pin_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)err;
    for (int i = 0; i < ARRAY.count; i++)
        give_text(answer, ARRAY.rows[i].name);
    return FH_OK;
}

static int
run_engine_methods(run_t *run, const pin_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)err;
    for (int i = 0; i < ENGINE.count; i++)
        give_text(answer, ENGINE.rows[i].name);
    return FH_OK;
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

static int
run_call(run_t *run, err_t *err)
{
    const msg_CALL_t *call = &run->call->message.as.CALL;
    const object_method_t *method = NULL;
    bool on_engine = oid_is_none(call->object);
    pin_t self = {0};
    answer_t answer;

    answer.count = 0;
    int status = on_engine ? FH_OK : core_pin(run->core, call->object, &self, err);

    if (!status)
        status = find(on_engine ? &ENGINE : &ARRAY, call->method, &method, err);
    if (!status && call->args.count)
        status = err_set(err, FH_INVALID_ARGUMENT, "the method %s takes no arguments, %u were given", method->name,
                         call->args.count);
    if (!status)
        status = method->run(run, &self, &answer, err);
    if (!status) {
        message_t message = {.code = MSG_RESULT, .as.RESULT = {call->call, {answer.values, answer.count}}};

        pthread_mutex_lock(&run->core->lock);
        core_reply(run->core, run->lane, &message, NULL);
        pthread_mutex_unlock(&run->core->lock);
    }
    pin_release(&self);
    return status;
}

static const method_t ROWS[] = {
    {.code = MSG_CALL, .flags = METHOD_ANSWERS, .detail = offsetof(message_t, as.CALL.method), .run = run_call},
};

const method_table_t METHODS_CALL = {ROWS, sizeof ROWS / sizeof *ROWS};
