/* proxy/whole.h - the pieces of an array that lie on this host, all in one segment, in the order of the whole.
 *
 * One engine, the home, makes an array as large as all pieces on the host together.  Pieces on the home are views of
 * it; the others' engines map the home's memory (ADOPT).  So the whole is written by one copy, and mapped as it lies,
 * along whatever axis it was cut.  The bytes are accounted to the home: the engine on which this session keeps least.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_WHOLE_H
#define FH_PROXY_WHOLE_H

#include "proxy/nearby.h"

typedef struct {
    fh_array *array;
    handle_t *handle;           /* of the whole, on its home; NULL: there is none */
    nearby_t near;              /* where its memory is */
    nd_t nd;                    /* the whole, at ARRAY_BASE */
    int first, n;               /* parts of the array that lie in it: n from first on */
    struct adoption *adoptions; /* n; what other engines have been asked */
} whole_t;

/* Make memory for the parts of the layout that are on this host, two or more, 1 MiB or more in all, one behind the
 * other, and put them into the array.  Waits for the home only: the memory (near) may be written at once, but the parts
 * not used before whole_end.  NOT_SUPPORTED: nothing was made, the parts must be made apart: there are no such parts,
 * or the home refused.  *ret is released in any case, by whole_release; it stays where it is until then. */
int whole_begin(fh_array *array, const layout_t *layout, whole_t *ret, err_t *err);
/* The same for all parts of the array in memory that is there: element 0 of the array is nd->data - ARRAY_BASE bytes
 * behind the first element of `memory`, and nd has its strides. */
int whole_begin_in(fh_array *array, const layout_t *layout, handle_t *memory, const nd_t *nd, whole_t *ret, err_t *err);
/* Wait for the other engines.  NOT_SUPPORTED: one refused, and the parts are out of the array again. */
int whole_end(whole_t *self, err_t *err);
void whole_release(whole_t *self);

#endif
