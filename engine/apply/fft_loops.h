/* engine/apply/fft_loops.h - Fourier transforms of eight lines side by side,
 * and what brings lines there and back.
 *
 * A row of lanes holds one element of each of eight lines, first all real
 * parts, then all imaginary ones, so that loops over lanes become vectors.
 * Compiled for several processors (FH_FFT_VARIANT names it); all give the same
 * bits: nothing is contracted.  All transforms are forward; who exchanges real
 * and imaginary parts on both sides has a backward one. */
#ifndef FH_ENGINE_APPLY_FFT_LOOPS_H
#define FH_ENGINE_APPLY_FFT_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

enum { FFT_LANES = 8, FFT_MAX_STAGES = 40, FFT_MAX_RADIX = 31 };

typedef struct {
    double re[FFT_LANES], im[FFT_LANES];
} __attribute__((aligned(64))) fft_row_t;

typedef struct {
    double re, im;
} fft_number_t;

/* exp(-2 pi i k / n) for all k below n, from two tables of about sqrt(n). */
typedef struct {
    const fft_number_t *low, *high;
    int shift;
} fft_roots_t;

static inline fft_number_t
fft_product(fft_number_t a, fft_number_t b)
{
    return (fft_number_t){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static inline fft_number_t
fft_root(const fft_roots_t *self, int64_t k)
{
    return fft_product(self->high[k >> self->shift], self->low[k & ((INT64_C(1) << self->shift) - 1)]);
}

/* How lines of n elements are transformed: n is the product of the radices. */
typedef struct {
    int64_t n;
    int stages, radix[FFT_MAX_STAGES];
    const fft_number_t *roots; /* n: exp(-2 pi i k / n) */
} fft_plan_t;

/* One line as rows and columns: element j of `columns` columns times the row,
 * plus the column. */
typedef struct {
    int64_t rows, columns, groups; /* groups of eight columns */
    fft_plan_t down, along;        /* of columns, of rows */
    fft_roots_t roots;
    const fft_row_t *lanes; /* rows: exp(-2 pi i row lane / n) */
} fft_grid_t;

typedef struct {
    /* Transforms x; y is as large.  Returns which of them holds the result. */
    fft_row_t *(*lines)(const fft_plan_t *plan, fft_row_t *x, fft_row_t *y);
    /* Columns 8 * group ... of a line in C order, transformed and turned, to
     * work[row * groups + group].  desk: two rows of lanes for each row. */
    void (*columns)(const fft_grid_t *grid, const fft_number_t *in, bool swap, fft_row_t *work, int64_t group,
                    fft_row_t *desk);
    /* Rows 8 * group ... of work, transformed, to their places in the result,
     * times a factor.  desk: two rows of lanes for each column. */
    void (*rows)(const fft_grid_t *grid, const fft_row_t *work, fft_number_t *out, bool swap, double factor,
                 int64_t group, fft_row_t *desk);
    /* Eight complex numbers that lie side by side, at n places `step` bytes
     * apart, to rows of lanes; and back, times a factor. */
    void (*bring)(const char *from, int64_t step, int64_t n, bool swap, fft_row_t *rows);
    void (*give)(const fft_row_t *rows, int64_t n, bool swap, double factor, char *to, int64_t step);
    /* The spectrum of a real line of 2 * half numbers from that of its pairs, z,
     * which has room for one more number; in place. roots: of 2 * half. */
    void (*unpack)(const fft_roots_t *roots, fft_number_t *z, int64_t half);
} fft_loops_t;

/* Those for this processor. */
const fft_loops_t *fft_loops(void);

#define FFT_NAME_(variant) fft_loops_##variant
#define FFT_NAME(variant) FFT_NAME_(variant)
extern const fft_loops_t FFT_NAME(baseline), FFT_NAME(wide), FFT_NAME(widest);

#endif
