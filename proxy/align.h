/* proxy/align.h - bringing (parts of) arrays to engines: views where the data is there already, else engine to engine.
 */
#ifndef FH_PROXY_ALIGN_H
#define FH_PROXY_ALIGN_H

#include "proxy/emit.h"

/* A region on its way to an engine. */
typedef struct {
    handle_t *handle;
    nd_t nd;
    const engine_link_t *from; /* it is sent by this engine and not expected yet; NULL: it is there */
} region_block_t;

typedef struct {
    const fh_array *array; /* borrowed */
    int axis;
    piece_t want;
    engine_link_t *to;
    int first, count; /* parts of the array that it comes from */
    region_block_t *blocks;
} region_t;

/* Range `want` along axis `axis` of the array (axis -1: all of it) to engine `to`, in two steps: let others send what
 * is theirs, and, when it is needed, wait for it there and put it together.  Between them calls on `to` run that do not
 * need it.  ret gets a reference that the caller drops; it may be the array's own part or a view of its memory. */
int region_init(region_t *self, const fh_array *array, int axis, piece_t want, engine_link_t *to, err_t *err);
int region_receive(region_t *self, part_t *ret, err_t *err);
/* Safe to repeat, and on zeros. */
void region_release(region_t *self);

/* Both at once: the region that is range `want` along axis `axis` of the array (axis -1: all of it), on engine `to`.
 * ret gets a reference that the caller drops; it may be the array's own part or a view of its memory. */
int align_region(const fh_array *array, int axis, piece_t want, engine_link_t *to, part_t *ret, err_t *err);
/* The whole array in another layout (of its own shape).  Parts that fit are shared. */
int align_array(const fh_array *array, const layout_t *layout, fh_array **ret, err_t *err);
/* The same for what the caller's caller gets: parts that have moved lie together if that is worth it (placing.h). */
int align_result(const fh_array *array, const layout_t *layout, fh_array **ret, err_t *err);
/* A part as a C-contiguous object of the given dtype: itself if it is that already, else a copy.  shape: the part's. */
int align_contiguous(part_t *part, dtype_t from, dtype_t to, const shape_t *shape, err_t *err);
/* Write the n parts (references are kept) one after the other along axis into a new array on `to`.  shapes: n; they
 * agree in all other axes.  Parts must be on `to`. */
int align_join(engine_link_t *to, dtype_t dtype, handle_t *const *parts, const shape_t *shapes, int n, int axis,
               handle_t **ret, err_t *err);
/* The n parts (all of that shape, on any engine) under a new leading axis in one new array on `to`. */
int align_stack(engine_link_t *to, dtype_t dtype, handle_t *const *parts, const shape_t *shape, int n, handle_t **ret,
                err_t *err);

#endif
