/* engine/compute/stream.h - copying large memory past the caches. */
#ifndef FH_ENGINE_COMPUTE_STREAM_H
#define FH_ENGINE_COMPUTE_STREAM_H

#include <stddef.h>

/* memcpy for memory that is much larger than the caches: stores do not read the lines they replace.  The ranges must
 * not overlap. Other threads may only be told of the copy after stream_fence on the thread that made it. */
void stream_copy(void *to, const void *from, size_t size);
void stream_fence(void);

#endif
