/* Gravity: what all bodies do to some.  An array kernel: the positions of some bodies (m, 3), the positions of all (4,
 * n: x, y, z, mass), and the accelerations of the former (m, 3). */
#include <farhand_kernel.h>
#include <math.h>

int32_t
accelerations(fh_array *args, int32_t nargs)
{
    const fh_array *some = &args[0], *all = &args[1], *out = &args[2];
    if (nargs != 3 || some->shape[1] != 3 || all->shape[0] != 4 || all->strides[1] != sizeof(double))
        return 1;
    const double *x = fh_at2(all, 0, 0), *y = fh_at2(all, 1, 0), *z = fh_at2(all, 2, 0), *mass = fh_at2(all, 3, 0);
    for (int64_t i = 0; i < some->shape[0]; i++) {
        const double *here = fh_at2(some, i, 0);
        double sum[3] = {0, 0, 0};
        for (int64_t k = 0; k < all->shape[1]; k++) {
            const double dx = x[k] - here[0], dy = y[k] - here[1], dz = z[k] - here[2];
            const double square = dx * dx + dy * dy + dz * dz + 1e-4; /* softened: bodies may meet */
            const double weight = mass[k] / (square * sqrt(square));
            sum[0] += weight * dx;
            sum[1] += weight * dy;
            sum[2] += weight * dz;
        }
        double *to = fh_at2(out, i, 0);
        for (int axis = 0; axis < 3; axis++)
            to[axis] = sum[axis];
        farhand_progress((double)(i + 1) / (double)some->shape[0]);
    }
    return 0;
}
