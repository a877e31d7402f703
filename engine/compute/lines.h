/* engine/compute/lines.h - the lines of arrays along one axis: all positions of the other axes, in C order. */
#ifndef FH_ENGINE_COMPUTE_LINES_H
#define FH_ENGINE_COMPUTE_LINES_H

#include "codecs/shape.h"

typedef struct {
    int64_t count, length; /* lines, elements of each */
    int ndim;
    int64_t extent[SHAPE_MAX_DIMS];
} lines_t;

/* A 0-d array is a line of one element. */
void lines_init(lines_t *self, const shape_t *shape, int axis);
/* First element of line i of an array of that shape; the axis has been left out of its strides by lines_strides. */
char *lines_at(const lines_t *self, char *data, const int64_t *stride, int64_t i);
/* The strides of the other axes, and that of the axis itself. */
int64_t lines_strides(const nd_t *nd, int axis, int64_t *ret_stride);

#endif
