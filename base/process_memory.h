/* base/process_memory.h - what the operating system and malloc say about a process's memory.
 *
 * Thread rule: any thread.  Sizes are bytes. */
#ifndef FH_BASE_PROCESS_MEMORY_H
#define FH_BASE_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Resident pages; together they are what ps calls RSS.  The kernel counts a few dozen pages late. */
typedef struct {
    int64_t anonymous; /* heap, stacks, variables */
    int64_t file;      /* the program and its libraries, which other processes may have, too */
    int64_t shared;    /* files of memory, as far as the process has touched them */
} process_memory_t;

/* pid 0: this process.  False, and zeros, if /proc does not say. */
bool process_memory(pid_t pid, process_memory_t *ret);

/* What malloc has given out and what it keeps, in all its arenas.  Not all that it keeps need be resident. */
typedef struct {
    int64_t used, kept;
} heap_memory_t;

heap_memory_t heap_memory(void);

#endif
