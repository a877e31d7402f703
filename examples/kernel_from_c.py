"""A function in C, compiled here and run where the arrays are.  Run: scripts/with python3 examples/kernel_from_c.py"""
import numpy as np

import farhand as fh

SOURCE = """
#include <math.h>

/* Distance on a sphere of radius 1 between two points given by latitude and longitude. */
double haversine(double lat1, double lon1, double lat2, double lon2)
{
    double a = sin((lat2 - lat1) / 2), b = sin((lon2 - lon1) / 2);
    return 2 * asin(sqrt(a * a + cos(lat1) * cos(lat2) * b * b));
}
"""


def main():
    haversine = fh.kernel.from_c(SOURCE, "haversine")
    print(haversine)
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(-1.5, 1.5, 100_000), rng.uniform(-3, 3, 100_000)
    distance = haversine(fh.scatter(lat), fh.scatter(lon), 0.9, 0.1) * 6371
    a = np.sin((0.9 - lat) / 2) ** 2 + np.cos(lat) * np.cos(0.9) * np.sin((0.1 - lon) / 2) ** 2
    expected = 2 * np.arcsin(np.sqrt(a)) * 6371
    print("nearest:", float(distance.min()), "km, farthest:", float(distance.max()), "km")
    print("equal:", np.allclose(fh.gather(distance), expected))


if __name__ == "__main__":
    main()
