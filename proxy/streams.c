#include "proxy/streams.h"

#include "base/stream_group.h"
#include "codecs/dtype_fields.h"
#include "codecs/strided.h"
#include "proxy/moved.h"
#include "proxy/sync.h"
#include "proxy/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PATIENCE_MS = 4000, MAX_DEFAULT = 4 };

static const int64_t ASK_AGAIN_NS = 2000000000; /* a question that the line may have swallowed */

/* The streams of one engine link. */
struct engine_streams {
    stream_group_t *group;
    request_t request; /* for tickets */
    bool asked;
    int64_t asked_ns;
    /* what the answer has brought */
    int port, ntickets;
    stream_ticket_t tickets[STREAM_GROUP_MAX];
};

/* ---- one engine ----------------------------------------------------------------------------------------------------
 */

static int
default_streams(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores / 2 < 1 ? 1 : cores / 2 > MAX_DEFAULT ? MAX_DEFAULT : (int)(cores / 2);
}

bool
streams_possible(engine_link_t *engine, int64_t bytes)
{
    return engine->session->streams >= 0 && bytes >= STREAMS_BYTES && !engine_link_is_near(engine) &&
           engine_link_open(engine, NULL) == FH_OK && engine->features & FEATURE_STREAMS;
}

static int
make_group(engine_link_t *engine, err_t *err)
{
    fh_session *session = engine->session;
    const stream_options_t options = {.patience_ms = PATIENCE_MS,
                                      .sealed = !session->trust_network,
                                      .compress = session->compress && engine->features & FEATURE_LZ4};
    char host[256];
    if (session->wake_fd < 0)
        session->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (session->wake_fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot make an eventfd for streams");
    if (!engine->streams)
        engine->streams = calloc(1, sizeof *engine->streams);
    if (!engine->streams)
        return err_set(err, FH_NO_MEMORY, "no memory for streams");
    if (engine->streams->group)
        return FH_OK;
    stream_host_of(engine->endpoint, host, sizeof host);
    return stream_group_new(&engine->streams->group, host, session->streams > 0 ? session->streams : default_streams(),
                            &options, session->wake_fd, err);
}

void
streams_forget(engine_link_t *engine)
{
    if (!engine->streams)
        return;
    if (engine->session->pid == getpid()) /* a forked child does not have the threads */
        stream_group_destroy(&engine->streams->group);
    free(engine->streams);
    engine->streams = NULL;
}

/* ---- tickets -------------------------------------------------------------------------------------------------------
 */

static int
take_tickets(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    struct engine_streams *self = context;
    const msg_TICKETS_t *tickets = &reply->as.TICKETS;
    (void)raw, (void)nraw;
    if (reply->code != MSG_TICKETS || tickets->tickets.size % STREAM_TICKET ||
        tickets->tickets.size > sizeof self->tickets / sizeof self->tickets[0] * STREAM_TICKET)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered STREAMS with something else than tickets");
    self->port = (int)tickets->port;
    self->ntickets = (int)(tickets->tickets.size / STREAM_TICKET);
    for (int i = 0; i < self->ntickets; i++)
        stream_ticket_read((const uint8_t *)tickets->tickets.data + (size_t)i * STREAM_TICKET, &self->tickets[i]);
    return FH_OK;
}

static int
ask_for_tickets(engine_link_t *engine, int count, err_t *err)
{
    struct engine_streams *self = engine->streams;
    message_t message = {.code = MSG_STREAMS};
    uint64_t call = ENGINE_LINK_BESIDE | ++engine->questions;
    message.as.STREAMS.call = call;
    message.as.STREAMS.count = (uint64_t)count;
    message.as.STREAMS.plain = engine->session->trust_network;
    message.as.STREAMS.compress = engine->session->compress;
    int status = conn_add_as_is(&engine->conn, &message, err);
    if (status == FH_BUSY)
        return FH_OK; /* the batch leaves with the next flush; then again */
    if (status)
        return status;
    self->request = (request_t){.reply = take_tickets, .context = self};
    self->ntickets = 0;
    conn_expect(&engine->conn, &self->request, call, 1);
    self->asked = true;
    self->asked_ns = clock_now_ns();
    return FH_OK;
}

/* Too many at once, or a link that broke, will not be so for ever. */
static bool
passes(int status)
{
    return status == FH_LIMIT_EXCEEDED || status == FH_STALE_HANDLE || status == FH_CANNOT_CONNECT;
}

/* Ask, or hand over what was asked for. */
static int
see_to_tickets(engine_link_t *engine, err_t *err)
{
    struct engine_streams *self = engine->streams;
    if (self->asked && self->request.due > 0) {
        if (clock_now_ns() - self->asked_ns < ASK_AGAIN_NS)
            return FH_OK;
        conn_forget(&engine->conn, &self->request);
        self->asked = false;
    }
    if (self->asked) {
        self->asked = false;
        if (self->request.status && !passes(self->request.status)) {
            if (err)
                *err = self->request.err;
            return self->request.status;
        }
        stream_group_give(self->group, self->port, self->tickets, self->ntickets);
        explicit_bzero(self->tickets, sizeof self->tickets);
        self->ntickets = 0;
    }
    int wanted = stream_group_wants(self->group);
    return wanted ? ask_for_tickets(engine, wanted, err) : FH_OK;
}

/* ---- deposits ------------------------------------------------------------------------------------------------------
 */

int
streams_deposit(engine_link_t *engine, dtype_t dtype, const shape_t *shape, request_t *request, handle_t **ret,
                err_t *err)
{
    message_t message = {.code = MSG_DEPOSIT};
    handle_t *handle = NULL;
    uint64_t call;
    int status = handle_new(&handle, engine, OID_NONE, shape_bytes(shape, dtype), err);
    if (status)
        return status;
    message.as.DEPOSIT.result = handle->id;
    message.as.DEPOSIT.dtype = (uint64_t)dtype_wire(dtype);
    message.as.DEPOSIT.shape = (ints_t){shape->extent, (uint32_t)shape->ndim};
    *request = (request_t){.reply = NULL};
    status = engine_link_call(engine, &message, NULL, &call, err);
    if (status) {
        handle_unref(&handle);
        return status;
    }
    conn_expect(&engine->conn, request, call, 1);
    *ret = handle;
    return FH_OK;
}

int
streams_deposited(engine_link_t *engine, request_t *request, err_t *err)
{
    return wait_request(engine->session, &engine->conn, request, session_deadline(engine->session, -1), err);
}

int
streams_complete(handle_t *deposit, err_t *err)
{
    message_t message = {.code = MSG_COMPLETE};
    message.as.COMPLETE.result = deposit->id;
    return engine_link_call(deposit->engine, &message, NULL, NULL, err);
}

/* ---- a move --------------------------------------------------------------------------------------------------------
 */

typedef struct {
    fh_session *session;
    const streams_part_t *parts;
    stream_item_t *items;
    engine_link_t **engines; /* that take part */
    int nengines;
    bool to_engines;
    engine_link_t *shut; /* whose link is broken, if one's is */
    int64_t bytes, moved;
    int status;
    err_t err;
} move_t;

static void
reverse_elements(char *bytes, int64_t size, size_t width)
{
    for (int64_t at = 0; at < size; at += (int64_t)width)
        for (size_t low = 0, high = width - 1; low < high; low++, high--) {
            char byte = bytes[at + (int64_t)low];
            bytes[at + (int64_t)low] = bytes[at + (int64_t)high];
            bytes[at + (int64_t)high] = byte;
        }
}

static void
pack(void *context, int64_t offset, int64_t size, char *bytes)
{
    const streams_part_t *part = context;
    size_t width = dtype_size(part->local.dtype);
    strided_pack(&part->local, offset, size, bytes);
    if (part->swapped)
        reverse_elements(bytes, size, dtype_kind(part->local.dtype) == 'c' ? width / 2 : width);
}

static void
unpack(void *context, int64_t offset, int64_t size, char *bytes)
{
    const streams_part_t *part = context;
    strided_unpack(&part->local, offset, size, bytes);
}

static stream_item_t
item_of(const streams_part_t *part, bool to_engines)
{
    union {
        const streams_part_t *given;
        void *taken;
    } context = {.given = part};
    stream_item_t item = {.bytes = shape_bytes(&part->local.shape, part->local.dtype),
                          .convert = to_engines ? pack : unpack,
                          .context = context.taken};
    memcpy(item.id, part->handle->id.bytes, sizeof item.id);
    if (nd_is_c_contiguous(&part->local) && !part->swapped)
        item.data = part->local.data;
    return item;
}

static int
fail(move_t *self, int status)
{
    if (!self->status)
        self->status = status;
    return status;
}

/* What one engine's streams want, and how far they are.  True: they are through. */
static bool
look_at(move_t *self, engine_link_t *engine, int64_t *ret_moved_ns)
{
    stream_progress_t progress;
    int status;
    if (engine->lost) {
        fail(self, engine_link_lost_error(engine, &self->err));
        return true;
    }
    err_t err = {0};
    bool ended = stream_group_ended(engine->streams->group, &status, &err); /* before: what it moved last counts, too */
    stream_group_progress(engine->streams->group, &progress);
    self->moved += progress.moved;
    if (progress.moved_ns > *ret_moved_ns)
        *ret_moved_ns = progress.moved_ns;
    if (ended) {
        if (status) {
            err_set_origin(&err, "engine %d (%.60s)", engine->number, engine->host);
            self->err = err;
            fail(self, status);
        }
        return true;
    }
    if (!engine->open) {
        self->shut = engine;
        return false;
    }
    status = see_to_tickets(engine, &err);
    if (status) {
        self->err = err;
        fail(self, status);
    }
    return false;
}

/* Nothing has come or gone for too long. */
static void
give_up(move_t *self)
{
    err_t trouble = {0};
    const engine_link_t *slow = self->engines[0];
    for (int i = 0; i < self->nengines; i++)
        if (self->engines[i]->streams && stream_group_trouble(self->engines[i]->streams->group, &trouble))
            slow = self->engines[i];
    fail(self, err_set(&self->err, FH_TIMEOUT, "no bytes have moved between here and engine %d for %.3g s%s%.200s",
                       slow->number, self->session->call_timeout_s, trouble.text[0] ? ": " : "", trouble.text));
}

static bool
advanced(const void *context)
{
    union {
        const void *given;
        move_t *taken;
    } self = {.given = context};
    move_t *move = self.taken;
    uint64_t count;
    int64_t moved_ns = 0;
    bool ended = true;
    if (read(move->session->wake_fd, &count, sizeof count) < 0)
        count = 0; /* nothing new */
    move->moved = 0;
    for (int i = 0; i < move->nengines; i++)
        ended = look_at(move, move->engines[i], &moved_ns) && ended;
    broker_link_ping(move->session); /* a long move must not look like silence */
    session_push(move->session);
    moved_tell(move->session, move->moved, move->bytes);
    if (!ended && move->session->call_timeout_s >= 0 &&
        (double)(clock_now_ns() - moved_ns) / 1e9 > move->session->call_timeout_s)
        give_up(move);
    return ended || move->status || move->shut;
}

/* The line may have broken for the links, too.  An engine keeps what a session has for as long as its lease: say HELLO
 * again, and go on. */
static int
see_through(move_t *self, err_t *err)
{
    int status;
    do {
        self->shut = NULL;
        status = wait_until(self->session, INT64_MAX, advanced, self, err);
        if (!status && self->shut && !self->status)
            status = engine_link_open(self->shut, err);
    } while (!status && self->shut && !self->status);
    return status;
}

/* Sort the parts by their engines and begin. */
static int
begin(move_t *self, int n, err_t *err)
{
    int made = 0, status = FH_OK;
    for (int i = 0; i < n; i++) {
        engine_link_t *engine = self->parts[i].handle->engine;
        int known = 0, first = made;
        while (known < self->nengines && self->engines[known] != engine)
            known++;
        if (known < self->nengines)
            continue;
        status = make_group(engine, err);
        if (status)
            return status;
        for (int k = i; k < n; k++)
            if (self->parts[k].handle->engine == engine) {
                self->items[made] = item_of(&self->parts[k], self->to_engines);
                self->bytes += self->items[made++].bytes;
            }
        status = stream_group_begin(engine->streams->group, self->items + first, made - first, self->to_engines, err);
        if (status)
            return status;
        self->engines[self->nengines++] = engine;
    }
    return FH_OK;
}

static void
end(const move_t *self)
{
    for (int i = 0; i < self->nengines; i++) {
        engine_link_t *engine = self->engines[i];
        if (!engine->streams)
            continue;
        stream_group_end(engine->streams->group);
        conn_forget(&engine->conn, &engine->streams->request);
        engine->streams->asked = false;
    }
}

static void
add_up(fh_session *session, const move_t *self)
{
    *(self->to_engines ? &session->stats.bytes_sent : &session->stats.bytes_received) += (uint64_t)self->moved;
}

int
streams_move(fh_session *session, const streams_part_t *parts, int n, bool to_engines, err_t *err)
{
    move_t move = {.session = session, .parts = parts, .to_engines = to_engines};
    if (n == 0)
        return FH_OK;
    move.items = calloc((size_t)n, sizeof *move.items);
    move.engines = calloc((size_t)n, sizeof(engine_link_t *));
    int status = move.items && move.engines ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to move %d pieces", n);
    moved_begin(session);
    if (!status)
        status = begin(&move, n, err);
    if (!status)
        status = see_through(&move, err);
    end(&move);
    add_up(session, &move);
    if (!status && move.status) {
        status = move.status;
        if (err)
            *err = move.err;
    }
    moved_end(session, !status, move.bytes);
    free(move.items);
    free(move.engines);
    return status;
}
