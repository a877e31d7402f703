/* engine/apply/random.h - n elements of a distribution from a stream of Philox numbers, in memory. */
#ifndef FH_ENGINE_APPLY_RANDOM_H
#define FH_ENGINE_APPLY_RANDOM_H

#include "codecs/philox.h"
#include "codecs/random.h"
#include "engine/apply/distributions.h"

/* A stream from which NumPy's functions take, and how far it is. */
typedef struct {
    philox_t philox;
    int64_t taken; /* numbers and halves, whichever the distribution takes */
    bitgen_t bitgen;
} draws_t;

typedef struct {
    random_code_t code;
    random_t row;
    dtype_t dtype;
    double real[3];
    int64_t integer[3];
    binomial_t binomial;
} sampler_t;

void draws_init(draws_t *self, const philox_t *at);
/* Write the next n elements. */
void sampler_fill(sampler_t *self, draws_t *draws, void *out, int64_t n);

#endif
