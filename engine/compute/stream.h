/* engine/compute/stream.h - copying large memory past the caches. */
#ifndef FH_ENGINE_COMPUTE_STREAM_H
#define FH_ENGINE_COMPUTE_STREAM_H

#include <stddef.h>

/* memcpy for memory that is much larger than the caches: stores do not read the lines they replace.  What was written is visible
 * to other threads after the usual synchronisation.  The ranges must not overlap. */
void stream_copy(void *to, const void *from, size_t size);

#endif
