#include "engine/apply/fft_line.h"

#include <math.h>
#include <string.h>

static const double EIGHTH_TURN = 0.78539816339744830962; /* pi / 4 */

const fft_loops_t *
fft_loops(void)
{
#ifdef FH_FFT_WIDE
    if (__builtin_cpu_supports("x86-64-v4"))
        return &FFT_NAME(widest);
    if (__builtin_cpu_supports("x86-64-v3"))
        return &FFT_NAME(wide);
#endif
    return &FFT_NAME(baseline);
}

/* ---- roots of one
 * -----------------------------------------------------------------------------------------------
 */

/* exp(-2 pi i k / n), to the last place or so: sine and cosine only see the
 * first eighth of a turn. */
static fft_number_t
exact_root(int64_t k, int64_t n)
{
    int64_t eighth = 8 * k / n, rest = 8 * k % n;
    double angle = EIGHTH_TURN * (double)(eighth % 2 ? n - rest : rest) / (double)n, c = cos(angle), s = sin(angle);
    bool steep = eighth == 1 || eighth == 2 || eighth == 5 || eighth == 6, left = eighth > 1 && eighth < 6;
    double re = steep ? s : c, im = steep ? c : s;
    return (fft_number_t){left ? -re : re, eighth < 4 ? -im : im};
}

static int
make_table(apply_call_t *call, int64_t count, int64_t step, int64_t n, const fft_number_t **ret, err_t *err)
{
    void *memory;
    int status = apply_scratch(call, count * (int64_t)sizeof(fft_number_t), &memory, err);
    fft_number_t *table = memory;
    for (int64_t k = 0; k < count && !status; k++)
        table[k] = exact_root(k * step % n, n);
    *ret = status ? NULL : table;
    return status;
}

int
fft_roots_make(apply_call_t *call, int64_t n, fft_roots_t *ret, err_t *err)
{
    int shift = 0;
    while (INT64_C(1) << 2 * shift < n)
        shift++;
    int64_t low = INT64_C(1) << shift;
    ret->shift = shift;
    int status = make_table(call, low, 1, n, &ret->low, err);
    return status ? status : make_table(call, n / low + 1, low, n, &ret->high, err);
}

/* ---- plans
 * ------------------------------------------------------------------------------------------------------
 */

static int64_t
without_small_primes(int64_t n)
{
    for (int64_t prime = 2; prime <= FFT_MAX_RADIX; prime++)
        while (n % prime == 0)
            n /= prime;
    return n;
}

bool
fft_is_smooth(int64_t n)
{
    return without_small_primes(n) == 1;
}

/* The largest divisor of n that is not above its root. */
static int64_t
split_of(int64_t n)
{
    int64_t rows = (int64_t)sqrt((double)n);
    while (n % rows != 0)
        rows--;
    return rows;
}

bool
fft_splits(int64_t n)
{
    return n >= FFT_SPLIT * FFT_SPLIT && fft_is_smooth(n) && split_of(n) >= FFT_SPLIT;
}

int
fft_plan_make(apply_call_t *call, int64_t n, fft_plan_t *ret, err_t *err)
{
    int64_t left = n;
    *ret = (fft_plan_t){.n = n};
    for (; left % 4 == 0; left /= 4)
        ret->radix[ret->stages++] = 4;
    for (int prime = 2; prime <= FFT_MAX_RADIX; prime++)
        for (; left % prime == 0; left /= prime)
            ret->radix[ret->stages++] = prime;
    return make_table(call, n, 1, n, &ret->roots, err);
}

static int
make_grid(apply_call_t *call, int64_t n, fft_grid_t *ret, err_t *err)
{
    void *memory;
    ret->rows = split_of(n);
    ret->columns = n / ret->rows;
    ret->groups = (ret->columns + FFT_LANES - 1) / FFT_LANES;
    int status = fft_plan_make(call, ret->rows, &ret->down, err);
    if (!status)
        status = fft_plan_make(call, ret->columns, &ret->along, err);
    if (!status)
        status = fft_roots_make(call, n, &ret->roots, err);
    if (!status)
        status = apply_scratch(call, ret->rows * (int64_t)sizeof(fft_row_t), &memory, err);
    if (status)
        return status;
    fft_row_t *lanes = memory;
    for (int64_t row = 0; row < ret->rows; row++)
        for (int l = 0; l < FFT_LANES; l++) {
            fft_number_t root = exact_root(row * l % n, n);
            lanes[row].re[l] = root.re;
            lanes[row].im[l] = root.im;
        }
    ret->lanes = lanes;
    return FH_OK;
}

/* The least length from n on that is transformed fast. */
static int64_t
longer_length(int64_t n)
{
    static const int parts[] = {1, 3, 5, 9, 15, 25, 27};
    int64_t best = INT64_MAX;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int64_t length = 64 * parts[i];
        while (length < n)
            length *= 2;
        best = length < best ? length : best;
    }
    return best;
}

static int
make_chirp(apply_call_t *call, fft_line_t *self, err_t *err)
{
    fft_roots_t roots;
    void *memory[4]; /* the chirp, its spectrum, the longer line, a desk */
    int64_t n = self->n, m = longer_length(2 * n - 1);
    int status = apply_scratch(call, sizeof(fft_line_t), &memory[2], err);
    if (!status)
        status = fft_line_make(call, m, memory[2], err);
    if (!status)
        status = fft_roots_make(call, 2 * n, &roots, err);
    const int64_t bytes[] = {n * (int64_t)sizeof(fft_number_t), m * (int64_t)sizeof(fft_number_t), 0,
                             status ? 0 : fft_line_desk(memory[2], crew_threads(call->crew))};
    for (int i = 0; i < 4 && !status; i++)
        if (bytes[i])
            status = apply_scratch(call, bytes[i], &memory[i], err);
    if (status)
        return status;
    fft_number_t *chirp = memory[0], *spectrum = memory[1];
    memset(spectrum, 0, (size_t)bytes[1]);
    for (int64_t j = 0, square = 0; j < n; square = (square + 2 * j + 1) % (2 * n), j++) {
        chirp[j] = fft_root(&roots, square);
        spectrum[j] = (fft_number_t){chirp[j].re, -chirp[j].im};
        spectrum[j ? m - j : 0] = spectrum[j];
    }
    self->longer = memory[2];
    fft_line_run(self->longer, call->crew, spectrum, spectrum, false, 1.0 / (double)m, memory[3]);
    self->chirp = chirp;
    self->spectrum = spectrum;
    return FH_OK;
}

int
fft_line_make(apply_call_t *call, int64_t n, fft_line_t *ret, err_t *err)
{
    *ret = (fft_line_t){.n = n, .loops = fft_loops()};
    if (n > INT64_MAX / 1024)
        return err_set(err, FH_OVERFLOW, "lines of %lld numbers are too long to be transformed", (long long)n);
    if (!fft_is_smooth(n))
        return make_chirp(call, ret, err);
    return fft_splits(n) ? make_grid(call, n, &ret->grid, err) : fft_plan_make(call, n, &ret->plan, err);
}

/* ---- work
 * -------------------------------------------------------------------------------------------------------
 */

/* Rows of lanes for the matrix, and for each thread's columns or rows. */
static int64_t
grid_work(const fft_grid_t *grid)
{
    return grid->rows * grid->groups;
}

static int64_t
grid_desk(const fft_grid_t *grid)
{
    return 2 * grid->columns; /* columns >= rows */
}

int64_t
fft_line_desk(const fft_line_t *self, int threads)
{
    int64_t row = sizeof(fft_row_t);
    if (self->longer) {
        int64_t longer = self->longer->n * (int64_t)sizeof(fft_number_t);
        return longer + fft_line_desk(self->longer, threads);
    }
    return self->grid.rows ? (grid_work(&self->grid) + threads * grid_desk(&self->grid)) * row : 2 * self->n * row;
}

typedef struct {
    const fft_line_t *line;
    const fft_number_t *in;
    fft_number_t *out;
    bool swap, along;
    double factor;
    fft_row_t *work;
    int64_t parts;
} grid_run_t;

static void
run_part(void *context, int64_t part)
{
    const grid_run_t *self = context;
    const fft_grid_t *grid = &self->line->grid;
    const fft_loops_t *loops = self->line->loops;
    fft_row_t *desk = self->work + grid_work(grid) + part * grid_desk(grid);
    int64_t groups = self->along ? (grid->rows + FFT_LANES - 1) / FFT_LANES : grid->groups;
    for (int64_t group = part; group < groups; group += self->parts) {
        if (self->along)
            loops->rows(grid, self->work, self->out, self->swap, self->factor, group, desk);
        else
            loops->columns(grid, self->in, self->swap, self->work, group, desk);
    }
}

static void
run_grid(grid_run_t *self, crew_t *crew)
{
    self->parts = crew ? crew_threads(crew) : 1;
    for (int phase = 0; phase < 2; phase++) {
        self->along = phase != 0;
        if (crew)
            crew_run(crew, self->parts, run_part, self);
        else
            run_part(self, 0);
    }
}

static void
run_short(const fft_line_t *self, const fft_number_t *in, fft_number_t *out, bool swap, double factor, fft_row_t *desk)
{
    memset(desk, 0, (size_t)self->n * sizeof *desk);
    for (int64_t i = 0; i < self->n; i++) {
        desk[i].re[0] = swap ? in[i].im : in[i].re;
        desk[i].im[0] = swap ? in[i].re : in[i].im;
    }
    const fft_row_t *done = self->loops->lines(&self->plan, desk, desk + self->n);
    for (int64_t i = 0; i < self->n; i++)
        out[i] = swap ? (fft_number_t){done[i].im[0] * factor, done[i].re[0] * factor}
                      : (fft_number_t){done[i].re[0] * factor, done[i].im[0] * factor};
}

static void
run_chirped(const fft_line_t *self, crew_t *crew, const fft_number_t *in, fft_number_t *out, bool swap, double factor,
            char *desk)
{
    fft_number_t *line = (void *)desk;
    int64_t m = self->longer->n;
    for (int64_t i = 0; i < self->n; i++)
        line[i] = fft_product(swap ? (fft_number_t){in[i].im, in[i].re} : in[i], self->chirp[i]);
    memset(line + self->n, 0, (size_t)(m - self->n) * sizeof *line);
    desk += m * (int64_t)sizeof *line;
    fft_line_run(self->longer, crew, line, line, false, 1, desk);
    for (int64_t i = 0; i < m; i++)
        line[i] = fft_product(line[i], self->spectrum[i]);
    fft_line_run(self->longer, crew, line, line, true, 1, desk);
    for (int64_t i = 0; i < self->n; i++) {
        fft_number_t number = fft_product(line[i], self->chirp[i]);
        number = (fft_number_t){number.re * factor, number.im * factor};
        out[i] = swap ? (fft_number_t){number.im, number.re} : number;
    }
}

void
fft_line_run(const fft_line_t *self, crew_t *crew, const fft_number_t *in, fft_number_t *out, bool swap, double factor,
             void *desk)
{
    grid_run_t run = {.line = self, .in = in, .out = out, .swap = swap, .factor = factor, .work = desk};
    if (self->longer)
        run_chirped(self, crew, in, out, swap, factor, desk);
    else if (self->grid.rows)
        run_grid(&run, crew);
    else
        run_short(self, in, out, swap, factor, desk);
}
