#include "base/stream_copy.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { LINE = 64, STEP = 2 * LINE };

/* Whole lines to a place on a line: a line that is written in parts would be read first after all. */
__attribute__((target("avx2"))) static void
copy_lines(char *to, const char *from, size_t size)
{
    for (size_t at = 0; at < size; at += STEP) {
        const __m256i *source = (const __m256i *)(const void *)(from + at);
        __m256i *place = (__m256i *)(void *)(to + at);
        __m256i a = _mm256_loadu_si256(source), b = _mm256_loadu_si256(source + 1);
        __m256i c = _mm256_loadu_si256(source + 2), d = _mm256_loadu_si256(source + 3);

        _mm256_stream_si256(place, a);
        _mm256_stream_si256(place + 1, b);
        _mm256_stream_si256(place + 2, c);
        _mm256_stream_si256(place + 3, d);
    }
    /* Such stores are ordered with no others: one fence for all of them. */
    _mm_sfence();
}

void
stream_copy(void *to, const void *from, size_t size)
{
    size_t head = -(uintptr_t)to & (LINE - 1);

    if (size < head + STEP || !__builtin_cpu_supports("avx2")) {
        if (size > 0)
            memcpy(to, from, size);
        return;
    }
    size_t lines = (size - head) / STEP * STEP;

    memcpy(to, from, head);
    copy_lines((char *)to + head, (const char *)from + head, lines);
    memcpy((char *)to + head + lines, (const char *)from + head + lines, size - head - lines);
}

#else

void
stream_copy(void *to, const void *from, size_t size)
{
    if (size > 0)
        memcpy(to, from, size);
}

#endif
