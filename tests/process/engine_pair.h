/* tests/process/engine_pair.h - one session on the two engines of a rig, for arrays that move between them. */
#ifndef FH_TESTS_PROCESS_ENGINE_PAIR_H
#define FH_TESTS_PROCESS_ENGINE_PAIR_H

#include "tests/process/engine_rig.h"

enum { SMALL = 1000, LARGE = 3 * 1024 * 1024 }; /* doubles: 8 kB, and 24 MiB: three times the credit */

typedef struct {
    engine_rig_t *rig;
    caller_t from, to;
} pair_t;

void pair_open(pair_t *self, engine_rig_t *rig);
void pair_close(pair_t *self);
void pair_send(pair_t *self, oid_t object, oid_t transfer);
void pair_expect(pair_t *self, oid_t transfer, int64_t n);
/* Element i is start + i. */
void pair_check(caller_t *caller, oid_t object, int64_t n, double first);
oid_t pair_make(caller_t *caller, int64_t n, double first);

/* Tests that hold whichever way arrays go. */
void array_is_sent_as_it_was_at_its_send(void **state);
void all_memory_comes_back_when_the_sessions_end(void **state);

#endif
