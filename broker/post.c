/* broker/post.c - sending: batches, peers without room, peers that are gone. */
#include "base/log.h"
#include "broker/state.h"

static void
mark_unreachable(broker_t *self, session_t *session)
{
    session->unreachable = true;
    self->some_unreachable = true;
}

static void
send_frame(broker_t *self, session_t *session, const link_frame_t *frame)
{
    int status = FH_BUSY;
    err_t err;

    if (!session->connected || session->unreachable)
        return;
    if (!session->outbox.first)
        status = link_send(self->link, &session->peer, frame, 1, &err);
    if (status == FH_BUSY) {
        self->some_waiting = true;
        status = outbox_put(&session->outbox, frame->data, frame->size, &err);
        if (status)
            log_limited(LOG_WARNING, "BRK-PEER-FULL", "role=%c pid=%llu %s", session->role,
                        (unsigned long long)session->pid, err.text);
    }
    if (status)
        mark_unreachable(self, session);
}

void
post_flush(broker_t *self, session_t *session)
{
    if (header_writer_count(self->writer))
        send_frame(self, session,
                   &(link_frame_t){.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)});
    header_writer_reset(self->writer);
}

int
post_add(broker_t *self, session_t *session, const message_t *message, err_t *err)
{
    int status = header_writer_add(self->writer, message, err);

    if (status == FH_LIMIT_EXCEEDED && header_writer_count(self->writer)) {
        post_flush(self, session);
        status = header_writer_add(self->writer, message, err);
    }
    if (!status && header_writer_size(self->writer) >= BATCH_BYTES)
        post_flush(self, session);
    return status;
}

void
post(broker_t *self, session_t *session, const message_t *message)
{
    err_t err;
    int status = post_add(self, session, message, &err);

    if (status && message->code != MSG_ERROR)
        post_error(self, session, message_call(message), &err);
    else
        post_flush(self, session);
}

void
post_ok(broker_t *self, session_t *session, uint64_t call)
{
    post(self, session, &(message_t){.code = MSG_OK, .as.OK = {.call = call}});
}

void
post_error(broker_t *self, session_t *session, uint64_t call, const err_t *err)
{
    message_t message;

    message_from_err(&message, call, err);
    post(self, session, &message);
}

void
post_stranger(broker_t *self, const peer_t *peer, const message_t *message)
{
    if (header_writer_add(self->writer, message, NULL) == FH_OK) {
        link_frame_t frame = {.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)};

        link_send(self->link, peer, &frame, 1, NULL);
    }
    header_writer_reset(self->writer);
}

void
post_frame(broker_t *self, session_t *session, buf_t *frame)
{
    send_frame(self, session, &(link_frame_t){.data = buf_data(frame), .size = buf_size(frame), .buf = frame});
}

void
post_waiting(broker_t *self)
{
    if (!self->some_waiting)
        return;
    self->some_waiting = false;
    for (session_t *session = self->sessions.first; session; session = session->next) {
        if (!session->outbox.first || session->unreachable)
            continue;
        int status = outbox_flush(&session->outbox, self->link, &session->peer, NULL);

        if (status == FH_BUSY)
            self->some_waiting = true;
        else if (status)
            mark_unreachable(self, session);
    }
}
