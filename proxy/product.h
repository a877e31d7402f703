/* proxy/product.h - products of matrices over engines: one operand stays where it is, the other comes to it.
 *
 * The operand that stays is cut along its rows (a), its columns (b), the stack, or along the summed axis; in the last
 * case each engine makes a partial product of the whole result, and these are added.  The one that travels comes in
 * panels along the summed axis, cut where it is cut itself, so that an engine begins with what it has; each panel is
 * let go before the one after the next comes, so that no engine ever has room for all of it. */
#ifndef FH_PROXY_PRODUCT_H
#define FH_PROXY_PRODUCT_H

#include "proxy/apply.h"

/* Where an operand is cut. */
typedef enum { CUT_NOT, CUT_STACK, CUT_OUTER, CUT_SUMMED } cut_t;

typedef struct {
    fh_session *session;
    fh_array *in[2]; /* a and b, of two dimensions or more and one dtype */
    dtype_t dtype;   /* that is computed in */
    shape_t shape;   /* of the result, with the axes that vectors were given */
    int stays;       /* which operand */
    cut_t cut;       /* how it is cut */
    layout_t layout; /* of the result; of partial products: their engines */
    piece_t *panels; /* of the summed axis, in which the operand that travels comes; NULL: in one */
    int npanels;
} product_t;

/* Whoever asks sets session, in (owned), dtype and shape; the rest is 0. */
int product_compute(product_t *self, fh_array **ret, err_t *err);
void product_release(product_t *self);

/* product_sums.c: the result cut along its rows, over the engines of self->layout; the operand that stays is cut along
 * the summed axis. */
int product_sums(const product_t *self, fh_array **ret, err_t *err);

#endif
