/* engine/core_spill.h - arrays that nobody uses make room on disk for others.
 *
 * When an engine with a spill folder has too little memory for an array, the contents of the segments that were not
 * used for longest go to files (engine/spill.h) and their pages back to the kernel; what points to them stays as it is.
 * They come back when they are pinned: core_pin is the one door.  A segment goes only if nothing but arrays holds it:
 * no call, no transfer, no client's map, no other engine, and no client that was told where it lies and has not said
 * that it is through.
 * Thread rule: without the core's lock, on any thread but the reactor, which has no time for it; one moves at a time.
 */
#ifndef FH_ENGINE_CORE_SPILL_H
#define FH_ENGINE_CORE_SPILL_H

#include "engine/core.h"

/* As pool_take, but makes room first if need be.  On the reactor, where room must be made: BUSY. */
int core_take(core_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err);
/* The contents of a segment that is away come back; the caller holds a reference, so they stay.  LIMIT_EXCEEDED,
 * IO_ERROR: they stay where they are.  On the reactor: BUSY. */
int core_bring_back(core_t *self, segment_t *segment, err_t *err);

#endif
