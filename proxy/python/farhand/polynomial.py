"""fh.polynomial: numpy.polynomial, whose functions that evaluate series take remote points.

NumPy's own ask whether the points are an ndarray before they give each coefficient axes for the points: remote ones would be matched with the
coefficients' own axes.  All else is NumPy's.
"""
import functools
import importlib
import types

import numpy as np
import numpy.polynomial as _theirs

from .array import Array

_SERIES = ("chebyshev", "hermite", "hermite_e", "laguerre", "legendre", "polynomial")


def _coefficients(c, x):
    """With an axis behind its own for each one of x."""
    c = c if isinstance(c, Array) else np.asarray(c)
    return (c if c.ndim else c[None]).reshape((c.shape or (1,)) + (1,) * x.ndim)


def _evaluation(function):
    """polyval and its like; polyvalfromroots, whose coefficients are roots."""
    @functools.wraps(function)
    def evaluate(x, c, tensor=True):
        if not isinstance(x, Array):
            return function(x, c, tensor)
        return function(x, _coefficients(c, x) if tensor else c, False)

    return evaluate


def _from_roots(x, r, tensor=True):
    """numpy.polynomial.polynomial.polyvalfromroots."""
    if not isinstance(x, Array):
        return _theirs.polynomial.polyvalfromroots(x, r, tensor)
    r = r if isinstance(r, Array) else np.array(r, ndmin=1)
    if not tensor and x.ndim >= r.ndim:
        raise ValueError("x.ndim must be < r.ndim when tensor == False")
    return np.prod(x - (_coefficients(r, x) if tensor else r), axis=0)


def _grid(evaluate, function):
    @functools.wraps(function)
    def over_grid(*args):
        *points, c = args
        for x in points:
            c = evaluate(x, c)
        return c

    return over_grid


def _module(name):
    theirs = importlib.import_module(f"numpy.polynomial.{name}")
    made = types.ModuleType(f"{__name__}.{name}", theirs.__doc__)
    made.__dict__.update((key, value) for key, value in vars(theirs).items() if not key.startswith("__"))
    stem = {"chebyshev": "cheb", "hermite": "herm", "hermite_e": "herme", "laguerre": "lag", "legendre": "leg", "polynomial": "poly"}[name]
    evaluate = _evaluation(getattr(theirs, f"{stem}val"))
    setattr(made, f"{stem}val", evaluate)
    for n in (2, 3):
        setattr(made, f"{stem}grid{n}d", _grid(evaluate, getattr(theirs, f"{stem}grid{n}d")))
    if name == "polynomial":
        made.polyvalfromroots = _from_roots
    return made


def __getattr__(name):
    if name in _SERIES:
        found = globals()[name] = _module(name)
        return found
    return getattr(_theirs, name)


def __dir__():
    return dir(_theirs)
