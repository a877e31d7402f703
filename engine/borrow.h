/* engine/borrow.h - memory of other engines on this host, in which arrays of this one lie.
 *
 * All pieces of an array on one host lie in one segment, made by one engine of the host.  The others ask for it
 * (BORROW) and map its file.  What is borrowed is a segment like others, but for its end: nobody uses it again here,
 * and with its last reference the lender is told (RETURN), until it has acknowledged that.  A loan serves all arrays of
 * this engine in that segment.  If the lender dies the map stays, and so do the arrays. The bytes are accounted to the
 * lender. Thread rule: under the core's lock unless a function says otherwise; borrow_give_back on any thread, with it
 * or without. */
#ifndef FH_ENGINE_BORROW_H
#define FH_ENGINE_BORROW_H

#include "engine/core.h"

typedef struct borrows borrows_t;
typedef struct loan loan_t;
typedef struct question question_t;

/* A borrowed segment (a reference) and where the array that was asked for begins in it. */
typedef struct {
    segment_t *segment;
    int64_t offset;
} borrowed_t;

/* Sends a message to an engine: OK, BUSY (try again later), or it is lost. */
typedef int (*borrow_send_fn)(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err);

int borrows_new(borrows_t **ret, core_t *core, err_t *err);
/* All segments must have come back. */
void borrows_destroy(borrows_t **self);

/* ---- the lanes' side
 * ------------------------------------------------------------------------------------------------- */

/* Is the memory of that array borrowed already?  Then *ret has it. */
bool borrows_find(borrows_t *self, oid_t engine, oid_t object, borrowed_t *ret);
/* Ask the engine for it; the lane is woken when the answer is there, after 5 s at the latest.  size: not 0, it is
 * memory for pieces (engine/wholes.h), of so many bytes.  NO_MEMORY. */
int borrows_ask(borrows_t *self, lane_t *lane, oid_t engine, oid_t object, uint64_t size, question_t **ret, err_t *err);
/* Without the lock, on the reactor: the answer, if it has come (*ret_came).  The question is over then, and freed.
 * NOT_SUPPORTED: the memory cannot be reached.  Else why the lender refused. */
int borrows_collect(borrows_t *self, question_t **question, bool *ret_came, borrowed_t *ret, err_t *err);
/* Nobody waits for the answer any more. */
void borrows_forget(borrows_t *self, question_t **question);

/* Without the lock or with it: a borrowed segment has no references any more. */
void borrow_give_back(segment_t *segment);
/* Without the lock: unmap what has been given back. */
void borrows_reap(borrows_t *self);

/* ---- the reactor's side
 * ---------------------------------------------------------------------------------------------- */

void borrows_lent(borrows_t *self, oid_t engine, const msg_LENT_t *lent);
/* False: no question has that number. */
bool borrows_refused(borrows_t *self, oid_t engine, uint64_t call, const err_t *why);
void borrows_acknowledged(borrows_t *self, oid_t engine, uint64_t call);
/* The engine does not know us any more: all is asked and said again. */
void borrows_broken(borrows_t *self, oid_t engine);
void borrows_engine_lost(borrows_t *self, oid_t engine, const err_t *why);
/* Send what is due, and end questions that have waited for too long.  True: something waits to be sent. */
bool borrows_pump(borrows_t *self, borrow_send_fn send, void *context);

#endif
