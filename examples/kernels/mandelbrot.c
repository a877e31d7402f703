/* How many steps a point of the plane takes to leave the circle of radius 2: a ufunc kernel with a loop inside.
 * clang -O1 -emit-llvm -c mandelbrot.c -o mandelbrot.bc */

#include <stdint.h>

enum { STEPS = 255 };

int32_t
mandelbrot(double x, double y)
{
    double u = 0, v = 0;
    int32_t step = 0;
    while (step < STEPS && u * u + v * v <= 4) {
        double next = u * u - v * v + x;
        v = 2 * u * v + y;
        u = next;
        step++;
    }
    return step;
}
