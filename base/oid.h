/* base/oid.h - 128-bit object ids, never used again.
 * An id is 16 random bytes (getrandom).  All-zero means "none".  Value type: copy freely. */
#ifndef FH_BASE_OID_H
#define FH_BASE_OID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t bytes[16];
} oid_t;

enum { OID_TEXT_SIZE = 33 }; /* 32 hex digits and NUL */

extern const oid_t OID_NONE;

/* A fresh random id.  Draws from a per-thread batch, so that ids cost tens of nanoseconds; a forked child never
 * repeats its parent's ids.  Cannot fail: where getrandom is forbidden, ids are still unlike each other, but no secret.
 */
oid_t oid_new(void);
bool oid_equal(oid_t a, oid_t b);
bool oid_is_none(oid_t id);
uint64_t oid_hash(oid_t id);
/* Write 32 lower-case hex digits and NUL; returns text. */
char *oid_format(oid_t id, char text[OID_TEXT_SIZE]);
/* Parse exactly 32 hex digits; false and *ret untouched otherwise. */
bool oid_parse(const char *text, size_t length, oid_t *ret);

#endif
