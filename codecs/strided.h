/* codecs/strided.h - moving elements between strided memory and a C-order byte stream, without changing them. */
#ifndef FH_CODECS_STRIDED_H
#define FH_CODECS_STRIDED_H

#include "codecs/shape.h"

#include <stdint.h>

/* Copy bytes [offset, offset+size) of the C-order byte image of src to out.  offset and size are multiples of
 * dtype_grain and within the image (the caller checked). */
void strided_pack(const nd_t *src, int64_t offset, int64_t size, void *out);
/* The reverse: size bytes of in become bytes [offset, offset+size) of dst's C-order image. */
void strided_unpack(const nd_t *dst, int64_t offset, int64_t size, const void *in);
/* Copy src to dst, same dtype and shape; they must not overlap.  Uses the longest contiguous runs. */
void strided_copy(const nd_t *dst, const nd_t *src);
/* The same past the cache as far as contiguous runs are long enough, for arrays that do not stay there anyhow
 * (base/stream_copy.h). */
void strided_copy_past_cache(const nd_t *dst, const nd_t *src);
/* strided_copy with each element's bytes reversed (complex: each half), for arrays of numbers and dates of the other
 * byte order. */
void strided_copy_swapped(const nd_t *dst, const nd_t *src);

#endif
