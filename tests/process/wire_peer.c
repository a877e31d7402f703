#include "tests/process/wire_peer.h"

#include "base/clock.h"
#include "tests/support/check.h"

#include <poll.h>
#include <string.h>

enum { RAW_ROOM = 1 << 20, MAX_RAW = 8 };

void
wire_peer_open(wire_peer_t *self, const wire_target_t *target)
{
    link_zmq_options_t options = {.keys = target->keys, .server_key = target->server_key};
    err_t err;
    *self = (wire_peer_t){.target = target, .id = oid_new()};
    check_ok(link_zmq_connect(&self->link, target->context, target->endpoint, &options, &err), err);
    check_ok(header_writer_new(&self->writer, &err), err);
    check_ok(arena_new(&self->arena, 16 << 20, &err), err);
}

void
wire_peer_close(wire_peer_t *self)
{
    link_destroy(&self->link);
    header_writer_destroy(&self->writer);
    arena_destroy(&self->arena);
}

static bool
wait_readable(wire_peer_t *self, int64_t deadline)
{
    struct pollfd waits = {.fd = link_fd(self->link), .events = POLLIN};
    int wait_ms = clock_remaining_ms(deadline, 50);
    if (wait_ms > 0)
        poll(&waits, 1, wait_ms);
    return wait_ms > 0;
}

static void
throw_away(wire_peer_t *self)
{
    link_message_t message;
    int status;
    while ((status = link_receive(self->link, &message, NULL)) != FH_BUSY) {
        self->received++;
        if (status == FH_OK)
            link_message_release(self->link, &message);
    }
}

bool
wire_peer_send(wire_peer_t *self, const link_frame_t *frames, int count)
{
    int64_t deadline = clock_deadline(1);
    int status;
    do {
        throw_away(self);
        status = link_send(self->link, NULL, frames, count, NULL);
    } while (status == FH_BUSY && wait_readable(self, deadline));
    return status == FH_OK;
}

bool
wire_peer_send_message(wire_peer_t *self, const message_t *message, size_t raw_bytes)
{
    static const uint8_t RAW[RAW_ROOM];
    link_frame_t frames[1 + MAX_RAW] = {{0}};
    err_t err;
    assert_true(message->raw <= MAX_RAW && raw_bytes <= sizeof RAW);
    header_writer_reset(self->writer);
    check_ok(header_writer_add(self->writer, message, &err), err);
    frames[0] = (link_frame_t){.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)};
    for (uint32_t i = 0; i < message->raw; i++)
        frames[1 + i] = (link_frame_t){.data = RAW, .size = raw_bytes};
    return wire_peer_send(self, frames, 1 + (int)message->raw);
}

/* Does the frame hold the answer? */
static bool
find_answer(wire_peer_t *self, const link_message_t *frame, uint64_t call, msg_code_t answer, message_t *ret)
{
    header_reader_t reader;
    err_t err;
    uint32_t raw = (uint32_t)frame->count - 1;
    arena_reset(self->arena);
    check_ok(header_open(&reader, frame->frames[0].data, frame->frames[0].size, &err), err);
    for (;;) {
        int status = header_next(&reader, self->arena, self->target->server, self->target->role, raw, ret, &err);
        if (status == FH_NO_SUCH_OBJECT)
            return false;
        check_ok(status, err); /* the daemon itself must keep to the protocol */
        if ((ret->code == answer || ret->code == MSG_ERROR) && message_call(ret) == call)
            return true;
    }
}

int
wire_peer_ask(wire_peer_t *self, const message_t *message, msg_code_t answer, message_t *ret, double timeout_s)
{
    static link_message_t frame; /* the last answer lives in it */
    static bool held;
    message_t came;
    int64_t deadline = clock_deadline(timeout_s);
    if (held)
        link_message_release(self->link, &frame);
    held = false;
    if (!wire_peer_send_message(self, message, 0))
        return 0;
    do {
        while (link_receive(self->link, &frame, NULL) == FH_OK) {
            held = find_answer(self, &frame, message_call(message), answer, &came);
            if (held && ret)
                *ret = came;
            if (held)
                return (int)came.code;
            link_message_release(self->link, &frame);
        }
    } while (wait_readable(self, deadline));
    return 0;
}

int
wire_peer_hello(wire_peer_t *self, double timeout_s)
{
    message_t hello = {.code = MSG_HELLO,
                       .as.HELLO = {.call = ++self->call,
                                    .session = self->id,
                                    .major = PROTOCOL_MAJOR,
                                    .minor = PROTOCOL_MINOR,
                                    .software = str_of("test"),
                                    .host = str_of("elsewhere/boot"),
                                    .pid = 1}};
    return wire_peer_ask(self, &hello, MSG_WELCOME, NULL, timeout_s);
}
