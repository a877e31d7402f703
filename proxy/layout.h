/* proxy/layout.h - layouts of arrays, and which regions must move to get from one to another.  Pure arithmetic, no
 * messages.
 *
 * A layout is a list of parts along one axis, each on one engine; axis -1: one part that holds everything. */
#ifndef FH_PROXY_LAYOUT_H
#define FH_PROXY_LAYOUT_H

#include "codecs/piece.h"
#include "codecs/shape.h"

struct engine_link;

typedef struct {
    int axis; /* of the array that is laid out; -1: one part */
    int n;
    piece_t *cuts;                /* n ranges along axis, contiguous from 0; axis -1: unused */
    struct engine_link **engines; /* n; where each part is */
} layout_t;

/* Room for n parts, zeroed.  Free with layout_release. */
int layout_init(layout_t *self, int axis, int n, err_t *err);
void layout_release(layout_t *self);
/* extent along axis over the engines: one part each as numpy.array_split (blocksize 0), or parts of blocksize round
 * robin. No empty parts: extent 0 gives one.  One part only: axis -1.  INVALID_ARGUMENT for a negative blocksize or too
 * many parts. */
int layout_split(layout_t *ret, int axis, int64_t extent, int64_t blocksize, struct engine_link *const *engines,
                 int nengines, err_t *err);
/* Everything on one engine. */
int layout_single(layout_t *ret, struct engine_link *engine, err_t *err);
bool layout_equal(const layout_t *a, const layout_t *b);
/* Shape of part i of an array of that layout. */
shape_t layout_part_shape(const layout_t *self, const shape_t *shape, int i);

/* Elements of an array of that shape before part i, in C order; 0 where parts are not one behind the other. */
uint64_t layout_first(const layout_t *self, const shape_t *shape, int i);

/* One contribution to a wanted region: `range` of source part `part` (along the source's axis, counted from the part's
 * start) lands at `target` along that axis of the region. */
typedef struct {
    int part;
    piece_t range;
    int64_t target;
} block_t;

/* Which source parts give what to the region that is range `want` along axis `want_axis` of the whole array (want_axis
 * -1: all of it)?  cuts are n ranges along axis (-1: one part, n is 1).  Fills *ret_first and *ret_count: blocks come
 * from parts first..first+count-1, described by layout_block.  An empty region needs no block. */
void layout_blocks(const piece_t *cuts, int n, int axis, int want_axis, piece_t want, int *ret_first, int *ret_count);
block_t layout_block(const piece_t *cuts, int axis, int want_axis, piece_t want, int part);

enum { LAYOUT_MAX_PARTS = 100000 };

#endif
