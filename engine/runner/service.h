/* engine/runner/service.h - a runner's life: start, lock itself in, answer requests until the engine closes the socket.
 */
#ifndef FH_ENGINE_RUNNER_SERVICE_H
#define FH_ENGINE_RUNNER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t memory_bytes, stack_bytes;
    int threads;
    bool unsafe_no_sandbox;
} service_options_t;

/* Returns the exit status of the process. */
int service_run(const service_options_t *options);

#endif
