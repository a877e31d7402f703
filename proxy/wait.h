/* proxy/wait.h - the one place where a session waits.
 * While it waits it takes messages from all links, sends what is due, and calls the user's interrupted() about every 50
 * ms. */
#ifndef FH_PROXY_WAIT_H
#define FH_PROXY_WAIT_H

#include "proxy/session.h"

/* Wait until ready(context).  OK, TIMEOUT, INTERRUPTED, NO_MEMORY. */
int wait_until(fh_session *session, int64_t deadline_ns, bool (*ready)(const void *context), const void *context,
               err_t *err);
/* Wait for all replies of a request, which stays expected and keeps its failure: for who has asked several engines and
 * waits for one after the other.  What others answer meanwhile wakes nobody. */
int wait_reply(fh_session *session, const conn_t *conn, const request_t *request, int64_t deadline_ns, err_t *err);
/* Wait for all replies of a request; its failure is ours.  The request is forgotten by conn in every case. */
int wait_request(fh_session *session, conn_t *conn, request_t *request, int64_t deadline_ns, err_t *err);

#endif
