/* engine/runner/patience.h - waiting for another process for a moment without sleeping, where that pays.
 *
 * A sleep and a wake-up cost more than a small call, so one that is expected at once is worth a look at shared memory;
 * but whoever looks keeps a processor that the other may need.  So: never longer than the limit, only after waits that
 * were short, and after a vain look not again for a while, ever longer.  Plain values; one thread. */
#ifndef FH_ENGINE_RUNNER_PATIENCE_H
#define FH_ENGINE_RUNNER_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool quick;      /* the last wait was short */
    unsigned vain;   /* looks in a row that were in vain */
    unsigned pauses; /* waits that are to be slept through */
} patience_t;

/* Look until *word is no longer old, at most for limit_ns; true if it changed.  other_cpu: on which the other ran last,
 * as it says; -1: unknown.  On this one it cannot run while we look. */
bool patience_look(patience_t *self, const _Atomic uint32_t *word, uint32_t old, int other_cpu, int64_t limit_ns);
/* A wait by sleeping took so long. */
void patience_slept(patience_t *self, int64_t ns);

#endif
