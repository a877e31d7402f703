/* engine/apply/group.h - the first axes of an array as one axis that a flat index counts through in C order. */
#ifndef FH_ENGINE_APPLY_GROUP_H
#define FH_ENGINE_APPLY_GROUP_H

#include "codecs/shape.h"

typedef struct {
    int axes;      /* how many; the others are the rest */
    int64_t count; /* places in the group */
    bool even;     /* one stride leads from each place to the next */
    bool plain;    /* and elements are numbers or dates that lie as loops like them */
    nd_t nd;       /* the array */
    nd_t rest;     /* what lies at place 0 */
    int64_t rest_count, rest_bytes;
    bool rest_contiguous;
} group_t;

/* INVALID_ARGUMENT if the array does not have so many axes. */
int group_init(group_t *self, const nd_t *nd, int64_t axes, err_t *err);
/* Bytes from the array's first element to that of place k, 0 <= k < count. */
int64_t group_offset(const group_t *self, int64_t k);
/* Are all n indices places of the group?  BAD_INDEX names the first that is none. */
int group_check(const group_t *self, const int64_t *indices, int64_t n, err_t *err);
/* Shape of something with an element for each index, followed by the rest.  INVALID_ARGUMENT: too many dimensions. */
int group_shape(const group_t *self, const shape_t *indices, shape_t *ret, err_t *err);
/* Write what lies at place j of `from` to place k of `to`.  Rests have one shape, arrays one dtype. */
void group_copy(const group_t *to, int64_t k, const group_t *from, int64_t j);

#endif
