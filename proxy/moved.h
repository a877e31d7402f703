/* proxy/moved.h - telling the program how far a long move of bytes is.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_MOVED_H
#define FH_PROXY_MOVED_H

#include "proxy/session.h"

/* A move begins. */
void moved_begin(fh_session *session);
/* It has come so far.  Calls the program's function if the move is a second old, every tenth of a second. */
void moved_tell(fh_session *session, int64_t moved, int64_t bytes);
/* It is over.  The program hears of that if it has heard of the move. */
void moved_end(fh_session *session, bool whole, int64_t bytes);

#endif
