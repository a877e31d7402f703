/* engine/apply/fft_line.h - the Fourier transform of one line of complex
 * numbers, of any length.
 *
 * A line whose length is a product of two numbers of at least FFT_SPLIT is
 * transformed as a matrix: its columns, then its rows, eight at a time.  One
 * whose length has a prime factor above FFT_MAX_RADIX is convolved with a chirp
 * (Bluestein), for which a longer line is transformed.  How a line is
 * transformed, and so its bits, depends on its length alone. */
#ifndef FH_ENGINE_APPLY_FFT_LINE_H
#define FH_ENGINE_APPLY_FFT_LINE_H

#include "engine/apply/apply.h"
#include "engine/apply/fft_loops.h"

enum { FFT_SPLIT = 4 };

typedef struct fft_line fft_line_t;
struct fft_line {
    int64_t n;
    const fft_loops_t *loops;
    fft_plan_t plan; /* of short lines, and of those that no two factors divide */
    fft_grid_t grid; /* rows 0: unused */
    /* Lengths with large primes; NULL: unused. */
    const fft_number_t *chirp;    /* n: exp(-pi i j j / n) */
    const fft_number_t *spectrum; /* of the chirp's conjugate, over the longer line's length */
    const fft_line_t *longer;
};

/* Is n a product of primes that fft_plan_make takes? */
bool fft_is_smooth(int64_t n);
/* Is n a product of two smooth numbers that make a matrix? */
bool fft_splits(int64_t n);
/* Tables in scratch memory of the call. */
int fft_plan_make(apply_call_t *call, int64_t n, fft_plan_t *ret, err_t *err);
int fft_roots_make(apply_call_t *call, int64_t n, fft_roots_t *ret, err_t *err);
/* n >= 1.  OVERFLOW, LIMIT_EXCEEDED, NO_MEMORY. */
int fft_line_make(apply_call_t *call, int64_t n, fft_line_t *ret, err_t *err);
/* Bytes of a desk at which so many threads transform one line. */
int64_t fft_line_desk(const fft_line_t *self, int threads);
/* out (which may be in) = factor * the transform, backward if swap.  crew:
 * whose threads share the work; NULL: nobody's. */
void fft_line_run(const fft_line_t *self, crew_t *crew, const fft_number_t *in, fft_number_t *out, bool swap,
                  double factor, void *desk);

#endif
