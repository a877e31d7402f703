/* engine/apply/histogram.c - counting: bincount, and histograms between given edges.
 *
 * Counts are added up by threads on their own and then together.  Weights are added one after the other, in NumPy's
 * order, to what an earlier piece has left (the carry), so that bits do not depend on the pieces. */
#include "engine/apply/apply.h"
#include "engine/compute/loops.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 1024,         /* elements whose bins are found at a time */
    PART = 256 << 10,     /* elements that a thread takes at least */
    CACHED_BINS = 1 << 20 /* with more, threads would only wait for memory */
};

typedef struct counting counting_t;
struct counting {
    nd_t in;         /* one axis */
    loop_fn convert; /* elements to what bins are found of */
    const double *weights;
    int64_t bins, n, parts;
    int64_t *counts; /* bins of each part */
    double *sums;    /* with weights */
    /* bin[i]: that of value i, or -1. */
    void (*find)(const counting_t *self, const void *values, int64_t n, int64_t *bin);
    const double *edges; /* bins + 1, rising */
    bool even;           /* they are as far apart */
    bool outside;        /* a value had no bin, and should have */
};

/* ---- which bin -----------------------------------------------------------------------------------------------------
 */

static void
find_itself(const counting_t *self, const void *values, int64_t n, int64_t *bin)
{
    const int64_t *value = values;
    for (int64_t i = 0; i < n; i++)
        bin[i] = value[i] >= 0 && value[i] < self->bins ? value[i] : -1;
}

static int64_t
search_edges(const counting_t *self, double x)
{
    int64_t low = 0, high = self->bins; /* edges[low] <= x < edges[high], or it is the last bin */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (self->edges[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void
find_between(const counting_t *self, const void *values, int64_t n, int64_t *bin)
{
    const double *edges = self->edges, *value = values, first = edges[0], last = edges[self->bins];
    const double scale = (double)self->bins / (last - first);
    for (int64_t i = 0; i < n; i++) {
        double x = value[i], guess = (x - first) * scale;
        if (!(x >= first && x <= last)) {
            bin[i] = -1;
            continue;
        }
        if (!self->even || !(guess >= 0 && guess <= (double)self->bins)) {
            bin[i] = search_edges(self, x);
            continue;
        }
        int64_t k = (int64_t)guess;
        k = k < self->bins ? k : self->bins - 1;
        k -= k > 0 && x < edges[k];
        k += k < self->bins - 1 && x >= edges[k + 1];
        bin[i] = k;
    }
}

/* ---- counting ------------------------------------------------------------------------------------------------------
 */

/* Elements [first, first + n) of the input, one axis, at most BLOCK. */
static void
find_block(const counting_t *self, int64_t first, int64_t n, int64_t *bin)
{
    _Alignas(64) double values[BLOCK];
    union {
        const char *in;
        char *p; /* casts only read from their first operand */
    } from = {.in = self->in.data + first * self->in.stride[0]};
    char *p[] = {from.p, (char *)values};
    self->convert(p, (const int64_t[]){self->in.stride[0], 8}, n);
    self->find(self, values, n, bin);
}

static void
count_part(void *context, int64_t part)
{
    counting_t *self = context;
    int64_t first = part * self->n / self->parts, end = (part + 1) * self->n / self->parts, bin[BLOCK];
    int64_t *counts = self->counts + part * self->bins;
    bool outside = false;
    memset(counts, 0, (size_t)self->bins * sizeof *counts);
    for (int64_t at = first; at < end; at += BLOCK) {
        int64_t n = end - at < BLOCK ? end - at : BLOCK;
        find_block(self, at, n, bin);
        for (int64_t i = 0; i < n; i++) {
            if (bin[i] >= 0)
                counts[bin[i]]++;
            else
                outside = true;
        }
    }
    if (outside)
        __atomic_store_n(&self->outside, true, __ATOMIC_RELAXED);
}

static void
add_weights(counting_t *self)
{
    int64_t bin[BLOCK];
    for (int64_t at = 0; at < self->n; at += BLOCK) {
        int64_t n = self->n - at < BLOCK ? self->n - at : BLOCK;
        find_block(self, at, n, bin);
        for (int64_t i = 0; i < n; i++) {
            if (bin[i] >= 0)
                self->sums[bin[i]] += self->weights[at + i];
            else
                self->outside = true;
        }
    }
}

static int
count(apply_call_t *call, counting_t *self, err_t *err)
{
    int64_t parts = self->bins > CACHED_BINS ? 1 : self->n / PART, *out = (int64_t *)(void *)call->out[0].data;
    void *counts;
    self->parts = parts < 1 ? 1 : parts > crew_threads(call->crew) ? crew_threads(call->crew) : parts;
    self->counts = out;
    if (self->parts > 1) {
        int status = apply_scratch(call, self->parts * self->bins * (int64_t)sizeof *out, &counts, err);
        if (status)
            return status;
        self->counts = counts;
    }
    crew_run(call->crew, self->parts, count_part, self);
    for (int64_t k = 0; k < self->bins && self->parts > 1; k++) {
        out[k] = 0;
        for (int64_t part = 0; part < self->parts; part++)
            out[k] += self->counts[part * self->bins + k];
    }
    return FH_OK;
}

/* Weights are input at, the carry, if there is one, follows. */
static int
weigh(apply_call_t *call, int at, counting_t *self, err_t *err)
{
    nd_t weights, carry;
    int status = apply_contiguous(call, at, DTYPE_FLOAT64, &weights, err);
    if (!status && shape_count(&weights.shape) != self->n)
        status = err_set(err, FH_INVALID_ARGUMENT, "there are %lld weights for %lld elements",
                         (long long)shape_count(&weights.shape), (long long)self->n);
    self->sums = (double *)(void *)call->out[0].data;
    memset(self->sums, 0, (size_t)self->bins * sizeof *self->sums);
    if (!status && call->nin > at + 1) {
        status = apply_contiguous(call, at + 1, DTYPE_FLOAT64, &carry, err);
        if (!status && !shape_equal(&carry.shape, &call->out[0].shape))
            status = err_set(err, FH_INVALID_ARGUMENT, "what goes before has another shape than the result");
        if (!status)
            memcpy(self->sums, carry.data, (size_t)self->bins * sizeof *self->sums);
    }
    if (status)
        return status;
    self->weights = (const double *)(const void *)weights.data;
    add_weights(self);
    return FH_OK;
}

/* Elements in C order in, bins out, of int64 or, with weights, float64. */
static int
prepare(apply_call_t *call, counting_t *self, bool weighted, err_t *err)
{
    dtype_t dtype = weighted ? DTYPE_FLOAT64 : DTYPE_INT64;
    shape_t shape = {.ndim = 1, .extent = {self->bins}};
    int status = FH_OK;
    self->in = call->in[0];
    if (self->in.shape.ndim != 1) {
        status = apply_contiguous(call, 0, self->in.dtype, &self->in, err);
        self->n = shape_count(&self->in.shape);
        nd_init(&self->in, self->in.data, self->in.dtype, &(shape_t){.ndim = 1, .extent = {self->n}});
    }
    if (status)
        return status;
    if (call->out[0].dtype != dtype)
        return err_set(err, FH_WRONG_TYPE, "the result is of dtype %s, not %s", dtype_name(dtype),
                       dtype_name(call->out[0].dtype));
    self->n = self->in.shape.extent[0];
    status = apply_make(call, 0, &shape, err);
    if (!status && !nd_is_c_contiguous(&call->out[0]))
        status = err_set(err, FH_NOT_SUPPORTED, "counts go to arrays in C order");
    return status;
}

/* Inputs: integers, perhaps weights and a carry.  integers: the number of bins. */
int
apply_bincount(apply_call_t *call, err_t *err)
{
    counting_t self = {.find = find_itself};
    int status = apply_integers(call, 1, 1, err);
    if (!status && (call->integers[0] < 0 || call->nin > 3))
        status = err_set(err, FH_INVALID_ARGUMENT, "%lld bins, %d inputs", (long long)call->integers[0], call->nin);
    if (!status && !dtype_can_cast(call->in[0].dtype, DTYPE_INT64, CASTING_SAFE))
        status = err_set(err, FH_WRONG_TYPE, "%s cannot be cast to int64 safely", dtype_name(call->in[0].dtype));
    if (status)
        return status;
    self.bins = call->integers[0];
    self.convert = cast_find(call->in[0].dtype, DTYPE_INT64);
    status = prepare(call, &self, call->nin > 1, err);
    if (!status)
        status = call->nin > 1 ? weigh(call, 1, &self, err) : count(call, &self, err);
    if (!status && self.outside)
        status = err_set(err, FH_INVALID_ARGUMENT, "an element is negative, or not below the %lld bins",
                         (long long)self.bins);
    return status;
}

/* Inputs: real numbers, edges, perhaps weights and a carry.  integers: are the edges as far apart? */
int
apply_histogram(apply_call_t *call, err_t *err)
{
    counting_t self = {.find = find_between};
    nd_t edges;
    int status = apply_integers(call, 1, 1, err);
    if (!status && (call->nin > 4 || dtype_kind(call->in[0].dtype) == 'c'))
        status = err_set(err, FH_WRONG_TYPE, "histograms are of real numbers, with weights and a carry at most");
    if (!status)
        status = apply_contiguous(call, 1, DTYPE_FLOAT64, &edges, err);
    if (!status && (edges.shape.ndim != 1 || edges.shape.extent[0] < 2))
        status = err_set(err, FH_INVALID_ARGUMENT, "edges must be a vector of at least two");
    if (status)
        return status;
    self.bins = edges.shape.extent[0] - 1;
    self.edges = (const double *)(const void *)edges.data;
    self.even = call->integers[0] != 0;
    self.convert = cast_find(call->in[0].dtype, DTYPE_FLOAT64);
    status = prepare(call, &self, call->nin > 2, err);
    if (!status)
        status = call->nin > 2 ? weigh(call, 2, &self, err) : count(call, &self, err);
    return status;
}
