#include "engine/streams.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/streams_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICKETS = 1024,
    STACK = 256 * 1024,
    GREETING_MS = 2000, /* for a connection that has not shown its ticket */
    PATIENCE_MS = 10000,
    POLL_MS = 1000,
    STRANGERS = 64, /* connections that have not shown their tickets */
};

static const int64_t TICKET_NS = 30000000000;

typedef struct {
    stream_ticket_t ticket;
    oid_t session;
    bool used;
    bool sealed, compress;
    int64_t until_ns;
} issued_t;

typedef struct {
    struct streams *streams;
    pthread_t thread;
    enum { FREE, STRANGER, SERVES, ENDED } state;
    int fd;           /* until there is a stream */
    stream_t *stream; /* NULL before its greeting */
    oid_t session;
} connection_t;

struct streams {
    core_t *core;
    int listener, stop_fd, port;
    bool plain, stop;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    issued_t issued[TICKETS];
    connection_t connections[STREAMS_MAX];
};

/* ---- tickets -------------------------------------------------------------------------------------------------------
 */

/* Under the lock. */
static int
count_of(const streams_t *self, oid_t session, int64_t now)
{
    int count = 0;

    for (int i = 0; i < TICKETS; i++)
        count += self->issued[i].used && now < self->issued[i].until_ns && oid_equal(self->issued[i].session, session);
    for (int i = 0; i < STREAMS_MAX; i++)
        count += self->connections[i].state == SERVES && oid_equal(self->connections[i].session, session);
    return count;
}

int
streams_issue(streams_t *self, oid_t session, const stream_options_t *wanted, stream_ticket_t *ret, err_t *err)
{
    int64_t now = clock_now_ns();
    int place = -1;

    if (!wanted->sealed && !self->plain)
        return err_set(err, FH_PERMISSION,
                       "this engine does not send array bytes without encryption: start it with --trust-network, or do "
                       "not ask for it");
    int status = stream_ticket_new(ret, err);

    if (status)
        return status;
    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < TICKETS && place < 0; i++)
        if (!self->issued[i].used || now >= self->issued[i].until_ns)
            place = i;
    if (place < 0 || count_of(self, session, now) >= STREAMS_EACH_SESSION)
        status =
            err_set(err, FH_LIMIT_EXCEEDED, "%d streams and tickets of one session are the most", STREAMS_EACH_SESSION);
    else
        self->issued[place] = (issued_t){*ret, session, true, wanted->sealed, wanted->compress, now + TICKET_NS};
    pthread_mutex_unlock(&self->lock);
    return status;
}

/* Each token is good once.  Under the lock. */
static bool
redeem(streams_t *self, const uint8_t token[STREAM_TOKEN], issued_t *ret)
{
    int64_t now = clock_now_ns();

    for (int i = 0; i < TICKETS; i++) {
        issued_t *issued = &self->issued[i];
        uint8_t different = 0;

        for (int k = 0; k < STREAM_TOKEN; k++)
            different |= issued->ticket.token[k] ^ token[k];
        if (!issued->used || different || now >= issued->until_ns)
            continue;
        *ret = *issued;
        explicit_bzero(issued, sizeof *issued);
        return true;
    }
    return false;
}

/* ---- connections ---------------------------------------------------------------------------------------------------
 */

/* Under the lock: what the token stands for, if the connection may go on. */
static bool
admit(connection_t *self, stream_t *stream, const uint8_t token[STREAM_TOKEN], issued_t *ret)
{
    streams_t *streams = self->streams;

    if (streams->stop || !redeem(streams, token, ret))
        return false;
    self->stream = stream;
    self->session = ret->session;
    self->state = SERVES;
    return true;
}

static void
serve(connection_t *self, stream_t *stream, const issued_t *issued)
{
    streams_t *streams = self->streams;
    const stream_options_t options = {
        .patience_ms = PATIENCE_MS, .sealed = issued->sealed, .compress = issued->compress};
    served_t served = {.core = streams->core,
                       .stream = stream,
                       .session = issued->session,
                       .number = (uint8_t)(self - streams->connections + 1),
                       .scratch = malloc(STREAM_CHUNK)};
    err_t err = {0};

    if (!served.scratch)
        log_limited(LOG_ERROR, "ENG-NO-MEMORY", "no memory for a stream");
    else if (stream_admit(stream, &issued->ticket, &options, &err) == FH_OK)
        streams_serve(&served);
    free(served.scratch);
}

static void *
run_connection(void *context)
{
    connection_t *self = context;
    streams_t *streams = self->streams;
    uint8_t token[STREAM_TOKEN];
    stream_t *stream = NULL;
    issued_t issued = {.used = false};
    err_t err = {0};
    bool admitted = false;

    if (stream_accept(&stream, self->fd, GREETING_MS, token, &err) == FH_OK) {
        pthread_mutex_lock(&streams->lock);
        admitted = admit(self, stream, token, &issued);
        pthread_mutex_unlock(&streams->lock);
    }
    if (admitted)
        serve(self, stream, &issued);
    else
        log_limited(LOG_WARNING, "ENG-STREAM-REFUSED", "a connection without a ticket that is good");
    explicit_bzero(&issued, sizeof issued);
    pthread_mutex_lock(&streams->lock);
    self->stream = NULL;
    self->state = ENDED;
    pthread_mutex_unlock(&streams->lock);
    stream_destroy(&stream);
    return NULL;
}

/* Under the lock. */
static int
start_connection(streams_t *self, int fd)
{
    connection_t *free_one = NULL;
    pthread_attr_t attributes;
    int strangers = 0;

    for (int i = 0; i < STREAMS_MAX; i++) {
        strangers += self->connections[i].state == STRANGER;
        if (!free_one && self->connections[i].state == FREE)
            free_one = &self->connections[i];
    }
    if (!free_one || strangers >= STRANGERS)
        return EAGAIN;
    *free_one = (connection_t){.streams = self, .fd = fd, .state = STRANGER};
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    int number = pthread_create(&free_one->thread, &attributes, run_connection, free_one);

    pthread_attr_destroy(&attributes);
    if (number)
        free_one->state = FREE;
    return number;
}

/* Threads that have ended are joined, so that their places are free. */
static void
reap(streams_t *self)
{
    for (int i = 0; i < STREAMS_MAX; i++) {
        connection_t *connection = &self->connections[i];

        pthread_mutex_lock(&self->lock);
        bool ended = connection->state == ENDED;

        pthread_mutex_unlock(&self->lock);
        if (!ended)
            continue;
        pthread_join(connection->thread, NULL);
        pthread_mutex_lock(&self->lock);
        connection->state = FREE;
        pthread_mutex_unlock(&self->lock);
    }
}

static void
accept_one(streams_t *self)
{
    int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    reap(self);
    pthread_mutex_lock(&self->lock);
    int number = self->stop ? EAGAIN : start_connection(self, fd);

    pthread_mutex_unlock(&self->lock);
    if (!number)
        return;
    close(fd);
    log_limited(LOG_WARNING, "ENG-STREAMS-FULL", "a stream was refused: there are %d, or no thread", STREAMS_MAX);
}

static void *
run_listener(void *context)
{
    streams_t *self = context;
    struct pollfd fds[] = {{.fd = self->listener, .events = POLLIN}, {.fd = self->stop_fd, .events = POLLIN}};

    for (;;) {
        int ready = poll(fds, 2, POLL_MS);

        if (ready > 0 && fds[1].revents)
            return NULL;
        if (ready > 0 && fds[0].revents)
            accept_one(self);
        else
            reap(self);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

static int
start_listener(streams_t *self, err_t *err)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int number = pthread_create(&self->thread, NULL, run_listener, self);

    pthread_sigmask(SIG_SETMASK, &old, NULL);
    self->runs = number == 0;
    return number ? err_set_errno(err, FH_LIMIT_EXCEEDED, number, "cannot start the thread for streams") : FH_OK;
}

int
streams_new(streams_t **ret, core_t *core, const char *host, bool plain, err_t *err)
{
    streams_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for streams");
    self->core = core;
    self->plain = plain;
    self->listener = -1;
    pthread_mutex_init(&self->lock, NULL);
    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int status = self->stop_fd < 0 ? err_set_errno(err, FH_IO_ERROR, errno, "cannot make an eventfd for streams")
                                   : stream_listen(host, &self->listener, &self->port, err);

    if (!status)
        status = start_listener(self, err);
    if (status)
        streams_destroy(&self);
    else
        *ret = self;
    return status;
}

/* Under the lock. */
static void
shut(const connection_t *connection)
{
    if (connection->state == SERVES && connection->stream)
        stream_shut(connection->stream);
    else if (connection->state == STRANGER)
        (void)shutdown(connection->fd, SHUT_RDWR);
}

void
streams_destroy(streams_t **self)
{
    streams_t *streams = *self;
    uint64_t one = 1;

    if (!streams)
        return;
    pthread_mutex_lock(&streams->lock);
    streams->stop = true;
    for (int i = 0; i < STREAMS_MAX; i++)
        shut(&streams->connections[i]);
    pthread_mutex_unlock(&streams->lock);
    if (streams->runs && write(streams->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(streams->thread, NULL);
    for (int i = 0; i < STREAMS_MAX; i++)
        if (streams->connections[i].state != FREE)
            pthread_join(streams->connections[i].thread, NULL);
    if (streams->listener >= 0)
        close(streams->listener);
    if (streams->stop_fd >= 0)
        close(streams->stop_fd);
    pthread_mutex_destroy(&streams->lock);
    explicit_bzero(streams->issued, sizeof streams->issued);
    free(streams);
    *self = NULL;
}

int
streams_port(const streams_t *self)
{
    return self->port;
}

void
streams_shut(streams_t *self, uint8_t stream, oid_t session)
{
    if (!self || stream == 0 || stream > STREAMS_MAX)
        return;
    pthread_mutex_lock(&self->lock);
    const connection_t *connection = &self->connections[stream - 1];

    if (oid_equal(connection->session, session))
        shut(connection);
    pthread_mutex_unlock(&self->lock);
}

void
streams_session_gone(streams_t *self, oid_t session)
{
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < TICKETS; i++)
        if (self->issued[i].used && oid_equal(self->issued[i].session, session))
            explicit_bzero(&self->issued[i], sizeof self->issued[i]);
    for (int i = 0; i < STREAMS_MAX; i++)
        if (self->connections[i].state == SERVES && oid_equal(self->connections[i].session, session))
            shut(&self->connections[i]);
    pthread_mutex_unlock(&self->lock);
}
