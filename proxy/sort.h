/* proxy/sort.h - sorting distributed vectors across engines: parallel sorting by exact splitting. */
#ifndef FH_PROXY_SORT_H
#define FH_PROXY_SORT_H

#include "proxy/apply.h"

/* Sorted pieces of a vector, one on each engine, and where they are cut so that each engine gets its share: of piece i,
 * elements [cuts[j * n + i], cuts[(j + 1) * n + i]) go to engine j. */
typedef struct {
    const fh_array *array; /* borrowed: one axis, n parts */
    int n;
    bool order;        /* positions are wanted */
    handle_t **sorted; /* values of each piece in their order */
    handle_t **places; /* order: the positions within each piece */
    int64_t *cuts;     /* (n + 1) * n */
} sort_pieces_t;

/* Find the cuts; waits for samples.  Equal elements are told apart by piece and position, so that the result is what a
 * stable sort of the whole gives. */
int sort_find_cuts(sort_pieces_t *self, err_t *err);
/* Sort a vector of two parts or more, each on another engine; ret is cut as it. */
int sort_across(const fh_array *array, bool order, fh_array **ret, err_t *err);

#endif
