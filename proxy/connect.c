/* Opening and closing sessions. */
#include "proxy/context.h"
#include "proxy/error.h"
#include "proxy/kept.h"
#include "proxy/kernel.h"
#include "proxy/python_object.h"
#include "proxy/session.h"
#include "proxy/tail.h"
#include "proxy/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_CONNECT_S = 10, DEFAULT_CALL_S = 60, PROBE_MS = 1000, PROBE_PAUSE_MS = 20 };

static void
find_host(char *ret, size_t size)
{
    char name[128] = "", boot[64] = "";
    if (gethostname(name, sizeof name - 1))
        name[0] = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, boot, sizeof boot - 1);
        boot[got > 0 ? strcspn(boot, "\n") : 0] = 0;
        close(fd);
    }
    (void)snprintf(ret, size, "%s/%s", name, boot);
}

/* Does anything listen at a numeric tcp endpoint?  0, or errno; ETIMEDOUT past the deadline. */
static int
try_tcp(const char *host, const char *port, int64_t deadline)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
                    *addresses = NULL;
    if (getaddrinfo(host, port, &hints, &addresses))
        return 0; /* a name: asking for its address could take long; ZeroMQ will */
    int result = EHOSTUNREACH;
    for (struct addrinfo *at = addresses; at && result; at = at->ai_next) {
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            result = errno;
            continue;
        }
        socklen_t size = sizeof result;
        result = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
        if (result == EINPROGRESS) {
            struct pollfd item = {.fd = fd, .events = POLLOUT};
            result = ETIMEDOUT;
            if (poll(&item, 1, clock_remaining_ms(deadline, PROBE_MS)) == 1 &&
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size))
                result = errno;
        }
        close(fd);
    }
    freeaddrinfo(addresses);
    return result;
}

/* ZeroMQ does not tell a dead endpoint from a slow one: ask the operating system, so that a cluster that is not there
 * is reported at once and by name. */
static int
probe_broker(const fh_session *session, int64_t deadline, err_t *err)
{
    char host[256];
    const char *endpoint = session->file.broker, *colon = strrchr(endpoint, ':');
    if (strncmp(endpoint, "tcp://", 6) != 0 || !colon || colon < endpoint + 6)
        return FH_OK;
    const char *start = endpoint + 6;
    size_t size = (size_t)(colon - start);
    if (size >= 2 && start[0] == '[') {
        start++;
        size -= 2;
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)size, start);
    int64_t patience = clock_deadline((double)PROBE_MS / 1e3);
    if (patience > deadline)
        patience = deadline;
    for (;;) {
        int number = try_tcp(host, colon + 1, deadline);
        if (number == 0)
            return FH_OK;
        if (clock_now_ns() >= patience)
            return err_set_errno(err, FH_CANNOT_CONNECT, number,
                                 "no broker answers at %s (connection file %s): start a cluster with `farhand up`",
                                 endpoint, session->path);
        (void)poll(NULL, 0, PROBE_PAUSE_MS); /* it may be restarting */
    }
}

static bool
greeted(const void *context)
{
    const fh_session *session = context;
    return session->broker.hello.due == 0;
}

static int
await_welcome(fh_session *session, double timeout_s, int64_t deadline, err_t *err)
{
    int status = broker_link_greet(session, err);
    if (!status)
        status = wait_until(session, deadline, greeted, session, err);
    if (status == FH_TIMEOUT)
        return err_set(
            err, FH_CANNOT_CONNECT,
            "something listens at %s but has not admitted us within %.3g s: the keys in %s are not this cluster's "
            "(handshake refused), or the broker is frozen; `farhand up` makes a new cluster",
            session->file.broker, timeout_s, session->path);
    if (!status && session->broker.hello.status) {
        if (err)
            *err = session->broker.hello.err;
        return session->broker.hello.status;
    }
    return status;
}

static int
read_connection(fh_session *self, const char *target, err_t *err)
{
    int status = connection_find(target, self->path, sizeof self->path, err);
    if (!status)
        status = connection_read(self->path, "farhand-client", &self->file, err);
    if (status == FH_IO_ERROR) {
        int os_errno = err ? err->os_errno : 0;
        status = err_set(err, FH_CANNOT_CONNECT, "there is no connection file %s: start a cluster with `farhand up`",
                         self->path);
        if (err)
            err->os_errno = os_errno;
    }
    return status;
}

/* Does the environment say "off" or "0"? */
static bool
turned_off(const char *name)
{
    const char *value = getenv(name);
    return value && (strcmp(value, "off") == 0 || strcmp(value, "0") == 0);
}

static int
session_start(fh_session *self, const fh_connect_options *options, err_t *err)
{
    double timeout_s = options->timeout_s != 0 ? options->timeout_s : (double)DEFAULT_CONNECT_S;
    int64_t deadline = clock_deadline(timeout_s);
    int status = read_connection(self, options->target, err);
    if (!status)
        status = probe_broker(self, deadline, err);
    if (!status)
        status = context_acquire(&self->context, err);
    if (status)
        return status;
    self->has_context = true;
    status = broker_link_open(self, err);
    if (!status)
        status = await_welcome(self, timeout_s, deadline, err);
    if (!status)
        status = broker_link_list_engines(self, err);
    return status;
}

static void
say_goodbye(fh_session *self)
{
    message_t goodbye = {.code = MSG_GOODBYE};
    for (int i = 0; i < self->nengines; i++)
        if (self->engines[i]->open && !conn_add_as_is(&self->engines[i]->conn, &goodbye, NULL))
            (void)engine_link_flush(self->engines[i], NULL);
    if (self->broker.greetings && !conn_add_as_is(&self->broker.conn, &goodbye, NULL))
        (void)conn_flush(&self->broker.conn, NULL);
}

static void
session_stop(fh_session *self)
{
    self->closed = true;
    if (self->pid == getpid()) {
        say_goodbye(self);
        err_t why = {0};
        err_set(&why, FH_INVALID_ARGUMENT, "the session is closed");
        for (int i = 0; i < self->nengines; i++)
            engine_link_lose(self->engines[i], "the session is closed");
        conn_release(&self->broker.conn, &why);
        if (self->has_context)
            context_release();
    } else {
        /* After a fork the sockets belong to the parent: touch none of them. */
        self->nengines = 0;
    }
    self->handles++; /* the session stays while it forgets */
    kernel_code_forget_all(self);
    python_object_stop(self);
    if (--self->handles == 0)
        session_destroy(self);
}

int
fh_connect(fh_session **ret, const fh_connect_options *options, fh_error *error)
{
    err_t *err = error_start(error);
    fh_connect_options defaults = {0};
    if (!ret)
        return err_set(err, FH_INVALID_ARGUMENT, "ret is NULL");
    if (!options)
        options = &defaults;
    if (options->compression && options->compression[0] && strcmp(options->compression, "lz4") != 0)
        return err_set(err, FH_INVALID_ARGUMENT, "compression %.40s is not known: it can be lz4 or none",
                       options->compression);
    fh_session *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a session");
    self->pid = getpid();
    self->id = oid_new();
    self->call_timeout_s = options->call_timeout_s != 0 ? options->call_timeout_s : (double)DEFAULT_CALL_S;
    self->wire_only = options->wire_only != 0;
    self->copy_threads = options->copy_threads > 1 ? options->copy_threads : 1;
    self->use_rings = !options->no_rings && !turned_off("FARHAND_RINGS");
    self->fusion = !options->no_fusion && !turned_off("FARHAND_FUSION");
    self->linalg_rows = options->linalg_rows;
    self->interrupted = options->interrupted;
    self->interrupted_context = options->context;
    self->streams = options->streams;
    self->trust_network = options->trust_network != 0;
    self->compress = options->compression && options->compression[0];
    self->wake_fd = -1;
    self->progress = options->progress;
    self->progress_context = options->context;
    if (options->host && options->host[0])
        (void)snprintf(self->host, sizeof self->host, "%.200s", options->host);
    else
        find_host(self->host, sizeof self->host);
    int status = session_start(self, options, err);
    if (status)
        session_stop(self);
    else
        *ret = self;
    return status;
}

void
fh_close(fh_session **session)
{
    if (!session || !*session)
        return;
    fh_session *self = *session;
    *session = NULL;
    if (!self->closed)
        session_stop(self);
}

/* Operations, and values that no engine has. */
static bool
is_any_unsent(const fh_session *session)
{
    return tail_waits(session) || session->nkept > 0;
}

static int
send_unsent(fh_session *session, err_t *err)
{
    int status = tail_send(session, err);
    for (int i = 0; i < session->nengines && !status; i++)
        status = kept_send(session->engines[i], err);
    return status;
}

int
fh_tick(fh_session *session, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (status)
        return status;
    status = send_unsent(session, err);
    session_pump(session);
    broker_link_ping(session);
    session_push(session);
    for (int i = 0; i < session->nengines; i++)
        (void)engine_link_flush(session->engines[i], NULL);
    return status;
}

int
fh_flush(fh_session *session, double quiet_s, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (status || !is_any_unsent(session) || clock_now_ns() - session->tails_ns < (int64_t)(quiet_s * 1e9))
        return status;
    status = send_unsent(session, err);
    session_push(session);
    return status;
}

int
fh_unsent(const fh_session *session)
{
    return session && is_any_unsent(session);
}

const char *
fh_cluster_name(const fh_session *session)
{
    return session ? session->cluster : "";
}

static int
count_rings(const fh_session *session)
{
    int n = 0;
    for (int i = 0; i < session->nengines; i++)
        n += session->engines[i]->open && session->engines[i]->conn.ring;
    return n;
}

void
fh_session_stats(const fh_session *session, fh_stats *ret)
{
    *ret = (fh_stats){.messages_sent = session->stats.messages_sent,
                      .messages_received = session->stats.messages_received,
                      .array_bytes_sent = session->stats.bytes_sent,
                      .array_bytes_received = session->stats.bytes_received,
                      .shared_bytes = session->shared_bytes,
                      .mapped_bytes = session->mapped_bytes,
                      .engine_bytes = session->engine_bytes,
                      .waits = session->waits,
                      .ring_messages = session->stats.ring_messages,
                      .rings_failed = session->stats.rings_failed,
                      .rings = (uint64_t)count_rings(session),
                      .python_ring_calls = session->stats.python_ring_calls};
}
