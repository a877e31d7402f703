/* tests/producers/kernels.h - for each dtype that C has: EACH(name, type), where arithmetic means something. */
#ifndef FH_TESTS_PRODUCERS_KERNELS_H
#define FH_TESTS_PRODUCERS_KERNELS_H

#include <complex.h>
#include <stdbool.h>
#include <stdint.h>

#if __clang_major__ >= 15
#define EACH_HALF(X) X(float16, _Float16)
#else
#define EACH_HALF(X) /* this compiler has no half precision on x86-64 */
#endif

#define EACH_REAL(X)                                                                                                   \
    X(int8, int8_t)                                                                                                    \
    X(uint8, uint8_t)                                                                                                  \
    X(int16, int16_t)                                                                                                  \
    X(uint16, uint16_t)                                                                                                \
    X(int32, int32_t)                                                                                                  \
    X(uint32, uint32_t)                                                                                                \
    X(int64, int64_t)                                                                                                  \
    X(uint64, uint64_t)                                                                                                \
    EACH_HALF(X)                                                                                                       \
    X(float32, float)                                                                                                  \
    X(float64, double)
#define EACH(X)                                                                                                        \
    EACH_REAL(X)                                                                                                       \
    X(complex64, float _Complex)                                                                                       \
    X(complex128, double _Complex)

#endif
