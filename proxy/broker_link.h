/* proxy/broker_link.h - the session's connection to the broker: greeting it, asking it, hearing its news.
 *
 * A broker that has restarted does not know the session: it answers ERROR STALE_HANDLE with call 0.  Then the session
 * says HELLO again with the same id, what was waiting is asked again, and which engines there are, since news of those
 * that were lost meanwhile may have been lost, too.  So does one to which the connection was gone.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_BROKER_LINK_H
#define FH_PROXY_BROKER_LINK_H

#include "proxy/conn.h"

typedef struct fh_session fh_session;

typedef struct {
    conn_t conn;
    request_t hello; /* the HELLO that is under way, or the last one */
    request_t roll;  /* ENGINES, asked for behind a HELLO that was not the first */
    bool greeting;
    uint64_t greetings; /* how often the broker has welcomed us */
    int64_t heard_ns;   /* when it last said anything */
    int64_t pinged_ns;  /* when we last asked for a sign of life */
    oid_t incarnation;
} broker_link_t;

/* Connect (endpoint and keys from session->file); does not wait. */
int broker_link_open(fh_session *session, err_t *err);
/* Queue a HELLO. */
int broker_link_greet(fh_session *session, err_t *err);
/* Take what has arrived and greet again if the broker asks for it. */
bool broker_link_receive(fh_session *session);
/* Queue a PING if nothing was heard for a while: a broker that has restarted will answer that it does not know us. */
void broker_link_ping(fh_session *session);
/* Ask for the list of engines and learn it.  timeout_s < 0, and the first form: the session's.  BROKER_LOST. */
int broker_link_list_engines(fh_session *session, err_t *err);
int broker_link_list_engines_within(fh_session *session, double timeout_s, err_t *err);
/* Ask and wait for the whole answer; rows and reply as in request_t.  BROKER_LOST after the session's call timeout. */
int broker_link_ask(fh_session *session, const message_t *question, bool rows, request_reply_fn reply, void *context,
                    err_t *err);

#endif
