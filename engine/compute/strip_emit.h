/* engine/compute/strip_emit.h - machine code of a strip_graph_t, for processors with AVX-512 (x86-64-v4). */
#ifndef FH_ENGINE_COMPUTE_STRIP_EMIT_H
#define FH_ENGINE_COMPUTE_STRIP_EMIT_H

#include "engine/compute/strip_graph.h"
#include "engine/compute/x86.h"

/* What is written: a function that does the first n strips, n at least 1, of a run, at its places and with steps of
 * whole strips (folds: of one element; what is joined: 0). */
typedef void (*strip_code_fn)(const strip_run_t *run, int64_t n);

/* False: it does not fit into registers or *code, or has operations without instructions.  *code is what it was then,
 * but for what it points to. */
bool strip_emit(const strip_graph_t *graph, x86_t *code);

#endif
