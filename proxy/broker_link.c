#include "proxy/broker_link.h"

#include "proxy/wait.h"

#include <string.h>
#include <unistd.h>

enum { PING_EVERY_MS = 1000, LINGER_MS = 200 };

int
broker_link_open(fh_session *session, err_t *err)
{
    const connection_t *file = &session->file;
    link_keys_t keys;
    memcpy(keys.public_key, file->client_public_key, sizeof keys.public_key);
    memcpy(keys.secret_key, file->secret_key, sizeof keys.secret_key);
    link_zmq_options_t options = {.keys = &keys, .server_key = file->broker_public_key, .linger_ms = LINGER_MS};
    link_t *link = NULL;
    int status = link_zmq_connect(&link, session->context, file->broker, &options, err);
    explicit_bzero(&keys, sizeof keys);
    return status ? status : conn_init(&session->broker.conn, link, 'B', &session->stats, err);
}

static int
take_engine(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    (void)raw;
    (void)nraw;
    return reply->code == MSG_ENGINE ? session_learn_engine(context, &reply->as.ENGINE, err) : FH_OK;
}

/* Without memory, or if this is lost as well, what is missing is learnt at the next HELLO. */
static void
call_the_roll(fh_session *session)
{
    broker_link_t *self = &session->broker;
    message_t question = {.code = MSG_ENGINES};
    uint64_t call;
    conn_forget(&self->conn, &self->roll);
    if (conn_add(&self->conn, &question, NULL, &call, NULL))
        return;
    self->roll = (request_t){.rows = true, .reply = take_engine, .context = session};
    conn_expect(&self->conn, &self->roll, call, 1);
}

static int
take_welcome(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    fh_session *session = context;
    (void)raw;
    (void)nraw;
    session->broker.greeting = false;
    if (reply->code != MSG_WELCOME)
        return err_set(err, FH_PROTOCOL_ERROR, "the broker answered HELLO with message %d", (int)reply->code);
    session->broker.greetings++;
    session->broker.incarnation = reply->as.WELCOME.incarnation;
    str_copy(reply->as.WELCOME.cluster, session->cluster, sizeof session->cluster);
    if (session->broker.greetings > 1)
        call_the_roll(session);
    return FH_OK;
}

int
broker_link_greet(fh_session *session, err_t *err)
{
    broker_link_t *self = &session->broker;
    message_t hello = {.code = MSG_HELLO};
    hello.as.HELLO = (msg_HELLO_t){.session = session->id,
                                   .major = PROTOCOL_MAJOR,
                                   .minor = PROTOCOL_MINOR,
                                   .software = str_of("libfarhand " FARHAND_VERSION),
                                   .host = str_of(session->host),
                                   .pid = (uint64_t)session->pid};
    uint64_t call;
    conn_forget(&self->conn, &self->hello);
    int status = conn_add(&self->conn, &hello, NULL, &call, err);
    if (status)
        return status;
    self->hello.rows = false;
    self->hello.reply = take_welcome;
    self->hello.context = session;
    self->greeting = true;
    conn_expect(&self->conn, &self->hello, call, 1);
    return FH_OK;
}

/* Hear a message that answers nothing. */
static void
hear(void *context, const message_t *news)
{
    fh_session *session = context;
    broker_link_t *self = &session->broker;
    if (news->code == MSG_ENGINE) {
        session_learn_engine(session, &news->as.ENGINE, NULL); /* without memory it is unknown until it is asked for */
    } else if (news->code == MSG_ENGINE_LOST) {
        engine_link_t *engine = session_engine(session, news->as.ENGINE_LOST.engine);
        char reason[256];
        if (engine)
            engine_link_lose(engine, str_copy(news->as.ENGINE_LOST.reason, reason, sizeof reason));
    } else if (news->code == MSG_PING && news->as.PING.call) {
        message_t pong = {.code = MSG_PONG};
        pong.as.PONG.call = news->as.PING.call;
        conn_add_as_is(&self->conn, &pong, NULL);
    } else if (news->code == MSG_ERROR && news->as.ERROR.call == 0 && news->as.ERROR.status == FH_STALE_HANDLE &&
               !self->greeting) {
        broker_link_greet(session, NULL); /* if the batch is full now, the next ping brings us here again */
    }
}

bool
broker_link_receive(fh_session *session)
{
    bool any = false;
    conn_receive(&session->broker.conn, hear, session, &any);
    if (any)
        session->broker.heard_ns = clock_now_ns();
    return any;
}

void
broker_link_ping(fh_session *session)
{
    broker_link_t *self = &session->broker;
    int64_t now = clock_now_ns(), pause = (int64_t)PING_EVERY_MS * 1000000;
    if (now - self->heard_ns < pause || now - self->pinged_ns < pause || conn_has_batch(&self->conn))
        return;
    message_t ping = {.code = MSG_PING};
    self->pinged_ns = now;
    /* A HELLO may have been lost with the broker that it was sent to: let the answer start another. */
    self->greeting = false;
    conn_add_as_is(&self->conn, &ping, NULL);
}

typedef struct {
    fh_session *session;
    const request_t *request;
    uint64_t greetings; /* when the question was sent */
} asking_t;

/* Answered, or to be asked again. */
static bool
answered(const void *context)
{
    const asking_t *self = context;
    if (self->request->due)
        broker_link_ping(self->session);
    return self->request->due == 0 || self->session->broker.greetings != self->greetings;
}

/* Queue the question and make the request wait for it. */
static int
send_question(fh_session *session, const message_t *question, request_t *request, err_t *err)
{
    message_t message = *question;
    uint64_t call;
    int status = conn_add(&session->broker.conn, &message, NULL, &call, err);
    if (!status)
        conn_expect(&session->broker.conn, request, call, 1);
    return status;
}

static int
ask_within(fh_session *session, double timeout_s, const message_t *question, bool rows, request_reply_fn reply,
           void *context, err_t *err)
{
    int64_t deadline = session_deadline(session, timeout_s);
    request_t request = {.rows = rows, .reply = reply, .context = context};
    for (;;) {
        asking_t asking = {session, &request, session->broker.greetings};
        int status = send_question(session, question, &request, err);
        if (status)
            return status;
        status = wait_until(session, deadline, answered, &asking, err);
        conn_forget(&session->broker.conn, &request);
        if (status == FH_TIMEOUT)
            return err_set(err, FH_BROKER_LOST, "the broker at %s has not answered within %.3g s", session->file.broker,
                           timeout_s < 0 ? session->call_timeout_s : timeout_s);
        if (status)
            return status;
        if (request.due == 0) {
            if (request.status && err)
                *err = request.err;
            return request.status;
        }
    }
}

int
broker_link_ask(fh_session *session, const message_t *question, bool rows, request_reply_fn reply, void *context,
                err_t *err)
{
    return ask_within(session, -1, question, rows, reply, context, err);
}

int
broker_link_list_engines_within(fh_session *session, double timeout_s, err_t *err)
{
    message_t question = {.code = MSG_ENGINES};
    return ask_within(session, timeout_s, &question, true, take_engine, session, err);
}

int
broker_link_list_engines(fh_session *session, err_t *err)
{
    return broker_link_list_engines_within(session, -1, err);
}
