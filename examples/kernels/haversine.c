/* The distance in kilometres between two points on the Earth (degrees): a ufunc kernel that calls the mathematical
 * library. clang -O1 -emit-llvm -c haversine.c -o haversine.bc */

#include <math.h>

static double
square(double x)
{
    return x * x;
}

double
haversine(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
    const double degree = 0.017453292519943295, diameter = 12742.0176;
    double across = square(sin((latitude_b - latitude_a) * degree / 2));
    double along = square(sin((longitude_b - longitude_a) * degree / 2));
    return diameter * asin(sqrt(across + cos(latitude_a * degree) * cos(latitude_b * degree) * along));
}
