"""Functions that pass over NaN."""
import numpy as np

from . import reductions
from .errors import error
from .ufuncs import call


def _without_nan(a, replacement):
    if a.dtype.kind not in "fc":
        return a
    return call("where", (call("isnan", (a,)), replacement, a))


def nansum(a, axis=None, dtype=None, out=None, keepdims=False):
    return _without_nan(a, 0).sum(axis, dtype, out, keepdims)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=False):
    return _without_nan(a, 1).prod(axis, dtype, out, keepdims)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=False):
    if a.dtype.kind not in "fc":
        return a.mean(axis, dtype, out, keepdims)
    count = call("equal", (a, a)).sum(axis, keepdims=keepdims)
    total = nansum(a, axis, dtype, None, keepdims)
    with np.errstate(divide="ignore", invalid="ignore"):  # of none
        mean = total / count
    return reductions.deliver(mean.astype(dtype or a.dtype), out)


def _nan_extremum(name, replacement):
    def function(a, axis=None, out=None, keepdims=False, initial=None, where=True):
        result = getattr(_without_nan(a, replacement), name)(axis, None, keepdims, initial, where)
        if a.dtype.kind in "fc" and initial is None:  # what has nothing but NaN stays NaN
            result = call("where", (call("equal", (a, a)).any(axis, None, keepdims), result, np.nan))
        return reductions.deliver(result, out)

    function.__name__ = f"nan{name}"
    return function


nanmin, nanmax = _nan_extremum("min", np.inf), _nan_extremum("max", -np.inf)


def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    if a.dtype.kind not in "fc":
        return a.var(axis, dtype, out, ddof, keepdims)
    there = call("equal", (a, a))
    total, count = _without_nan(a, 0).sum(axis, dtype, keepdims=True), there.sum(axis, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # of none
        mean = total / count
    distance = call("absolute", (_without_nan(a - mean, 0),))
    freedom = there.sum(axis, keepdims=keepdims) - ddof
    total = (distance * distance).sum(axis, dtype, keepdims=keepdims)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = call("where", (freedom > 0, total / freedom, np.nan))
    return reductions.deliver(result.astype(dtype or total.dtype), out)


def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    return reductions.deliver(call("sqrt", (nanvar(a, axis, dtype, None, ddof, keepdims),)), out)


def _nan_argument(name, replacement):
    def function(a, axis=None, out=None, *, keepdims=np._NoValue):
        if a.dtype.kind in "fc":
            if not bool(call("equal", (a, a)).any(axis).all()):
                raise error("INVALID_ARGUMENT", "All-NaN slice encountered")
            a = _without_nan(a, replacement)
        return getattr(a, name)(axis, out, keepdims=keepdims)

    function.__name__ = f"nan{name}"
    return function


nanargmin, nanargmax = _nan_argument("argmin", np.inf), _nan_argument("argmax", -np.inf)
