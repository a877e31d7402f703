"""The Mandelbrot set as a picture, by a kernel in C, Rust, Fortran or Python.  Run: scripts/with python3 examples/mandelbrot.py"""
import argparse
import pathlib
import time

import numpy as np

import farhand as fh

KERNELS = pathlib.Path(__file__).with_name("kernels")


def escape(x, y):
    u, v = 0.0, 0.0
    for step in range(255):
        if u * u + v * v > 4:
            return step
        u, v = u * u - v * v + x, 2 * u * v + y
    return 255


def load(language):
    if language == "numba":
        return fh.kernel(escape, signature="int32(float64, float64)")
    source = (KERNELS / {"c": "mandelbrot.c", "rust": "mandelbrot.rs", "fortran": "mandelbrot.f90"}[language]).read_text()
    return getattr(fh.kernel, f"from_{language}")(source, "mandelbrot")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", choices=["c", "rust", "fortran", "numba"], default="c")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--picture", default="mandelbrot.png")
    options = parser.parse_args()

    kernel = load(options.language)
    print(kernel)
    x = np.linspace(-2, 0.6, options.width)
    y = np.linspace(-1.2, 1.2, options.width * 24 // 26)
    began = time.perf_counter()
    steps = fh.gather(kernel(x, fh.scatter(y[:, None], axis=0)))
    print(f"{steps.shape[0]} x {steps.shape[1]} points in {1000 * (time.perf_counter() - began):.0f} ms")
    some = [(i, k) for i in range(0, len(y), len(y) // 9) for k in range(0, len(x), len(x) // 9)]
    print("equal:", all(steps[i, k] == escape(x[k], y[i]) for i, k in some))

    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.imsave(options.picture, np.log1p(steps.astype(float)), cmap="magma")
    print("picture:", options.picture)


if __name__ == "__main__":
    main()
