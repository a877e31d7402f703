/* engine/runner/run/desk.h - where one thread of an elementwise call computes a chunk: what does not lie as the loop
 * wants it is copied into small buffers that stay in the cache, and results out of them. */
#ifndef FH_ENGINE_RUNNER_RUN_DESK_H
#define FH_ENGINE_RUNNER_RUN_DESK_H

#include "engine/runner/kernel_code.h"
#include "engine/runner/run/walk.h"

enum { DESK_BYTES = 48 << 10 };

/* What all threads of a call share, read only. */
typedef struct {
    const kernel_code_t *kernel;
    walk_t walk; /* inputs, outputs, mask */
    int nin, nout;
    bool masked;
    bool pack;     /* what is not contiguous is packed; else the loop takes strides */
    int64_t chunk; /* elements that fit into the buffers */
    dtype_t dtype[WALK_MAX];
    int64_t size[WALK_MAX];    /* of an element */
    bool contiguous[WALK_MAX]; /* within a row */
    bool stream[WALK_MAX];     /* outputs that do not stay in the cache anyhow */
} desk_plan_t;

typedef struct {
    const desk_plan_t *plan;
    char *room[WALK_MAX];
    const char *filled[WALK_MAX]; /* the element that the buffer is full of; NULL: something else is in it */
    int64_t fill[WALK_MAX];       /* and how many */
    _Alignas(64) char bytes[DESK_BYTES];
} desk_t;

void desk_init(desk_t *self, const desk_plan_t *plan);
/* Compute up to n >= 1 elements from a position on; *ret_raised gets what the loop said.  Returns how many it were.
 * Other threads see streamed outputs after stream_copy_settle. */
int64_t desk_run(desk_t *self, int64_t position, int64_t n, int32_t *ret_raised);

#endif
