/* engine/apply/histogram.c - counting: bincount, and histograms between given edges.
 *
 * Counts are added up by threads on their own and then together.  Weights are added one after the other, in NumPy's
 * order, to what an earlier piece has left (the carry), so that bits do not depend on the pieces. */
#include "engine/apply/apply.h"
#include "engine/compute/bins.h"
#include "engine/compute/loops.h"

#include <string.h>

enum {
    BLOCK = 1024,          /* elements whose bins are found at a time */
    PART = 256 << 10,      /* elements that a thread takes at least */
    CACHED_BINS = 1 << 20, /* with more, threads would only wait for memory */
    WAYS = 4,              /* elements that follow each other are counted in tables of their own: */
    WAYS_BINS = 1 << 10,   /* the same bin is not waited for, as long as the tables are near */
};

typedef struct counting counting_t;
struct counting {
    nd_t in;         /* one axis */
    loop_fn convert; /* elements to what bins are found of */
    dtype_t dtype;   /* which is this */
    const double *weights;
    int64_t bins, n, parts, ways;
    void *tables; /* slots: 1 + bin; the first and the last one are of those that have none.  int64_t, of each part and
                     way; with weights one of double */
    /* slot[i]: that of value i. */
    void (*find)(const counting_t *self, const void *values, int64_t n, int64_t *slot);
    bins_t between;
};

/* ---- which bin -----------------------------------------------------------------------------------------------------
 */

static void
find_itself(const counting_t *self, const void *values, int64_t n, int64_t *slot)
{
    const int64_t *value = values;
    for (int64_t i = 0; i < n; i++)
        slot[i] = (uint64_t)value[i] < (uint64_t)self->bins ? value[i] + 1 : 0;
}

static void
find_between(const counting_t *self, const void *values, int64_t n, int64_t *slot)
{
    bins_find(&self->between, values, n, slot);
}

/* ---- counting ------------------------------------------------------------------------------------------------------
 */

static int64_t
slots(const counting_t *self)
{
    return self->bins + 2;
}

/* Elements [first, first + n) of the input, one axis, at most BLOCK. */
static void
find_block(const counting_t *self, int64_t first, int64_t n, int64_t *slot)
{
    _Alignas(64) double values[BLOCK];
    union {
        const char *in;
        char *p; /* casts only read from their first operand */
    } from = {.in = self->in.data + first * self->in.stride[0]};
    if (self->in.dtype == self->dtype && self->in.stride[0] == 8 && (uintptr_t)from.in % 8 == 0) {
        self->find(self, from.in, n, slot);
        return;
    }
    char *p[] = {from.p, (char *)values};
    self->convert(p, (const int64_t[]){self->in.stride[0], 8}, n);
    self->find(self, values, n, slot);
}

static void
count_part(void *context, int64_t part)
{
    const counting_t *self = context;
    int64_t first = part * self->n / self->parts, end = (part + 1) * self->n / self->parts, slot[BLOCK];
    int64_t each = slots(self), *table = (int64_t *)self->tables + part * self->ways * each, *way[WAYS];
    memset(table, 0, (size_t)(self->ways * each) * sizeof *table);
    for (int k = 0; k < WAYS; k++)
        way[k] = table + k % self->ways * each;
    for (int64_t at = first; at < end; at += BLOCK) {
        int64_t n = end - at < BLOCK ? end - at : BLOCK, i = 0;
        find_block(self, at, n, slot);
        for (; i + WAYS <= n; i += WAYS) {
            way[0][slot[i]]++;
            way[1][slot[i + 1]]++;
            way[2][slot[i + 2]]++;
            way[3][slot[i + 3]]++;
        }
        for (; i < n; i++)
            table[slot[i]]++;
    }
}

/* Was there one without a bin? */
static bool
add_weights(const counting_t *self)
{
    int64_t slot[BLOCK];
    double *sums = self->tables;
    bool outside = false;
    for (int64_t at = 0; at < self->n; at += BLOCK) {
        int64_t n = self->n - at < BLOCK ? self->n - at : BLOCK;
        find_block(self, at, n, slot);
        for (int64_t i = 0; i < n; i++) {
            sums[slot[i]] += self->weights[at + i];
            outside = outside || slot[i] == 0;
        }
    }
    return outside;
}

static int
count(apply_call_t *call, counting_t *self, bool *ret_outside, err_t *err)
{
    int64_t parts = self->bins > CACHED_BINS ? 1 : self->n / PART, *out = (int64_t *)(void *)call->out[0].data, bytes;
    self->parts = parts < 1 ? 1 : parts > crew_threads(call->crew) ? crew_threads(call->crew) : parts;
    self->ways = self->bins <= WAYS_BINS && self->n >= BLOCK ? WAYS : 1;
    if (__builtin_mul_overflow(slots(self), self->parts * self->ways * (int64_t)sizeof *out, &bytes))
        return err_set(err, FH_OVERFLOW, "%lld bins are too many", (long long)self->bins);
    int status = apply_scratch(call, bytes, &self->tables, err);
    if (status)
        return status;
    crew_run(call->crew, self->parts, count_part, self);
    memset(out, 0, (size_t)self->bins * sizeof *out);
    *ret_outside = false;
    for (int64_t k = 0; k < self->parts * self->ways; k++) {
        const int64_t *table = (const int64_t *)self->tables + k * slots(self);
        *ret_outside = *ret_outside || table[0] > 0;
        for (int64_t bin = 0; bin < self->bins; bin++)
            out[bin] += table[1 + bin];
    }
    return FH_OK;
}

/* Weights are input at, the carry, if there is one, follows. */
static int
weigh(apply_call_t *call, int at, counting_t *self, bool *ret_outside, err_t *err)
{
    nd_t weights, carry;
    size_t bytes = (size_t)self->bins * sizeof(double);
    int status = apply_contiguous(call, at, DTYPE_FLOAT64, &weights, err);
    if (!status && shape_count(&weights.shape) != self->n)
        status = err_set(err, FH_INVALID_ARGUMENT, "there are %lld weights for %lld elements",
                         (long long)shape_count(&weights.shape), (long long)self->n);
    if (!status)
        status = apply_scratch(call, slots(self) * (int64_t)sizeof(double), &self->tables, err);
    if (status)
        return status;
    memset(self->tables, 0, bytes + 2 * sizeof(double));
    if (call->nin > at + 1) {
        status = apply_contiguous(call, at + 1, DTYPE_FLOAT64, &carry, err);
        if (!status && !shape_equal(&carry.shape, &call->out[0].shape))
            status = err_set(err, FH_INVALID_ARGUMENT, "what goes before has another shape than the result");
        if (!status)
            memcpy((double *)self->tables + 1, carry.data, bytes);
    }
    if (status)
        return status;
    self->weights = (const double *)(const void *)weights.data;
    *ret_outside = add_weights(self);
    memcpy(call->out[0].data, (double *)self->tables + 1, bytes);
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
    counting_t self = {.find = find_itself, .dtype = DTYPE_INT64};
    bool outside = false;
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
        status = call->nin > 1 ? weigh(call, 1, &self, &outside, err) : count(call, &self, &outside, err);
    if (!status && outside)
        status = err_set(err, FH_INVALID_ARGUMENT, "an element is negative, or not below the %lld bins",
                         (long long)self.bins);
    return status;
}

/* Inputs: real numbers, edges, perhaps weights and a carry.  integers: are the edges as far apart? */
int
apply_histogram(apply_call_t *call, err_t *err)
{
    counting_t self = {.find = find_between, .dtype = DTYPE_FLOAT64};
    bool outside;
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
    bins_init(&self.between, (const double *)(const void *)edges.data, self.bins, call->integers[0] != 0);
    self.convert = cast_find(call->in[0].dtype, DTYPE_FLOAT64);
    status = prepare(call, &self, call->nin > 2, err);
    if (!status)
        status = call->nin > 2 ? weigh(call, 2, &self, &outside, err) : count(call, &self, &outside, err);
    return status;
}
