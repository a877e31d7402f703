/* engine/huge_pages.h - files of memory on pages of 2 MiB.
 *
 * A tmpfs that nobody else sees (it is attached nowhere) and that takes huge pages where a file fills one.  A memfd has
 * pages of 4 KiB unless the whole host is set otherwise; with huge ones fresh memory is filled five times as fast,
 * mapped a hundred times, and given back fifty times as fast.
 * Mounting needs CAP_SYS_ADMIN or a user namespace.  Where neither is allowed, or the host denies huge pages, there is
 * no such file system, and the text of the error says why; all works without it.
 * Thread rule: new before other threads are started (it may fork); then usable on any thread. */
#ifndef FH_ENGINE_HUGE_PAGES_H
#define FH_ENGINE_HUGE_PAGES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { HUGE_PAGE = 2 * 1024 * 1024 };

typedef struct huge_pages huge_pages_t;

/* limit_bytes: what all files together may take; a write beyond it ends the writer (SIGBUS), so let it be more than is
 * ever meant to be used.  NOT_SUPPORTED, NO_MEMORY. */
int huge_pages_new(huge_pages_t **ret, int64_t limit_bytes, err_t *err);
/* Files that are open stay. */
void huge_pages_destroy(huge_pages_t **self);
/* A file without a name, read-write, of size bytes, with no pages yet; the caller closes it.  LIMIT_EXCEEDED (no more
 * descriptors), IO_ERROR. */
int huge_pages_file(const huge_pages_t *self, size_t size, int *ret, err_t *err);

#endif
