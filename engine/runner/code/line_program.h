/* engine/runner/code/line_program.h - reads DWARF's line tables, versions 2 to 5, from an object file that has not been
 * linked.  The file is not believed: every read is checked, and the work is bounded by the size of its .debug_line.
 * Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_LINE_PROGRAM_H
#define FH_ENGINE_RUNNER_CODE_LINE_PROGRAM_H

#include "engine/runner/code/object.h"

/* Where the rows go.  A sequence is a run of rows, addresses ascending, that ends with one for the byte behind it. */
typedef struct {
    void *context;
    /* Number of a file (its name is not terminated); -1: unknown from now on. */
    int (*file)(void *context, const char *name, size_t length);
    /* From offset in the code section on, code is of that line (0: of none).  False: no more rows are wanted. */
    bool (*row)(void *context, uint64_t offset, int file, uint32_t line);
    /* A sequence ends at offset. */
    bool (*end)(void *context, uint64_t offset);
} line_sink_t;

/* Give all rows for one section of code to sink.  False: nothing there, or it makes no sense from some point on. */
bool line_program_read(const object_t *object, uint32_t code_section, const line_sink_t *sink);

#endif
