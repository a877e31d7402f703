/* engine/raised.h - floating-point flags that a session's calls have raised and that its client has not been told of.
 *
 * They are told before whatever goes to the client next, and travel to another engine before an array that is sent
 * there: so who reads a value has been told, by the same connection, of what went wrong on the way to it.  A lane keeps
 * RAISED_MAX of them, each pair of watch and operation once; what comes beyond that is dropped.
 * Thread rule: under the core's lock. */
#ifndef FH_ENGINE_RAISED_H
#define FH_ENGINE_RAISED_H

#include "engine/lane.h"
#include "engine/transfer.h"

enum { RAISED_MAX = 64, RAISED_NAME_MAX = 32 /* bytes of an operation's name; longer ones are not told of */ };

/* flags: those of watch's first bits that are not asked for are left out. */
void raised_note(lane_t *lane, uint64_t watch, unsigned flags, str_t op);
/* Tell the client.  Part of core_reply. */
void raised_tell(lane_t *lane);
/* Send them to the engine that an array of the session goes to.  OK; BUSY: the rest stays. */
int raised_forward(core_t *core, oid_t session, oid_t engine, const transfer_way_t *way);
/* What another engine has sent. */
void raised_take(core_t *core, const msg_FLAGS_t *message);

#endif
