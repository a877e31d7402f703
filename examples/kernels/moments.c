/* Mean and variance in one pass, and they can be joined: a reduction kernel whose state lies behind a pointer.
 * (T. F. Chan, G. H. Golub, R. J. LeVeque: Updating formulae and a pairwise algorithm for computing sample variances,
 * 1979.) */
#include <farhand_kernel.h>

typedef struct {
    double count, mean, squares; /* squares: of the distances from the mean, summed */
} moments_t;
FH_STATE(moments, moments_t);

void
moments_init(moments_t *self)
{
    self->count = self->mean = self->squares = 0;
}

void
moments_step(moments_t *self, double x)
{
    const double away = x - self->mean;
    self->count += 1;
    self->mean += away / self->count;
    self->squares += away * (x - self->mean);
}

void
moments_combine(moments_t *into, const moments_t *from)
{
    const double count = into->count + from->count, away = from->mean - into->mean;
    if (from->count == 0)
        return;
    into->mean += away * (from->count / count);
    into->squares += from->squares + away * away * (into->count * from->count / count);
    into->count = count;
}

double
moments_finish(const moments_t *self)
{
    return self->squares / self->count;
}
