"""Numba in the client's own process, two threads."""
import itertools
import math

import numba
import numpy as np

from compare.timing import median_of

VERSION = numba.__version__


@numba.njit(parallel=True, fastmath=True)
def _sum(x):
    total = 0.0
    for i in numba.prange(x.size):
        total += x[i]
    return total


@numba.njit(parallel=True, fastmath=True)
def _fused(a, b, c):
    total = 0.0
    for i in numba.prange(a.size):
        total += a[i] * b[i] + c[i]
    return total


@numba.njit(parallel=True, fastmath=True)
def _exp(x, out):
    for i in numba.prange(x.size):
        out[i] = math.exp(x[i])


@numba.njit(parallel=True, fastmath=True)
def _sin(x, out):
    for i in numba.prange(x.size):
        out[i] = math.sin(x[i])


class Contestant:
    def __init__(self):
        numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
        self._numbers = itertools.count(1)

    def close(self):
        pass

    def sums(self, n):
        x = np.ones(n)
        return {"sum": median_of(5, lambda: _sum(x)), "mean": median_of(5, lambda: _sum(x) / n)}

    def fused(self, n):
        a, b, c = (np.full(n, value) for value in (1.0, 2.0, 3.0))
        return {"fused": median_of(5, lambda: _fused(a, b, c))}

    def maths(self, n):
        x, out = np.linspace(0.0, 10.0, n), np.empty(n)
        for function in (_exp, _sin):
            function(x, out)  # compiled
        return {"exp": median_of(5, lambda: _exp(x, out)), "sin": median_of(5, lambda: _sin(x, out))}

    def kernel(self, count):
        x = np.arange(8.0)

        def new():
            number = float(next(self._numbers))
            numba.vectorize(["float64(float64, float64)"])(lambda x, y: math.sqrt(x * x + y * y) + number)(x, x)

        return {"new": median_of(count, new)}
