/* engine/compute_thread.h - the thread that takes the first call of each runnable lane in turn. */
#ifndef FH_ENGINE_COMPUTE_THREAD_H
#define FH_ENGINE_COMPUTE_THREAD_H

#include "engine/core.h"

typedef struct compute_thread compute_thread_t;

/* threads: how many share out a loop, this one included. */
int compute_thread_start(compute_thread_t **ret, core_t *core, int threads, err_t *err);
/* Ends after the call that runs now, waits for that, and sets *self to NULL.  Idempotent. */
void compute_thread_stop(compute_thread_t **self);

#endif
