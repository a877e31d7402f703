/* proxy/flags.h - floating-point flags that engines tell of.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_FLAGS_H
#define FH_PROXY_FLAGS_H

#include "proxy/session.h"

enum { FLAGS_KEPT = 256 /* that nobody has taken; what comes beyond is dropped */ };

/* FLAGS from an engine. */
void flags_hear(fh_session *session, const msg_FLAGS_t *message);
void flags_release(fh_session *session);

#endif
