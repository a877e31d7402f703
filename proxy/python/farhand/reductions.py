"""Reductions: sum, mean, argmax and their like."""
import math
import operator

import numpy as np

from .dtypes import NONE, code_of, integer_axis, is_other, normalize_axes
from .errors import error
from .errstate import warn

_IDENTITIES = {"sum": 0, "prod": 1, "any": False, "all": True, "bitwise_or": 0, "bitwise_xor": 0, "bitwise_and": -1}
_COMBINE = {"sum": "add", "prod": "multiply", "min": "minimum", "max": "maximum", "any": "logical_or", "all": "logical_and",
            "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor", "bitwise_and": "bitwise_and"}


def deliver(result, out, casting="same_kind"):
    """result, or out after it has been written."""
    if out is None:
        return result
    from .array import Array

    target = out[0] if isinstance(out, tuple) else out
    if isinstance(target, Array):
        if target.shape != result.shape:
            raise error("INVALID_ARGUMENT", f"out has shape {target.shape}, the result {result.shape}")
        target._assign(result, casting)
    elif isinstance(target, np.ndarray):
        np.copyto(target, np.asarray(result), casting=casting)
    else:
        raise error("WRONG_TYPE", f"out must be an array, not {type(target).__name__}")
    return target


def reduced_axes(axis, ndim):
    """As normalize_axes; a number may be reduced along its first axis, which it does not have, as in NumPy."""
    if isinstance(axis, list):
        raise error("WRONG_TYPE", "'list' object cannot be interpreted as an integer: several axes are a tuple")
    return None if not ndim and integer_axis(axis) in (0, -1, (0,), (-1,)) else normalize_axes(integer_axis(axis), ndim)


def averaged_axes(axis, ndim):
    """Those of mean, var and std: a number has no axis."""
    reduced_axes(axis, ndim)
    return normalize_axes(axis, ndim)


def _given(value):
    return value is not None and value is not np._NoValue


def _kept(keepdims):
    """keepdims as a bool."""
    if not _given(keepdims):
        return False
    if not isinstance(keepdims, (int, np.bool_)):
        raise error("WRONG_TYPE", f"'{type(keepdims).__name__}' object cannot be interpreted as an integer")
    return bool(keepdims)


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
    return call("where", (as_mask(where if hasattr(where, "dtype") else np.array(where, bool)), x, identity))


def reduce(x, name, axis=None, *, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The reduction of that name, with NumPy's arguments."""
    from .array import wrap
    from .ufuncs import call

    keepdims = _kept(keepdims)
    axes = reduced_axes(axis, x.ndim) if name != "mean" else averaged_axes(axis, x.ndim)
    if is_other(x.dtype):
        from . import others

        if name in ("min", "max") and not _given(initial):
            _check_not_empty(x, name, axes)
        return deliver(others.reduce(x, name, axes, keepdims, dtype if _given(dtype) else None, initial if _given(initial) else None,
                                     where if _given(where) and where is not True else None), out, "unsafe")
    if _given(where) and where is not True:
        if name == "mean":
            return deliver(_mean_where(x, axes, keepdims, dtype if _given(dtype) else None, where), out, "unsafe")
        x = _masked(x, name, where, initial)
    code = code_of(dtype) if _given(dtype) else NONE
    if name in ("min", "max") and _given(initial) and x.size == 0:
        from .creation import full

        shape = _reduced_shape(x.shape, axes, keepdims)
        return deliver(full(shape, initial, dtype or x.dtype, axis=None), out, "unsafe")
    if name in ("min", "max") and not _given(initial):
        _check_not_empty(x, name, axes)
    if name == "mean" and not _counted(x, axes):
        warn("Mean of empty slice.")
    result = wrap(x._handle.reduce(name, axes, keepdims, code))
    if _given(initial):
        result = call(_COMBINE[name], (result, initial))
    return deliver(result, out, "unsafe")


def as_mask(where):
    """where as bools: NumPy's reductions take numbers, too."""
    where = where if hasattr(where, "_handle") else np.asarray(where)
    return where if where.dtype == np.bool_ else where.astype(np.bool_)


def _taken(x, where):
    """where as a remote mask in the shape of x, and what dtype sums of x are made in."""
    from . import joining, shaping

    mask = shaping.spread(joining.remote(as_mask(where), x._handle.session), x.shape)
    inexact = np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype
    return mask, inexact, np.dtype(np.float32) if inexact == np.float16 else inexact


def _mean_where(x, axes, keepdims, dtype, where, warns=True):
    """The sum of what where takes, by how many there are."""
    mask, natural, wide = _taken(x, where)
    total = reduce(x, "sum", axes, dtype=dtype or wide, keepdims=keepdims, where=mask)
    count = mask.sum(axes, keepdims=keepdims)
    if warns:
        warn_if(count == 0, "Mean of empty slice.")
    return (total / count).astype(dtype or natural, copy=False)


def _variance_where(x, root, axes, keepdims, dtype, ddof, where):
    """Squares of distances from the mean, of what where takes; no freedom left: NaN or infinity, as the quotient says."""
    from .ufuncs import call

    mask, natural, wide = _taken(x, where)
    distance = call("absolute", (x.astype(dtype or wide, copy=False) - _mean_where(x, axes, True, dtype or wide, mask, False),))
    total = reduce(distance * distance, "sum", axes, keepdims=keepdims, where=mask)
    freedom = call("maximum", (mask.sum(axes, keepdims=keepdims) - ddof, 0))
    warn_if(freedom == 0, "Degrees of freedom <= 0 for slice")
    result = total / freedom
    result = call("sqrt", (result,)) if root else result
    return result.astype(dtype or natural.type(0).real.dtype, copy=False)


def _counted(x, axes):
    """How many elements each result is made of."""
    return math.prod(x.shape if axes is None else [x.shape[i] for i in axes])


def warn_if(flags, text):
    """flags: bools, one for each result, which are waited for."""
    if bool(flags.any()):
        warn(text)


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
    axes = None if axis is None else reduced_axes(operator.index(integer_axis(axis)), x.ndim)
    _check_not_empty(x, name, axes)
    if is_other(x.dtype):
        from . import others

        return deliver(others.argument(x, name, axis, keepdims), out)
    return deliver(wrap(x._handle.reduce(name, axes, keepdims, NONE)), out)


def variance(x, root, axis=None, dtype=None, out=None, ddof=0, keepdims=False, where=True):
    """var and std."""
    from .array import wrap

    keepdims, axes, casting = _kept(keepdims), averaged_axes(axis, x.ndim), "same_kind" if root else "unsafe"
    if is_other(x.dtype):
        from . import others

        return deliver(others.reduce(x, "std" if root else "var", axes, keepdims, None, None, None), out, casting)
    if _given(where) and where is not True:
        return deliver(_variance_where(x, root, axes, keepdims, dtype if _given(dtype) else None, ddof, where), out, casting)
    code = code_of(dtype) if _given(dtype) else NONE
    if _counted(x, axes) <= ddof:
        warn("Degrees of freedom <= 0 for slice")
    return deliver(wrap(x._handle.variance(root, float(ddof), axes, keepdims, code)), out, casting)
