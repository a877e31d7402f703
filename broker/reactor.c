/* broker/reactor.c - what the broker waits for: its link, its descriptors, the time that the last turn named. */
#include "broker/reactor.h"

#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <czmq.h>

enum { WAIT_MAX_MS = 3600000 };

#define SETTINGS_PREFIX "ZSYS_"

typedef struct {
    zloop_t *loop;
    broker_t *broker;
    int64_t timer_ns; /* when the timer is due; INT64_MAX: there is none */
    int timer;
    bool ended;
    int status; /* why, and in what words */
    err_t *err;
} reactor_t;

/* CZMQ reads its defaults from the environment: among them sockets that nobody guards, and no threads at all. */
static void
forget_settings(void)
{
    char name[64];

    for (char **entry = environ; *entry;) {
        size_t size = strcspn(*entry, "=");

        if (strncmp(*entry, SETTINGS_PREFIX, strlen(SETTINGS_PREFIX)) == 0 && size < sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)size, *entry);
            unsetenv(name); /* the entries behind it move up */
        } else
            entry++;
    }
}

int
reactor_start(void **ret, err_t *err)
{
    forget_settings();
    zsys_handler_set(NULL); /* before zsys_init, which would take SIGINT and SIGTERM */
    *ret = zsys_init();
    if (!*ret)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot make a ZeroMQ context");
    zsys_set_logstream(stderr); /* stdout is for READY */
    return FH_OK;
}

void
reactor_stop(void)
{
    zsys_shutdown();
}

/* ---- running -------------------------------------------------------------------------------------------------------
 */

/* All handlers return 0, or -1 to leave the loop. */
static int
end(reactor_t *self, int status)
{
    self->status = status;
    self->ended = true;
    return -1;
}

static int turn(reactor_t *self);

static int
on_time(zloop_t *loop, int timer, void *arg)
{
    reactor_t *self = arg;

    (void)loop;
    (void)timer;
    self->timer_ns = INT64_MAX; /* the loop drops it after this: it must not be ended */
    return turn(self);
}

static int
on_message(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    return turn(arg);
}

static int
on_stop(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    return end(arg, FH_OK);
}

static int
on_end(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    reactor_t *self = arg;

    (void)loop;
    (void)item;
    return end(self, err_set(self->err, FH_INTERNAL, "the authentication handler has ended"));
}

/* Have a timer by due_ns.  One that comes earlier will do: its turn names the time anew. */
static int
arm(reactor_t *self, int64_t due_ns)
{
    if (self->timer_ns <= due_ns)
        return 0;
    if (self->timer_ns != INT64_MAX)
        zloop_timer_end(self->loop, self->timer);
    /* The sign of failure is the number of one timer in 2^32, too: the next has another. */
    for (int tries = 0; tries < 2 && (tries == 0 || self->timer == -1); tries++)
        self->timer = zloop_timer(self->loop, (size_t)clock_remaining_ms(due_ns, WAIT_MAX_MS), 1, on_time, self);
    if (self->timer == -1)
        return end(self, err_set(self->err, FH_NO_MEMORY, "no memory for a timer"));
    self->timer_ns = due_ns;
    return 0;
}

static int
turn(reactor_t *self)
{
    return arm(self, broker_turn(self->broker, clock_now_ns()));
}

static int
watch(reactor_t *self, zmq_pollitem_t item, zloop_fn *handler)
{
    item.events = ZMQ_POLLIN;
    if (zloop_poller(self->loop, &item, handler, self))
        return err_set(self->err, FH_IO_ERROR, "cannot watch a descriptor");
    zloop_poller_set_tolerant(self->loop, &item); /* errors are for our handlers; CZMQ would stop watching */
    return FH_OK;
}

int
reactor_run(broker_t *broker, link_t *link, int stop_fd, int end_fd, err_t *err)
{
    reactor_t self = {.loop = zloop_new(), .broker = broker, .timer_ns = INT64_MAX, .err = err};

    if (!self.loop)
        return err_set(err, FH_NO_MEMORY, "no memory for the reactor");
    zloop_set_nonstop(self.loop, true); /* CZMQ knows nothing of our signals */
    self.status = watch(&self, (zmq_pollitem_t){.fd = stop_fd}, on_stop);
    if (!self.status)
        self.status = watch(&self, (zmq_pollitem_t){.fd = end_fd}, on_end);
    if (!self.status)
        self.status = watch(&self, (zmq_pollitem_t){.socket = link_zmq_socket(link)}, on_message);
    if (!self.status)
        self.status = watch(&self, (zmq_pollitem_t){.fd = broker_fd(broker)}, on_message);
    self.ended = self.status || turn(&self);
    while (!self.ended) {
        errno = 0;
        if ((zloop_start(self.loop) || errno != EINTR) && !self.ended) /* it returns 0 when its wait was interrupted */
            end(&self, err_set_errno(err, FH_IO_ERROR, errno, "cannot wait for messages"));
    }
    zloop_destroy(&self.loop);
    return self.status;
}
