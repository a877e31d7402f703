#include "tests/unit/proxy/fake_peer.h"

#include "proxy/kernel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUEUE = 20000 };

void
fake_peer_init(fake_peer_t *self, char role)
{
    err_t err;
    *self = (fake_peer_t){.role = role};
    check_ok(link_loop_server(&self->server, QUEUE, &err), err);
    check_ok(link_loop_client(&self->client, self->server, &err), err);
    check_ok(header_writer_new(&self->writer, &err), err);
    check_ok(arena_new(&self->arena, 1 << 24, &err), err);
}

void
fake_peer_release(fake_peer_t *self)
{
    if (self->held)
        link_message_release(self->server, &self->frame);
    link_destroy(&self->server);
    header_writer_destroy(&self->writer);
    arena_destroy(&self->arena);
}

bool
fake_peer_take(fake_peer_t *self, message_t *ret)
{
    err_t err;
    for (;;) {
        if (!self->held) {
            if (link_receive(self->server, &self->frame, NULL))
                return false;
            self->held = self->has_peer = true;
            self->peer = self->frame.peer;
            check_ok(header_open(&self->reader, self->frame.frames[0].data, self->frame.frames[0].size, &err), err);
        }
        arena_reset(self->arena);
        int status =
            header_next(&self->reader, self->arena, 'C', self->role, (uint32_t)self->frame.count - 1, ret, &err);
        if (status == FH_OK)
            return true;
        assert_int_equal(status, FH_NO_SUCH_OBJECT);
        link_message_release(self->server, &self->frame);
        self->held = false;
    }
}

void
fake_peer_send(fake_peer_t *self, const message_t *message)
{
    err_t err;
    assert_true(self->has_peer);
    header_writer_reset(self->writer);
    check_ok(header_writer_add(self->writer, message, &err), err);
    link_frame_t frame = {.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)};
    check_ok(link_send(self->server, &self->peer, &frame, 1, &err), err);
}

void
fake_peer_send_error(fake_peer_t *self, uint64_t call, int status)
{
    message_t message = {.code = MSG_ERROR};
    message.as.ERROR = (msg_ERROR_t){.call = call, .status = (uint64_t)status, .text = str_of("as the test wants it")};
    fake_peer_send(self, &message);
}

fh_session *
fake_session(fake_peer_t *broker, fake_peer_t *engines, int nengines, double call_timeout_s, int (*turn)(void *context),
             void *context)
{
    err_t err;
    fh_session *session = calloc(1, sizeof *session);
    assert_non_null(session);
    session->pid = getpid();
    session->id = oid_new();
    session->call_timeout_s = call_timeout_s;
    session->interrupted = turn;
    session->interrupted_context = context;
    check_ok(conn_init(&session->broker.conn, broker->client, 'B', &session->stats, &err), err);
    for (int i = 0; i < nengines; i++) {
        msg_ENGINE_t info = {
            .engine = oid_new(), .number = (uint64_t)i, .host = str_of("elsewhere/1"), .state = str_of("ready")};
        check_ok(session_learn_engine(session, &info, &err), err);
        check_ok(engine_link_adopt(session->engines[i], engines[i].client, &err), err);
    }
    return session;
}

void
fake_session_close(fh_session *session)
{
    for (int i = 0; i < session->nengines; i++)
        engine_link_lose(session->engines[i], "the test is over");
    conn_release(&session->broker.conn, NULL);
    kernel_code_forget_all(session);
    assert_int_equal(session->handles, 0);
    session_destroy(session);
}

message_t
fake_session_expect(fh_session *session, fake_peer_t *peer, msg_code_t code)
{
    message_t message;
    session_push(session);
    assert_true(fake_peer_take(peer, &message));
    assert_int_equal(message.code, code);
    return message;
}

void
fake_session_expect_nothing(fh_session *session, fake_peer_t *peers, int n)
{
    message_t message;
    session_push(session);
    for (int i = 0; i < n; i++)
        assert_false(fake_peer_take(&peers[i], &message));
}
