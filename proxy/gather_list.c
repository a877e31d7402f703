/* Many small arrays to local memory at once: those of one engine are asked for together and come in one answer. */
#include "proxy/array.h"
#include "proxy/error.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALONE_BYTES = 256 * 1024,  /* arrays from here on are gathered by themselves */
    BATCH_BYTES = 1024 * 1024, /* in one answer */
    BATCH_ARRAYS = 512,
    WINDOW = 6 /* answers that are waited for from each engine */
};

typedef struct list list_t;

/* Arrays of one engine that are asked for together. */
typedef struct {
    request_t request;
    const list_t *list;
    bool busy;
    int n;
    int64_t bytes;
    int which[BATCH_ARRAYS];
    oid_t ids[BATCH_ARRAYS];
} batch_t;

typedef struct {
    engine_link_t *engine;
    batch_t *open; /* is being filled, or NULL */
    batch_t batches[WINDOW];
} source_t;

struct list {
    fh_array *const *arrays;
    void *const *targets;
    source_t **sources;
    int nsources;
};

static int
take_data(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    const batch_t *self = context;
    const uint8_t *at;
    if (reply->code != MSG_DATA || nraw != 1 || (int64_t)raw[0].size != self->bytes)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine sent %lld bytes where %lld were asked for",
                       nraw > 0 ? (long long)raw[0].size : 0, (long long)self->bytes);
    at = raw[0].data;
    for (int i = 0; i < self->n; i++) {
        size_t bytes = (size_t)array_bytes(self->list->arrays[self->which[i]]);
        memcpy(self->list->targets[self->which[i]], at, bytes);
        at += bytes;
    }
    return FH_OK;
}

static int
send(source_t *source, err_t *err)
{
    batch_t *batch = source->open;
    uint64_t call;
    message_t message = {.code = MSG_FETCH_LIST};
    if (!batch || !batch->n)
        return FH_OK;
    message.as.FETCH_LIST.objects = (oids_t){batch->ids, (uint32_t)batch->n};
    message.as.FETCH_LIST.size = (uint64_t)batch->bytes;
    batch->request = (request_t){.reply = take_data, .context = batch};
    int status = engine_link_call(source->engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&source->engine->conn, &batch->request, call, 1);
    batch->busy = true;
    source->open = NULL;
    (void)engine_link_flush(source->engine, NULL); /* what does not go now goes while we wait */
    return FH_OK;
}

/* A batch of this engine that is not under way; NULL: all are.  *ret_status: the first failure of those that came. */
static batch_t *
find_free(source_t *source, int *ret_status, err_t *err)
{
    batch_t *found = NULL;
    for (int i = 0; i < WINDOW; i++) {
        batch_t *batch = &source->batches[i];
        if (batch->busy && batch->request.due > 0)
            continue;
        if (batch->busy && batch->request.status && !*ret_status) {
            *ret_status = batch->request.status;
            if (err)
                *err = batch->request.err;
        }
        batch->busy = false;
        found = found ? found : batch;
    }
    return found;
}

static int
under_way(const source_t *source)
{
    int n = 0;
    for (int i = 0; i < WINDOW; i++)
        n += source->batches[i].busy && source->batches[i].request.due > 0;
    return n;
}

typedef struct {
    const source_t *source;
    int before;
} waiting_t;

static bool
some_came(const void *context)
{
    const waiting_t *self = context;
    return under_way(self->source) < self->before;
}

/* Until one more answer has come: something does within the limit, however many there are. */
static int
wait_for_one(const source_t *source, err_t *err)
{
    fh_session *session = source->engine->session;
    waiting_t waiting = {source, under_way(source)};
    return wait_until(session, session_deadline(session, -1), some_came, &waiting, err);
}

static int
open_batch(list_t *self, source_t *source, err_t *err)
{
    int status = FH_OK;
    while (!source->open && !status) {
        source->open = find_free(source, &status, err);
        if (!source->open && !status)
            status = wait_for_one(source, err);
    }
    if (!status) {
        source->open->list = self;
        source->open->n = 0;
        source->open->bytes = 0;
    }
    return status;
}

static int
find_source(list_t *self, engine_link_t *engine, source_t **ret, err_t *err)
{
    for (int i = 0; i < self->nsources; i++)
        if (self->sources[i]->engine == engine) {
            *ret = self->sources[i];
            return FH_OK;
        }
    source_t **grown = realloc(self->sources, (size_t)(self->nsources + 1) * sizeof(source_t *));
    if (!grown)
        return err_set(err, FH_NO_MEMORY, "no memory to gather from another engine");
    self->sources = grown;
    source_t *source = calloc(1, sizeof *source);
    if (!source)
        return err_set(err, FH_NO_MEMORY, "no memory to gather from another engine");
    source->engine = engine;
    self->sources[self->nsources++] = source;
    *ret = source;
    return FH_OK;
}

static bool
is_alone(const fh_array *array)
{
    return array->n != 1 || array_bytes(array) >= ALONE_BYTES;
}

static int
add(list_t *self, int which, err_t *err)
{
    const fh_array *array = self->arrays[which];
    int64_t bytes = array_bytes(array);
    source_t *source = NULL;
    int status = find_source(self, array->parts[0].handle->engine, &source, err);
    if (!status && source->open && (source->open->n == BATCH_ARRAYS || source->open->bytes + bytes > BATCH_BYTES))
        status = send(source, err);
    if (!status && !source->open)
        status = open_batch(self, source, err);
    if (status)
        return status;
    source->open->which[source->open->n] = which;
    source->open->ids[source->open->n++] = array->parts[0].handle->id;
    source->open->bytes += bytes;
    return FH_OK;
}

/* All that is under way has come. */
static int
finish(list_t *self, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->nsources && !status; i++)
        status = send(self->sources[i], err);
    for (int i = 0; i < self->nsources && !status; i++) {
        source_t *source = self->sources[i];
        while (under_way(source) && !status)
            status = wait_for_one(source, err);
        if (!status)
            (void)find_free(source, &status, err);
    }
    return status;
}

static void
forget_all(list_t *self)
{
    for (int i = 0; i < self->nsources; i++) {
        source_t *source = self->sources[i];
        for (int k = 0; k < WINDOW; k++)
            if (source->batches[k].busy)
                conn_forget(&source->engine->conn, &source->batches[k].request);
        free(source);
    }
    free(self->sources);
}

int
fh_gather_list(fh_array *const *arrays, int n, void *const *targets, fh_error *error)
{
    err_t *err = error_start(error);
    list_t list = {.arrays = arrays, .targets = targets};
    int status = FH_OK;
    if (n <= 0)
        return FH_OK;
    if (!arrays || !targets)
        return err_set(err, FH_INVALID_ARGUMENT, "no arrays, or no memory to gather them into");
    for (int i = 0; i < n && !status; i++) {
        status = array_enter(arrays[i], err);
        if (!status && arrays[i]->session != arrays[0]->session)
            status = err_set(err, FH_INVALID_ARGUMENT, "the arrays belong to different sessions");
        if (!status && !targets[i] && array_bytes(arrays[i]) > 0)
            status = err_set(err, FH_INVALID_ARGUMENT, "there is no memory to gather array %d into", i);
    }
    for (int i = 0; i < n && !status; i++)
        if (!is_alone(arrays[i]))
            status = add(&list, i, err);
    if (!status)
        status = finish(&list, err);
    forget_all(&list);
    if (status == FH_INTERRUPTED)
        session_cancel(arrays[0]->session);
    for (int i = 0; i < n && !status; i++)
        if (is_alone(arrays[i]))
            status = fh_gather(arrays[i], targets[i], NULL, error);
    return status;
}
