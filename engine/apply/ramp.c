/* APPLY ramp: numbers at equal distances, as NumPy's arange computes them, any stretch of them. */
#include "engine/apply/apply.h"

#include <complex.h>

enum { PART_ELEMENTS = 1 << 16 };

typedef struct {
    char *out;
    int64_t count, first;
    int64_t start, next;          /* of integers: the first two elements of all */
    double real[2], imaginary[2]; /* of others */
} ramp_t;

typedef void ramp_fn(const ramp_t *self, int64_t from, int64_t to);

/* Unsigned arithmetic wraps as NumPy's does. */
#define RAMP_INTEGER(NAME, T)                                                                                          \
    static void ramp_##NAME(const ramp_t *self, int64_t from, int64_t to)                                              \
    {                                                                                                                  \
        T *out = (T *)self->out;                                                                                       \
        for (int64_t i = from; i < to; i++)                                                                            \
            out[i] = (T)((uint64_t)self->start +                                                                       \
                         (uint64_t)(self->first + i) * ((uint64_t)self->next - (uint64_t)self->start));                \
    }
RAMP_INTEGER(INT8, int8_t)
RAMP_INTEGER(UINT8, uint8_t)
RAMP_INTEGER(INT16, int16_t)
RAMP_INTEGER(UINT16, uint16_t)
RAMP_INTEGER(INT32, int32_t)
RAMP_INTEGER(UINT32, uint32_t)
RAMP_INTEGER(INT64, int64_t)
RAMP_INTEGER(UINT64, uint64_t)
#undef RAMP_INTEGER

/* T: of the elements; R: that it is computed in. */
#define RAMP_FLOAT(NAME, T, R)                                                                                         \
    static void ramp_##NAME(const ramp_t *self, int64_t from, int64_t to)                                              \
    {                                                                                                                  \
        T *out = (T *)self->out;                                                                                       \
        R start = (R)(T)self->real[0], next = (R)(T)self->real[1], delta = next - start;                               \
        for (int64_t i = from; i < to; i++)                                                                            \
            out[i] = (T)(start + (R)(self->first + i) * delta);                                                        \
        for (int64_t i = from; i < to && self->first + i < 2; i++)                                                     \
            out[i] = (T)(self->first + i ? next : start); /* not rounded */                                            \
    }
RAMP_FLOAT(FLOAT16, half_t, float)
RAMP_FLOAT(FLOAT32, float, float)
RAMP_FLOAT(FLOAT64, double, double)
#undef RAMP_FLOAT

#define RAMP_COMPLEX(NAME, R)                                                                                          \
    static void ramp_##NAME(const ramp_t *self, int64_t from, int64_t to)                                              \
    {                                                                                                                  \
        R *out = (R *)self->out, start = (R)self->real[0], next = (R)self->real[1], delta = next - start;              \
        R start_i = (R)self->imaginary[0], next_i = (R)self->imaginary[1], delta_i = next_i - start_i;                 \
        for (int64_t i = from; i < to; i++) {                                                                          \
            out[2 * i] = start + (R)(self->first + i) * delta;                                                         \
            out[2 * i + 1] = start_i + (R)(self->first + i) * delta_i;                                                 \
        }                                                                                                              \
        for (int64_t i = from; i < to && self->first + i < 2; i++) {                                                   \
            out[2 * i] = self->first + i ? next : start;                                                               \
            out[2 * i + 1] = self->first + i ? next_i : start_i;                                                       \
        }                                                                                                              \
    }
RAMP_COMPLEX(COMPLEX64, float)
RAMP_COMPLEX(COMPLEX128, double)
#undef RAMP_COMPLEX

static ramp_fn *const RAMPS[DTYPE_COUNT] = {
    [DTYPE_INT8] = ramp_INT8,
    [DTYPE_UINT8] = ramp_UINT8,
    [DTYPE_INT16] = ramp_INT16,
    [DTYPE_UINT16] = ramp_UINT16,
    [DTYPE_INT32] = ramp_INT32,
    [DTYPE_UINT32] = ramp_UINT32,
    [DTYPE_INT64] = ramp_INT64,
    [DTYPE_UINT64] = ramp_UINT64,
    [DTYPE_FLOAT16] = ramp_FLOAT16,
    [DTYPE_FLOAT32] = ramp_FLOAT32,
    [DTYPE_FLOAT64] = ramp_FLOAT64,
    [DTYPE_COMPLEX64] = ramp_COMPLEX64,
    [DTYPE_COMPLEX128] = ramp_COMPLEX128,
};

typedef struct {
    ramp_t ramp;
    ramp_fn *run;
} parts_t;

static void
run_part(void *context, int64_t i)
{
    const parts_t *parts = context;
    int64_t from = i * PART_ELEMENTS, left = parts->ramp.count - from;
    parts->run(&parts->ramp, from, from + (left < PART_ELEMENTS ? left : PART_ELEMENTS));
}

int
apply_ramp(apply_call_t *call, err_t *err)
{
    const nd_t *out = &call->out[0];
    parts_t parts = {.run = RAMPS[out->dtype]};
    bool integers = dtype_kind(out->dtype) == 'i' || dtype_kind(out->dtype) == 'u';
    int status = apply_integers(call, integers ? 3 : 1, integers ? 3 : 1, err);
    if (!status && (!parts.run || !out->data || !nd_is_c_contiguous(out)))
        status = err_set(err, FH_WRONG_TYPE, "ramp makes numbers of a given shape, not %s", dtype_name(out->dtype));
    if (!status && call->nreals != (integers ? 0 : 4))
        status = err_set(err, FH_INVALID_ARGUMENT, "ramp of %s with %d floats", dtype_name(out->dtype), call->nreals);
    if (status)
        return status;
    parts.ramp = (ramp_t){.out = out->data, .count = shape_count(&out->shape), .first = call->integers[0]};
    if (parts.ramp.first < 0 || parts.ramp.first > INT64_MAX - parts.ramp.count)
        return err_set(err, FH_OVERFLOW, "ramp from its element %lld on", (long long)parts.ramp.first);
    if (integers) {
        parts.ramp.start = call->integers[1];
        parts.ramp.next = call->integers[2];
    } else {
        for (int i = 0; i < 2; i++) {
            parts.ramp.real[i] = call->reals[2 * i];
            parts.ramp.imaginary[i] = call->reals[2 * i + 1];
        }
    }
    crew_run(call->crew, (parts.ramp.count + PART_ELEMENTS - 1) / PART_ELEMENTS, run_part, &parts);
    return FH_OK;
}
