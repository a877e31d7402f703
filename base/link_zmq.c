/* Links over ZeroMQ: ROUTER and DEALER sockets, CURVE, and messages whose large frames are never copied. */
#include "base/link.h"
#include "base/link_zmq_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

enum {
    COPY_BELOW = 64 * 1024, /* bytes; smaller frames are cheaper to copy than to track */
    BLOCK = 8               /* received frames are kept in blocks of so many */
};

typedef struct {
    link_t link;
    void *socket;
    bool server;
} zmq_link_t;

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static void
drop_buf(void *data, void *hint)
{
    (void)data;
    buf_t *buf = hint;
    buf_unref(&buf);
}

/* Make the ZeroMQ message of one frame.  Once it is made, closing it drops its reference. */
static int
frame_init(zmq_msg_t *ret, const link_frame_t *frame, err_t *err)
{
    int failed;
    if (frame->buf && frame->size >= COPY_BELOW) {
        union {
            const void *given;
            void *taken;
        } data = {.given = frame->data}; /* ZeroMQ only reads it, but its interface does not say so */
        buf_t *reference = buf_ref(frame->buf);
        failed = zmq_msg_init_data(ret, data.taken, frame->size, drop_buf, reference);
        if (failed)
            buf_unref(&reference);
    } else {
        failed = zmq_msg_init_size(ret, frame->size);
        if (!failed && frame->size)
            memcpy(zmq_msg_data(ret), frame->data, frame->size);
    }
    return failed ? err_set(err, FH_NO_MEMORY, "no memory for a frame of %zu bytes", frame->size) : FH_OK;
}

static int
send_one(void *socket, zmq_msg_t *message, int flags)
{
    int sent;
    do
        sent = zmq_msg_send(message, socket, flags | ZMQ_DONTWAIT);
    while (sent < 0 && zmq_errno() == EINTR);
    return sent;
}

static int
send_failure(const zmq_link_t *self, err_t *err)
{
    int number = zmq_errno();
    if (number == EAGAIN)
        return err_set(err, FH_BUSY,
                       self->server ? "the peer takes no more messages now" : "no connection that takes messages now");
    if (number == EHOSTUNREACH)
        return err_set(err, FH_CANNOT_CONNECT, "the peer is no longer connected");
    return err_set(err, FH_IO_ERROR, "cannot send: %s", zmq_strerror(number));
}

/* A connection that breaks between two frames takes the first ones back, and the socket then drops what follows up to
 * the end of the message.  Give it that end, so that the next message begins afresh. */
static void
end_broken_message(void *socket, int left)
{
    while (left-- > 0) {
        zmq_msg_t empty;
        zmq_msg_init(&empty);
        if (send_one(socket, &empty, left ? ZMQ_SNDMORE : 0) < 0)
            zmq_msg_close(&empty);
    }
}

static int
send_all(zmq_link_t *self, zmq_msg_t *messages, int count, err_t *err)
{
    for (int i = 0; i < count; i++) {
        if (send_one(self->socket, &messages[i], i + 1 < count ? ZMQ_SNDMORE : 0) >= 0)
            continue;
        int status = send_failure(self, err);
        if (i > 0)
            end_broken_message(self->socket, count - i - 1);
        return status;
    }
    return FH_OK;
}

static int
zmq_link_send(link_t *link, const peer_t *peer, const link_frame_t *frames, int count, err_t *err)
{
    zmq_link_t *self = (zmq_link_t *)link;
    zmq_msg_t messages[LINK_MAX_FRAMES + 1];
    int made = 0, status = FH_OK;
    if (self->server) {
        if (!peer || peer->size == 0 || peer->size > LINK_PEER_MAX)
            return err_set(err, FH_CANNOT_CONNECT, "a server link must be told to which peer to send");
        status = frame_init(&messages[made], &(link_frame_t){.data = peer->bytes, .size = peer->size}, err);
        made += status == FH_OK;
    }
    for (int i = 0; i < count && !status; i++) {
        status = frame_init(&messages[made], &frames[i], err);
        made += status == FH_OK;
    }
    if (!status)
        status = send_all(self, messages, made, err);
    /* Sent messages are empty by now; on failure this drops what was not sent. */
    for (int i = 0; i < made; i++)
        zmq_msg_close(&messages[i]);
    return status;
}

/* ---- receiving -----------------------------------------------------------------------------------------------------
 */

static int
receive_one(void *socket, zmq_msg_t *ret)
{
    int got;
    zmq_msg_init(ret);
    do
        got = zmq_msg_recv(ret, socket, ZMQ_DONTWAIT);
    while (got < 0 && zmq_errno() == EINTR);
    return got;
}

static zmq_msg_t *
frame_at(link_message_t *message, int i)
{
    return (zmq_msg_t *)message->owner[i / BLOCK] + i % BLOCK;
}

static void
zmq_link_message_release(link_message_t *message)
{
    for (int i = 0; i < message->count; i++)
        zmq_msg_close(frame_at(message, i));
    for (int i = 0; i < message->count; i += BLOCK)
        free(message->owner[i / BLOCK]);
    message->count = 0;
}

static void
zmq_link_message_drop(link_message_t *message, int from)
{
    for (int i = from; i < message->count; i++) {
        zmq_msg_close(frame_at(message, i));
        zmq_msg_init(frame_at(message, i));
        message->frames[i].data = NULL;
    }
}

/* Throw away what is left of the message that is being received. */
static void
drain(void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more) {
        zmq_msg_t frame;
        int got = receive_one(socket, &frame);
        zmq_msg_close(&frame);
        if (got < 0)
            return;
    }
}

static int
receive_peer(void *socket, peer_t *ret, err_t *err)
{
    zmq_msg_t id;
    int status = FH_OK;
    if (receive_one(socket, &id) < 0) {
        int number = zmq_errno();
        status = number == EAGAIN ? err_set(err, FH_BUSY, "no message is there")
                                  : err_set(err, FH_IO_ERROR, "cannot receive: %s", zmq_strerror(number));
    } else if (zmq_msg_size(&id) == 0 || zmq_msg_size(&id) > LINK_PEER_MAX || !zmq_msg_more(&id)) {
        status = err_set(err, FH_PROTOCOL_ERROR, "a peer has a name of %zu bytes or sent no frames", zmq_msg_size(&id));
        drain(socket);
    } else {
        ret->size = (uint8_t)zmq_msg_size(&id);
        memcpy(ret->bytes, zmq_msg_data(&id), ret->size);
    }
    zmq_msg_close(&id);
    return status;
}

/* Take one more frame into the message.  first: nothing of the message has been taken yet. */
static int
receive_frame(void *socket, link_message_t *ret, bool first, bool *ret_more, err_t *err)
{
    int i = ret->count;
    if (i % BLOCK == 0) {
        ret->owner[i / BLOCK] = malloc(BLOCK * sizeof(zmq_msg_t));
        if (!ret->owner[i / BLOCK])
            return err_set(err, FH_NO_MEMORY, "no memory to receive a message");
    }
    zmq_msg_t *frame = frame_at(ret, i);
    if (receive_one(socket, frame) < 0) {
        int number = zmq_errno();
        zmq_msg_close(frame);
        if (i % BLOCK == 0)
            free(ret->owner[i / BLOCK]);
        if (number == EAGAIN && first)
            return err_set(err, FH_BUSY, "no message is there");
        return err_set(err, FH_IO_ERROR, "cannot receive: %s", zmq_strerror(number));
    }
    ret->frames[i].data = zmq_msg_data(frame);
    ret->frames[i].size = zmq_msg_size(frame);
    ret->count = i + 1;
    *ret_more = zmq_msg_more(frame) != 0;
    return FH_OK;
}

/* libzmq 4.3.4 keeps what ZAP said about the peer with the frames that came from it, not with the routing id. */
static void
take_user(link_message_t *message)
{
    const char *user = zmq_msg_gets(frame_at(message, 0), "User-Id");
    (void)snprintf(message->user, sizeof message->user, "%s", user ? user : "");
}

static int
zmq_link_receive(link_t *link, link_message_t *ret, err_t *err)
{
    zmq_link_t *self = (zmq_link_t *)link;
    bool more = true;
    ret->count = 0;
    ret->user[0] = '\0';
    ret->peer.size = 0;
    int status = self->server ? receive_peer(self->socket, &ret->peer, err) : FH_OK;
    if (status)
        return status;
    while (more && ret->count < LINK_MAX_FRAMES && !status)
        status = receive_frame(self->socket, ret, !self->server && ret->count == 0, &more, err);
    if (!status && more)
        status = err_set(err, FH_PROTOCOL_ERROR, "a message has more than %d frames", LINK_MAX_FRAMES);
    if (status) {
        drain(self->socket);
        zmq_link_message_release(ret);
        return status;
    }
    take_user(ret);
    return FH_OK;
}

/* ---- state ---------------------------------------------------------------------------------------------------------
 */

static int
zmq_link_fd(link_t *link)
{
    int fd = -1;
    size_t size = sizeof fd;
    return zmq_getsockopt(((zmq_link_t *)link)->socket, ZMQ_FD, &fd, &size) ? -1 : fd;
}

static bool
zmq_link_ready(link_t *link, bool *ret_can_send)
{
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(((zmq_link_t *)link)->socket, ZMQ_EVENTS, &events, &size))
        events = 0;
    if (ret_can_send)
        *ret_can_send = (events & ZMQ_POLLOUT) != 0;
    return (events & ZMQ_POLLIN) != 0;
}

static void
zmq_link_destroy(link_t *link)
{
    zmq_link_t *self = (zmq_link_t *)link;
    zmq_close(self->socket);
    free(self);
}

static const link_ops_t zmq_link_ops = {
    .send = zmq_link_send,
    .receive = zmq_link_receive,
    .message_release = zmq_link_message_release,
    .message_drop = zmq_link_message_drop,
    .fd = zmq_link_fd,
    .ready = zmq_link_ready,
    .destroy = zmq_link_destroy,
};

void *
link_zmq_socket(link_t *self)
{
    return ((zmq_link_t *)self)->socket;
}

/* ---- making links --------------------------------------------------------------------------------------------------
 */

int
link_zmq_context_new(void **ret, err_t *err)
{
    void *context = zmq_ctx_new();
    if (!context)
        return err_set_errno(err, FH_NO_MEMORY, errno, "cannot make a ZeroMQ context");
    *ret = context;
    return FH_OK;
}

void
link_zmq_context_destroy(void **context)
{
    if (!*context)
        return;
    while (zmq_ctx_term(*context) && zmq_errno() == EINTR)
        continue;
    *context = NULL;
}

static int
zmq_link_new(zmq_link_t **ret, void *context, bool server, const char *endpoint, const link_zmq_options_t *options,
             err_t *err)
{
    zmq_link_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a link");
    int status = FH_OK;
    self->link.ops = &zmq_link_ops;
    self->server = server;
    self->socket = zmq_socket(context, server ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!self->socket) {
        status = err_set(err, FH_LIMIT_EXCEEDED, "cannot make a ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
        free(self);
        return status;
    }
    status = link_zmq_configure(self->socket, server, endpoint, options, err);
    if (status)
        zmq_link_destroy(&self->link);
    else
        *ret = self;
    return status;
}

static int
check_encrypted(const char *endpoint, const link_zmq_options_t *options, err_t *err)
{
    if (!options->keys && strncmp(endpoint, "ipc:", 4) != 0 && strncmp(endpoint, "inproc:", 7) != 0)
        return err_set(err, FH_INVALID_ARGUMENT, "%s needs keys: only ipc links go without encryption", endpoint);
    return FH_OK;
}

int
link_zmq_bind(link_t **ret, void *context, const char *endpoint, const link_zmq_options_t *options, char *ret_endpoint,
              size_t endpoint_size, err_t *err)
{
    zmq_link_t *self;
    int status = check_encrypted(endpoint, options, err);
    if (!status)
        status = zmq_link_new(&self, context, true, endpoint, options, err);
    if (status)
        return status;
    if (zmq_bind(self->socket, endpoint))
        status = err_set(err, zmq_errno() == EACCES ? FH_PERMISSION : FH_CANNOT_CONNECT, "cannot listen on %s: %s",
                         endpoint, zmq_strerror(zmq_errno()));
    else if (ret_endpoint && zmq_getsockopt(self->socket, ZMQ_LAST_ENDPOINT, ret_endpoint, &endpoint_size))
        status = err_set(err, FH_INVALID_ARGUMENT, "no room for the endpoint that %s became", endpoint);
    if (status)
        zmq_link_destroy(&self->link);
    else
        *ret = &self->link;
    return status;
}

int
link_zmq_connect(link_t **ret, void *context, const char *endpoint, const link_zmq_options_t *options, err_t *err)
{
    zmq_link_t *self;
    int status = check_encrypted(endpoint, options, err);
    if (!status)
        status = zmq_link_new(&self, context, false, endpoint, options, err);
    if (status)
        return status;
    if (zmq_connect(self->socket, endpoint)) {
        status = err_set(err, FH_CANNOT_CONNECT, "cannot connect to %s: %s", endpoint, zmq_strerror(zmq_errno()));
        zmq_link_destroy(&self->link);
        return status;
    }
    *ret = &self->link;
    return FH_OK;
}

int
link_zmq_keys_new(link_keys_t *ret, err_t *err)
{
    if (zmq_curve_keypair(ret->public_key, ret->secret_key))
        return err_set(err, FH_NOT_SUPPORTED, "this libzmq cannot make CURVE keys: %s", zmq_strerror(zmq_errno()));
    return FH_OK;
}
