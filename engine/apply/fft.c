/* engine/apply/fft.c - discrete Fourier transforms along an axis: which lines,
 * and how they come and go.
 *
 * Lines along the last axis are transformed one by one (fft_line.h), as are
 * long ones; others eight side by side.  A real line of even length is a
 * complex one of half the length and one pass more. */
#include "engine/apply/fft_line.h"
#include "engine/compute/iterate.h"

#include <string.h>

enum {
    FORWARD,    /* complex to complex */
    BACKWARD,   /* the same */
    REAL,       /* real to the first half of its spectrum */
    REAL_AGAIN, /* back */
    KINDS,
    BESIDE = 4096,    /* elements of lines that are transformed side by side */
    SHARED = 1 << 14, /* elements from which on threads share one line */
};

typedef struct {
    apply_call_t *call;
    int kind, axis;
    int64_t n, given, lines; /* of a line: what is transformed, what the input has of it */
    nd_t in, out;
    bool complex, packed, beside, shared;
    double factor;
    fft_line_t line;   /* of n numbers, or n / 2 if packed */
    fft_plan_t plan;   /* beside: of n */
    fft_roots_t roots; /* packed: of n */
    const fft_loops_t *loops;
    char *desks;
    int64_t desk, parts; /* bytes of a desk; how many */
} fft_t;

/* ---- lines that come and go
 * -------------------------------------------------------------------------------------
 */

static char *
line_at(const nd_t *nd, int along, int64_t index)
{
    char *data = nd->data;
    for (int axis = nd->shape.ndim - 1; axis >= 0; axis--) {
        if (axis == along)
            continue;
        data += index % nd->shape.extent[axis] * nd->stride[axis];
        index /= nd->shape.extent[axis];
    }
    return data;
}

static fft_number_t
number_at(const fft_t *self, const char *line, int64_t k)
{
    fft_number_t number = {0, 0};
    if (k < self->given)
        memcpy(&number, line + k * self->in.stride[self->axis], self->complex ? sizeof number : sizeof number.re);
    return number;
}

/* The line as complex numbers, where it lies if it is that. */
static const fft_number_t *
load_complex(const fft_t *self, const char *line, fft_number_t *buffer)
{
    if (self->complex && self->given >= self->n && self->in.stride[self->axis] == sizeof *buffer)
        return (const fft_number_t *)(const void *)line;
    if (!self->complex && self->given >= self->n && self->in.stride[self->axis] == sizeof(double)) {
        const double *numbers = (const void *)line;
        for (int64_t k = 0; k < self->n; k++)
            buffer[k] = (fft_number_t){numbers[k], 0};
        return buffer;
    }
    for (int64_t k = 0; k < self->n; k++)
        buffer[k] = number_at(self, line, k);
    return buffer;
}

/* Two real numbers as one complex one. */
static const fft_number_t *
load_packed(const fft_t *self, const char *line, fft_number_t *buffer)
{
    if (self->given >= self->n && self->in.stride[self->axis] == sizeof(double))
        return (const fft_number_t *)(const void *)line;
    for (int64_t k = 0; k < self->n / 2; k++)
        buffer[k] = (fft_number_t){number_at(self, line, 2 * k).re, number_at(self, line, 2 * k + 1).re};
    return buffer;
}

/* The other way, from the spectrum as it lies; the imaginary parts of its ends
 * do not count. */
static const fft_number_t *
pack(const fft_t *self, const char *line, fft_number_t *z)
{
    int64_t half = self->n / 2;
    for (int64_t k = 0; k < half; k++) {
        fft_number_t a = number_at(self, line, k), b = number_at(self, line, half - k);
        fft_number_t root = fft_root(&self->roots, k);
        if (k == 0)
            a.im = b.im = 0;
        fft_number_t even = {a.re + b.re, a.im - b.im};
        fft_number_t uneven = fft_product((fft_number_t){a.re - b.re, a.im + b.im}, (fft_number_t){root.re, -root.im});
        z[k] = (fft_number_t){even.re - uneven.im, even.im + uneven.re};
    }
    return z;
}

/* The whole spectrum from its first half. */
static const fft_number_t *
mirror(const fft_t *self, const char *line, fft_number_t *buffer)
{
    for (int64_t k = 0; k <= self->n / 2; k++) {
        fft_number_t number = number_at(self, line, k);
        buffer[k] = number;
        if (k)
            buffer[self->n - k] = (fft_number_t){number.re, -number.im};
    }
    buffer[0].im = 0;
    return buffer;
}

/* To out, from the beginning on: complex numbers, or their real parts, or
 * (packed) both parts as two real numbers. */
static void
store(const fft_t *self, const fft_number_t *from, char *line)
{
    int64_t count = self->out.shape.extent[self->axis], step = self->out.stride[self->axis];
    for (int64_t k = 0; k < count; k++) {
        if (self->kind != REAL_AGAIN)
            memcpy(line + k * step, &from[k], sizeof from[k]);
        else if (!self->packed)
            memcpy(line + k * step, &from[k].re, sizeof from[k].re);
        else
            memcpy(line + k * step, k % 2 ? &from[k / 2].im : &from[k / 2].re, sizeof from->re);
    }
}

/* Bytes of numbers that a line has while it is here. */
static int64_t
line_room(const fft_t *self)
{
    return (self->n + 4) / 4 * 4 * (int64_t)sizeof(fft_number_t); /* desks begin at multiples of 64 bytes */
}

static void
run_line(const fft_t *self, int64_t index, crew_t *crew, char *desk)
{
    fft_number_t *buffer = (void *)desk, *to = buffer;
    const char *from = line_at(&self->in, self->axis, index);
    char *out = line_at(&self->out, self->axis, index);
    int64_t dense = self->kind == REAL_AGAIN ? (int64_t)sizeof(double) : (int64_t)sizeof(fft_number_t);
    bool direct = self->out.stride[self->axis] == dense && (self->packed || self->kind <= BACKWARD);
    const fft_number_t *numbers = self->kind == REAL_AGAIN ? (self->packed ? pack : mirror)(self, from, buffer)
                                  : self->packed           ? load_packed(self, from, buffer)
                                                           : load_complex(self, from, buffer);
    if (direct)
        to = (void *)out;
    fft_line_run(&self->line, crew, numbers, to, self->kind == BACKWARD || self->kind == REAL_AGAIN, self->factor,
                 desk + line_room(self));
    if (self->kind == REAL && self->packed)
        self->loops->unpack(&self->roots, to, self->n / 2);
    if (!direct)
        store(self, to, out);
}

/* ---- eight lines side by side
 * -----------------------------------------------------------------------------------
 */

/* Do they lie one element apart? */
static bool
lie_close(char *const *line, int count, int64_t size)
{
    for (int l = 1; l < count; l++)
        if (line[l] != line[0] + l * size)
            return false;
    return count == FFT_LANES;
}

static void
load_beside(const fft_t *self, char *const *line, int count, fft_row_t *rows)
{
    int64_t given = self->given < self->n ? self->given : self->n;
    bool swap = self->kind == BACKWARD;
    memset(rows + given, 0, (size_t)(self->n - given) * sizeof *rows);
    if (self->complex && lie_close(line, count, sizeof(fft_number_t))) {
        self->loops->bring(line[0], self->in.stride[self->axis], given, swap, rows);
        return;
    }
    memset(rows, 0, (size_t)given * sizeof *rows);
    for (int64_t k = 0; k < given; k++)
        for (int l = 0; l < count; l++) {
            fft_number_t number = number_at(self, line[l], k);
            rows[k].re[l] = swap ? number.im : number.re;
            rows[k].im[l] = swap ? number.re : number.im;
        }
}

static void
run_beside(const fft_t *self, int64_t group, char *desk)
{
    char *in[FFT_LANES], *out[FFT_LANES];
    fft_row_t *rows = (void *)desk;
    int64_t first = group * FFT_LANES, step = self->out.stride[self->axis];
    int count = (int)(self->lines - first < FFT_LANES ? self->lines - first : FFT_LANES);
    bool swap = self->kind == BACKWARD;
    for (int l = 0; l < count; l++) {
        in[l] = line_at(&self->in, self->axis, first + l);
        out[l] = line_at(&self->out, self->axis, first + l);
    }
    load_beside(self, in, count, rows);
    rows = self->loops->lines(&self->plan, rows, rows + self->n);
    if (lie_close(out, count, sizeof(fft_number_t))) {
        self->loops->give(rows, self->n, swap, self->factor, out[0], step);
        return;
    }
    for (int64_t k = 0; k < self->n; k++)
        for (int l = 0; l < count; l++) {
            double re = rows[k].re[l] * self->factor, im = rows[k].im[l] * self->factor;
            fft_number_t number = {swap ? im : re, swap ? re : im};
            memcpy(out[l] + k * step, &number, sizeof number);
        }
}

/* ---- all of it
 * --------------------------------------------------------------------------------------------------
 */

static int
check(fft_t *self, err_t *err)
{
    const apply_call_t *call = self->call;
    const nd_t *in = &call->in[0], *out = &call->out[0];
    int status = apply_integers(call, 3, 3, err);
    if (status)
        return status;
    if (call->integers[0] < 0 || call->integers[0] >= in->shape.ndim || call->integers[1] < 1 ||
        call->integers[2] < 0 || call->integers[2] >= KINDS || call->nreals != 1 || !out->data)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "fft takes an axis, a length, a kind, a factor and an "
                       "output of a given shape");
    self->axis = (int)call->integers[0];
    self->n = call->integers[1];
    self->kind = (int)call->integers[2];
    self->factor = call->reals[0];
    shape_t shape = in->shape;
    shape.extent[self->axis] = self->kind == REAL ? self->n / 2 + 1 : self->n;
    if (!shape_equal(&shape, &out->shape))
        return err_set(err, FH_INVALID_ARGUMENT, "the output of fft has another shape than its input and length say");
    if (out->dtype != (self->kind == REAL_AGAIN ? DTYPE_FLOAT64 : DTYPE_COMPLEX128))
        return err_set(err, FH_WRONG_TYPE, "fft of kind %d does not give %s", self->kind, dtype_name(out->dtype));
    if (!strchr("biufc", dtype_kind(in->dtype)))
        return err_set(err, FH_WRONG_TYPE, "fft of %s", dtype_name(in->dtype));
    self->complex = self->kind == REAL_AGAIN || (self->kind != REAL && dtype_kind(in->dtype) == 'c');
    if (dtype_kind(in->dtype) == 'c' && !self->complex)
        return err_set(err, FH_WRONG_TYPE, "a real transform of complex numbers");
    return FH_OK;
}

static int
set_up(fft_t *self, err_t *err)
{
    apply_call_t *call = self->call;
    int threads = crew_threads(call->crew);
    self->out = call->out[0];
    self->given = call->in[0].shape.extent[self->axis];
    self->lines = shape_count(&self->out.shape) / self->out.shape.extent[self->axis];
    self->packed = self->kind >= REAL && self->n % 2 == 0;
    self->loops = fft_loops();
    if (self->lines == 0)
        return FH_OK;
    bool last = self->axis == self->out.shape.ndim - 1;
    self->beside =
        self->kind <= BACKWARD && self->n <= BESIDE && fft_is_smooth(self->n) && (!last || !fft_splits(self->n));
    int status = apply_cast(call, 0, self->complex ? DTYPE_COMPLEX128 : DTYPE_FLOAT64, &self->in, err);
    if (!status && !iterate_aligned(&self->in))
        status = apply_copy(call, &self->in, &self->in, err);
    if (!status && self->beside)
        status = fft_plan_make(call, self->n, &self->plan, err);
    else if (!status)
        status = fft_line_make(call, self->packed ? self->n / 2 : self->n, &self->line, err);
    if (!status && self->packed)
        status = fft_roots_make(call, self->n, &self->roots, err);
    if (status)
        return status;
    int64_t units = self->beside ? (self->lines + FFT_LANES - 1) / FFT_LANES : self->lines;
    self->shared = !self->beside && units < threads && self->n >= SHARED;
    self->parts = self->shared ? 1 : units < threads ? units : threads;
    self->desk = self->beside ? 2 * self->n * (int64_t)sizeof(fft_row_t)
                              : line_room(self) + fft_line_desk(&self->line, self->shared ? threads : 1);
    self->desk = (self->desk + 63) / 64 * 64;
    void *memory;
    status = apply_scratch(call, self->parts * self->desk, &memory, err);
    self->desks = memory;
    return status;
}

static void
run_part(void *context, int64_t part)
{
    const fft_t *self = context;
    char *desk = self->desks + part * self->desk;
    int64_t units = self->beside ? (self->lines + FFT_LANES - 1) / FFT_LANES : self->lines;
    for (int64_t unit = part; unit < units; unit += self->parts) {
        if (self->beside)
            run_beside(self, unit, desk);
        else
            run_line(self, unit, self->shared ? self->call->crew : NULL, desk);
    }
}

int
apply_fft(apply_call_t *call, err_t *err)
{
    fft_t self = {.call = call};
    int status = check(&self, err);
    if (!status)
        status = set_up(&self, err);
    if (status || self.lines == 0)
        return status;
    if (self.shared)
        run_part(&self, 0);
    else
        crew_run(call->crew, self.parts, run_part, &self);
    return FH_OK;
}
