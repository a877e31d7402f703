/* tests/unit/engine/runner/driver.h - a runner host driven with poll, as the engine's reactor does, for tests and
 * benchmarks. Every wait has a deadline; running past it fails the test. */
#ifndef FH_TESTS_UNIT_ENGINE_RUNNER_DRIVER_H
#define FH_TESTS_UNIT_ENGINE_RUNNER_DRIVER_H

#include "base/clock.h"
#include "engine/runner_host.h"

/* A host over the runner that was built beside the tests. */
runner_host_t *driver_host(void);
runner_host_t *driver_host_threads(int threads);
/* One that keeps machine code in a folder. */
runner_host_t *driver_host_keeping(const char *folder);
/* One that may do without seccomp or Landlock. */
runner_host_t *driver_host_unsafe(void);
/* Turn the host once: wait for an event, at most until the deadline, and handle it.  Running past it fails. */
void driver_turn(runner_host_t *host, int64_t deadline);
/* Turn the host until *flag is true. */
void driver_wait(runner_host_t *host, const bool *flag);
/* Turn the host until the spare has said what it is. */
void driver_wait_spare(runner_host_t *host);

typedef struct {
    bool finished;
    int status;
    err_t err;
    kernel_info_t info;
    char *ir, *assembly; /* with inspect: copies, the test frees */
    uint32_t kernel;
} driver_compiled_t;

/* Compile and wait; the hash is made from the bytes.  Returns the status, also of what the host refused at once. */
int driver_compile(runner_host_t *host, oid_t session, const void *bitcode, size_t size, const char *entry,
                   const char *signature, const char *kind, driver_compiled_t *ret);
/* With any options; NULL texts are "". */
int driver_compile_with(runner_host_t *host, oid_t session, const void *bitcode, size_t size,
                        const kernel_options_t *options, driver_compiled_t *ret);
/* With fastmath. */
int driver_compile_fast(runner_host_t *host, oid_t session, const char *text, driver_compiled_t *ret);
int driver_compile_text(runner_host_t *host, oid_t session, const char *text, const char *signature,
                        driver_compiled_t *ret);

/* An array in a memfd of its own. */
typedef struct {
    runner_array_t array; /* read-only descriptor */
    int writable;         /* descriptor */
    char *data;           /* mapped */
    size_t size;
} driver_array_t;

driver_array_t driver_array(dtype_t dtype, int ndim, const int64_t *extent);
void driver_array_free(driver_array_t *self);

typedef struct {
    bool finished;
    int status;
    unsigned raised;
    err_t err;
    uint64_t ticket;
} driver_done_t;

/* Begin any call; *ret is filled when it ends.  Returns the host's status. */
int driver_start_with(runner_host_t *host, oid_t session, uint32_t kernel, const runner_call_t *call,
                      driver_done_t *ret);
/* Begin a plain call. */
int driver_start(runner_host_t *host, oid_t session, uint32_t kernel, const driver_array_t *in, int nin,
                 driver_array_t *out, double timeout_s, driver_done_t *ret);
/* Call and wait. */
int driver_run(runner_host_t *host, oid_t session, uint32_t kernel, const driver_array_t *in, int nin,
               driver_array_t *out, double timeout_s, driver_done_t *ret);

/* The whole of a file, NULL if there is none; the caller frees. */
char *driver_file(const char *path, size_t *ret_size);

#endif
