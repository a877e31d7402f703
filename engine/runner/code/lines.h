/* engine/runner/code/lines.h - which source line a piece of generated code comes from, for those who report its faults.
 *
 * Tables are made from object files with debug information and kept in one list for the process, since code is
 * process-wide.  Thread rule: all but lines_find from one thread, at times when no generated code runs; lines_find from
 * any, also from signal handlers. */
#ifndef FH_ENGINE_RUNNER_CODE_LINES_H
#define FH_ENGINE_RUNNER_CODE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINES_NAME_MAX = 128,      /* of a file's name; of longer ones the end is kept */
    LINES_MAX_FILES = 256,     /* of one table */
    LINES_MAX_BYTES = 1 << 20, /* of one table; what comes later has no lines */
};

typedef struct lines lines_t;

/* The table for an object file in which symbol is.  NULL: it is not there, or no memory; without usable debug
 * information the table knows only where the code is. */
lines_t *lines_new(const void *object, size_t size, const char *symbol);
/* Of a table that was not published. */
void lines_destroy(lines_t **self);
/* The code has been loaded so that symbol is at address: from now on lines_find answers.  The table (*self may be NULL)
 * belongs to the list until lines_withdraw; owner is any pointer that names it. */
void lines_publish(lines_t **self, const void *address, const void *owner);
void lines_withdraw(const void *owner);

/* Async-signal-safe.  False: address is in no code of ours.  Else the file (no folder; stays valid until
 * lines_withdraw) and line, "" and 0 where the compiler left none. */
bool lines_find(uintptr_t address, const char **ret_file, int32_t *ret_line);

#endif
