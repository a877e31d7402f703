/* A piece kernel: each result is the mean of an element and its neighbours in the same piece.
 * Its signature: float64(float64).  clang -O1 -emit-llvm -c smooth.c -o smooth.bc */

#include <stdint.h>

void
smooth(const double *in, double *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = in[i];
        int count = 1;
        if (i > 0) {
            sum += in[i - 1];
            count++;
        }
        if (i + 1 < n) {
            sum += in[i + 1];
            count++;
        }
        out[i] = sum / count;
    }
}
