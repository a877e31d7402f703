"""Kernels from Python: a new kernel from bitcode to its result beside Numba's own compilation of the same function, the cost
of a call beside NumPy's ufunc on remote arrays, and the Mandelbrot set beside Numba's threads.  Measured in turns."""
import itertools
import json
import math
import statistics
import time

import numba
import numpy as np

import farhand as fh
from farhand.producers.numba import compile_function

TURNS, CALLS = 15, 200
SIZE, ROUNDS = 1500, 200
numbers = itertools.count(1)


def row(case, value, unit, limit, limit_name, ratio):
    print(json.dumps({"bench": "kernel_python", "case": case, "value": round(value, 4), "unit": unit, "limit": round(limit, 4),
                      "limit_name": limit_name, "ratio": round(ratio, 3)}), flush=True)


def seconds_of(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def new_function():
    """One that nobody has compiled yet."""
    number = float(next(numbers))

    def f(x, y):
        return math.sqrt(x * x + y * y) + number

    return f


def bench_new_kernel():
    d, local = fh.scatter(np.arange(8.0), axis=None), np.arange(8.0)
    signature = "float64(float64, float64)"
    ours, theirs, whole = [], [], []
    for _ in range(TURNS):
        code = compile_function(new_function(), signature).code
        ours.append(seconds_of(lambda: fh.gather(fh.kernel(code, signature=signature)(d, d))))
        theirs.append(seconds_of(lambda: numba.vectorize([signature])(new_function())(local, local)))
        whole.append(seconds_of(lambda: fh.gather(fh.kernel(new_function(), signature=signature)(d, d))))
    limit = statistics.median(theirs) * 1e3
    for case, times in (("bitcode to first result", ours), ("Python function to first result", whole)):
        value = statistics.median(times) * 1e3
        row(case, value, "ms", limit, "numba.vectorize, to its first result", value / limit)


def bench_call():
    d = fh.scatter(np.arange(1.0), axis=None)
    add = fh.kernel(b"define double @add(double %x, double %y) {\n %z = fadd double %x, %y\n ret double %z\n}\n")
    ours, theirs = [], []
    for _ in range(TURNS):
        for times, call in ((ours, lambda: float(add(d, d))), (theirs, lambda: float(np.add(d, d)))):
            times.append(seconds_of(lambda: [call() for _ in range(CALLS)]) / CALLS)
    value, limit = statistics.median(ours) * 1e6, statistics.median(theirs) * 1e6
    row("call of one element and its value", value, "us", limit, "numpy.add of the same", value / limit)


def mandelbrot(x, y):
    c = complex(x, y)
    z = 0j
    for i in range(ROUNDS):
        z = z * z + c
        if z.real * z.real + z.imag * z.imag > 4:
            return i
    return ROUNDS


def bench_mandelbrot():
    signature = "int64(float64, float64)"
    kernel = fh.kernel(mandelbrot, signature=signature)
    theirs = numba.vectorize([signature], target="parallel")(mandelbrot)
    x, y = np.meshgrid(np.linspace(-2, 0.5, SIZE), np.linspace(-1.25, 1.25, SIZE))
    a, b = fh.scatter(x), fh.scatter(y)
    same = np.array_equal(fh.gather(kernel(a, b)), theirs(x, y))
    pairs = [(seconds_of(lambda: kernel(a, b).wait()), seconds_of(theirs, x, y)) for _ in range(TURNS)]
    value, limit = (statistics.median(times) * 1e3 for times in zip(*pairs))
    row(f"mandelbrot {SIZE}^2{'' if same else ', WRONG'}", value, "ms", limit, f"numba.vectorize on {numba.get_num_threads()} threads",
        statistics.median(ours / their for ours, their in pairs))


def main():
    with fh.Cluster(2):
        bench_new_kernel()
        bench_call()
        bench_mandelbrot()


if __name__ == "__main__":
    main()
