/* engine/python_answer.c - what a Python host says, checked. */
#include "base/clock.h"
#include "engine/python_host_private.h"

#include <stdlib.h>
#include <string.h>

/* What is left of a record. */
typedef struct {
    const char *at, *end;
} rest_t;

/* The next bytes, which are padded to 8.  NULL: there are fewer. */
static const void *
take(rest_t *self, size_t bytes)
{
    const char *at = self->at;

    if ((size_t)(self->end - at) < bytes || (size_t)(self->end - at) < ((bytes + 7) & ~(size_t)7))
        return NULL;
    self->at += (bytes + 7) & ~(size_t)7;
    return at;
}

static int
is_short(err_t *err)
{
    return err_set(err, FH_PROTOCOL_ERROR, "it sent a record that ends too soon");
}

/* ---- memory for results --------------------------------------------------------------------------------------------
 */

static int
take_sizes(const pyhost_memory_t *want, rest_t *rest, int64_t sizes[PYHOST_ARRAYS], err_t *err)
{
    if (!want->count || want->count > PYHOST_ARRAYS)
        return err_set(err, FH_PROTOCOL_ERROR, "it wants memory for %u arrays at once", want->count);
    for (uint32_t i = 0; i < want->count; i++) {
        const int64_t *size = take(rest, sizeof *size);

        if (!size)
            return is_short(err);
        sizes[i] = *size;
        if (sizes[i] <= 0)
            return err_set(err, FH_PROTOCOL_ERROR, "it wants an array of %lld bytes", (long long)sizes[i]);
    }
    return FH_OK;
}

/* Pinned segments for the sizes, or none. */
static int
take_segments(python_host_t *self, const int64_t *sizes, uint32_t n, uint32_t *ret_pins, err_t *err)
{
    uint32_t taken = 0;
    int status = FH_OK;

    while (taken < n && !status) {
        segment_t *segment = NULL;

        status = pool_take(self->all->core->pool, (size_t)sizes[taken], self->session, POOL_MEMFD, &segment, err);
        if (!status) {
            segment_lend(segment);
            status = python_pin(self, &segment, &ret_pins[taken], err);
        }
        if (status)
            segment_unref(&segment);
        else
            self->pins[ret_pins[taken++] - 1].granted = true;
    }
    while (status && taken)
        python_unpin(self, ret_pins[--taken]);
    return status;
}

static int
grant(python_host_t *self, const pyhost_memory_t *want, rest_t rest, err_t *err)
{
    int64_t sizes[PYHOST_ARRAYS];
    uint32_t pins[PYHOST_ARRAYS], n = want->count;
    err_t why = {0};
    void *record;
    int status = take_sizes(want, &rest, sizes, err);

    if (status)
        return status;
    int refused = take_segments(self, sizes, n, pins, &why);

    if (refused)
        n = 0;
    status = python_packet_reserve(self, PYHOST_GRANT, sizeof(pyhost_memory_t) + pyhost_padded(n * sizeof *pins),
                                   (int)n, &record, err);
    for (uint32_t i = 0; i < n && status; i++)
        python_unpin(self, pins[i]);
    if (status)
        return status;
    pyhost_memory_t *answer = record;

    answer->status = refused;
    answer->count = n;
    str_copy(str_of(why.text), answer->text, sizeof answer->text);
    memcpy(answer + 1, pins, n * sizeof *pins);
    for (uint32_t i = 0; i < n; i++)
        python_packet_add_fd(self, self->pins[pins[i] - 1].segment->fd);
    return FH_OK;
}

/* ---- what a call has made ------------------------------------------------------------------------------------------
 */

static int
read_shape(const pyhost_made_t *from, rest_t *rest, shape_t *ret, err_t *err)
{
    if (from->ndim < 0 || from->ndim > SHAPE_MAX_DIMS || !dtype_known((uint64_t)(uint32_t)from->dtype))
        return err_set(err, FH_PROTOCOL_ERROR, "it made an array of dtype %d with %d dimensions", from->dtype,
                       from->ndim);
    const int64_t *extents = take(rest, (size_t)from->ndim * sizeof *extents);

    if (!extents)
        return is_short(err);
    ret->ndim = from->ndim;
    memcpy(ret->extent, extents, (size_t)from->ndim * sizeof *extents);
    int64_t bytes = shape_bytes(ret, (dtype_t)from->dtype);

    if (bytes < 0 || bytes != from->bytes)
        return err_set(err, FH_PROTOCOL_ERROR, "it made an array of %lld bytes that has %lld", (long long)from->bytes,
                       (long long)bytes);
    return FH_OK;
}

/* Where the array lies: in what was granted, or in memory for its bytes, which come later. */
static int
place_array(python_host_t *self, const pyhost_made_t *from, const shape_t *shape, pin_t *ret, err_t *err)
{
    python_pin_t *pin =
        from->granted && from->number && from->number <= self->pins_room ? &self->pins[from->number - 1] : NULL;
    int status = FH_OK;

    if (!from->granted) {
        if (from->bytes > PYHOST_INLINE)
            return is_short(err);
        status = pool_take(self->all->core->pool, (size_t)from->bytes, self->session, 0, &ret->segment, err);
    } else if (!pin || !pin->segment || !pin->granted || pin->segment->size < (size_t)from->bytes) {
        status = err_set(err, FH_PROTOCOL_ERROR, "it made an array in memory that it was not given");
    } else {
        ret->segment = segment_ref(pin->segment);
        pin->granted = false;
    }
    if (!status)
        nd_init(&ret->nd, ret->segment->data, (dtype_t)from->dtype, shape);
    return status;
}

static int
take_arrays(python_host_t *self, python_job_t *job, const pyhost_done_t *done, rest_t *rest, bool *inlined, err_t *err)
{
    python_made_t *made = &job->made;

    if (!done->arrays)
        return FH_OK;
    made->arrays = calloc(done->arrays, sizeof *made->arrays);
    made->array_ids = calloc(done->arrays, sizeof *made->array_ids);
    if (!made->arrays || !made->array_ids)
        return err_set(err, FH_NO_MEMORY, "no memory for the arrays that a Python call has made");
    for (uint32_t i = 0; i < done->arrays; i++) {
        const pyhost_made_t *from = take(rest, sizeof *from);
        shape_t shape;
        int status = from ? read_shape(from, rest, &shape, err) : is_short(err);

        if (!status)
            status = place_array(self, from, &shape, &made->arrays[i], err);
        if (status)
            return status;
        memcpy(made->array_ids[i].bytes, from->id, sizeof from->id);
        inlined[i] = !from->granted;
        made->narrays++;
    }
    return FH_OK;
}

static int
take_body(python_made_t *made, const pyhost_done_t *done, rest_t *rest, err_t *err)
{
    const char *body = take(rest, done->body_bytes);

    if (done->body_bytes > PYHOST_BODY || !body)
        return is_short(err);
    if (done->body_in_array)
        return made->narrays ? FH_OK : err_set(err, FH_PROTOCOL_ERROR, "it sent no pickle");
    if (done->body_bytes > sizeof made->small)
        return buf_new_copy(&made->body, body, done->body_bytes, err);
    memcpy(made->small, body, done->body_bytes);
    made->small_bytes = done->body_bytes;
    return FH_OK;
}

static int
take_made(python_host_t *self, python_job_t *job, const pyhost_done_t *done, rest_t *rest, err_t *err)
{
    python_made_t *made = &job->made;
    bool inlined[PYHOST_ARRAYS];
    const void *objects = take(rest, done->objects * sizeof(oid_t));

    if (!objects)
        return is_short(err);
    if (done->objects) {
        made->objects = malloc(done->objects * sizeof *made->objects);
        if (!made->objects)
            return err_set(err, FH_NO_MEMORY, "no memory for the objects that a Python call has made");
        memcpy(made->objects, objects, done->objects * sizeof *made->objects);
        made->nobjects = done->objects;
    }
    int status = take_arrays(self, job, done, rest, inlined, err);

    if (!status)
        status = take_body(made, done, rest, err);
    for (int i = 0; i < made->narrays && !status; i++) {
        size_t bytes = (size_t)shape_bytes(&made->arrays[i].nd.shape, made->arrays[i].nd.dtype);
        const char *from = inlined[i] ? take(rest, bytes) : NULL;

        if (inlined[i] && !from)
            status = is_short(err);
        else if (inlined[i])
            segment_fill(made->arrays[i].segment, 0, from, bytes);
    }
    return status;
}

/* A record of a call's end. */
static int
take_done(python_host_t *self, const pyhost_done_t *done, rest_t rest, err_t *err)
{
    python_job_t *job = self->first;
    char text[PYHOST_TEXT];
    err_t why = {0};

    if (!job || job->ring || done->record.serial != job->serial)
        return err_set(err, FH_PROTOCOL_ERROR, "it answered call %llu, which is not the one that it runs",
                       (unsigned long long)done->record.serial);
    if (done->arrays > PYHOST_ARRAYS || done->objects > PYHOST_OBJECTS || done->outcome > PYHOST_INTERRUPTED)
        return err_set(err, FH_PROTOCOL_ERROR, "it made %u arrays and %u objects in a call", done->arrays,
                       done->objects);
    const char *said = take(&rest, done->text_bytes);

    if (!said)
        return is_short(err);
    str_copy((str_t){said, done->text_bytes}, text, sizeof text);
    int status = take_made(self, job, done, &rest, &why);

    if (status == FH_PROTOCOL_ERROR) {
        if (err)
            *err = why;
        return status;
    }
    if (!status && done->outcome == PYHOST_INTERRUPTED) {
        status = job->verdict ? job->verdict : FH_CANCELLED;
        err_set(&why, status,
                status == FH_TIMEOUT ? "%s ran past its time limit of %g s and was interrupted" : "%s was cancelled",
                job->what, (double)job->limit_ns / 1e9);
    } else if (!status && done->outcome == PYHOST_RAISED) {
        job->raised = true;
        status = err_set(&why, FH_REMOTE_ERROR, "%s raised %s", job->what, text);
    }
    python_host_finish(self, status, &why);
    return FH_OK;
}

/* Where the host's rings are: its client opens them, so the engine looks at nothing but whom they belong to. */
static int
take_place(python_host_t *self, const pyhost_place_t *place, err_t *err)
{
    python_job_t *job = self->first;
    err_t why = {0};

    if (!job || !job->ring || place->record.serial != job->serial)
        return err_set(err, FH_PROTOCOL_ERROR, "it made rings that nobody has asked for");
    job->place = *place;
    job->pid = self->process ? (int)self->process->child.pid : 0;
    if (place->status)
        (void)err_set(&why, FH_NOT_SUPPORTED, "the Python host could make no rings");
    python_host_finish(self, why.status, &why);
    return FH_OK;
}

/* ---- datagrams -----------------------------------------------------------------------------------------------------
 */

static int
take_free(python_host_t *self, const pyhost_list_t *list, rest_t rest, err_t *err)
{
    const uint32_t *pins = list->count <= PYHOST_DATAGRAM ? take(&rest, list->count * sizeof *pins) : NULL;

    if (!pins)
        return is_short(err);
    for (uint32_t i = 0; i < list->count; i++)
        python_unpin(self, pins[i]);
    return FH_OK;
}

static int
take_record(python_host_t *self, const pyhost_record_t *head, err_t *err)
{
    static const size_t LEAST[] = {[PYHOST_READY] = sizeof(pyhost_ready_t),
                                   [PYHOST_DONE] = sizeof(pyhost_done_t),
                                   [PYHOST_WANT] = sizeof(pyhost_memory_t),
                                   [PYHOST_FREE] = sizeof(pyhost_list_t),
                                   [PYHOST_PLACE] = sizeof(pyhost_place_t)};
    rest_t rest = {(const char *)head, (const char *)head + head->size};

    if (head->code >= sizeof LEAST / sizeof *LEAST || !LEAST[head->code])
        return err_set(err, FH_PROTOCOL_ERROR, "it sent a record of code %u", head->code);
    if (!take(&rest, LEAST[head->code]))
        return is_short(err);
    if (head->code == PYHOST_READY) {
        self->ready = true;
        self->began_ns = clock_now_ns();
        return FH_OK;
    }
    if (head->code == PYHOST_DONE)
        return take_done(self, (const pyhost_done_t *)(const void *)head, rest, err);
    if (head->code == PYHOST_PLACE)
        return take_place(self, (const pyhost_place_t *)(const void *)head, err);
    if (head->code == PYHOST_WANT)
        return grant(self, (const pyhost_memory_t *)(const void *)head, rest, err);
    return take_free(self, (const pyhost_list_t *)(const void *)head, rest, err);
}

int
python_answer_take(python_host_t *self, const char *bytes, size_t size, err_t *err)
{
    for (size_t at = 0; at < size;) {
        const pyhost_record_t *head = (const pyhost_record_t *)(const void *)(bytes + at);

        if (size - at < sizeof *head || head->size < sizeof *head || head->size % 8 || head->size > size - at)
            return err_set(err, FH_PROTOCOL_ERROR, "it sent a datagram that is no list of records");
        int status = take_record(self, head, err);

        if (status)
            return status;
        at += head->size;
    }
    return FH_OK;
}
