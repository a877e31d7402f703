/* engine/runner/run/kernel_call.h - a call of a kernel whose arrays are in memory: what the parts that run the kinds
 * get.
 */
#ifndef FH_ENGINE_RUNNER_RUN_KERNEL_CALL_H
#define FH_ENGINE_RUNNER_RUN_KERNEL_CALL_H

#include "codecs/shape.h"
#include "engine/compute/compute.h"
#include "engine/runner/kernel_code.h"

/* Borrowed for the time of the call.  operand: as in runner_call_t.  The numbers of the request are not believed: each
 * kind checks what it uses. */
typedef struct {
    const kernel_code_t *kernel;
    const runner_run_t *request;
    const nd_t *operand;
    int nin, nout;
    crew_t *crew; /* NULL: the caller alone */
} kernel_call_t;

/* Threads that share the work, at least 1. */
static inline int
kernel_call_threads(const kernel_call_t *self)
{
    return self->crew ? crew_threads(self->crew) : 1;
}

/* Run part(context, i) for i in [0, parts), on all threads if there are several of both. */
static inline void
kernel_call_share(const kernel_call_t *self, int64_t parts, void (*part)(void *context, int64_t i), void *context)
{
    if (self->crew && parts > 1) {
        crew_run(self->crew, parts, part, context);
        return;
    }
    for (int64_t i = 0; i < parts; i++)
        part(context, i);
}

#endif
