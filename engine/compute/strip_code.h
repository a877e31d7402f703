/* engine/compute/strip_code.h - programs for strips as machine code, made once and kept.
 *
 * A program that comes for the second time, or has much to do, becomes one loop in which values stay in registers
 * (strip_emit.h).  That takes microseconds; nothing but a program's steps goes into it.  Memory with code is never
 * writable and executable at once.  Where there can be none (the processor, a rule of the system, an operation without
 * an instruction) programs go step by step, with the same bits. */
#ifndef FH_ENGINE_COMPUTE_STRIP_CODE_H
#define FH_ENGINE_COMPUTE_STRIP_CODE_H

#include "engine/compute/strip_emit.h"

typedef struct strip_code strip_code_t;

/* The program's code, until it is given back; NULL: there is none.  same: see strip_graph_make; work: steps times
 * elements.  From any thread. */
strip_code_t *strip_code_take(const strip_program_t *program, uint32_t same, int64_t work);
void strip_code_give(strip_code_t **self);
strip_code_fn strip_code_of(const strip_code_t *self);

/* How many programs have become code so far in this process, and how many cannot. */
typedef struct {
    int64_t made, refused;
} strip_code_count_t;
strip_code_count_t strip_code_count(void);

#endif
