/* engine/lend.h - what other engines on this host have borrowed: the other half of engine/borrow.h.
 *
 * A loan is an object of type share, with an id that the borrower has chosen, that holds the segment until RETURN.  Its
 * owner is the borrowing engine, so the end of the session does not take it.  When that engine is lost it may still
 * live, or clients may still see the memory, so the segment is not used again (segment_t.spent).
 * Thread rule: the reactor's, without the core's lock. */
#ifndef FH_ENGINE_LEND_H
#define FH_ENGINE_LEND_H

#include "engine/core.h"

/* Answer a BORROW of that engine.  NO_SUCH_OBJECT, or the error that the array is poisoned with; PERMISSION: it is
 * another session's; NOT_SUPPORTED: the memory is not a file, is itself borrowed, or the engine is on another host. */
int lend_begin(core_t *core, oid_t engine, const msg_BORROW_t *borrow, message_t *ret, err_t *err);
/* What is not there has been returned before. */
void lend_end(core_t *core, oid_t engine, const msg_RETURN_t *returned);
void lend_engine_lost(core_t *core, oid_t engine);
/* All borrowers are forgotten; their shares must have gone. */
void lend_release(core_t *core);

#endif
