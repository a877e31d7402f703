#include "base/stream_copy.h"

#include <stdbool.h>
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
}

static void
copy_row(char *to, const char *from, size_t size)
{
    size_t head = -(uintptr_t)to & (LINE - 1);

    if (size < head + STEP) {
        memcpy(to, from, size);
        return;
    }
    size_t lines = (size - head) / STEP * STEP;

    if (head)
        memcpy(to, from, head);
    copy_lines(to + head, from + head, lines);
    if (head + lines < size)
        memcpy(to + head + lines, from + head + lines, size - head - lines);
}

static bool
can_stream(void)
{
    return __builtin_cpu_supports("avx2");
}

/* Streaming stores are ordered with no others: one fence for all of them. */
static void
finish(void)
{
    _mm_sfence();
}

#else

static void
copy_row(char *to, const char *from, size_t size)
{
    memcpy(to, from, size);
}

static bool
can_stream(void)
{
    return false;
}

static void
finish(void)
{
}

#endif

void
stream_copy_rows(void *to, int64_t to_step, const void *from, int64_t from_step, size_t row_bytes, int64_t rows)
{
    bool stream = can_stream();

    for (int64_t i = 0; i < rows && row_bytes > 0; i++) {
        char *place = (char *)to + i * to_step;
        const char *source = (const char *)from + i * from_step;

        if (stream)
            copy_row(place, source, row_bytes);
        else
            memcpy(place, source, row_bytes);
    }
    if (stream)
        finish();
}

void
stream_copy_part(void *to, const void *from, size_t size)
{
    if (can_stream())
        copy_row(to, from, size);
    else if (size)
        memcpy(to, from, size);
}

void
stream_copy_settle(void)
{
    if (can_stream())
        finish();
}

void
stream_copy(void *to, const void *from, size_t size)
{
    stream_copy_rows(to, 0, from, 0, size, 1);
}
