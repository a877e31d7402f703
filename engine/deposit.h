/* engine/deposit.h - arrays whose bytes come over streams, until they are whole.
 *
 * A deposit is memory and a note for each chunk of it: missing, being written, there.  Chunks come in any order over
 * any streams of the session; one that is there is not written again, so a chunk that was sent twice counts once, and
 * nothing changes an array after it has become an object.  A chunk that another stream is writing is taken from it:
 * that stream is shut first, since only a stream that its client has given up can be slower than the one that comes
 * after it. Until COMPLETE a deposit is no object: nobody sees half an array. Thread rule: as each section says.
 */
#ifndef FH_ENGINE_DEPOSIT_H
#define FH_ENGINE_DEPOSIT_H

#include "engine/core.h"

/* ---- under the core's lock: the lanes' side
 * -------------------------------------------------------------------------- */

int deposits_new(deposits_t **ret, core_t *core, err_t *err);
void deposits_destroy(deposits_t **self);
/* *pin is taken, on failure too.  INVALID_ARGUMENT: that id is in use.  LIMIT_EXCEEDED, NO_MEMORY. */
int deposits_open(deposits_t *self, const lane_t *lane, oid_t id, pin_t *pin, err_t *err);
/* All has come: *ret is the caller's, the deposit is no more.  NO_SUCH_OBJECT, IO_ERROR (bytes are missing). */
int deposits_complete(deposits_t *self, oid_t session, oid_t id, pin_t *ret, err_t *err);
/* Unknown ids and others' are passed over. */
void deposits_drop(deposits_t *self, oid_t session, oid_t id);
void deposits_session_gone(deposits_t *self, oid_t session);

/* ---- without the lock: a stream's thread
 * ----------------------------------------------------------------------------- */

/* Where a chunk goes. */
typedef struct {
    oid_t id;
    segment_t *segment; /* NULL: it is there already, and is to be thrown away */
    size_t offset;
    bool fresh; /* its pages have never been written: writing to the file is faster than to the map */
} chunk_place_t;

/* stream: a number from 1 to 254.  OK: call deposits_took.  NO_SUCH_OBJECT, BAD_INDEX, INVALID_ARGUMENT (no chunk),
 * BUSY. */
int deposits_take(core_t *core, oid_t session, oid_t id, uint64_t offset, uint32_t size, uint8_t stream,
                  chunk_place_t *ret, err_t *err);
/* The chunk is there, or (whole false) is not. */
void deposits_took(core_t *core, chunk_place_t *place, uint8_t stream, bool whole);

#endif
