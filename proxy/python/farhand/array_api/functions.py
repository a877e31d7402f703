"""The rest of the main namespace, in the standard's signatures."""
import numpy as np

from ..array import Array
from ..joining import remote
from .place import function

# ---- manipulation


def broadcast_arrays(*arrays):
    return tuple(function("broadcast_arrays")(*arrays)) if arrays else ()


def broadcast_shapes(*shapes):
    return np.broadcast_shapes(*shapes)


def broadcast_to(x, /, shape):
    return function("broadcast_to")(x, shape)


def concat(arrays, /, *, axis=0):
    return function("concatenate")(list(arrays), axis)


def expand_dims(x, /, axis):
    return function("expand_dims")(x, axis)


def flip(x, /, *, axis=None):
    return function("flip")(x, axis)


def moveaxis(x, source, destination, /):
    return function("moveaxis")(x, source, destination)


def permute_dims(x, /, axes):
    return function("transpose")(x, axes)


def repeat(x, repeats, /, *, axis=None):
    return function("repeat")(x, repeats, axis)


def reshape(x, /, shape, *, copy=None):
    return function("reshape")(x, shape, copy=copy)


def roll(x, /, shift, *, axis=None):
    return function("roll")(x, shift, axis)


def squeeze(x, /, axis):
    return function("squeeze")(x, axis)


def stack(arrays, /, *, axis=0):
    return function("stack")(list(arrays), axis)


def tile(x, repetitions, /):
    return function("tile")(x, repetitions)


def unstack(x, /, *, axis=0):
    return function("unstack")(x, axis=axis)


# ---- indexing and searching


def take(x, indices, /, *, axis=None):
    return function("take")(x, indices, axis)


def take_along_axis(x, indices, /, *, axis=-1):
    return function("take_along_axis")(x, indices, axis)


def argmax(x, /, *, axis=None, keepdims=False):
    return x.argmax(axis, keepdims=keepdims)


def argmin(x, /, *, axis=None, keepdims=False):
    return x.argmin(axis, keepdims=keepdims)


def count_nonzero(x, /, *, axis=None, keepdims=False):
    return function("count_nonzero")(x, axis, keepdims=keepdims)


def nonzero(x, /):
    if not x.ndim:
        raise ValueError("nonzero of a 0-d array")
    return tuple(function("nonzero")(x))


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    result = function("searchsorted")(x1, x2, side, sorter)
    return result if isinstance(result, Array) else remote(np.asarray(result), x1._handle.session)


def where(condition, x1, x2, /):
    return function("where")(condition, x1, x2)


# ---- sets and order


def isin(x1, x2, /, *, invert=False):
    given = [x for x in (x1, x2) if isinstance(x, Array)]
    dtype = given[0].dtype if len(given) == 1 else None
    a, b = (x if isinstance(x, Array) else remote(np.asarray(x, dtype), given[0]._handle.session) for x in (x1, x2))
    return function("isin")(a, b, invert=invert)


def unique_all(x, /):
    return function("unique_all")(x)


def unique_counts(x, /):
    return function("unique_counts")(x)


def unique_inverse(x, /):
    return function("unique_inverse")(x)


def unique_values(x, /):
    return function("unique_values")(x)


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    """Descending and stable: sorted backwards, so that equal elements, turned again, keep their order."""
    if not descending:
        return function("argsort")(x, axis, "stable")
    last = x.shape[axis] - 1
    return last - flip(function("argsort")(flip(x, axis=axis), axis, "stable"), axis=axis)


def sort(x, /, *, axis=-1, descending=False, stable=True):
    result = function("sort")(x, axis, "stable")
    return flip(result, axis=axis) if descending else result


# ---- statistics


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    return function("cumulative_sum")(x, axis=axis, dtype=dtype, include_initial=include_initial)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    return function("cumulative_prod")(x, axis=axis, dtype=dtype, include_initial=include_initial)


def max(x, /, *, axis=None, keepdims=False):
    return x.max(axis, keepdims=keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    return x.mean(axis, keepdims=keepdims)


def min(x, /, *, axis=None, keepdims=False):
    return x.min(axis, keepdims=keepdims)


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    return x.prod(axis, dtype, keepdims=keepdims)


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    return x.std(axis, ddof=correction, keepdims=keepdims)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    return x.sum(axis, dtype, keepdims=keepdims)


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    return x.var(axis, ddof=correction, keepdims=keepdims)


def all(x, /, *, axis=None, keepdims=False):
    return x.all(axis, keepdims=keepdims)


def any(x, /, *, axis=None, keepdims=False):
    return x.any(axis, keepdims=keepdims)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    edges = {name: edge for name, edge in (("prepend", prepend), ("append", append)) if edge is not None}
    return function("diff")(x, n, axis, **edges)
