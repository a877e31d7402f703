#include "tests/bench/native_loops.h"

#include "tests/bench/diffuse.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { THREADS = 2 };

int
native_has_openmp(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

void
native_fill(double *out, double value, int64_t n)
{
#pragma omp parallel for num_threads(THREADS) schedule(static)
    for (int64_t i = 0; i < n; i++)
        out[i] = value;
}

void
native_fma(const double *x, const double *y, const double *z, double *out, int64_t n)
{
#ifdef __SSE2__
#pragma omp parallel for num_threads(THREADS) schedule(static)
    for (int64_t i = 0; i < n / 2; i++) {
        __m128d product = _mm_mul_pd(_mm_loadu_pd(x + 2 * i), _mm_loadu_pd(y + 2 * i));
        _mm_stream_pd(out + 2 * i, _mm_add_pd(product, _mm_loadu_pd(z + 2 * i)));
    }
#else
#pragma omp parallel for num_threads(THREADS) schedule(static)
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * y[i] + z[i];
#endif
}

void
native_diffuse(const double *in, double *out, int64_t rows, int64_t columns)
{
#pragma omp parallel for num_threads(THREADS) schedule(static)
    for (int64_t i = 0; i < rows; i++)
        diffuse_row(in + (i > 0 ? i - 1 : i) * columns, in + i * columns, in + (i + 1 < rows ? i + 1 : i) * columns,
                    out + i * columns, columns);
}
