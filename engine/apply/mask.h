/* engine/apply/mask.h - a mask over a group of axes: how many places are chosen, and which come when. */
#ifndef FH_ENGINE_APPLY_MASK_H
#define FH_ENGINE_APPLY_MASK_H

#include "engine/apply/apply.h"
#include "engine/apply/group.h"

enum { MASK_PART = 64 * 1024 }; /* places in a part */

typedef struct {
    const uint8_t *flags;
    int64_t n, parts;
    int64_t *starts; /* parts + 1: the chosen places before each part, then all */
} mask_t;

/* Input i of the call, a bool array of the shape that the group's axes have.  WRONG_TYPE, BAD_INDEX. */
int mask_init(mask_t *self, apply_call_t *call, int i, const group_t *group, err_t *err);
/* The same from flags that nobody else writes: C-contiguous, bool, any shape. */
int mask_init_flags(mask_t *self, apply_call_t *call, const nd_t *flags, err_t *err);
/* First place behind part. */
int64_t mask_end(const mask_t *self, int64_t part);
int64_t mask_count(const mask_t *self);

#endif
