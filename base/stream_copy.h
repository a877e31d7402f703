/* base/stream_copy.h - a copy past the cache, for bytes that are too many to stay in it.
 *
 * memcpy first reads what it is going to overwrite and throws out what lies in the cache; non-temporal stores do
 * neither: 1.5 times as fast for large pieces.  A small piece that is read again at once is better copied by memcpy.
 * Thread rule: none; when it returns, other threads see the bytes as after memcpy. */
#ifndef FH_BASE_STREAM_COPY_H
#define FH_BASE_STREAM_COPY_H

#include <stddef.h>
#include <stdint.h>

/* An array of so many bytes does not stay in the cache until it is used: worth streaming, in pieces of any size. */
enum { STREAM_COPY_BYTES = 8 * 1024 * 1024 };
/* Shorter rows are better copied by memcpy. */
enum { STREAM_COPY_ROW_BYTES = 1024 };

/* As memcpy, with any size and alignment; both may be NULL if size is 0.  Without AVX2 it is memcpy. */
void stream_copy(void *to, const void *from, size_t size);
/* A part of a copy that goes on: other threads see the bytes for sure only after stream_copy_settle on this thread,
 * which waits for memory and so is for the end. */
void stream_copy_part(void *to, const void *from, size_t size);
void stream_copy_settle(void);
/* Rows of row_bytes each, which lie the given steps apart (of either sign). */
void stream_copy_rows(void *to, int64_t to_step, const void *from, int64_t from_step, size_t row_bytes, int64_t rows);

#endif
