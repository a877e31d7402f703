/* engine/wholes.h - memory that this engine makes for the pieces of one array on several engines of its host.
 *
 * Results of operations on the pieces of an array lie in one segment, as the pieces themselves do.  The client chooses
 * an id for that memory and names it to each engine that has a piece (LAY).  Who comes first has it made: this engine
 * for its own piece, or another one's BORROW.  So no lane waits for another.  A whole is no object: it is found under
 * its id while something holds it (objects that lie in it or hold it, places, who has just taken it), and then never
 * again: who comes after the last one has gone makes its piece apart.
 * Thread rule: under the core's lock, but wholes_take. */
#ifndef FH_ENGINE_WHOLES_H
#define FH_ENGINE_WHOLES_H

#include "engine/oid_map.h"
#include "engine/pool.h"

enum { WHOLES_GONE = 64 /* ids that are remembered */ };

/* All-zero memory is an empty table. */
typedef struct {
    oid_map_t map; /* of struct whole */
    oid_t gone[WHOLES_GONE];
    unsigned next_gone;
} wholes_t;

struct core;

/* Without the core's lock: the memory of that id, made if nobody has done so yet; held, and a reference, until
 * whole_release.  pool_flags: POOL_QUICK or 0.  NO_SUCH_OBJECT: it has gone already; NOT_SUPPORTED: the engine spills;
 * PERMISSION, INVALID_ARGUMENT: it is another session's, or of another size; else as core_take. */
int wholes_take(struct core *core, oid_t id, oid_t session, uint64_t size, unsigned pool_flags, segment_t **ret,
                err_t *err);
/* Under the lock: hold what is a whole, or let go of it.  Other segments are passed over. */
void whole_hold(const segment_t *segment);
void whole_let(segment_t *segment);
/* Both: let go of it, and drop the reference. */
void whole_release(segment_t **segment);
/* Nothing holds any of them any more, or ever asks. */
void wholes_release(wholes_t *self);

#endif
