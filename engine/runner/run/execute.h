/* engine/runner/run/execute.h - carrying a compiled kernel over arrays: where calls of every kind begin. */
#ifndef FH_ENGINE_RUNNER_RUN_EXECUTE_H
#define FH_ENGINE_RUNNER_RUN_EXECUTE_H

#include "engine/compute/compute.h"
#include "engine/runner/kernel_code.h"
#include "engine/runner/run/kept_maps.h"

/* Where the arrays of a request are.  Borrowed. */
typedef struct {
    const int *fds; /* in the order of the operands that lie neither in the mailbox nor in a map that is there */
    int nfds;
    char *mailbox;     /* RUNNER_MAILBOX_BYTES shared with the engine; NULL: none is there */
    kept_maps_t *maps; /* from call to call; NULL: none are kept */
} execute_memory_t;

typedef struct {
    uint64_t elements; /* that were computed (of reductions: went in) */
    unsigned raised;   /* floating-point flags of the kernel that are to be told */
} execute_done_t;

/* Map the arrays of a request, run the kernel over them, unmap what is not kept.  crew shares out the work (NULL: the
 * caller alone).  page (NULL: none) is told how far the call is, and its cancel ends it with CANCELLED.  KERNEL_ERROR
 * for arrays that do not fit the kernel or each other, or if the kernel failed; NO_MEMORY if they cannot be mapped.
 * Faults end the process. */
int execute_run(const kernel_code_t *kernel, const runner_run_t *request, const execute_memory_t *memory, crew_t *crew,
                runner_page_t *page, execute_done_t *ret, err_t *err);

#endif
