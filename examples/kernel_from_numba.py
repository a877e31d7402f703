"""A Python function, compiled by Numba and run where the arrays are.  Run: scripts/with python3 examples/kernel_from_numba.py"""
import numpy as np

import farhand as fh


def main():
    @fh.kernel("int64(float64, float64)")
    def escape(re, im):
        """Steps until the point leaves the circle of radius 2; 200 for the Mandelbrot set."""
        x, y = re, im
        for step in range(200):
            if x * x + y * y > 4:
                return step
            x, y = x * x - y * y + re, 2 * x * y + im
        return 200

    re, im = np.linspace(-2, 0.6, 300), np.linspace(-1.2, 1.2, 200)[:, None]
    steps = fh.gather(escape(fh.scatter(re, axis=None), fh.scatter(im, axis=0)))
    for row in steps[::20, ::6]:
        print("".join(" .:-=+*#%@"[min(9, int(n) // 8)] for n in row))
    some = [(i, j) for i in range(0, 200, 37) for j in range(0, 300, 41)]
    print("equal:", all(steps[i, j] == escape.py_func(re[j], im[i, 0]) for i, j in some))


if __name__ == "__main__":
    main()
