/* Kernels for the tests of libfarhand.  client.ll is made of this:
 *     clang -O1 -fno-vectorize -fno-discard-value-names -Iengine/runner -S -emit-llvm -o client.ll client.c
 * and is kept beside it, so that the tests need no compiler. */
#include <farhand_kernel.h>
#include <stdbool.h>

enum { NOT_READABLE = 7, WRONG_OPERANDS = 8 };

/* in, beside, width (int64), axis (int64) -> sums, where (int64): in.  sums: of the elements up to width before and
 * after along axis, weighted by distance, as far as they are in the whole array, plus the element of beside.  where:
 * the index in the whole along axis.  2-D. */
int32_t
window(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0], *beside = &args[1], *sums = &args[4], *where = &args[5];
    if (nargs != 6 || in->ndim != 2 || beside->ndim != 2)
        return WRONG_OPERANDS;
    int64_t width = *(int64_t *)args[2].data, axis = *(int64_t *)args[3].data;
    for (int64_t i = 0; i < in->shape[0]; i++)
        for (int64_t k = 0; k < in->shape[1]; k++) {
            double sum = *(double *)fh_at2(beside, i, k);
            int64_t here = axis ? k : i;
            for (int64_t d = -width; d <= width; d++) {
                int64_t at = here + d, global = at + in->offset[axis];
                if (global < 0 || global >= in->whole[axis])
                    continue;
                if (at < -in->halo[axis][0] || at >= in->shape[axis] + in->halo[axis][1])
                    return NOT_READABLE;
                sum += (double)(d + width + 1) * *(double *)(axis ? fh_at2(in, i, at) : fh_at2(in, at, k));
            }
            *(double *)fh_at2(sums, i, k) = sum;
            *(int64_t *)fh_at2(where, i, k) = here + sums->offset[axis];
        }
    return 0;
}

/* in -> totals: the sum of a 1-D piece as one element. */
int32_t
piece_total(fh_array *args, int32_t nargs)
{
    double sum = 0;
    if (nargs != 2 || args[1].shape[0] != 1)
        return WRONG_OPERANDS;
    for (int64_t i = 0; i < args[0].shape[0]; i++)
        sum += *(double *)fh_at1(&args[0], i);
    *(double *)args[1].data = sum;
    return 0;
}

/* Nothing in, whole indices out. */
void
number(fh_array *args, int32_t nargs)
{
    for (int64_t i = 0; i < args[0].shape[0] && nargs == 1; i++)
        *(int64_t *)fh_at1(&args[0], i) = i + args[0].offset[0];
}

int32_t
refuse(fh_array *args, int32_t nargs)
{
    (void)args;
    return nargs > 0 ? 3 : 0;
}

/* (m,k),(k,n)->(m,n) */
void
matmul(fh_array *args, int32_t nargs)
{
    const fh_array *a = &args[0], *b = &args[1], *c = &args[2];
    for (int64_t m = 0; m < c->shape[0] && nargs == 3; m++)
        for (int64_t n = 0; n < c->shape[1]; n++) {
            double sum = 0;
            for (int64_t k = 0; k < a->shape[1]; k++)
                sum += *(double *)fh_at2(a, m, k) * *(double *)fh_at2(b, k, n);
            *(double *)fh_at2(c, m, n) = sum;
        }
}

/* (n)->(),(): least and largest. */
void
range(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0];
    double low = *(double *)in->data, high = low;
    for (int64_t i = 1; i < in->shape[0] && nargs == 3; i++) {
        double x = *(double *)fh_at1(in, i);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    *(double *)args[1].data = low;
    *(double *)args[2].data = high;
}

double
plus(double x, double y)
{
    return x + y;
}

/* adding: a sum with a value for nothing. */
double
adding_init(void)
{
    return 0;
}

double
adding_step(double state, double x)
{
    return state + x;
}

/* mean: of values and weights, plus their number. */
typedef struct {
    double sum, weight;
    int64_t count;
} mean_t;

FH_STATE(mean, mean_t);

void
mean_init(mean_t *self)
{
    *self = (mean_t){0, 0, 0};
}

void
mean_step(mean_t *self, double x, double weight)
{
    self->sum += x * weight;
    self->weight += weight;
    self->count++;
}

void
mean_combine(mean_t *into, const mean_t *from)
{
    into->sum += from->sum;
    into->weight += from->weight;
    into->count += from->count;
}

double
mean_finish(const mean_t *self)
{
    return self->sum / self->weight + (double)self->count;
}
