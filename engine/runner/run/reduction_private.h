/* engine/runner/run/reduction_private.h - between the files of reduction: an axis that goes, and the walk over the
 * others.
 */
#ifndef FH_ENGINE_RUNNER_RUN_REDUCTION_PRIVATE_H
#define FH_ENGINE_RUNNER_RUN_REDUCTION_PRIVATE_H

#include "engine/runner/run/kernel_call.h"
#include "engine/runner/run/tree.h"
#include "engine/runner/run/walk.h"

#include <stdatomic.h>

/* Operands: the inputs (elements or states), then the results (elements or states), without the axis, and state arrays
 * without their last one.  Work is done for runs of up to `run` neighbours of the walk's innermost axis. */
typedef struct {
    const kernel_call_t *call;
    const kernel_code_t *kernel;
    int nin, operands;
    walk_t kept;
    int64_t extent;         /* along the axis */
    int64_t step[WALK_MAX]; /* bytes along it */
    int64_t state_bytes;
    int64_t run, runs_a_row, runs; /* neighbours in one, runs in a row of the walk, in all */
    bool by_rows;          /* elements of neighbouring results are stepped together, else one result after the other */
    int64_t group, groups; /* blocks along the axis that go together, how many such */
    char *states;          /* of groups, if there are several: [groups][kept.count] */
    _Atomic int no_memory;
} reduction_t;

/* Memory of one thread for one run. */
typedef struct {
    char *memory;
    char *lanes, *rows, *padded, *results;
} reduction_room_t;

/* Run i: its first position and how many neighbours. */
int64_t reduction_at(const reduction_t *self, int64_t i, int64_t *ret_count);
/* False: there is none; the call fails. */
bool reduction_room(reduction_t *self, int64_t items, reduction_room_t *ret);
/* What the tree holds, or, if that is nothing, the kernel's start, for so many neighbours. */
char *reduction_value(const reduction_t *self, tree_t *tree, int64_t count);
/* States to results that lie stride apart. */
void reduction_finish(const reduction_t *self, const reduction_room_t *room, const char *states, int64_t count,
                      char *result, int64_t stride);
/* Copy neighbouring states that lie some bytes apart. */
void reduction_copy(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count, int64_t state_bytes);

/* --- stages ---------------------------------------------------------------------------------------------------------
 */

int reduction_steps(reduction_t *self, err_t *err);
int reduction_all(reduction_t *self, err_t *err);
int reduction_scan(reduction_t *self, bool has_before, bool has_last, err_t *err);

#endif
