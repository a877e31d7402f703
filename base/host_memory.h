/* base/host_memory.h - how much memory this process may have.
 *
 * Thread rule: any thread. */
#ifndef FH_BASE_HOST_MEMORY_H
#define FH_BASE_HOST_MEMORY_H

#include <stdint.h>

/* The least of the host's memory, the limits of the process's cgroups (version 2, or the memory controller of version
 * 1), and RLIMIT_AS and RLIMIT_DATA; bytes.  root: "" (tests: a folder that stands for /). */
int64_t host_memory_bytes(const char *root);

#endif
