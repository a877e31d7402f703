#include "engine/apply/fft_loops.h"

#include <string.h>

/* As many lanes as the processor's registers hold. */
#ifdef __AVX512F__
enum { WIDTH = 8 };
#elif defined __AVX__
enum { WIDTH = 4 };
#else
enum { WIDTH = 2 };
#endif
typedef double lanes_t __attribute__((vector_size(WIDTH * sizeof(double))));

/* Complex numbers of so many lanes. */
typedef struct {
    lanes_t re, im;
} some_t;

static inline some_t
get(const fft_row_t *row, int lane)
{
    some_t found;
    memcpy(&found.re, row->re + lane, sizeof found.re);
    memcpy(&found.im, row->im + lane, sizeof found.im);
    return found;
}

static inline void
set(fft_row_t *row, int lane, lanes_t re, lanes_t im)
{
    memcpy(row->re + lane, &re, sizeof re);
    memcpy(row->im + lane, &im, sizeof im);
}

static inline void
set_turned(fft_row_t *row, int lane, lanes_t re, lanes_t im, fft_number_t root)
{
    set(row, lane, re * root.re - im * root.im, re * root.im + im * root.re);
}

/* ---- eight lines
 * ------------------------------------------------------------------------------------------------
 * Stages of Stockham's kind: of radix r, on blocks of m * r elements that lie s
 * apart, each from x to y and so in order at the end. */

static inline void
two(const fft_row_t *x, fft_row_t *y, int64_t apart, int64_t s, fft_number_t root)
{
    for (int lane = 0; lane < FFT_LANES; lane += WIDTH) {
        some_t a = get(x, lane), b = get(x + apart, lane);
        set(y, lane, a.re + b.re, a.im + b.im);
        set_turned(y + s, lane, a.re - b.re, a.im - b.im, root);
    }
}

static inline void
four(const fft_row_t *x, fft_row_t *y, int64_t apart, int64_t s, const fft_number_t *root)
{
    for (int lane = 0; lane < FFT_LANES; lane += WIDTH) {
        some_t a = get(x, lane), b = get(x + apart, lane), c = get(x + 2 * apart, lane), d = get(x + 3 * apart, lane);
        some_t even = {a.re + c.re, a.im + c.im}, across = {a.re - c.re, a.im - c.im};
        some_t odd = {b.re + d.re, b.im + d.im}, turned = {b.im - d.im, d.re - b.re}; /* -i (b - d) */
        set(y, lane, even.re + odd.re, even.im + odd.im);
        set_turned(y + s, lane, across.re + turned.re, across.im + turned.im, root[0]);
        set_turned(y + 2 * s, lane, even.re - odd.re, even.im - odd.im, root[1]);
        set_turned(y + 3 * s, lane, across.re - turned.re, across.im - turned.im, root[2]);
    }
}

/* An odd radix: sums and differences of elements that are as far from both ends
 * share their products.  own: the roots of the radix. */
static inline void
odd(int r, const fft_row_t *x, fft_row_t *y, int64_t apart, int64_t s, const fft_number_t *root,
    const fft_number_t *own)
{
    int half = r / 2;
    for (int lane = 0; lane < FFT_LANES; lane += WIDTH) {
        some_t sum[FFT_MAX_RADIX / 2], difference[FFT_MAX_RADIX / 2], first = get(x, lane), all = first;
        for (int j = 1; j <= half; j++) {
            some_t a = get(x + j * apart, lane), b = get(x + (r - j) * apart, lane);
            sum[j - 1] = (some_t){a.re + b.re, a.im + b.im};
            difference[j - 1] = (some_t){a.re - b.re, a.im - b.im};
            all.re += sum[j - 1].re;
            all.im += sum[j - 1].im;
        }
        set(y, lane, all.re, all.im);
        for (int k = 1; k <= half; k++) {
            some_t even = first, uneven = {own[k].im * difference[0].re, own[k].im * difference[0].im};
            even.re += own[k].re * sum[0].re;
            even.im += own[k].re * sum[0].im;
            for (int j = 2; j <= half; j++) {
                fft_number_t turn = own[j * k % r];
                even.re += turn.re * sum[j - 1].re;
                even.im += turn.re * sum[j - 1].im;
                uneven.re += turn.im * difference[j - 1].re;
                uneven.im += turn.im * difference[j - 1].im;
            }
            set_turned(y + k * s, lane, even.re - uneven.im, even.im + uneven.re, root[k - 1]);
            set_turned(y + (r - k) * s, lane, even.re + uneven.im, even.im - uneven.re, root[r - k - 1]);
        }
    }
}

/* A stage of radix r: m blocks, s elements that follow each other in each. */
static inline void
stage_of(int r, const fft_plan_t *plan, int64_t m, int64_t s, const fft_row_t *x, fft_row_t *y)
{
    fft_number_t own[FFT_MAX_RADIX + 1], root[FFT_MAX_RADIX + 1];
    for (int k = 0; k < r; k++)
        own[k] = plan->roots[k * (plan->n / r)];
    for (int64_t p = 0; p < m; p++) {
        for (int k = 1; k < r; k++)
            root[k - 1] = plan->roots[p * k * s];
        for (int64_t q = 0; q < s; q++) {
            const fft_row_t *from = x + q + s * p;
            fft_row_t *to = y + q + s * r * p;
            if (r == 2)
                two(from, to, s * m, s, root[0]);
            else if (r == 4)
                four(from, to, s * m, s, root);
            else
                odd(r, from, to, s * m, s, root, own);
        }
    }
}

static void
stage(const fft_plan_t *plan, int r, int64_t m, int64_t s, const fft_row_t *x, fft_row_t *y)
{
    switch (r) {
    case 2:
        stage_of(2, plan, m, s, x, y);
        break;
    case 3:
        stage_of(3, plan, m, s, x, y);
        break;
    case 4:
        stage_of(4, plan, m, s, x, y);
        break;
    case 5:
        stage_of(5, plan, m, s, x, y);
        break;
    default:
        stage_of(r, plan, m, s, x, y);
    }
}

static fft_row_t *
transform_lines(const fft_plan_t *plan, fft_row_t *x, fft_row_t *y)
{
    int64_t m = plan->n, s = 1;
    for (int i = 0; i < plan->stages; i++) {
        fft_row_t *result = y;
        m /= plan->radix[i];
        stage(plan, plan->radix[i], m, s, x, y);
        s *= plan->radix[i];
        y = x;
        x = result;
    }
    return x;
}

/* ---- one line as rows and columns
 * -------------------------------------------------------------------------------
 */

/* Numbers come and go four at a time. */
typedef double four_t __attribute__((vector_size(32)));
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

static inline four_t
load(const double *from)
{
    four_t found;
    memcpy(&found, from, sizeof found);
    return found;
}

static inline void
save(double *to, four_t value)
{
    memcpy(to, &value, sizeof value);
}

/* Eight numbers to a row of lanes. */
static inline void
part(const fft_number_t *from, double *re, double *im)
{
    for (int half = 0; half < 2; half++) {
        four_t a = load(&from[4 * half].re), b = load(&from[4 * half + 2].re);
        save(re + 4 * half, SHUFFLE(a, b, 0, 2, 4, 6));
        save(im + 4 * half, SHUFFLE(a, b, 1, 3, 5, 7));
    }
}

/* And back, times a factor. */
static inline void
unite(const double *re, const double *im, double factor, fft_number_t *to)
{
    for (int half = 0; half < 2; half++) {
        four_t a = load(re + 4 * half) * factor, b = load(im + 4 * half) * factor;
        save(&to[4 * half].re, SHUFFLE(a, b, 0, 4, 1, 5));
        save(&to[4 * half + 2].re, SHUFFLE(a, b, 2, 6, 3, 7));
    }
}

/* Four times four numbers, turned: line i of `from` to place i of the lines of
 * `to`, which lie `apart` from each other.
 */
static inline void
turn(const double *const *from, double *to, int64_t apart)
{
    four_t a = load(from[0]), b = load(from[1]), c = load(from[2]), d = load(from[3]);
    four_t ab = SHUFFLE(a, b, 0, 4, 2, 6), ab1 = SHUFFLE(a, b, 1, 5, 3, 7);
    four_t cd = SHUFFLE(c, d, 0, 4, 2, 6), cd1 = SHUFFLE(c, d, 1, 5, 3, 7);
    save(to, SHUFFLE(ab, cd, 0, 1, 4, 5));
    save(to + apart, SHUFFLE(ab1, cd1, 0, 1, 4, 5));
    save(to + 2 * apart, SHUFFLE(ab, cd, 2, 3, 6, 7));
    save(to + 3 * apart, SHUFFLE(ab1, cd1, 2, 3, 6, 7));
}

static void
bring(const char *from, int64_t step, int64_t n, bool swap, fft_row_t *rows)
{
    for (int64_t k = 0; k < n; k++)
        part((const fft_number_t *)(const void *)(from + k * step), swap ? rows[k].im : rows[k].re,
             swap ? rows[k].re : rows[k].im);
}

static void
give(const fft_row_t *rows, int64_t n, bool swap, double factor, char *to, int64_t step)
{
    for (int64_t k = 0; k < n; k++)
        unite(swap ? rows[k].im : rows[k].re, swap ? rows[k].re : rows[k].im, factor,
              (fft_number_t *)(void *)(to + k * step));
}

static inline void
twist(const fft_row_t *from, const fft_row_t *by, fft_number_t root, fft_row_t *to)
{
    for (int lane = 0; lane < FFT_LANES; lane += WIDTH) {
        some_t a = get(from, lane), b = get(by, lane);
        lanes_t re = root.re * b.re - root.im * b.im, im = root.re * b.im + root.im * b.re;
        set(to, lane, a.re * re - a.im * im, a.re * im + a.im * re);
    }
}

static void
transform_columns(const fft_grid_t *grid, const fft_number_t *in, bool swap, fft_row_t *work, int64_t group,
                  fft_row_t *desk)
{
    int64_t first = group * FFT_LANES, left = grid->columns - first, n = grid->rows * grid->columns, at = 0;
    for (int64_t row = 0; row < grid->rows; row++) {
        const fft_number_t *from = &in[row * grid->columns + first];
        double *re = swap ? desk[row].im : desk[row].re, *im = swap ? desk[row].re : desk[row].im;
        fft_number_t some[FFT_LANES] = {0};
        if (left < FFT_LANES)
            from = memcpy(some, from, (size_t)left * sizeof *from);
        part(from, re, im);
    }
    const fft_row_t *done = transform_lines(&grid->down, desk, desk + grid->rows);
    for (int64_t row = 0; row < grid->rows; row++) {
        twist(&done[row], &grid->lanes[row], fft_root(&grid->roots, at), &work[row * grid->groups + group]);
        at += first;
        at -= at >= n ? n : 0;
    }
}

/* Eight lines of work, or fewer, as columns of the desk, which has room for a
 * last block that is not full. */
static void
turn_rows(const fft_grid_t *grid, const fft_row_t *work, int64_t lanes, fft_row_t *desk)
{
    static const fft_row_t nothing;
    const fft_row_t *line[FFT_LANES];
    for (int64_t block = 0; block < grid->groups; block++) {
        for (int l = 0; l < FFT_LANES; l++)
            line[l] = l < lanes ? &work[l * grid->groups + block] : &nothing;
        for (int corner = 0; corner < 4; corner++) {
            int to = corner % 2 * 4, from = corner / 2 * 4;
            const fft_row_t *const *of = line + to;
            fft_row_t *column = &desk[block * FFT_LANES + from];
            turn((const double *const[]){of[0]->re + from, of[1]->re + from, of[2]->re + from, of[3]->re + from},
                 column->re + to, 2 * FFT_LANES);
            turn((const double *const[]){of[0]->im + from, of[1]->im + from, of[2]->im + from, of[3]->im + from},
                 column->im + to, 2 * FFT_LANES);
        }
    }
}

static void
transform_rows(const fft_grid_t *grid, const fft_row_t *work, fft_number_t *out, bool swap, double factor,
               int64_t group, fft_row_t *desk)
{
    int64_t first = group * FFT_LANES, left = grid->rows - first, lanes = left < FFT_LANES ? left : FFT_LANES;
    turn_rows(grid, work + first * grid->groups, lanes, desk);
    const fft_row_t *done = transform_lines(&grid->along, desk, desk + grid->columns);
    for (int64_t column = 0; column < grid->columns; column++) {
        const double *re = swap ? done[column].im : done[column].re, *im = swap ? done[column].re : done[column].im;
        fft_number_t *to = &out[column * grid->rows + first], some[FFT_LANES];
        unite(re, im, factor, lanes < FFT_LANES ? some : to);
        if (lanes < FFT_LANES)
            memcpy(to, some, (size_t)lanes * sizeof *to);
    }
}

/* ---- real lines
 * -------------------------------------------------------------------------------------------------
 */

static inline void
unpack_one(const fft_roots_t *roots, fft_number_t *z, int64_t half, int64_t k)
{
    fft_number_t a = z[k], b = z[half - k], root = fft_root(roots, k);
    fft_number_t even = {(a.re + b.re) * 0.5, (a.im - b.im) * 0.5};
    fft_number_t uneven = fft_product((fft_number_t){(a.im + b.im) * 0.5, (b.re - a.re) * 0.5}, root);
    z[k] = (fft_number_t){even.re + uneven.re, even.im + uneven.im};
    z[half - k] = (fft_number_t){even.re - uneven.re, uneven.im - even.im};
}

/* Numbers k to k + 3, and those as far from the end; k is a multiple of 4. */
static inline void
unpack_four(const fft_roots_t *roots, fft_number_t *z, int64_t half, int64_t k)
{
    fft_number_t high = roots->high[k >> roots->shift];
    const fft_number_t *low = &roots->low[k & ((INT64_C(1) << roots->shift) - 1)];
    fft_number_t *end = &z[half - k - 3];
    four_t a0 = load(&z[k].re), a1 = load(&z[k + 2].re), b0 = load(&end[0].re), b1 = load(&end[2].re);
    four_t low0 = load(&low[0].re), low1 = load(&low[2].re);
    four_t a_re = SHUFFLE(a0, a1, 0, 2, 4, 6), a_im = SHUFFLE(a0, a1, 1, 3, 5, 7);
    four_t b_re = SHUFFLE(b1, b0, 2, 0, 6, 4), b_im = SHUFFLE(b1, b0, 3, 1, 7, 5);
    four_t low_re = SHUFFLE(low0, low1, 0, 2, 4, 6), low_im = SHUFFLE(low0, low1, 1, 3, 5, 7);
    four_t root_re = high.re * low_re - high.im * low_im, root_im = high.re * low_im + high.im * low_re;
    four_t even_re = (a_re + b_re) * 0.5, even_im = (a_im - b_im) * 0.5;
    four_t odd_re = (a_im + b_im) * 0.5, odd_im = (b_re - a_re) * 0.5;
    four_t turned_re = odd_re * root_re - odd_im * root_im, turned_im = odd_re * root_im + odd_im * root_re;
    a_re = even_re + turned_re;
    a_im = even_im + turned_im;
    b_re = even_re - turned_re;
    b_im = turned_im - even_im;
    save(&z[k].re, SHUFFLE(a_re, a_im, 0, 4, 1, 5));
    save(&z[k + 2].re, SHUFFLE(a_re, a_im, 2, 6, 3, 7));
    save(&end[0].re, SHUFFLE(b_re, b_im, 3, 7, 2, 6));
    save(&end[2].re, SHUFFLE(b_re, b_im, 1, 5, 0, 4));
}

static void
unpack(const fft_roots_t *roots, fft_number_t *z, int64_t half)
{
    int64_t k = 0;
    z[half] = z[0];
    for (; k < 4 && k <= half / 2; k++)
        unpack_one(roots, z, half, k);
    if (roots->shift >= 2) /* the low table has whole fours */
        for (; k + 3 < half - k - 3; k += 4)
            unpack_four(roots, z, half, k);
    for (; k <= half / 2; k++)
        unpack_one(roots, z, half, k);
}

const fft_loops_t FFT_NAME(FH_FFT_VARIANT) = {transform_lines, transform_columns, transform_rows, bring, give, unpack};
