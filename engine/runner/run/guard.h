/* engine/runner/run/guard.h - what kernels with checks call while they run: is this memory mine, did this go wrong.
 *
 * A check that fails ends the process with words for the user (fault_checked); the others return.  Ranges hold for the
 * whole process: guard_allow from one thread while no kernel runs.  Everything else on any thread. */
#ifndef FH_ENGINE_RUNNER_RUN_GUARD_H
#define FH_ENGINE_RUNNER_RUN_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that a kernel may read, and may write if it says so. */
typedef struct {
    const void *start;
    size_t size;
    bool writable;
    char name[64]; /* "argument 1 (float64[1000])" */
} guard_range_t;

/* From now on kernels may touch these (borrowed until the next call) beside their own variables and tables.  NULL: any
 * memory; then only accesses to variables and tables are checked. */
void guard_allow(const guard_range_t *ranges, size_t count);
/* Find out where the calling thread's stack ends.  Once a thread, before the sandbox is locked. */
void guard_thread(void);

/* ---- called by generated code -------------------------------------------------------------------------------------
 */

/* What it calls them; kernels cannot. */
#define GUARD_READ "farhand.check.read"
#define GUARD_WRITE "farhand.check.write"
#define GUARD_VALUE "farhand.check.value"

/* A table of the module, as the generated code describes it. */
typedef struct {
    const void *start;
    int64_t size; /* negative: that many bytes, read only */
} guard_global_t;

/* Before so many bytes are read or written at p.  What p points into is known: room bytes from base (a variable or a
 * table), or not: then base is a guard_global_t[-room].  file and line: of the source, "" and 0 if unknown. */
void guard_read(const void *p, int64_t size, const void *base, int64_t room, const char *file, int32_t line);
void guard_write(const void *p, int64_t size, const void *base, int64_t room, const char *file, int32_t line);

typedef enum { GUARD_NAN, GUARD_DIVISION_BY_ZERO, GUARD_DIVISION_OVERFLOW, GUARD_SHIFT } guard_kind_t;

/* A place in the source where a value can go wrong. */
typedef struct {
    const char *file;
    const char *what; /* the operation: "fdiv", "log" */
    int32_t line;
    int32_t kind; /* guard_kind_t */
} guard_site_t;

/* bad 0: nothing is wrong; else it went wrong at sites[bad - 1]. */
void guard_value(uint32_t bad, const guard_site_t *sites);

#endif
