"""Reductions: sum, mean, argmax and their like."""
import numpy as np

from .dtypes import NONE, code_of, normalize_axes
from .errors import error, not_supported

_IDENTITIES = {"sum": 0, "prod": 1, "any": False, "all": True, "bitwise_or": 0, "bitwise_xor": 0, "bitwise_and": -1}
_COMBINE = {"sum": "add", "prod": "multiply", "min": "minimum", "max": "maximum", "any": "logical_or", "all": "logical_and",
            "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor", "bitwise_and": "bitwise_and"}


def deliver(result, out):
    """result, or out after it has been written."""
    if out is None:
        return result
    from .array import Array

    target = out[0] if isinstance(out, tuple) else out
    if isinstance(target, Array):
        if target.shape != result.shape:
            raise error("INVALID_ARGUMENT", f"out has shape {target.shape}, the result {result.shape}")
        target._assign(result, "same_kind")
    elif isinstance(target, np.ndarray):
        np.copyto(target, np.asarray(result), casting="same_kind")
    else:
        raise error("WRONG_TYPE", f"out must be an array, not {type(target).__name__}")
    return target


def _given(value):
    return value is not None and value is not np._NoValue


def _masked(x, name, where, initial):
    """x with what where leaves out replaced by a value that does not count."""
    from .ufuncs import call

    if name in _IDENTITIES:
        identity = _IDENTITIES[name]
        if x.dtype.kind == "u" and identity == -1:
            identity = int(np.iinfo(x.dtype).max)
        if x.dtype.kind == "b":
            identity = bool(identity)
    elif _given(initial):
        identity = initial
    else:
        raise error("INVALID_ARGUMENT", f"{name} has no identity: where= needs initial= too")
    return call("where", (where, x, identity))


def reduce(x, name, axis=None, *, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The reduction of that name, with NumPy's arguments."""
    from .array import wrap
    from .ufuncs import call

    keepdims = bool(keepdims) if _given(keepdims) else False
    axes = normalize_axes(axis, x.ndim)
    if _given(where) and where is not True:
        if name not in _COMBINE:
            raise not_supported(f"{name}: where= is not built yet for remote arrays")
        x = _masked(x, name, where, initial)
    code = code_of(dtype) if _given(dtype) else NONE
    if name in ("min", "max") and _given(initial) and x.size == 0:
        from .creation import full

        shape = _reduced_shape(x.shape, axes, keepdims)
        return deliver(full(shape, initial, dtype or x.dtype, axis=None), out)
    if name in ("min", "max") and not _given(initial):
        _check_not_empty(x, name, axes)
    result = wrap(x._handle.reduce(name, axes, keepdims, code))
    if _given(initial):
        result = call(_COMBINE[name], (result, initial))
    return deliver(result, out)


def _check_not_empty(x, name, axes):
    """As NumPy: what has no identity needs something to choose from, even where no result would be made."""
    if any(x.shape[i] == 0 for i in (range(x.ndim) if axes is None else axes)):
        raise error("INVALID_ARGUMENT", f"{name} of an axis without items: there is no identity (give initial=)")


def _reduced_shape(shape, axes, keepdims):
    reduced = range(len(shape)) if axes is None else axes
    if keepdims:
        return tuple(1 if i in reduced else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in reduced)


def argument(x, name, axis=None, out=None, keepdims=False):
    """argmin and argmax: one axis, or all of the array in C order."""
    from .array import wrap

    keepdims = bool(keepdims) if _given(keepdims) else False
    axes = None if axis is None else normalize_axes(int(axis), x.ndim)
    _check_not_empty(x, name, axes)
    return deliver(wrap(x._handle.reduce(name, axes, keepdims, NONE)), out)


def variance(x, root, axis=None, dtype=None, out=None, ddof=0, keepdims=False, where=True):
    """var and std."""
    from .array import wrap

    if _given(where) and where is not True:
        raise not_supported("var and std: where= is not built yet for remote arrays")
    keepdims = bool(keepdims) if _given(keepdims) else False
    code = code_of(dtype) if _given(dtype) else NONE
    return deliver(wrap(x._handle.variance(root, float(ddof), normalize_axes(axis, x.ndim), keepdims, code)), out)
