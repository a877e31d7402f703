/* engine/runner/fault.h - what a runner says when it dies: signals and LLVM's fatal errors go into the status page that
 * the engine shares with us.  Process-wide, like signals themselves. */
#ifndef FH_ENGINE_RUNNER_FAULT_H
#define FH_ENGINE_RUNNER_FAULT_H

#include "base/err.h"
#include "engine/runner/runner_wire.h"

#include <stdbool.h>

/* Map the page at fd, install the handlers (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT) and LLVM's. */
int fault_start(int page_fd, err_t *err);
/* Let the calling thread report its faults: unblock their signals and give it a stack of its own for the handlers,
 * since its stack may be what is full. */
int fault_thread(err_t *err);
/* Name the system calls of this machine, so that a handler can; name(number) may allocate. */
void fault_name_calls(void (*name)(int number, char *ret, size_t size));
/* Try something that the sandbox must refuse with SIGSYS; true if it did. */
bool fault_probe(void (*try)(void));
/* Leave last words and end the process. */
void fault_exit(const char *text) __attribute__((noreturn));

#endif
