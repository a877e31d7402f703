/* engine/python_ask.c - calls as records for a host; what it sees of our memory. */
#include "base/clock.h"
#include "codecs/strided.h"
#include "engine/python_host_private.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PINS = 65536, MAX_WAITING = 8 * PYHOST_DATAGRAM };

/* ---- packets -------------------------------------------------------------------------------------------------------
 */

bool
python_host_has_room(const python_host_t *self, size_t bytes)
{
    return !self->first || self->waiting + bytes < MAX_WAITING;
}

static int
new_packet(python_host_t *self, err_t *err)
{
    packet_t *packet = self->all->spare;

    self->all->spare = NULL;
    if (!packet)
        packet = malloc(sizeof *packet);
    if (!packet)
        return err_set(err, FH_NO_MEMORY, "no memory for a message to a Python host");
    packet->next = NULL;
    packet->nfds = 0;
    packet->size = 0;
    *(self->first_packet ? &self->last_packet->next : &self->first_packet) = packet;
    self->last_packet = packet;
    return FH_OK;
}

int
python_packet_reserve(python_host_t *self, uint32_t code, size_t size, int nfds, void **ret, err_t *err)
{
    packet_t *packet = self->first_packet ? self->last_packet : NULL;

    size = (size + 7) & ~(size_t)7;
    if (size > PYHOST_DATAGRAM || nfds > PYHOST_FDS)
        return err_set(err, FH_LIMIT_EXCEEDED, "%zu bytes and %d arrays are too much for one call", size, nfds);
    /* A grant goes alone: the host waits for it. */
    if (!packet || code == PYHOST_GRANT || packet->size + size > sizeof packet->bytes ||
        packet->nfds + nfds > PYHOST_FDS || ((pyhost_record_t *)(void *)packet->bytes)->code == PYHOST_GRANT) {
        int status = new_packet(self, err);

        if (status)
            return status;
        packet = self->last_packet;
    }
    pyhost_record_t *record = (pyhost_record_t *)(void *)(packet->bytes + packet->size);

    memset(record, 0, size);
    record->code = code;
    record->size = (uint32_t)size;
    packet->size += size;
    self->waiting += size;
    *ret = record;
    return FH_OK;
}

void
python_packet_add_fd(python_host_t *self, int fd)
{
    self->last_packet->fds[self->last_packet->nfds++] = fd;
}

void
python_packets_release(python_host_t *self)
{
    while (self->first_packet) {
        packet_t *packet = self->first_packet;

        self->first_packet = packet->next;
        free(packet);
    }
    self->last_packet = NULL;
    self->waiting = 0;
}

/* ---- pins ----------------------------------------------------------------------------------------------------------
 */

int
python_pin(python_host_t *self, segment_t **segment, uint32_t *ret, err_t *err)
{
    if (self->npins == self->pins_room) {
        uint32_t room = self->pins_room ? 2 * self->pins_room : 16;
        python_pin_t *grown = room <= MAX_PINS ? realloc(self->pins, room * sizeof *grown) : NULL;

        if (!grown)
            return err_set(err, FH_LIMIT_EXCEEDED, "the session's Python host sees %u arrays already", self->npins);
        memset(grown + self->pins_room, 0, (room - self->pins_room) * sizeof *grown);
        self->pins = grown;
        self->pins_room = room;
    }
    while (self->pins[self->next_pin % self->pins_room].segment)
        self->next_pin++;
    uint32_t place = self->next_pin++ % self->pins_room;

    self->pins[place] = (python_pin_t){*segment, false};
    *segment = NULL;
    self->npins++;
    *ret = place + 1;
    return FH_OK;
}

void
python_unpin(python_host_t *self, uint32_t pin)
{
    if (!pin || pin > self->pins_room || !self->pins[pin - 1].segment)
        return;
    segment_unref(&self->pins[pin - 1].segment);
    self->npins--;
}

void
python_pins_release(python_host_t *self)
{
    for (uint32_t i = 0; i < self->pins_room; i++)
        segment_unref(&self->pins[i].segment);
    free(self->pins);
    self->pins = NULL;
    self->npins = self->pins_room = 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

static int64_t
bytes_of(const nd_t *nd)
{
    return shape_bytes(&nd->shape, nd->dtype);
}

/* Which arrays travel inside the record; the others must lie in files, and are copied to one if they do not. */
static int
arrange(python_host_t *self, const python_request_t *request, bool *inlined, size_t *ret_bytes, err_t *err)
{
    size_t room = PYHOST_INLINE;

    for (uint32_t i = 0; i < request->narrays + request->nbuffers; i++) {
        pin_t *pin = &request->arrays[i];
        size_t bytes = (size_t)bytes_of(&pin->nd);
        segment_t *copy = NULL;

        inlined[i] = bytes == 0 || (pin->segment->fd < 0 && bytes <= room);
        if (inlined[i])
            room -= bytes;
        if (inlined[i])
            *ret_bytes += pyhost_padded((uint32_t)bytes);
        if (inlined[i] || pin->segment->fd >= 0)
            continue;
        int status = pool_take(self->all->core->pool, bytes, self->session, POOL_MEMFD, &copy, err);

        if (status)
            return status;
        strided_pack(&pin->nd, 0, (int64_t)bytes, copy->data);
        segment_unref(&pin->segment);
        pin->segment = copy;
        nd_init(&pin->nd, copy->data, pin->nd.dtype, &(shape_t){.ndim = 0});
    }
    return FH_OK;
}

static char *
put(char *at, const void *bytes, size_t size)
{
    if (size)
        memcpy(at, bytes, size);
    return at + ((size + 7) & ~(size_t)7);
}

/* One array: its description; a mapped one is pinned, *ret_pin is its number. */
static int
put_array(python_host_t *self, char **at, pin_t *pin, const shape_t *shape, bool inlined, uint32_t *ret_pin, err_t *err)
{
    pyhost_array_t array = {.dtype = (int32_t)pin->nd.dtype, .ndim = shape->ndim, .inlined = inlined};
    int64_t stride[SHAPE_MAX_DIMS];
    int fd = -1, status = FH_OK;

    array.bytes = shape_bytes(shape, pin->nd.dtype);
    if (!inlined) {
        array.fd_size = (int64_t)pin->segment->size;
        array.offset = pin->nd.data - pin->segment->data;
        status = segment_read_only_fd(pin->segment, &fd, err);
        if (!status)
            status = python_pin(self, &pin->segment, &array.pin, err);
        if (status)
            return status;
        python_packet_add_fd(self, fd);
        *ret_pin = array.pin;
    }
    /* A copy has the same shape, in C order. */
    if (pin->nd.shape.ndim == shape->ndim)
        memcpy(stride, pin->nd.stride, sizeof stride);
    else
        shape_strides_c(shape, (int64_t)dtype_size(pin->nd.dtype), stride);
    *at = put(*at, &array, sizeof array);
    *at = put(*at, shape->extent, (size_t)shape->ndim * sizeof *shape->extent);
    *at = put(*at, stride, (size_t)shape->ndim * sizeof *stride);
    return FH_OK;
}

static int
put_call(python_host_t *self, const python_request_t *request, uint64_t serial, const shape_t *shapes,
         const bool *inlined, size_t size, err_t *err)
{
    void *record;
    int files = 0, status;
    uint32_t n = request->narrays + request->nbuffers, pinned[2 * PYHOST_ARRAYS] = {0};

    for (uint32_t i = 0; i < n; i++)
        files += !inlined[i];
    status = python_packet_reserve(self, PYHOST_CALL, size, files, &record, err);
    if (status)
        return status;
    int files_before = self->last_packet->nfds;
    pyhost_call_t *call = record;

    call->record.serial = serial;
    memcpy(call->result, request->result.bytes, sizeof call->result);
    call->objects = request->nobjects;
    call->arrays = request->narrays;
    call->buffers = request->nbuffers;
    call->what_bytes = request->what.size;
    call->body_bytes = request->body ? (uint32_t)request->body_bytes : 0;
    call->body_in_buffer = request->body == NULL;
    char *at = put((char *)(call + 1), request->what.data, request->what.size);

    at = put(at, request->objects, request->nobjects * sizeof *request->objects);
    for (uint32_t i = 0; i < n && !status; i++)
        status = put_array(self, &at, &request->arrays[i], &shapes[i], inlined[i], &pinned[i], err);
    if (status) { /* an empty list stays in its place */
        for (uint32_t i = 0; i < n; i++)
            python_unpin(self, pinned[i]);
        self->last_packet->nfds = files_before;
        call->record.code = PYHOST_DROP;
        ((pyhost_list_t *)record)->count = 0;
        return status;
    }
    if (request->body)
        at = put(at, request->body, request->body_bytes);
    for (uint32_t i = 0; i < n; i++) {
        int64_t bytes = inlined[i] ? bytes_of(&request->arrays[i].nd) : 0;

        if (bytes)
            strided_pack(&request->arrays[i].nd, 0, bytes, at);
        at += pyhost_padded((uint32_t)bytes);
    }
    return FH_OK;
}

static int
write_call(python_host_t *self, const python_request_t *request, uint64_t serial, err_t *err)
{
    uint32_t n = request->narrays + request->nbuffers;
    bool inlined[2 * PYHOST_ARRAYS];
    shape_t shapes[2 * PYHOST_ARRAYS];
    size_t size = sizeof(pyhost_call_t) + pyhost_padded(request->what.size) +
                  request->nobjects * sizeof *request->objects +
                  (request->body ? pyhost_padded((uint32_t)request->body_bytes) : 0);

    for (uint32_t i = 0; i < n; i++) {
        shapes[i] = request->arrays[i].nd.shape;
        size += sizeof(pyhost_array_t) + 2 * (size_t)shapes[i].ndim * sizeof(int64_t);
    }
    int status = arrange(self, request, inlined, &size, err);

    return status ? status : put_call(self, request, serial, shapes, inlined, size, err);
}

static int
new_job(python_host_t *self, const call_t *call, lane_t *lane, str_t what, python_job_t **ret, err_t *err)
{
    python_job_t *job = calloc(1, sizeof *job);

    if (!job)
        return err_set(err, FH_NO_MEMORY, "no memory for a Python call");
    job->serial = self->job + 1;
    job->host = self->serial;
    job->call = call;
    job->lane = lane;
    job->limit_ns = self->all->options.timeout_ns;
    job->core = self->all->core;
    str_copy(what, job->what, sizeof job->what);
    *ret = job;
    return FH_OK;
}

/* It is asked. */
static void
add_job(python_host_t *self, python_job_t *job)
{
    self->job = job->serial;
    if (!self->first)
        self->began_ns = clock_now_ns();
    *(self->first ? &self->last->next : &self->first) = job;
    self->last = job;
}

int
python_host_ask(python_host_t *self, const python_request_t *request, python_job_t **ret, err_t *err)
{
    python_job_t *job = NULL;
    int status = new_job(self, request->call, request->lane, request->what, &job, err);

    if (!status)
        status = write_call(self, request, job->serial, err);
    for (uint32_t i = 0; i < request->narrays + request->nbuffers; i++)
        pin_release(&request->arrays[i]);
    if (status) {
        free(job);
        return status;
    }
    if (request->timeout_ns)
        job->limit_ns = request->timeout_ns;
    job->result = request->result;
    add_job(self, job);
    *ret = job;
    return FH_OK;
}

int
python_host_ask_ring(python_host_t *self, const call_t *call, lane_t *lane, python_job_t **ret, err_t *err)
{
    python_job_t *job = NULL;
    void *record;
    int status = new_job(self, call, lane, str_of("rings"), &job, err);

    if (!status)
        status = python_packet_reserve(self, PYHOST_RING, sizeof(pyhost_record_t), 0, &record, err);
    if (status) {
        free(job);
        return status;
    }
    ((pyhost_record_t *)record)->serial = job->serial;
    job->ring = true;
    add_job(self, job);
    *ret = job;
    return FH_OK;
}

int
python_host_ask_end(python_host_t *self, const call_t *call, lane_t *lane, str_t what, python_job_t **ret, err_t *err)
{
    int status = new_job(self, call, lane, what, ret, err);

    if (status)
        return status;
    (*ret)->verdict = self->direct_verdict;
    add_job(self, *ret);
    python_host_kill(self, self->verdict);
    return FH_OK;
}
