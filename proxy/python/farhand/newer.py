"""Functions that NumPy has since 2.0 only, or as ufuncs of its own, made of older ones."""
import collections

import numpy as np

from . import function_table, shaping
from .dtypes import normalize_axes, normalize_axis
from .errors import error
from .joining import _session_of, remote
from .matrices import squares
from .reductions import deliver


def _function(name):
    return function_table.implementation(function_table.rows()[name])


def isdtype(dtype, kind):
    """NumPy's own where it has one, else the array API's."""
    if hasattr(np, "isdtype"):
        return np.isdtype(dtype, kind)
    from .array_api.data_types import isdtype as of_the_standard

    return of_the_standard(dtype, kind)


# ---- cumulative

def _cumulative(name, identity):
    def function(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
        if axis is None:
            if x.ndim > 1:
                raise error("INVALID_ARGUMENT", "For arrays which have more than one dimension ``axis`` argument is required.")
            axis = 0
        axis = normalize_axis(axis, x.ndim)
        result = _function(name)(x, axis=axis, dtype=dtype)
        if include_initial:
            shape = x.shape[:axis] + (1,) + x.shape[axis + 1:]
            first = shaping.spread(remote(np.array(identity, result.dtype), x._handle.session), shape)
            result = _function("concatenate")([first, result], axis)
        return deliver(result, out)

    return function


cumulative_sum, cumulative_prod = _cumulative("cumsum", 0), _cumulative("cumprod", 1)


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The area below y by trapezoids."""
    session = _session_of([y, x])
    y = remote(y, session)
    axis = normalize_axis(axis, y.ndim)
    before = (slice(None),) * axis
    upper, lower = before + (slice(1, None),), before + (slice(None, -1),)
    if x is not None:
        x = remote(x, session)
        along = axis if x.ndim > 1 else 0
        dx = x[(slice(None),) * along + (slice(1, None),)] - x[(slice(None),) * along + (slice(None, -1),)]
        if x.ndim == 1:
            dx = dx[(None,) * axis + (slice(None),) + (None,) * (y.ndim - axis - 1)]
    return (dx * (y[upper] + y[lower]) / 2.0).sum(axis)


# ---- sets

_RESULTS = {
    "unique_all": ("UniqueAllResult", "values indices inverse_indices counts"),
    "unique_counts": ("UniqueCountsResult", "values counts"),
    "unique_inverse": ("UniqueInverseResult", "values inverse_indices"),
}
_RESULTS = {name: collections.namedtuple(*fields) for name, fields in _RESULTS.items()}


def _unique(x, inverse=False, **wanted):
    """numpy.unique that treats each NaN as a value of its own, and inverse indices in the shape of x."""
    found = _function("unique")(x, return_inverse=inverse, equal_nan=False, **wanted)
    if not inverse:
        return found
    place = 1 + bool(wanted.get("return_index"))
    return (*found[:place], found[place].reshape(x.shape), *found[place + 1:])


def unique_values(x, /):
    return _unique(x)


def unique_counts(x, /):
    return _RESULTS["unique_counts"](*_unique(x, return_counts=True))


def unique_inverse(x, /):
    return _RESULTS["unique_inverse"](*_unique(x, True))


def unique_all(x, /):
    return _RESULTS["unique_all"](*_unique(x, True, return_index=True, return_counts=True))


def _pair(a, b):
    session = _session_of([a, b])
    return remote(a, session), remote(b, session)


# ---- numpy.linalg

def outer(x1, x2, /):
    a, b = _pair(x1, x2)
    if a.ndim != 1 or b.ndim != 1:
        raise error("INVALID_ARGUMENT", f"Input arrays must be one-dimensional, but they are {a.ndim=} and {b.ndim=}.")
    return a[:, None] * b


def cross(x1, x2, /, *, axis=-1):
    a, b = _pair(x1, x2)
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise error("INVALID_ARGUMENT", "Both input arrays must be (arrays of) 3-dimensional vectors, "
                                        f"but they are {a.shape[axis]} and {b.shape[axis]} dimensional instead.")
    a, b = shaping.moveaxis(a, axis, -1), shaping.moveaxis(b, axis, -1)
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return shaping.moveaxis(_function("stack")(parts, -1), -1, axis)


def matrix_diagonal(x, /, *, offset=0):
    return _function("diagonal")(x, offset, -2, -1)


def matrix_trace(x, /, *, offset=0, dtype=None):
    return matrix_diagonal(x, offset=offset).sum(-1, dtype=dtype)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    return _function("linalg.norm")(x, ord, (-2, -1), keepdims)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of vectors along an axis, along several taken as one, or of all elements."""
    axes = normalize_axes(axis, x.ndim)
    axes = tuple(range(x.ndim)) if axes is None else axes
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    if ord == 2:
        return np.sqrt(squares(x).sum(axes, keepdims=keepdims))
    magnitude = abs(x)
    if ord == np.inf:
        return magnitude.max(axes, keepdims=keepdims)
    if ord == -np.inf:
        return magnitude.min(axes, keepdims=keepdims)
    if ord == 0:
        return (magnitude != 0).sum(axes, keepdims=keepdims).astype(magnitude.dtype)
    if ord == 1:
        return magnitude.sum(axes, keepdims=keepdims)
    return (magnitude ** ord).sum(axes, keepdims=keepdims) ** (1.0 / ord)
