/* tests/process/kernel_rig.h - a cluster of three engines, kernels of kernels/client.ll and arrays in random layouts.
 * Functions fail the running test when they cannot do their work. */
#ifndef FH_TESTS_PROCESS_KERNEL_RIG_H
#define FH_TESTS_PROCESS_KERNEL_RIG_H

#include "tests/process/cluster.h"

enum { RIG_ENGINES = 3 };

extern fh_session *rig_session;

/* Setup and teardown of a group of tests. */
int rig_start(void **state);
int rig_stop(void **state);

/* Another session of the same cluster. */
fh_session *rig_connect(void);
/* kill -9; its arrays are gone. */
void rig_kill_engine(int i);

/* A number from 0 to below; from the seed of the group, which is printed. */
int64_t rig_random(int64_t below);
/* count doubles of wildly different size, or small whole numbers. */
void rig_fill(double *ret, int64_t count, bool whole_numbers);

fh_kernel *rig_load(const char *entry, const fh_kernel_options *options);
/* Textual IR. */
fh_kernel *rig_load_text(const char *text, const fh_kernel_options *options);

/* A local array on the engines: along axis (FH_WHOLE: in one piece), in random pieces over 1 to 3 engines. */
fh_array *rig_scatter(const void *data, fh_dtype dtype, int ndim, const int64_t *shape, int axis);
/* The same along a random axis, or not cut at all. */
fh_array *rig_scatter_somehow(const double *data, int ndim, const int64_t *shape);

#define rig_gather(array, ret)                                                                                         \
    do {                                                                                                               \
        fh_error gather_error;                                                                                         \
        fh_ok(fh_gather((array), (ret), NULL, &gather_error), gather_error);                                           \
    } while (0)

#endif
