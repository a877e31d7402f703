/* engine/compute/expression_strips.h - expressions as programs for strips (strip.h).
 *
 * Part of expression.c.  Programs are made once and run over rows; they are read only then, so threads may share them.
 */
#ifndef FH_ENGINE_COMPUTE_EXPRESSION_STRIPS_H
#define FH_ENGINE_COMPUTE_EXPRESSION_STRIPS_H

#include "engine/compute/expression.h"
#include "engine/compute/strip.h"

struct strip_code;

/* Places of a program: arrays, results, slots. */
enum {
    EXPRESSION_STRIPS_RESULTS = EXPRESSION_INPUTS,
    EXPRESSION_STRIPS_SLOTS = EXPRESSION_STRIPS_RESULTS + EXPRESSION_RESULTS,
};

typedef struct {
    strip_program_t program; /* no steps: the expression is not for strips */
    int ncalls;              /* steps that call loops, between memory and memory */
    int nslots, nresults, nconstants;
    int64_t result_step[EXPRESSION_RESULTS]; /* bytes from one strip's to the next's */
    struct {
        int8_t step, input;
        int place;
    } constant[OP_MAX_IN * EXPRESSION_STEPS]; /* what fills these places */
    struct strip_code *code;                  /* the program as machine code; NULL: there is none */
    uint32_t same;                            /* arrays of one element that it was made for */
} expression_strips_t;

/* result[k] = value[k], for n of them.  stream: past the cache. */
void expression_strips_store(expression_strips_t *self, const expression_t *expression, const int *value, int n,
                             bool stream);
/* result[0] = each leaf of a value, by a reduction of it in its own dtype; where no order counts: STRIP elements of
 * the dtype that values are folded in, each of which is folded with that one of each strip. */
void expression_strips_fold(expression_strips_t *self, const expression_t *expression, int value, reduce_t reduce,
                            const fold_t *fold);
/* After what makes a program: as machine code, if it is worth it, for rows of that many elements together. */
void expression_strips_compile(expression_strips_t *self, const expression_t *expression, int64_t n);
void expression_strips_release(expression_strips_t *self);
/* As many whole strips as n elements have; data and step: of the expression's arrays.  Returns how many elements; 0
 * if there is no program.  Results lie close. */
int64_t expression_strips_run(const expression_strips_t *self, const expression_t *expression, char *const *data,
                              const int64_t *step, int64_t n, char *const *result);

#endif
