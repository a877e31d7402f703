/* engine/runner/run/progress.h - how far the running call is, and whether it is to stop.
 *
 * A runner runs one call at a time, so there is one state in the process.  Thread rule: progress_begin and progress_end
 * between calls; the others on any thread of the call. */
#ifndef FH_ENGINE_RUNNER_RUN_PROGRESS_H
#define FH_ENGINE_RUNNER_RUN_PROGRESS_H

#include "engine/runner/runner_wire.h"

#include <stdbool.h>

/* A call begins.  page NULL: nobody looks and nobody cancels.  serial is what page->cancel names; total is in elements.
 */
void progress_begin(runner_page_t *page, uint32_t serial, uint64_t total);
/* It has ended: the page says that nothing runs. */
void progress_end(void);

/* So many elements more are done. */
void progress_add(int64_t elements);
/* Has the engine cancelled this call?  Costs a load. */
bool progress_stopped(void);

/* For kernels: how far they are, from 0 to 1.  What is beyond counts as the nearer end, and NaN as 0.  From then on the
 * page shows this and not elements. */
void farhand_progress(double fraction);

#endif
