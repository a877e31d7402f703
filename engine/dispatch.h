/* engine/dispatch.h - running the first call of a lane, and what follows from its success or failure. */
#ifndef FH_ENGINE_DISPATCH_H
#define FH_ENGINE_DISPATCH_H

#include "engine/methods.h"

/* Run the first call of a RUNNING lane, which the caller then settles with what is returned.  Called without the core's
 * lock; returns with it. */
next_t dispatch_run(core_t *core, lane_t *lane, crew_t *crew, bool on_reactor);

#endif
