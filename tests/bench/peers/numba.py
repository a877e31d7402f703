"""Numba in the client's own process, two threads."""
import itertools
import math

import numba
import numpy as np

from compare.inputs import MATHS, arithmetic_from, chosen_from, maths_from
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


def _compiled(function):
    """function(x) of every element, into memory that is there."""
    @numba.njit(parallel=True, fastmath=True)
    def run(x, out):
        for i in numba.prange(x.size):
            out[i] = function(x[i])

    return run


@numba.njit(fastmath=True)
def _power(x):
    return x ** 1.5


@numba.njit(parallel=True, fastmath=True)
def _chain(a, b, c, out):
    for i in numba.prange(a.size):
        out[i] = a[i] * b[i] + c[i]


@numba.njit(parallel=True, fastmath=True)
def _means(x):
    """Each thread adds up its part of the rows."""
    parts = numba.get_num_threads()
    totals = np.zeros((parts, x.shape[1]))
    for part in numba.prange(parts):
        for i in range(x.shape[0] * part // parts, x.shape[0] * (part + 1) // parts):
            for j in range(x.shape[1]):
                totals[part, j] += x[i, j]
    return totals.sum(axis=0) / x.shape[0]


@numba.njit
def _choose(x, mask):
    return x[mask]


@numba.njit
def _take(x, indices):
    return x[indices]


@numba.njit
def _sort(x):
    return np.sort(x)


def _waves(x):
    return math.exp(x) * math.sin(x)


def _sigmoid(x):
    return 1 / (1 + math.exp(-x))


def _softplus(x):
    return math.log1p(math.exp(x))


_FORMULAS = {"waves": _waves, "sigmoid": _sigmoid, "softplus": _softplus}


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
        x, out, seconds = maths_from(n), np.empty(n), {}
        for name in MATHS:
            function = _compiled(_power if name == "power" else getattr(math, name))
            function(x, out)  # compiled
            seconds[name] = median_of(5, lambda: function(x, out))
        return seconds

    def formulas(self, n):
        x, out, seconds = maths_from(n), np.empty(n), {}
        for name, scalar in _FORMULAS.items():
            function = _compiled(numba.njit(fastmath=True)(scalar))
            function(x, out)  # compiled
            seconds[name] = median_of(5, lambda: function(x, out))
        return seconds

    def arithmetic(self, n):
        a, b, c, x = arithmetic_from(n)
        out = np.empty(n)
        _chain(a, b, c, out), _means(x)  # compiled
        return {"chain": median_of(5, lambda: _chain(a, b, c, out)), "means": median_of(5, lambda: _means(x))}

    def chosen(self, n):
        """One thread."""
        x, mask, indices = chosen_from(n)
        _choose(x[:8], mask[:8]), _take(x[:8], indices[:1] * 0)  # compiled
        return {"mask": median_of(3, lambda: _choose(x, mask)), "take": median_of(5, lambda: _take(x, indices))}

    def sorting(self, n):
        """One thread."""
        x = np.random.default_rng(1).normal(size=n)
        _sort(x[:8])  # compiled
        return {"sort": median_of(1, lambda: _sort(x))}

    def kernel(self, count):
        x = np.arange(8.0)

        def new():
            number = float(next(self._numbers))
            numba.vectorize(["float64(float64, float64)"])(lambda x, y: math.sqrt(x * x + y * y) + number)(x, x)

        return {"new": median_of(count, new)}
