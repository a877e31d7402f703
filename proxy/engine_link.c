#include "proxy/engine_link.h"

#include "base/link_ring.h"
#include "proxy/flags.h"
#include "proxy/kept.h"
#include "proxy/placing.h"
#include "proxy/python_object.h"
#include "proxy/python_ring.h"
#include "proxy/ring_link.h"
#include "proxy/streams.h"
#include "proxy/tail.h"
#include "proxy/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const int64_t CHECK_NS = 8000000;

/* ---- what is known -------------------------------------------------------------------------------------------------
 */

void
engine_link_update(engine_link_t *self, const msg_ENGINE_t *info)
{
    self->number = (int)info->number;
    str_copy(info->endpoint, self->endpoint, sizeof self->endpoint);
    str_copy(info->local, self->local, sizeof self->local);
    str_copy(info->host, self->host, sizeof self->host);
    str_copy(info->llvm, self->llvm, sizeof self->llvm);
    str_copy(info->cpu, self->cpu, sizeof self->cpu);
    str_copy(info->sandbox, self->sandbox, sizeof self->sandbox);
    str_copy(info->offers, self->offers, sizeof self->offers);
    str_copy(info->state, self->state, sizeof self->state);
    self->pid = (int64_t)info->pid;
    self->cores = (int64_t)info->cores;
    self->memory = (int64_t)info->memory;
    self->used = (int64_t)info->used;
    self->objects = (int64_t)info->objects;
    if (!str_is(info->state, "ready"))
        engine_link_lose(self, str_is(info->state, "stopped") ? "it was stopped" : "the broker has lost it");
    else if (self->dead)
        str_copy(str_of("lost"), self->state, sizeof self->state);
    else
        self->lost = false; /* it was only silent for a while */
}

int
engine_link_new(engine_link_t **ret, fh_session *session, const msg_ENGINE_t *info, err_t *err)
{
    engine_link_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for another engine");
    self->session = session;
    self->id = info->engine;
    engine_link_update(self, info);
    *ret = self;
    return FH_OK;
}

void
engine_link_destroy(engine_link_t **self)
{
    if (!*self)
        return;
    python_ring_forget(*self, NULL);
    conn_release(&(*self)->conn, NULL);
    tail_destroy(*self);
    streams_forget(*self);
    free((*self)->bytes_of_call);
    free((*self)->dropped);
    free(*self);
    *self = NULL;
}

int
engine_link_lost_error(const engine_link_t *self, err_t *err)
{
    err_set(err, FH_ENGINE_LOST, "engine %d (pid %lld) is gone: %s; arrays that were there are lost", self->number,
            (long long)self->pid, self->reason);
    err_set_origin(err, "engine %d (%.60s)", self->number, self->host);
    return FH_ENGINE_LOST;
}

void
engine_link_shut(engine_link_t *self, const err_t *why)
{
    python_ring_forget(self, why);
    conn_release(&self->conn, why);
    free(self->bytes_of_call);
    self->bytes_of_call = NULL;
    self->open = false;
    self->resuming = false;
    self->done = 0;
    self->unacknowledged = 0;
    self->ndropped = 0;
    self->dropped_bytes = 0;
    tail_forget(self);
    kept_forget(self);
}

void
engine_link_lose(engine_link_t *self, const char *reason)
{
    if (self->lost)
        return;
    self->lost = true;
    str_copy(str_of(strcmp(self->state, "stopped") == 0 ? "stopped" : "lost"), self->state, sizeof self->state);
    str_copy(str_of(reason), self->reason, sizeof self->reason);
    err_t why = {0};
    engine_link_lost_error(self, &why);
    engine_link_shut(self, &why);
    streams_forget(self);
}

/* Does anybody listen at the engine's ipc endpoint? */
static bool
listens_here(const engine_link_t *self)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = strncmp(self->local, "ipc://", 6) == 0 ? self->local + 6 : "";
    if (!path[0] || strlen(path) >= sizeof address.sun_path)
        return true; /* it cannot be told */
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) &&
                   (errno == ECONNREFUSED || errno == ENOENT);
    if (fd >= 0)
        close(fd);
    return !refused;
}

bool
engine_link_is_near(const engine_link_t *self)
{
    return strcmp(self->host, self->session->host) == 0;
}

void
engine_link_check(engine_link_t *self)
{
    bool can_send = true;
    if (self->lost || self->pid <= 0 || strcmp(self->host, self->session->host) != 0)
        return;
    int64_t now = clock_coarse_ns();
    if (now - self->checked_ns < CHECK_NS)
        return;
    self->checked_ns = now;
    if (self->open) {
        link_ready(self->conn.link, &can_send);
        self->conn.touched = true;
    }
    if (self->open && can_send)
        return;
    /* Process numbers can be those of another name space: that alone proves nothing. */
    if (kill((pid_t)self->pid, 0) && errno == ESRCH && (self->open || !listens_here(self))) {
        self->dead = true;
        engine_link_lose(self, "its process has ended");
    }
}

/* ---- calls and credit ----------------------------------------------------------------------------------------------
 */

bool
engine_link_has_credit(const engine_link_t *self, size_t raw_bytes)
{
    return self->conn.last_call - self->done < ENGINE_LINK_CALLS &&
           (self->unacknowledged == 0 || self->unacknowledged + raw_bytes <= ENGINE_LINK_BYTES);
}

typedef struct {
    const engine_link_t *engine;
    size_t raw_bytes;
} room_t;

static bool
has_room(const void *context)
{
    const room_t *self = context;
    const engine_link_t *engine = self->engine;
    return !engine->open || (engine_link_has_credit(engine, self->raw_bytes) && !conn_has_batch(&engine->conn));
}

/* Wait until the engine takes more; it may have forgotten us meanwhile, and is greeted again then. */
static int
wait_for_room(engine_link_t *self, size_t raw_bytes, err_t *err)
{
    room_t room = {self, raw_bytes};
    int status = wait_until(self->session, session_deadline(self->session, -1), has_room, &room, err);
    if (status == FH_TIMEOUT)
        return err_set(err, FH_TIMEOUT, "engine %d takes no more calls: it is busy or frozen", self->number);
    return status ? status : engine_link_open(self, err);
}

int
engine_link_call(engine_link_t *self, message_t *message, buf_t *raw, uint64_t *ret_call, err_t *err)
{
    size_t raw_bytes = raw ? buf_size(raw) : 0;
    uint64_t call = 0;
    if (!raw && !ret_call && tail_follow(self, message))
        return FH_OK;
    int status = tail_send(self->session, err);
    if (!status)
        status = engine_link_open(self, err);
    if (!status && self->session->nkept)
        status = kept_send(self, err);
    if (!status && self->placings)
        status = placing_send(self, message, err);
    if (!status && !conn_has_batch(&self->conn))
        engine_link_add_releases(self); /* first: the call may need their memory */
    while (!status) {
        if (!engine_link_has_credit(self, raw_bytes)) {
            status = wait_for_room(self, raw_bytes, err);
            continue;
        }
        status = conn_add(&self->conn, message, raw, &call, err);
        if (status != FH_BUSY)
            break;
        status = engine_link_flush(self, err) == FH_OK ? FH_OK : wait_for_room(self, raw_bytes, err);
    }
    if (status)
        return status;
    self->bytes_of_call[call % ENGINE_LINK_CALLS] = (uint32_t)raw_bytes;
    self->unacknowledged += raw_bytes;
    if (raw_bytes >= ENGINE_LINK_CHUNK / 2 || header_writer_size(self->conn.writer) >= CONN_BATCH_BYTES)
        (void)engine_link_flush(self, NULL); /* what does not go now goes with the next flush */
    if (ret_call)
        *ret_call = call;
    return FH_OK;
}

void
engine_link_cancel(engine_link_t *self, const oid_t *objects, int count)
{
    (void)tail_send(self->session, NULL);
    if (!count)
        python_ring_cancel(self);
    if (!self->open || !self->conn.last_call)
        return;
    message_t message = {.code = MSG_CANCEL};
    message.as.CANCEL.call = self->conn.last_call;
    message.as.CANCEL.objects = (oids_t){objects, (uint32_t)count};
    if (!conn_add_as_is(&self->conn, &message, NULL))
        (void)conn_flush(&self->conn, NULL);
}

void
engine_link_cancel_calls(engine_link_t *self, const int64_t *calls, int count, bool unbegun)
{
    if (!self->open || !self->conn.last_call)
        return;
    message_t message = {.code = MSG_CANCEL};
    message.as.CANCEL.call = self->conn.last_call;
    message.as.CANCEL.calls = (ints_t){calls, (uint32_t)count};
    message.as.CANCEL.unbegun = unbegun;
    if (!conn_add_as_is(&self->conn, &message, NULL))
        (void)conn_flush(&self->conn, NULL);
}

/* ---- news ----------------------------------------------------------------------------------------------------------
 */

static void
take_done(engine_link_t *self, uint64_t call)
{
    if (call > self->conn.last_call)
        call = self->conn.last_call;
    while (self->done < call) {
        self->done++;
        uint32_t *bytes = &self->bytes_of_call[self->done % ENGINE_LINK_CALLS];
        self->unacknowledged -= *bytes;
        *bytes = 0;
    }
}

static void
hear(void *context, const message_t *news)
{
    engine_link_t *self = context;
    if (news->code == MSG_DONE) {
        take_done(self, news->as.DONE.call);
    } else if (news->code == MSG_FLAGS) {
        flags_hear(self->session, &news->as.FLAGS);
    } else if (news->code == MSG_PING && news->as.PING.call) {
        message_t pong = {.code = MSG_PONG};
        pong.as.PONG.call = news->as.PING.call;
        conn_add_as_is(&self->conn, &pong, NULL);
    } else if (news->code == MSG_TAKEN_BACK) {
        python_object_taken_back(self, &news->as.TAKEN_BACK.calls);
    } else if (news->code == MSG_ERROR && news->as.ERROR.call == 0) {
        err_t err = {0};
        message_to_err(&news->as.ERROR, &err);
        conn_fail(&self->conn, &err);
    }
}

/* After messages were taken: does the connection still stand? */
static void
look_after(engine_link_t *self)
{
    if (self->conn.ring_over) {
        err_t why = {0};
        if (ring_link_over(self, &why)) {
            self->dead = true;
            engine_link_lose(self, "its process has ended");
        } else {
            engine_link_shut(self, &why);
        }
    } else if (self->conn.stale && self->conn.line.numbered && !self->resuming) {
        engine_link_resume(self);
    } else if (self->conn.stale) {
        err_t why = {0};
        err_set(&why, FH_STALE_HANDLE, "engine %d does not know this session any more: its arrays there are gone",
                self->number);
        engine_link_shut(self, &why);
    }
}

bool
engine_link_receive(engine_link_t *self)
{
    bool any = false;
    if (!self->open)
        return false;
    conn_receive(&self->conn, hear, self, &any);
    any |= python_ring_receive(self, true);
    look_after(self);
    engine_link_see_to_line(self);
    return any;
}

bool
engine_link_glance(engine_link_t *self)
{
    bool any = false;
    if (!self->open || !self->conn.ring || (!link_ring_glance(self->conn.ring) && !self->python))
        return false;
    conn_receive_ring(&self->conn, hear, self, &any);
    any |= python_ring_receive(self, false);
    look_after(self);
    return any;
}
