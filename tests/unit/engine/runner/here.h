/* tests/unit/engine/runner/here.h - calls of execute_run in this process, with C functions as kernels: no LLVM, no
 * sandbox, no host. */
#ifndef FH_TESTS_UNIT_ENGINE_RUNNER_HERE_H
#define FH_TESTS_UNIT_ENGINE_RUNNER_HERE_H

#include "engine/runner/run/execute.h"

#include <stddef.h>

/* An array in a memfd of its own. */
typedef struct {
    int fd;
    char *data; /* mapped, writable */
    size_t size;
    nd_t nd; /* may be changed to another view of data */
    int64_t base, whole;
    bool cut;
} here_array_t;

/* Room for as many elements as extents say, and the C-contiguous view of all; zeros. */
here_array_t here_array(dtype_t dtype, int ndim, const int64_t *extent);
void here_free(here_array_t *arrays, int count);

/* Any view of a 3-d array with other axis order, directions and steps, over the memory of its own; room must be twice
 * what the extents take. */
void here_shuffle(here_array_t *array, unsigned *seed);
/* Address of an element of a view of up to 3 dimensions. */
char *here_at(const here_array_t *array, int64_t i, int64_t j, int64_t k);

/* Run over the arrays, in the order of runner_call_t.  request: all but code, count and operands is filled by the
 * test; the counts of strips follow from its bits. */
int here_run(const kernel_code_t *kernel, runner_run_t *request, const here_array_t *arrays, crew_t *crew,
             runner_page_t *page, err_t *err);
/* Floating-point flags that the last run has told of. */
unsigned here_raised(void);

#endif
