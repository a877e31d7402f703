/* Light on a slope: the cosine between the surface's normal and the direction of the sun, which stands in the
 * north-west, half way up (Horn's hill shading).  south, east: slopes, dimensionless.  Result: 0 (dark) to 1. */
#include <math.h>

double
shade(double south, double east)
{
    const double azimuth = 315 * (M_PI / 180), altitude = 45 * (M_PI / 180);
    double slope = atan(sqrt(south * south + east * east)), aspect = atan2(south, -east);
    double light = sin(altitude) * cos(slope) + cos(altitude) * sin(slope) * cos(azimuth - M_PI / 2 - aspect);
    return light < 0 ? 0 : light > 1 ? 1 : light;
}
