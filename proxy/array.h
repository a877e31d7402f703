/* proxy/array.h - fh_array: an ordered list of parts along one axis, or one part (axis -1).
 *
 * Invariants: axis >= 0 means at least two parts, none of them empty, whose cuts are contiguous from 0; else there is
 * exactly one part.  Where a part's elements lie (strides) is known here, as the engine knows it, so that views are
 * made without asking. */
#ifndef FH_PROXY_ARRAY_H
#define FH_PROXY_ARRAY_H

#include "proxy/handle.h"
#include "proxy/layout.h"

typedef struct {
    handle_t *handle;               /* a reference is held */
    int64_t stride[SHAPE_MAX_DIMS]; /* bytes */
} part_t;

struct fh_array {
    fh_session *session;
    dtype_t dtype;
    shape_t shape;
    int axis;
    int n;
    part_t *parts;
    piece_t *cuts;
    struct {                 /* while its parts are made: memory in which they lie together (placing.h) */
        engine_link_t *home; /* NULL: each lies apart */
        oid_t memory;
        int accounts; /* the part that stands for all of it */
    } lay;
};

/* An array with room for n parts, none there yet (handles NULL, cuts 0). */
int array_new(fh_array **ret, fh_session *session, dtype_t dtype, const shape_t *shape, int axis, int n, err_t *err);
/* The same with the cuts and axis of a layout, for parts that are made now: on its engines, perhaps in common memory
 * (placing.h). */
int array_new_as(fh_array **ret, fh_session *session, dtype_t dtype, const shape_t *shape, const layout_t *layout,
                 err_t *err);
/* The same, cut along that axis as another array is, with each part where its part is. */
int array_new_beside(fh_array **ret, const fh_array *other, dtype_t dtype, const shape_t *shape, int axis, err_t *err);
/* Establish the invariants after the parts were put in place: drop empty parts, one part becomes axis -1. */
void array_settle(fh_array *self);
/* What was made goes to the caller: settled into *ret, or, where status is an error, freed (NULL is fine).  Returns
 * status. */
int array_give(fh_array *made, int status, fh_array **ret);
/* The same once what makes it is on its way to the engines (session_flush). */
int array_finish(fh_array *made, int status, fh_array **ret, err_t *err);
/* Its session is usable and its handles are not on lost engines (ENGINE_LOST). */
int array_enter(const fh_array *self, err_t *err);

shape_t array_part_shape(const fh_array *self, int i);
int64_t array_bytes(const fh_array *self);
/* Part i as strided memory that starts at the fixed address ARRAY_BASE: for view arithmetic only, never read.  Waits if
 * the engine was not heard of yet (placing.h). */
nd_t array_part_nd(const fh_array *self, int i);
/* The same without waiting: perhaps the engine has placed it otherwise. */
nd_t array_part_asked(const fh_array *self, int i);
/* A whole array of that shape in the same manner, C-contiguous. */
nd_t array_whole_nd(const fh_array *self);
#define ARRAY_BASE ((char *)((uintptr_t)1 << 46))
/* Elements before part i, in C order; 0 where parts are not one behind the other. */
uint64_t array_first(const fh_array *self, int i);
/* Put part i: takes over the reference; stride NULL: where its call has been told to lay it, else C-contiguous. */
void array_put(fh_array *self, int i, handle_t *handle, const int64_t *stride);
/* Where the parts are, with the axis moved by axis_shift (for results with more leading axes). */
int array_layout(const fh_array *self, int axis_shift, layout_t *ret, err_t *err);

#endif
