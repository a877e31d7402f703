#include "engine/apply/determinant.h"

#include <math.h>

void
determinant_init(determinant_t *self)
{
    *self = (determinant_t){{1, 0}, 0};
}

void
determinant_multiply(determinant_t *self, double real, double imaginary, bool exchanged)
{
    double size = hypot(real, imaginary), turn = exchanged ? -1 : 1, before = self->sign[0];
    if (size == 0 || (self->sign[0] == 0 && self->sign[1] == 0)) {
        *self = (determinant_t){{0, 0}, -INFINITY};
        return;
    }
    real *= turn / size;
    imaginary *= turn / size;
    self->sign[0] = before * real - self->sign[1] * imaginary;
    self->sign[1] = before * imaginary + self->sign[1] * real;
    self->log += log(size);
}
