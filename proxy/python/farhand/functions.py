"""NumPy's functions that reduce, and differences: the array's methods under their other name."""
from .array import Array
from .dtypes import normalize_axes, normalize_axis
from .errors import error
from .joining import _session_of, joined, remote
from .ufuncs import call

import numpy as np


def _method(name):
    def function(a, *arguments, **keywords):
        if not isinstance(a, Array):  # out or where is remote
            a = remote(a, _session_of([*arguments, *keywords.values()]))
        return getattr(a, name)(*arguments, **keywords)

    function.__name__ = name
    return function


sum, prod, min, max, any, all, mean, var, std, argmin, argmax, ptp = map(
    _method, "sum prod min max any all mean var std argmin argmax ptp".split())


def count_nonzero(a, axis=None, *, keepdims=False):
    return (a if a.dtype == bool else call("not_equal", (a, 0))).sum(axis=axis, keepdims=keepdims)


def _spread(weights, a, axis):
    """Weights of one axis, or of several, as they stand beside the array's elements."""
    if axis is None:
        raise error("WRONG_TYPE", "average: weights of another shape than the array need an axis")
    axes = normalize_axes(axis, a.ndim)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise error("WRONG_TYPE" if len(axes) == 1 and weights.ndim != 1 else "INVALID_ARGUMENT",
                    f"average: weights of shape {weights.shape} do not fit axis {axis} of an array of shape {a.shape}")
    order = sorted(range(len(axes)), key=axes.__getitem__)
    return weights.transpose(order)[tuple(slice(None) if i in axes else None for i in range(a.ndim))]


def average(a, axis=None, weights=None, returned=False, *, keepdims=np._NoValue):
    session = _session_of([a, weights])
    a = remote(a, session)
    if weights is None:
        result = a.mean(axis, keepdims=keepdims)
        total = np.float64(a.size // result.size if result.size else 0) if returned else None
    else:
        weights = remote(weights, session)
        dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "biu" else []))
        if weights.shape != a.shape:
            weights = _spread(weights, a, axis)
        total = weights.sum(axis, dtype=dtype, keepdims=keepdims) if weights.shape == a.shape else \
            (weights + a * 0).sum(axis, dtype=dtype, keepdims=keepdims)
        if bool((total == 0).any()):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        result = call("multiply", (a, weights), dtype=dtype).sum(axis, keepdims=keepdims) / total
    return (result, call("add", (result * 0, total))) if returned else result


def apply_over_axes(func, a, axes):
    axes = [axes] if not np.ndim(axes) else list(axes)
    result = a
    for axis in axes:
        axis = normalize_axis(axis, a.ndim)
        reduced = func(result, axis)
        result = reduced if reduced.ndim == result.ndim else reduced[(slice(None),) * axis + (None,)]
        if result.ndim != a.ndim:
            raise error("INVALID_ARGUMENT", "function is not returning an array of the correct shape")
    return result


def _edge(x, a, axis):
    """What is put before or behind an array before its differences are taken; None: nothing."""
    if x is np._NoValue:
        return None
    x = remote(x, a._handle.session)
    if x.ndim:
        return x
    from .shaping import broadcast_to

    return broadcast_to(x, a.shape[:axis] + (1,) + a.shape[axis + 1:])


def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    if n == 0:
        return a
    if n < 0:
        raise error("INVALID_ARGUMENT", f"order must be non-negative but got {n}")
    if np.ndim(a) == 0:
        raise error("INVALID_ARGUMENT", "diff requires input that is at least one dimensional")
    a = remote(a, _session_of([a, prepend, append]))
    axis = normalize_axis(axis, a.ndim)
    parts = [_edge(prepend, a, axis), a, _edge(append, a, axis)]
    if parts[0] is not None or parts[2] is not None:
        a = joined([part for part in parts if part is not None], axis)
    before = (slice(None),) * axis
    op = "not_equal" if a.dtype.kind == "b" else "subtract"
    for _ in range(n):
        a = call(op, (a[before + (slice(1, None),)], a[before + (slice(None, -1),)]))
    return a
