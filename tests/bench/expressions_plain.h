/* tests/bench/expressions_plain.h - plain loops over arrays, beside which expressions are measured; functions are the
 * engine's own. */
#ifndef FH_TESTS_BENCH_EXPRESSIONS_PLAIN_H
#define FH_TESTS_BENCH_EXPRESSIONS_PLAIN_H

#include <stdint.h>

enum { EXPRESSIONS_PLAIN_PART = 64 /* elements that go past the cache at a time; arrays are whole multiples */ };

/* Elements [first, end) of memory[3], made of those of memory[0] and the next ones; or a sum of such. */
typedef double expressions_plain_fn(char *const *memory, int64_t first, int64_t end);
expressions_plain_fn expressions_plain_products, expressions_plain_positive, expressions_plain_chosen,
    expressions_plain_clipped, expressions_plain_integers, expressions_plain_bytes, expressions_plain_larger,
    expressions_plain_integer_sum, expressions_plain_narrow, expressions_plain_mixed, expressions_plain_waves,
    expressions_plain_sigmoid, expressions_plain_distances, expressions_plain_small_waves,
    expressions_plain_finite_ones, expressions_plain_powers, expressions_plain_chain, expressions_plain_integer_chain;

#endif
