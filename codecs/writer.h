/* codecs/writer.h - a bounded msgpack packer into memory that it owns.
 * The first failure (limit, memory) sticks: later calls do nothing, and writer_status tells.  writer_rewind takes back
 * what was written since a mark, and the failure with it.  A writer is used by one thread at a time. */
#ifndef FH_CODECS_WRITER_H
#define FH_CODECS_WRITER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data;
    size_t size, capacity, limit;
    int status; /* FH_OK, FH_LIMIT_EXCEEDED or FH_NO_MEMORY */
} writer_t;

/* Empty; takes no memory until something is written.  limit: most bytes it will hold. */
void writer_init(writer_t *self, size_t limit);
void writer_release(writer_t *self);
/* Cut back to size bytes (at most the present size) and forget a failure. */
void writer_rewind(writer_t *self, size_t size);
/* The failure that stuck, with its text, or OK. */
int writer_status(const writer_t *self, err_t *err);

void writer_raw(writer_t *self, const void *bytes, size_t size); /* as they are, no msgpack */
void writer_nil(writer_t *self);
void writer_bool(writer_t *self, bool value);
void writer_uint(writer_t *self, uint64_t value);
void writer_int(writer_t *self, int64_t value);
void writer_float(writer_t *self, double value);
void writer_str(writer_t *self, const void *bytes, size_t size);
void writer_bin(writer_t *self, const void *bytes, size_t size);
void writer_ext(writer_t *self, int8_t type, const void *bytes, size_t size);
void writer_array(writer_t *self, uint32_t count); /* count items follow */
void writer_map(writer_t *self, uint32_t count);   /* count keys and values follow */

#endif
