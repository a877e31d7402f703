#include "engine/pyhost/direct.h"

#include "base/clock.h"
#include "base/ring.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { ARENA_BYTES = 64 * 1024, BODY_INLINE = 8192, LOOKS = 32, COST_IN_VAIN = 4, MAX_CREDIT = 64 };

static const int64_t AWAKE_NS = 30000, QUICK_NS = 100000;

/* ---- opening and closing -------------------------------------------------------------------------------------------
 */

static void
let_go(direct_t *self)
{
    if (self->holds)
        link_message_release(self->ring, &self->received);
    self->holds = false;
}

void
direct_close(direct_t *self)
{
    if (!self->ring)
        return;
    let_go(self);
    link_destroy(&self->ring);
    arena_destroy(&self->arena);
    header_writer_destroy(&self->writer);
    self->call = 0;
}

int
direct_open(direct_t *self, link_ring_place_t *ret, err_t *err)
{
    direct_close(self);
    int status = arena_new(&self->arena, ARENA_BYTES, err);
    if (!status)
        status = header_writer_new(&self->writer, err);
    if (!status)
        status = link_ring_new(&self->ring, ret, err);
    if (status) {
        arena_destroy(&self->arena);
        header_writer_destroy(&self->writer);
    }
    *self = (direct_t){.ring = self->ring, .arena = self->arena, .writer = self->writer};
    return status;
}

void
direct_forget(direct_t *self)
{
    if (self->ring)
        link_ring_abandon(&self->ring);
    *self = (direct_t){.ring = NULL};
}

/* ---- in ------------------------------------------------------------------------------------------------------------
 */

bool
direct_glance(const direct_t *self)
{
    return self->ring && link_ring_glance(self->ring);
}

bool
direct_is_cancelled(const direct_t *self)
{
    return direct_glance(self); /* nothing else may come before the answer */
}

/* The message in what was received; false: it is none that a client may send. */
static bool
read_message(direct_t *self, message_t *ret)
{
    header_reader_t reader;
    uint32_t raw = (uint32_t)self->received.count - 1;
    arena_reset(self->arena);
    return header_open(&reader, self->received.frames[0].data, self->received.frames[0].size, NULL) == FH_OK &&
           header_next(&reader, self->arena, 'C', 'E', raw, ret, NULL) == FH_OK && ret->raw == raw;
}

bool
direct_take(direct_t *self, direct_call_t *ret)
{
    message_t message;
    let_go(self);
    int status = link_receive(self->ring, &self->received, NULL);
    if (status == FH_BUSY)
        return false;
    self->holds = !status;
    if (status || !read_message(self, &message)) {
        direct_close(self);
        return false;
    }
    if (message.code == MSG_CANCEL)
        return false; /* it came too late */
    const msg_PY_CALL_t *call = &message.as.PY_CALL;
    if (message.code != MSG_PY_CALL || self->call || call->arrays.count || call->buffers.count ||
        !oid_is_none(call->result)) {
        direct_close(self);
        return false;
    }
    if (!self->settled) {
        self->settled = true;
        link_ring_settle(self->ring);
    }
    self->call = call->call;
    *ret = (direct_call_t){.call = call->call, .what = call->what, .objects = call->objects, .body = call->body};
    if (message.raw)
        ret->body = (bin_t){self->received.frames[1].data, (uint32_t)self->received.frames[1].size};
    return true;
}

/* ---- waiting -------------------------------------------------------------------------------------------------------
 * As the engine does at its rings: a ring that both sides look at needs no system call.  Only where the client's last
 * calls came quickly, and never on the CPU on which it runs itself. */

static bool
look(const direct_t *self, const pyhost_page_t *page, uint32_t heard)
{
    return link_ring_glance(self->ring) || atomic_load_explicit(&page->asked, memory_order_acquire) != heard;
}

static bool
look_awake(direct_t *self, const pyhost_page_t *page, uint32_t heard)
{
    if (self->credit <= 0 || link_ring_other_cpu(self->ring) == sched_getcpu())
        return look(self, page, heard);
    int64_t end_ns = clock_now_ns() + AWAKE_NS;
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (look(self, page, heard)) {
                self->credit += self->credit < MAX_CREDIT;
                return true;
            }
            ring_pause();
        }
    } while (clock_now_ns() < end_ns);
    self->credit -= COST_IN_VAIN;
    return false;
}

void
direct_wait(direct_t *self, const pyhost_page_t *page, uint32_t heard, int socket)
{
    struct pollfd fds[2] = {{.fd = socket, .events = POLLIN}, {.fd = link_fd(self->ring), .events = POLLIN}};
    if (look_awake(self, page, heard) || !link_ring_sleep(self->ring))
        return;
    int64_t begin_ns = clock_now_ns();
    int woken = poll(fds, 2, -1);
    link_ring_wake(self->ring, woken > 0 ? fds[1].revents : 0);
    self->credit += self->credit <= 0 && clock_now_ns() - begin_ns < QUICK_NS;
}

/* ---- out -----------------------------------------------------------------------------------------------------------
 */

static int
send_message(direct_t *self, const message_t *message, const void *raw, size_t raw_size, err_t *err)
{
    header_writer_reset(self->writer);
    int status = header_writer_add(self->writer, message, err);
    if (status)
        return status;
    const link_frame_t frames[2] = {
        {.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)},
        {.data = raw, .size = raw_size}};
    self->call = 0;
    status = link_send(self->ring, NULL, frames, raw ? 2 : 1, err);
    if (status)
        direct_close(self); /* the client takes nothing, or has gone */
    return FH_OK;
}

int
direct_answer(direct_t *self, bool raised, unsigned claim, const void *body, size_t size, err_t *err)
{
    message_t message = {.code = MSG_PY_RESULT,
                         .raw = size > BODY_INLINE,
                         .as.PY_RESULT = {.call = self->call, .raised = raised, .claim = claim}};
    if (size > DIRECT_BODY)
        return err_set(err, FH_LIMIT_EXCEEDED, "a pickle of %zu bytes for a client's rings", size);
    if (!self->ring || !self->call)
        return FH_OK; /* they have been given up meanwhile */
    if (!message.raw)
        message.as.PY_RESULT.body = (bin_t){body, (uint32_t)size};
    return send_message(self, &message, message.raw ? body : NULL, size, err);
}

int
direct_refuse(direct_t *self, const err_t *why, err_t *err)
{
    message_t message;
    if (!self->ring || !self->call)
        return FH_OK;
    message_from_err(&message, self->call, why);
    return send_message(self, &message, NULL, 0, err);
}
