/* base/err.h - the caller-owned description of a failure.
 * Functions that can fail return an fh_status_t as int (FH_OK is 0) and fill an err_t, their last parameter,
 * which may be NULL.  An err_t is plain memory: no allocation, no ownership, copy it freely.
 * Text says what, where, how big and what to do.
 * What fills an err_t is marked as cold: compilers then keep the way there apart from the code that calls use. */
#ifndef FH_BASE_ERR_H
#define FH_BASE_ERR_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { ERR_TEXT_MAX = 512, ERR_ORIGIN_MAX = 96 };

typedef struct {
    int status;                  /* fh_status_t */
    int os_errno;                /* errno behind it, 0 if none */
    int signal;                  /* for KERNEL_FAULT: the signal, else 0 */
    uint64_t address;            /* for KERNEL_FAULT: the faulting address */
    char text[ERR_TEXT_MAX];     /* what happened, in a sentence */
    char origin[ERR_ORIGIN_MAX]; /* where it began: "engine 2 (host), UFUNC add"; empty: this process */
} err_t;

/* Fill err (if not NULL) and return status, so that callers write `return err_set(err, FH_..., ...)`. */
int err_set(err_t *err, int status, const char *format, ...) __attribute__((cold, format(printf, 3, 4)));
/* The same with errno's number and text appended. */
int err_set_errno(err_t *err, int status, int os_errno, const char *format, ...)
    __attribute__((cold, format(printf, 4, 5)));
/* Set the origin unless one is set already. */
void err_set_origin(err_t *err, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));
/* Put more context before the text ("while X: <old text>"), keeping status and origin. */
void err_prefix(err_t *err, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));
/* No failure.  Only the beginnings of the texts are written: every call makes several of these, and fails hardly ever.
 */
static inline void
err_clear(err_t *err)
{
    if (!err)
        return;
    err->status = err->os_errno = err->signal = 0;
    err->address = 0;
    err->text[0] = err->origin[0] = '\0';
}

#endif
