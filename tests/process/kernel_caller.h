/* tests/process/kernel_caller.h - raw clients of an engine that load kernels from tests/kernels and run them.
 * Functions fail the running test when they cannot do their work. */
#ifndef FH_TESTS_PROCESS_KERNEL_CALLER_H
#define FH_TESTS_PROCESS_KERNEL_CALLER_H

#include "tests/process/engine_rig.h"

/* How to load one; NULL: empty. */
typedef struct {
    const char *file; /* in tests/kernels, without .ll */
    const char *entry, *signature, *kind, *layout, *options;
} kernel_wish_t;

/* KERNEL with the file's text; does not wait for the answer. */
oid_t kernel_ask(caller_t *caller, kernel_wish_t wish);
/* The same, and KERNEL_INFO must come; *ret_info (may be NULL) is valid until the next message. */
oid_t kernel_load(caller_t *caller, kernel_wish_t wish, message_t *ret_info);

/* EMPTY with bytes (NULL: none). */
oid_t kernel_array(caller_t *caller, dtype_t dtype, const int64_t *shape, uint32_t ndim, const void *bytes,
                   size_t size);
/* Send a message of a kernel whose call is not answered, then fetch size bytes of the result. */
void kernel_run(caller_t *caller, const message_t *message, oid_t result, void *ret, size_t size);
/* The result must be poisoned with this status; *ret may be NULL. */
void kernel_expect_poison(caller_t *caller, oid_t result, int status, message_t *ret);

#endif
