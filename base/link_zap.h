/* base/link_zap.h - who may connect: the authentication handler of a process, in a thread of its own.
 *
 * ZeroMQ asks inproc://zeromq.zap.01 about every connection to a server link that has a ZAP domain.  This handler
 * answers CURVE   200 and the peer's public key (Z85) as its user, if the key is one of those admitted; else 400 NULL
 * 200 if the domain is the one that was allowed without keys; else 400 and 400 to whatever else it is asked.  Links
 * with enforced ZAP admit nobody when there is no handler: it fails closed.
 *
 * Start it once in a process, before the first link_zmq_bind, and stop it after the last server link is destroyed and
 * before the context is.  Thread rule: start and stop on one thread; link_zap_fd may be polled anywhere. */
#ifndef FH_BASE_LINK_ZAP_H
#define FH_BASE_LINK_ZAP_H

#include "base/err.h"

enum { LINK_ZAP_MAX_KEYS = 16 };

typedef struct link_zap link_zap_t;

/* context: the process's one ZeroMQ context (borrowed).  admitted: count public keys as Z85 text (copied), at most
 * LINK_ZAP_MAX_KEYS.  open_domain: the ZAP domain whose peers need no keys, e.g. "local" for ipc in a 0700 folder;
 * NULL: none. When this returns OK the handler is bound and answers.  The thread blocks all signals. OK;
 * INVALID_ARGUMENT (a key that is not Z85 of 32 bytes, too many keys); ALREADY_RUNNING (the context has a handler);
 * NO_MEMORY, IO_ERROR. */
int link_zap_start(link_zap_t **ret, void *context, const char *const admitted[], int count, const char *open_domain,
                   err_t *err);
/* Turns readable when the handler has ended by itself: nobody can connect any more, so the daemon should end too.
 * Owned by the handler. */
int link_zap_fd(const link_zap_t *self);
/* End the thread, wait for it and set *self to NULL.  Idempotent. */
void link_zap_stop(link_zap_t **self);

#endif
