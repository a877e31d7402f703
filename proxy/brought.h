/* proxy/brought.h - a whole array brought to several engines, to each of them once. */
#ifndef FH_PROXY_BROUGHT_H
#define FH_PROXY_BROUGHT_H

#include "proxy/align.h"

typedef struct {
    const fh_array *array; /* borrowed; NULL: nothing is brought */
    handle_t **handles;    /* one for each engine so far */
    int n, room;
} brought_t;

/* The array in one piece on that engine; the handle is the brought_t's. */
int brought_get(brought_t *self, engine_link_t *to, handle_t **ret, err_t *err);
/* Safe on zeros. */
void brought_release(brought_t *self);

#endif
