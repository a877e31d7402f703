"""Diagonals of matrices, and what lies above and below them."""
import numpy as np

from . import shaping
from .creation import full_like
from .dtypes import normalize_axis
from .errors import error
from .joining import remote
from .picking import put_front, take_front
from .ufuncs import call


def _places(rows, columns, offset):
    """Indices of a diagonal."""
    count = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    return np.arange(count) + max(-offset, 0), np.arange(count) + max(offset, 0)


def diagonal(a, offset=0, axis1=0, axis2=1):
    """The elements of a diagonal along a new last axis.  A copy: engines have no view of a diagonal across pieces."""
    if a.ndim < 2:
        raise error("INVALID_ARGUMENT", "diag requires an array of at least two dimensions")
    axis1, axis2 = normalize_axis(axis1, a.ndim), normalize_axis(axis2, a.ndim)
    if axis1 == axis2:
        raise error("INVALID_ARGUMENT", "axis1 and axis2 cannot be the same")
    front = shaping.moveaxis(a, (axis1, axis2), (0, 1))
    return shaping.moveaxis(take_front(front, _places(*front.shape[:2], offset)), 0, -1)


def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    return diagonal(a, offset, axis1, axis2).sum(-1, dtype=dtype, out=out)


def diag(v, k=0):
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise error("INVALID_ARGUMENT", "Input must be 1- or 2-d.")
    extent = v.shape[0] + abs(k)
    made = full_like(v, 0, shape=(extent, extent))
    put_front(made, _places(extent, extent, k), v)
    return made


def diagflat(v, k=0):
    return diag(v.ravel(), k)


def _below(m, k):
    """Where a matrix of the last two axes is not above its k-th diagonal."""
    rows, columns = m.shape[-2:] if m.ndim > 1 else m.shape * 2
    row = remote(np.arange(rows)[:, None], m._handle.session)
    return call("greater_equal", (row, np.arange(columns) - k))


def tril(m, k=0):
    if not m.ndim:
        raise error("WRONG_TYPE", "tril needs an array of at least one dimension")
    return call("where", (_below(m, k), m, m.dtype.type(0)))


def triu(m, k=0):
    if not m.ndim:
        raise error("WRONG_TYPE", "triu needs an array of at least one dimension")
    return call("where", (_below(m, k - 1), m.dtype.type(0), m))


def fill_diagonal(a, val, wrap=False):
    if a.ndim < 2:
        raise error("INVALID_ARGUMENT", "array must be at least 2-d")
    if a.ndim == 2:
        step = a.shape[1] + 1
        flat = np.arange(0, a.size if wrap else min(a.size, a.shape[1] * a.shape[1]), step)
    else:
        if len(set(a.shape)) > 1:
            raise error("INVALID_ARGUMENT", "All dimensions of input must be of equal length")
        flat = np.arange(0, a.size, 1 + int(np.cumprod(a.shape[:-1]).sum()))
    if not flat.size:
        return
    from .selecting import _filled

    if np.size(val) > flat.size:
        val = np.ravel(val)[:flat.size]
    put_front(a, np.unravel_index(flat, a.shape), _filled(val, flat.size, a._handle.session))


def _from(function):
    def indices_from(arr, k=0):
        if arr.ndim != 2:
            raise error("INVALID_ARGUMENT", "input array must be 2-d")
        return tuple(remote(index, arr._handle.session) for index in function(arr.shape[0], k=k, m=arr.shape[1]))

    return indices_from


tril_indices_from, triu_indices_from = _from(np.tril_indices), _from(np.triu_indices)


def diag_indices_from(arr):
    if arr.ndim < 2:
        raise error("INVALID_ARGUMENT", "input array must be at least 2-d")
    if len(set(arr.shape)) > 1:
        raise error("INVALID_ARGUMENT", "All dimensions of input must be of equal length")
    return tuple(remote(index, arr._handle.session) for index in np.diag_indices(arr.shape[0], arr.ndim))
