/* One step of diffusion: each height moves towards the mean of its four neighbours.  An array kernel for halo (1, 0):
 * the heights, the rate, the new heights.  Beyond the edges of the map the heights go on as they are. */
#include <farhand_kernel.h>

int32_t
diffuse(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0], *out = &args[2];
    if (nargs != 3 || in->dtype != FH_FLOAT64 || in->ndim != 2 || in->strides[1] != sizeof(double))
        return 1;
    const double rate = *(const double *)args[1].data;
    const int64_t rows = out->shape[0], columns = out->shape[1];
    for (int64_t i = 0; i < rows; i++) {
        const double *here = fh_at2(in, i, 0);
        const double *above = i > 0 || in->halo[0][0] ? fh_at2(in, i - 1, 0) : here;
        const double *below = i + 1 < rows || in->halo[0][1] ? fh_at2(in, i + 1, 0) : here;
        double *restrict to = fh_at2(out, i, 0);
        for (int64_t k = 1; k + 1 < columns; k++)
            to[k] = here[k] + rate * (above[k] + below[k] + here[k - 1] + here[k + 1] - 4 * here[k]);
        const int64_t ends[] = {0, columns - 1};
        for (int e = 0; e < 2 && columns; e++) {
            const int64_t k = ends[e];
            const double left = here[k > 0 ? k - 1 : k], right = here[k + 1 < columns ? k + 1 : k];
            to[k] = here[k] + rate * (above[k] + below[k] + left + right - 4 * here[k]);
        }
    }
    return 0;
}
