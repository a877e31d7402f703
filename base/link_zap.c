/* base/link_zap.c - the ZAP handler (ZeroMQ RFC 27): a REP socket, a thread, a list of keys. */
#include "base/link_zap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <zmq.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"

enum { KEY_BYTES = 32, KEY_TEXT = 40, FRAME_MAX = 256 };

/* The frames of a request, in their order (RFC 27). */
enum {
    REQUEST_VERSION,
    REQUEST_ID,
    REQUEST_DOMAIN,
    REQUEST_ADDRESS,
    REQUEST_ROUTING_ID,
    REQUEST_MECHANISM,
    REQUEST_KEY,
    REQUEST_FRAMES
};

struct link_zap {
    void *socket; /* used by the thread alone once it runs */
    pthread_t thread;
    int stop_fd;  /* tells the thread to end */
    int ended_fd; /* the thread tells that it has ended */
    int count;
    uint8_t keys[LINK_ZAP_MAX_KEYS][KEY_BYTES];
    char open_domain[FRAME_MAX];
};

typedef struct {
    int count;  /* frames that came, also those that were not kept */
    bool sound; /* none was too long to keep */
    size_t size[REQUEST_FRAMES];
    uint8_t data[REQUEST_FRAMES][FRAME_MAX];
} request_t;

static bool
frame_is(const request_t *request, int frame, const char *text)
{
    size_t size = strlen(text);

    return frame < request->count && request->size[frame] == size && memcmp(request->data[frame], text, size) == 0;
}

/* Read all frames of one request, keeping what fits; none may be there (count 0).  False: the socket or its context has
 * ended. */
static bool
read_request(void *socket, request_t *ret)
{
    int more = 1;

    memset(ret, 0, sizeof *ret);
    ret->sound = true;
    while (more) {
        uint8_t spill[FRAME_MAX];
        bool keep = ret->count < REQUEST_FRAMES;
        uint8_t *place = keep ? ret->data[ret->count] : spill;
        size_t more_size = sizeof more;
        int size = zmq_recv(socket, place, FRAME_MAX, ZMQ_DONTWAIT);

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN && ret->count == 0)
            return true;
        if (size < 0 || zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size))
            return false;
        if (size > FRAME_MAX)
            ret->sound = false;
        if (keep)
            ret->size[ret->count] = (size_t)size > FRAME_MAX ? FRAME_MAX : (size_t)size;
        ret->count++;
    }
    return true;
}

/* Decide.  user: gets the peer's key as text, or "". */
static bool
admits(const link_zap_t *self, const request_t *request, char user[KEY_TEXT + 1])
{
    user[0] = '\0';
    if (!request->sound || !frame_is(request, REQUEST_VERSION, ZAP_VERSION))
        return false;
    if (frame_is(request, REQUEST_MECHANISM, "NULL"))
        return request->count == REQUEST_KEY && self->open_domain[0] &&
               frame_is(request, REQUEST_DOMAIN, self->open_domain);
    if (!frame_is(request, REQUEST_MECHANISM, "CURVE") || request->count != REQUEST_FRAMES ||
        request->size[REQUEST_KEY] != KEY_BYTES)
        return false;
    for (int i = 0; i < self->count; i++)
        if (memcmp(self->keys[i], request->data[REQUEST_KEY], KEY_BYTES) == 0)
            return zmq_z85_encode(user, self->keys[i], KEY_BYTES) != NULL;
    return false;
}

static bool
answer(void *socket, const request_t *request, bool admitted, const char *user)
{
    const struct {
        const void *data;
        size_t size;
    } frames[] = {
        {ZAP_VERSION, strlen(ZAP_VERSION)},
        {request->data[REQUEST_ID], request->size[REQUEST_ID]},
        {admitted ? "200" : "400", 3},
        {admitted ? "OK" : "No access", strlen(admitted ? "OK" : "No access")},
        {user, strlen(user)},
        {"", 0},
    };
    const size_t last = sizeof frames / sizeof *frames - 1;

    for (size_t i = 0; i <= last; i++) {
        int sent;

        do
            sent = zmq_send(socket, frames[i].data, frames[i].size, ZMQ_DONTWAIT | (i < last ? ZMQ_SNDMORE : 0));
        while (sent < 0 && errno == EINTR);
        if (sent < 0)
            return false;
    }
    return true;
}

static void
serve(link_zap_t *self)
{
    zmq_pollitem_t items[] = {{.socket = self->socket, .events = ZMQ_POLLIN},
                              {.fd = self->stop_fd, .events = ZMQ_POLLIN}};

    for (;;) {
        request_t request;
        char user[KEY_TEXT + 1];

        if (zmq_poll(items, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (items[1].revents)
            return;
        if (!(items[0].revents & ZMQ_POLLIN))
            continue;
        if (!read_request(self->socket, &request))
            return;
        if (request.count == 0)
            continue;
        bool admitted = admits(self, &request, user);

        if (!answer(self->socket, &request, admitted, user))
            return;
    }
}

static void *
run(void *argument)
{
    link_zap_t *self = argument;

    serve(self);
    zmq_close(self->socket);
    self->socket = NULL;
    eventfd_write(self->ended_fd, 1);
    return NULL;
}

static int
take_keys(link_zap_t *self, const char *const admitted[], int count, const char *open_domain, err_t *err)
{
    if (count < 0 || count > LINK_ZAP_MAX_KEYS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d keys to admit; from 0 to %d are possible", count,
                       LINK_ZAP_MAX_KEYS);
    if (open_domain && strlen(open_domain) >= sizeof self->open_domain)
        return err_set(err, FH_INVALID_ARGUMENT, "the ZAP domain has %zu bytes; at most %zu are possible",
                       strlen(open_domain), sizeof self->open_domain - 1);
    for (int i = 0; i < count; i++)
        if (strlen(admitted[i]) != KEY_TEXT || !zmq_z85_decode(self->keys[i], admitted[i]))
            return err_set(err, FH_INVALID_ARGUMENT, "key %d to admit is not Z85 text of 40 characters", i);
    self->count = count;
    if (open_domain)
        memcpy(self->open_domain, open_domain, strlen(open_domain) + 1);
    return FH_OK;
}

static int
bind_socket(link_zap_t *self, void *context, err_t *err)
{
    int linger = 0;

    self->socket = zmq_socket(context, ZMQ_REP);
    if (!self->socket)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot make the socket of the authentication handler");
    zmq_setsockopt(self->socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(self->socket, ZAP_ENDPOINT) == 0)
        return FH_OK;
    if (errno == EADDRINUSE)
        return err_set(err, FH_ALREADY_RUNNING, "this process has an authentication handler already");
    return err_set_errno(err, FH_IO_ERROR, errno, "cannot bind the authentication handler to " ZAP_ENDPOINT);
}

/* A thread that gets no signals: those belong to the daemon's main thread. */
static int
start_thread(link_zap_t *self, err_t *err)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_set_errno(err, FH_IO_ERROR, failed, "cannot start the thread of the authentication handler");
    return FH_OK;
}

static void
release(link_zap_t *self)
{
    if (self->socket)
        zmq_close(self->socket);
    if (self->stop_fd >= 0)
        close(self->stop_fd);
    if (self->ended_fd >= 0)
        close(self->ended_fd);
    free(self);
}

int
link_zap_start(link_zap_t **ret, void *context, const char *const admitted[], int count, const char *open_domain,
               err_t *err)
{
    link_zap_t *self = calloc(1, sizeof *self);
    int status;

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the authentication handler");
    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->stop_fd < 0 || self->ended_fd < 0)
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot make the events of the authentication handler");
    else
        status = take_keys(self, admitted, count, open_domain, err);
    if (!status)
        status = bind_socket(self, context, err);
    if (!status)
        status = start_thread(self, err);
    if (status) {
        release(self);
        return status;
    }
    *ret = self;
    return FH_OK;
}

int
link_zap_fd(const link_zap_t *self)
{
    return self->ended_fd;
}

void
link_zap_stop(link_zap_t **self)
{
    if (!*self)
        return;
    eventfd_write((*self)->stop_fd, 1);
    pthread_join((*self)->thread, NULL);
    release(*self);
    *self = NULL;
}
