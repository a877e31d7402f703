#include "engine/compute/stream.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

enum { LINE = 64 };

void
stream_copy(void *to, const void *from, size_t size)
{
    char *out = to;
    const char *in = from;
    size_t head = (LINE - ((uintptr_t)out & (LINE - 1))) & (LINE - 1);
    head = head < size ? head : size;
    memcpy(out, in, head);
    out += head;
    in += head;
    size -= head;
    for (; size >= LINE; size -= LINE, out += LINE, in += LINE) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)in);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(in + 16));
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(in + 32));
        __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(in + 48));
        _mm_stream_si128((__m128i *)(void *)out, a);
        _mm_stream_si128((__m128i *)(void *)(out + 16), b);
        _mm_stream_si128((__m128i *)(void *)(out + 32), c);
        _mm_stream_si128((__m128i *)(void *)(out + 48), d);
    }
    memcpy(out, in, size);
}

void
stream_fence(void)
{
    _mm_sfence();
}
#else
void
stream_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}

void
stream_fence(void)
{
}
#endif
