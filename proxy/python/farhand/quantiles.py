"""Quantiles, percentiles, medians: exact, from the sorted array, or from the sorted part of it that holds them."""
import functools
import math

import numpy as np

from . import selection, shaping
from .dtypes import normalize_axes
from .errors import error
from .errstate import warn
from .joining import _session_of, remote, stack
from .reductions import deliver
from .sorting import sort
from .ufuncs import call


def _discrete(n, q, shift=0.0):
    """The largest index whose share of the elements is below q."""
    at = n * q - 1 - shift
    below = math.floor(at)
    return below, at - below


def _inverted(n, q):
    below, rest = _discrete(n, q)
    return below if rest == 0 else below + 1


def _averaged(n, q):
    below, rest = _discrete(n, q)
    return below + (0.5 if rest == 0 else 1.0)


def _closest(n, q):
    below, rest = _discrete(n, q, 0.5)
    return below if rest == 0 and below % 2 == 1 else below + 1  # the even one, counted from 1, as NumPy 2 does


def _between(alpha, beta):
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# Where the quantile q lies among n sorted elements (Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996).  An int: it
# is that element; a float: between two.
_METHODS = {
    "inverted_cdf": _inverted,
    "averaged_inverted_cdf": _averaged,
    "closest_observation": _closest,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
    "lower": lambda n, q: math.floor((n - 1) * q),
    "higher": lambda n, q: math.ceil((n - 1) * q),
    "midpoint": lambda n, q: 0.5 * (math.floor((n - 1) * q) + math.ceil((n - 1) * q)),
    "nearest": lambda n, q: int(np.around((n - 1) * q)),
}


def _method(name):
    if name not in _METHODS:
        raise error("INVALID_ARGUMENT", f"{name!r} is not a valid method. Use one of: {tuple(_METHODS)}")
    return _METHODS[name]


def _reduced_last(a, axis):
    """The array with the reduced axes as its last one, and the shape with them as ones."""
    axes = normalize_axes(axis, a.ndim)
    if axes is None:
        return a.ravel(), (1,) * a.ndim
    kept = [i for i in range(a.ndim) if i not in axes]
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    if len(axes) == 1:
        return (a if axes[0] == a.ndim - 1 else shaping.moveaxis(a, axes[0], -1)), shape
    a = a.transpose((*kept, *axes))
    return a.reshape((*a.shape[:len(kept)], -1)), shape


def _indices(n, at):
    """The element(s) at or around that place of n sorted ones, and how far it lies behind the first."""
    if isinstance(at, int):
        below = min(max(at, 0), n - 1)
        return below, below, 0.0
    if at < 0 or at >= n - 1:
        below = 0 if at < 0 else n - 1
        return below, below, at - math.floor(at)
    return math.floor(at), math.floor(at) + 1, at - math.floor(at)


def _picked(s, at):
    """Element(s) at that place of the last, sorted axis."""
    below, above, t = _indices(s.shape[-1], at)
    if isinstance(at, int):
        return s[..., below]
    low, high = s[..., below], s[..., above]
    step = call("subtract", (high, low))
    t = np.float64(t)
    if t >= 0.5:
        return high - step * (1 - t)
    return low + step * t


@functools.lru_cache(maxsize=None)
def _nat_spreads():
    """Is a median with NaT among its elements NaT?"""
    return bool(np.isnat(np.median(np.array([1, 2, "NaT"], "m8[s]"))))


def _with_nan(s, result):
    """NaN where the line has one: it would be the last.  NaT where NumPy's version does so."""
    if s.dtype.kind == "m" and _nat_spreads():
        last = s[..., -1]
        return call("where", (call("isnat", (last,)), last, result))
    if s.dtype.kind not in "fc":
        return result
    last = s[..., -1]
    return call("where", (call("isnan", (last,)), last.astype(result.dtype), result))


def _quantile(a, q, axis, out, method, keepdims, scale, what):
    a, place = remote(a, _session_of([a, q])), _method(method)
    dtype = a.dtype if isinstance(q, (int, float)) and a.dtype.kind == "f" else None  # Python's numbers are weak
    q = np.true_divide(np.asarray(q), scale)
    if not ((q >= 0) & (q <= 1)).all():
        raise error("INVALID_ARGUMENT", f"{what} must be in the range [0, {scale}]")
    if a.dtype.kind == "c":
        raise error("WRONG_TYPE", "a must be an array of real numbers")
    lines, kept = _reduced_last(a, axis)
    n = lines.shape[-1]
    if n == 0:
        raise error("BAD_INDEX", "quantiles of nothing: the axis has no items")
    places = [place(n, float(x)) for x in q.ravel()]
    s = selection.around(lines, [index for at in places for index in _indices(n, at)[:2]]) or sort(lines, -1)
    found = [_with_nan(s, _picked(s, at)) for at in places]
    found = [x if dtype in (None, x.dtype) else x.astype(dtype) for x in found]
    if keepdims:
        found = [x.reshape(kept) for x in found]
    if q.ndim == 0:
        return deliver(found[0], out)
    if not found:
        return deliver(np.empty_like(s, shape=(*q.shape, *(kept if keepdims else s.shape[:-1]))), out)
    result = stack(found, 0)
    return deliver(result if q.ndim == 1 else result.reshape((*q.shape, *result.shape[1:])), out)


def percentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, interpolation=None):
    return _quantile(a, q, axis, out, interpolation or method, keepdims, 100, "Percentiles")


def quantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, interpolation=None):
    return _quantile(a, q, axis, out, interpolation or method, keepdims, 1, "Quantiles")


def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    lines, kept = _reduced_last(a, axis)
    n = lines.shape[-1]
    if n == 0:
        result = lines.astype(np.result_type(a.dtype, *(["f8"] if a.dtype.kind in "biu" else []))).mean(-1)
    else:
        s = selection.around(lines, [(n - 1) // 2, n // 2]) or sort(lines, -1)
        result = _with_nan(s, s[..., (n - 1) // 2:n // 2 + 1].mean(-1))
    return deliver(result.reshape(kept) if keepdims else result, out, "unsafe")


# ---- over NaN

def _hosted(name):
    from .function_table import Row
    from .hosted import Hosted

    return Hosted(Row("HOSTED", name, "drops:None"))


def _over_nan(name, function):
    """Lines of different numbers of elements, where only some axes are reduced, are NumPy's work, hosted."""
    def over_nan(a, *arguments, axis=None, out=None, overwrite_input=False, keepdims=False, **keywords):
        a = remote(a, _session_of([a, *arguments]))
        if a.dtype.kind not in "fc":
            return function(a, *arguments, axis=axis, out=out, keepdims=keepdims, **keywords)
        axes = normalize_axes(axis, a.ndim)
        if axes is not None and len(axes) < a.ndim or a.size == 0:
            return deliver(_hosted(name)(a, *arguments, axis=axis, keepdims=keepdims, **keywords), out)
        line = a.ravel()
        there = line[call("equal", (line, line))]
        if not there.size:
            warn("All-NaN slice encountered")
        result = function(there if there.size else line[:1], *arguments, **keywords)
        if keepdims:
            lead = result.shape
            result = result.reshape((*lead, *(1,) * a.ndim))
        return deliver(result, out)

    return over_nan


_nanmedian = _over_nan("nanmedian", median)
_nanpercentile = _over_nan("nanpercentile", percentile)
_nanquantile = _over_nan("nanquantile", quantile)


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    return _nanmedian(a, axis=axis, out=out, keepdims=keepdims is not np._NoValue and keepdims)


def nanpercentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, interpolation=None):
    return _nanpercentile(a, q, axis=axis, out=out, method=interpolation or method, keepdims=keepdims is not np._NoValue and keepdims)


def nanquantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, interpolation=None):
    return _nanquantile(a, q, axis=axis, out=out, method=interpolation or method, keepdims=keepdims is not np._NoValue and keepdims)
