/* Making the connection to an engine, and making it again when the line broke. */
#include "proxy/engine_link.h"
#include "proxy/ring_link.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum { LINGER_MS = 200, FORGETTING_MS = 2000, PAUSE_MS = 20, PATIENCE_S = 2, FEATURE_RINGS = 2, MAX_IN_VAIN = 16 };

static const int64_t ASK_NS = 1000000000; /* of silence, before the engine is asked whether the line stands */

static int
connect_link(engine_link_t *self, link_t **ret, err_t *err)
{
    const fh_session *session = self->session;
    link_zmq_options_t options = {.linger_ms = LINGER_MS};
    if (self->local[0] && engine_link_is_near(self))
        return link_zmq_connect(ret, session->context, self->local, &options, err);
    link_keys_t keys;
    memcpy(keys.public_key, session->file.client_public_key, sizeof keys.public_key);
    memcpy(keys.secret_key, session->file.secret_key, sizeof keys.secret_key);
    options.keys = &keys;
    options.server_key = session->file.engine_public_key;
    int status = link_zmq_connect(ret, session->context, self->endpoint, &options, err);
    explicit_bzero(&keys, sizeof keys);
    return status;
}

static int
take_welcome(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    engine_link_t *self = context;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_WELCOME)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered HELLO with message %d", (int)reply->code);
    self->features = reply->as.WELCOME.features;
    if (self->features & FEATURE_LINE)
        conn_number(&self->conn);
    return FH_OK;
}

int
engine_link_adopt(engine_link_t *self, link_t *link, err_t *err)
{
    int status = conn_init(&self->conn, link, 'E', &self->session->stats, err);
    if (status)
        return status;
    self->bytes_of_call = calloc(ENGINE_LINK_CALLS, sizeof *self->bytes_of_call);
    if (!self->bytes_of_call) {
        conn_release(&self->conn, NULL);
        return err_set(err, FH_NO_MEMORY, "no memory for a connection");
    }
    self->done = 0;
    self->unacknowledged = 0;
    self->open = true;
    self->opened++;
    return FH_OK;
}

/* Rings cannot be cut: they are not numbered. */
static bool
wants_rings(const engine_link_t *self)
{
    return self->session->use_rings && !self->no_rings && self->local[0] && engine_link_is_near(self);
}

static message_t
hello_of(const engine_link_t *self)
{
    const fh_session *session = self->session;
    message_t hello = {.code = MSG_HELLO};
    hello.as.HELLO =
        (msg_HELLO_t){.session = session->id,
                      .major = PROTOCOL_MAJOR,
                      .minor = PROTOCOL_MINOR,
                      .features = FEATURE_STREAMS | FEATURE_LZ4 | (wants_rings(self) ? FEATURE_RINGS : FEATURE_LINE),
                      .software = str_of("libfarhand " FARHAND_VERSION),
                      .host = str_of(session->host),
                      .pid = (uint64_t)session->pid};
    return hello;
}

/* Say HELLO and wait for WELCOME. */
static int
greet(engine_link_t *self, int64_t deadline_ns, err_t *err)
{
    request_t request = {.reply = take_welcome, .context = self};
    bool rings = wants_rings(self);
    message_t hello = hello_of(self);
    uint64_t call;
    int status = conn_add(&self->conn, &hello, NULL, &call, err);
    if (!status) {
        conn_expect(&self->conn, &request, call, 1);
        status = wait_request(self->session, &self->conn, &request, deadline_ns, err);
    }
    if (!status && rings && (self->features & FEATURE_RINGS))
        status = ring_link_open(self, err);
    if (!status)
        self->done = self->conn.last_call;
    else if (self->open)
        engine_link_shut(self, NULL);
    return status;
}

static bool
never(const void *context)
{
    (void)context;
    return false;
}

static int
connect_and_greet(engine_link_t *self, int64_t deadline_ns, err_t *err)
{
    link_t *link = NULL;
    int status = connect_link(self, &link, err);
    if (!status)
        status = engine_link_adopt(self, link, err);
    return status ? status : greet(self, deadline_ns, err);
}

int
engine_link_open(engine_link_t *self, err_t *err)
{
    int64_t forgotten_ns = clock_deadline((double)FORGETTING_MS / 1e3), end_ns = 0;
    for (double patience_s = PATIENCE_S;; patience_s *= 2) {
        if (self->lost)
            return engine_link_lost_error(self, err);
        if (self->open)
            return FH_OK;
        if (!end_ns)
            end_ns = session_deadline(self->session, -1);
        /* A line that is cut at this moment may swallow HELLO or WELCOME. */
        int64_t deadline_ns = engine_link_is_near(self) ? end_ns : clock_deadline(patience_s);
        int status = connect_and_greet(self, deadline_ns < end_ns ? deadline_ns : end_ns, err);
        if (status == FH_TIMEOUT && clock_now_ns() < end_ns)
            continue;
        if (status == FH_TIMEOUT)
            return err_set(
                err, FH_CANNOT_CONNECT,
                "engine %d at %s has not admitted us in time: it is frozen or out of reach, or its key is not "
                "this cluster's",
                self->number, self->endpoint);
        /* An engine that is just forgetting the session takes it up again a moment later. */
        if (status != FH_STALE_HANDLE || clock_now_ns() >= forgotten_ns)
            return status;
        status = wait_until(self->session, clock_deadline((double)PAUSE_MS / 1e3), never, NULL, err);
        if (status != FH_TIMEOUT)
            return status;
    }
}

/* ---- going on over another link ------------------------------------------------------------------------------------
 */

/* More has come through since the line last went on, or that was not tried too often yet. */
static bool
gets_on(engine_link_t *self, uint64_t heard)
{
    uint64_t through = heard + self->conn.line.heard;
    self->resumed_in_vain = through == self->resumed_at ? self->resumed_in_vain + 1 : 0;
    self->resumed_at = through;
    return self->resumed_in_vain < MAX_IN_VAIN;
}

static int
take_resumed(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    engine_link_t *self = context;
    (void)raw, (void)nraw;
    if (reply->code != MSG_WELCOME || !reply->as.WELCOME.resumed)
        return err_set(
            err, FH_STALE_HANDLE,
            "the line to engine %d broke, and it has forgotten this session since: what was asked before may "
            "have been done or not, and arrays there are gone",
            self->number);
    if (!gets_on(self, reply->as.WELCOME.heard))
        return err_set(err, FH_STALE_HANDLE, "the line to engine %d breaks whenever it goes on", self->number);
    self->resuming = false;
    conn_resume(&self->conn, reply->as.WELCOME.heard);
    return FH_OK;
}

void
engine_link_resume(engine_link_t *self)
{
    message_t hello = hello_of(self);
    link_t *link = NULL;
    err_t err = {0};
    conn_forget(&self->conn, &self->again);
    hello.as.HELLO.call = ENGINE_LINK_BESIDE | ++self->questions;
    hello.as.HELLO.resume = true;
    hello.as.HELLO.heard = self->conn.line.heard;
    int status = connect_link(self, &link, &err);
    if (!status)
        status = conn_relink(&self->conn, link, &hello, &err);
    if (status) {
        if (link)
            link_destroy(&link);
        engine_link_shut(self, &err);
        return;
    }
    self->again = (request_t){.reply = take_resumed, .context = self};
    conn_expect(&self->conn, &self->again, hello.as.HELLO.call, 1);
    self->resuming = true;
    self->asked_ns = clock_coarse_ns();
}

/* A link that stands is asked; one that does not take the question is replaced, so that calls need not wait for it. */
static void
ask_whether_it_stands(engine_link_t *self)
{
    bool can_send = true;
    (void)link_ready(self->conn.link, &can_send);
    self->conn.touched = true;
    if (!can_send) {
        engine_link_resume(self);
        return;
    }
    message_t ping = {.code = MSG_PING, .as.PING.call = ENGINE_LINK_BESIDE | ++self->questions};
    conn_say(&self->conn, &ping);
    self->asked_ns = clock_coarse_ns();
}

void
engine_link_see_to_line(engine_link_t *self)
{
    conn_t *conn = &self->conn;
    if (!self->open || !conn->line.numbered)
        return;
    if (self->resuming && self->again.due == 0) {
        err_t why = self->again.err;
        engine_link_shut(self, &why);
        return;
    }
    int64_t now = clock_coarse_ns();
    int64_t last = self->asked_ns > conn->heard_ns ? self->asked_ns : conn->heard_ns;
    if (now - last < ASK_NS || (!conn->requests && !line_bytes(&conn->line) && !conn_has_batch(conn)))
        return;
    if (self->resuming)
        engine_link_resume(self);
    else
        ask_whether_it_stands(self);
}
