"""Functions that pass over NaN.

Whether a slice has nothing but NaN only values tell: those that warn of it, as NumPy's do, wait for one bool.
"""
import numpy as np

from . import reductions
from .errors import error
from .ufuncs import call


def _is_exact(a):
    return a.dtype.kind not in "fc"


def _without_nan(a, replacement):
    return a if _is_exact(a) else call("where", (call("isnan", (a,)), replacement, a))


def _check_inexact(a, dtype, out):
    """Means of what may be NaN are no integers, as with NumPy."""
    for what, kind in (("dtype", dtype), ("out", getattr(out, "dtype", None))):
        if kind is not None and not _is_exact(a) and np.dtype(kind).kind not in "fc":
            raise error("WRONG_TYPE", f"If a is inexact, then {what} must be inexact")


def nansum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    return _without_nan(a, 0).sum(axis, dtype, out, keepdims, initial, where)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    return _without_nan(a, 1).prod(axis, dtype, out, keepdims, initial, where)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    if _is_exact(a):
        return a.mean(axis, dtype, out, keepdims, where=where)
    _check_inexact(a, dtype, out)
    count = call("equal", (a, a)).sum(axis, keepdims=keepdims, where=where)
    total = nansum(a, axis, dtype, None, keepdims, None, where)
    with np.errstate(divide="ignore", invalid="ignore"):  # of none
        mean = total / count
    reductions.warn_if(count == 0, "Mean of empty slice")
    return reductions.deliver(mean.astype(dtype or a.dtype), out)


def _nan_extremum(name, replacement):
    def function(a, axis=None, out=None, keepdims=False, initial=None, where=True):
        result = getattr(_without_nan(a, replacement), name)(axis, None, keepdims, initial, where)
        if not _is_exact(a) and not reductions._given(initial) and bool(call("equal", (result, replacement)).any()):
            some = call("equal", (a, a)).any(axis, None, keepdims)  # what has nothing but NaN stays NaN
            result = call("where", (some, result, np.nan))
            reductions.warn_if(~some, "All-NaN slice encountered")
        return reductions.deliver(result, out, "unsafe")

    function.__name__ = f"nan{name}"
    return function


nanmin, nanmax = _nan_extremum("min", np.inf), _nan_extremum("max", -np.inf)


def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True):
    _check_inexact(a, dtype, out)
    result = _variance(a, axis, dtype, ddof, keepdims, where)
    return reductions.deliver(result, out)


def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True):
    _check_inexact(a, dtype, out)
    return reductions.deliver(call("sqrt", (_variance(a, axis, dtype, ddof, keepdims, where),)), out)


def _variance(a, axis, dtype, ddof, keepdims, where):
    if _is_exact(a):
        return a.var(axis, dtype, None, ddof, keepdims, where=where)
    there = call("equal", (a, a))
    total = _without_nan(a, 0).sum(axis, dtype, keepdims=True, where=where)
    with np.errstate(divide="ignore", invalid="ignore"):  # of none
        mean = total / there.sum(axis, keepdims=True, where=where)
    distance = call("absolute", (_without_nan(a - mean, 0),))
    freedom = there.sum(axis, keepdims=keepdims, where=where) - ddof
    total = (distance * distance).sum(axis, dtype, keepdims=keepdims, where=where)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = call("where", (freedom > 0, total / freedom, np.nan))
    reductions.warn_if(freedom <= 0, "Degrees of freedom <= 0 for slice.")
    return result.astype(dtype or a.dtype.type(0).real.dtype)


def _nan_argument(name, replacement):
    def function(a, axis=None, out=None, *, keepdims=np._NoValue):
        if not _is_exact(a):
            if not bool(call("equal", (a, a)).any(axis).all()):
                raise error("INVALID_ARGUMENT", "All-NaN slice encountered")
            a = _without_nan(a, replacement)
        return getattr(a, name)(axis, out, keepdims=keepdims)

    function.__name__ = f"nan{name}"
    return function


nanargmin, nanargmax = _nan_argument("argmin", np.inf), _nan_argument("argmax", -np.inf)
