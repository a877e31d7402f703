"""Sorting and searching, on the engines: NaN last, results for any number of engines and pieces the same."""
import operator

import numpy as np

from . import others
from .dtypes import integer_axis, is_other, normalize_axis
from .errors import error
from .joining import _session_of, remote
from .ufuncs import call

_KINDS = ("q", "h", "m", "s", "i")  # quicksort, heapsort, mergesort, stable, introselect: NumPy looks at the first letter


def _check(a, kind, order):
    if kind is not None and not isinstance(kind, str):
        raise error("WRONG_TYPE", f"sort kind must be str, not {type(kind).__name__}")
    if kind is not None and kind[:1].lower() not in _KINDS:
        raise error("INVALID_ARGUMENT", f"sort kind must be one of 'quick', 'heap', or 'stable' (got {kind!r})")
    if order is not None and a.dtype.names is None:
        raise error("INVALID_ARGUMENT", "cannot specify order when the array has no fields")


def _line(a, axis):
    """The array, flat if axis is None, and the axis."""
    if axis is None:
        return a.ravel(), 0
    return a, normalize_axis(axis, a.ndim)


def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    """A sorted copy.  All kinds are one: it is stable but for the signs of zeros, -0.0 before 0.0."""
    from .array import wrap

    _check(a, kind, order)
    a, axis = _line(a, axis)
    if is_other(a.dtype):
        return others.sort(a, axis, order)
    return wrap(a._handle.sort(axis))


def msort(a):
    """A copy sorted along the first axis."""
    return sort(a, 0)


def argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    """All kinds are stable."""
    from .array import wrap

    _check(a, kind, order)
    integer_axis(axis)
    if a.ndim == 0 and axis in (-1, 0):
        return argsort(a.reshape(1), 0, kind, order).reshape(())
    a, axis = _line(a, axis)
    if is_other(a.dtype):
        return others.argsort(a, axis, order)
    return wrap(a._handle.argsort(axis))


def _check_kth(kth, extent):
    for k in np.ravel(kth):
        k = operator.index(k)
        if not -extent <= k < extent:
            raise error("INVALID_ARGUMENT", f"kth(={k}) out of bounds ({extent})")


def _partitioned(a, kth, kind, order, places):
    """A vector around one index; None: more than that."""
    from .selection import partitioned

    simple = a.ndim == 1 and np.ndim(kth) == 0 and a.shape[0] and kind == "introselect" and order is None
    return partitioned(a, int(kth) % a.shape[0], places) if simple else None


def partition(a, kth, axis=-1, kind="introselect", order=None):
    """Sorted, which is a partition for every kth, but for large vectors."""
    _check(a, kind, order)
    a, axis = _line(a, axis)
    if not a.size:
        return a.copy()
    _check_kth(kth, a.shape[axis])
    result = _partitioned(a, kth, kind, order, False)
    return sort(a, axis, kind, order) if result is None else result


def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    _check(a, kind, order)
    a, axis = _line(a, axis)
    if a.size:
        _check_kth(kth, a.shape[axis])
    result = _partitioned(a, kth, kind, order, True)
    return argsort(a, axis, kind, order) if result is None else result


def sort_complex(a):
    a = sort(a, -1)
    if a.dtype.kind == "c":
        return a
    return a.astype("c8" if a.dtype.char in "bhBHef" else "c16")


def lexsort(keys, axis=-1):
    """Stable sorts by one key after the other, the last one counting most."""
    from .dispatch import find

    take_along_axis = find(np.take_along_axis)
    session = _session_of(keys if isinstance(keys, (tuple, list)) else [keys])
    keys = [remote(key, session) for key in keys]
    if not keys:
        raise error("WRONG_TYPE", "need sequence of keys with len > 0 in lexsort")
    if any(key.shape != keys[0].shape for key in keys):
        raise error("INVALID_ARGUMENT", "all keys need to be the same shape")
    axis = normalize_axis(axis, max(keys[0].ndim, 1))
    if not keys[0].ndim:
        return argsort(keys[0])
    places = argsort(keys[0], axis)
    for key in keys[1:]:
        places = take_along_axis(places, argsort(take_along_axis(key, places, axis), axis), axis)
    return places


def searchsorted(a, v, side="left", sorter=None):
    from .array import wrap

    if side not in ("left", "right", "l", "r"):
        raise error("INVALID_ARGUMENT", f"search side must be 'left' or 'right' (got '{side}')")
    session = _session_of([a, v, sorter])
    a, v = remote(a, session), remote(v, session)
    if a.ndim != 1:
        raise error("INVALID_ARGUMENT", f"what is searched must have one axis, not {a.ndim}")
    if sorter is not None:
        sorter = remote(sorter, session)
        if sorter.dtype.kind not in "iu":
            raise error("WRONG_TYPE", "sorter must only contain integers")
        sorter = sorter._handle
    if is_other(a.dtype) or is_other(v.dtype):
        found = others.searched(a, v)
        if found is None:
            return others.hosted("searchsorted", "whole")(a, v, side=side, sorter=None if sorter is None else wrap(sorter))
        a, v = found
    return wrap(a._handle.searchsorted(v._handle, side[0] == "r", sorter))


def _direction(bins):
    """1: they rise (or stay); -1: they fall; ValueError for anything else."""
    if bins.size < 2:
        return 1
    steps = call("less", (bins[1:], bins[:-1])) if not isinstance(bins, np.ndarray) else bins[1:] < bins[:-1]
    if not bool(steps.any()):
        return 1
    steps = call("greater", (bins[1:], bins[:-1])) if not isinstance(bins, np.ndarray) else bins[1:] > bins[:-1]
    if not bool(steps.any()):
        return -1
    raise error("INVALID_ARGUMENT", "bins must be monotonically increasing or decreasing")


def digitize(x, bins, right=False):
    session = _session_of([x, bins])
    x, bins = remote(x, session), bins if hasattr(bins, "ndim") else np.asarray(bins)
    if x.dtype.kind == "c":
        raise error("WRONG_TYPE", "x may not be complex")
    if bins.ndim != 1:
        raise error("INVALID_ARGUMENT", "object of too small depth for desired array" if not bins.ndim else
                    "object too deep for desired array")
    side = "left" if right else "right"
    if _direction(bins) > 0:
        return searchsorted(bins, x, side)
    return bins.shape[0] - searchsorted(bins[::-1], x, side)
