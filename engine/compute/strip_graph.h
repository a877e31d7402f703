/* engine/compute/strip_graph.h - what a program for strips (strip.h) computes, as values instead of places: the form
 * from which machine code is made.
 *
 * Nodes stand in an order in which they can be computed; each array is read once.  Plain memory. */
#ifndef FH_ENGINE_COMPUTE_STRIP_GRAPH_H
#define FH_ENGINE_COMPUTE_STRIP_GRAPH_H

#include "engine/compute/expression_strips.h"

typedef enum {
    STRIP_NODE_ARRAY,    /* a strip of a place */
    STRIP_NODE_CONSTANT, /* the same strip of a place for all */
    STRIP_NODE_JOINED,   /* what a result is so far, before this strip */
    STRIP_NODE_APPLY,    /* op(a), op(a, b); a choice: a where c is true, else b */
    STRIP_NODE_CAST,     /* a, in dtype */
    STRIP_NODE_STORE,    /* the place becomes a */
    STRIP_NODE_FOLD,     /* the place's element becomes a's leaf */
} strip_node_kind_t;

enum { STRIP_NODES = 2 * STRIP_STEPS, STRIP_NO_NODE = -1 };

typedef struct {
    uint8_t kind, dtype; /* of the value */
    uint8_t in;          /* dtype that the operation takes */
    bool stream;         /* a result goes past the cache */
    int op;              /* op_code_t, or reduce_t */
    int a, b, c;         /* nodes */
    int place;
    int last; /* the last node that takes the value */
} strip_node_t;

typedef struct {
    int n;
    strip_node_t node[STRIP_NODES];
} strip_graph_t;

/* same: bits of the arrays that are one element, spread over a strip.  False: the program has steps that have no such
 * form. */
bool strip_graph_make(strip_graph_t *self, const strip_program_t *program, uint32_t same);

#endif
