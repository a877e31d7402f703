/* engine/runner/fault.h - what a runner says when it dies: signals and LLVM's fatal errors go into the status page that
 * the engine shares with us.  Process-wide, like signals themselves. */
#ifndef FH_ENGINE_RUNNER_FAULT_H
#define FH_ENGINE_RUNNER_FAULT_H

#include "base/err.h"
#include "engine/runner/runner_wire.h"

#include <stdbool.h>

/* Take over the page, install the handlers (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT) and LLVM's. */
int fault_start(runner_page_t *page, err_t *err);
/* Let the calling thread report its faults: unblock their signals and give it a stack of its own for the handlers,
 * since its stack may be what is full. */
int fault_thread(err_t *err);
/* Name the system calls of this machine, so that a handler can; name(number) may allocate. */
void fault_name_calls(void (*name)(int number, char *ret, size_t size));
/* Say how source lines of generated code are found, as lines_find does it; find runs in signal handlers. */
typedef bool (*fault_find_fn)(uintptr_t address, const char **ret_file, int32_t *ret_line);
void fault_find_lines(fault_find_fn find);
/* Which elements the calling thread works on from now on, first to last - 1: told with whatever ends it.  Equal: none.
 * Cheap. */
void fault_elements(int64_t first, int64_t last);
/* Try something that the sandbox must refuse with SIGSYS; true if it did. */
bool fault_probe(void (*try)(void));
/* Leave last words and end the process. */
void fault_exit(const char *text) __attribute__((noreturn));
/* The same for a kernel that was compiled with checks and failed one, on that line ("" and 0: unknown). */
void fault_checked(const char *text, const char *file, int32_t line) __attribute__((noreturn));

#endif
