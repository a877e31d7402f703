"""Elements repeated, left out and put between others."""
import operator

import numpy as np

from . import shaping
from .creation import empty_like
from .dtypes import normalize_axis
from .errors import error
from .joining import _session_of, joined, remote
from .selecting import take

_FEW_RUNS = 16  # slices that are rather joined than chosen by a mask


def repeat(a, repeats, axis=None):
    x = remote(a, _session_of([a, repeats]))
    if axis is None:
        x, axis = x.ravel(), 0
    axis = normalize_axis(axis, x.ndim)
    repeats = np.asarray(repeats)
    if repeats.dtype.kind not in "biu":
        raise error("WRONG_TYPE", f"Cannot cast array data from dtype('{repeats.dtype}') to dtype('int64') according to the rule 'safe'")
    if repeats.size and repeats.min() < 0:
        raise error("INVALID_ARGUMENT", "repeats may not contain negative values.")
    extent = x.shape[axis]
    if repeats.size == 1:
        times = int(repeats.ravel()[0])
        wide = shaping.spread(shaping.expand_dims(x, axis + 1), x.shape[:axis + 1] + (times,) + x.shape[axis + 1:])
        return wide.reshape(x.shape[:axis] + (extent * times,) + x.shape[axis + 1:])
    if repeats.ndim != 1 or repeats.size != extent:
        raise error("INVALID_ARGUMENT", f"operands could not be broadcast together with shape ({extent},) {repeats.shape}")
    return take(x, np.repeat(np.arange(extent), repeats), axis)


def _axis_of(x, axis):
    if axis is None:
        return x.ravel(), 0
    return x, normalize_axis(axis, x.ndim)


def _is_array(x):
    return isinstance(x, np.ndarray) or hasattr(x, "_handle")


def _integers(indices, was_array):
    """Indices as they are, if they are integers, or an empty list."""
    if not indices.size and not was_array:
        return indices.astype(np.intp)
    if indices.dtype.kind not in "iu":
        raise error("BAD_INDEX", "arrays used as indices must be of integer (or boolean) type")
    return indices


def _kept(obj, extent, axis):
    """A flag for each place along the axis: does it stay?"""
    keep = np.ones(extent, bool)
    if isinstance(obj, slice):
        keep[obj] = False
        return keep
    was_array, obj = _is_array(obj), np.asarray(obj)
    if obj.dtype == np.bool_:
        if obj.shape != (extent,):
            raise error("INVALID_ARGUMENT", "boolean array argument obj to delete must be one dimensional and match the axis "
                                            f"length of {extent}")
        return ~obj
    obj = _integers(obj, was_array)
    if obj.size and (obj.min() < -extent or obj.max() >= extent):
        bad = obj.max() if obj.max() >= extent else obj.min()
        raise error("BAD_INDEX", f"index {bad} is out of bounds for axis {axis} with size {extent}")
    keep[obj] = False
    return keep


def delete(arr, obj, axis=None):
    x, axis = _axis_of(remote(arr, _session_of([arr, obj])), axis)
    keep = _kept(obj, x.shape[axis], axis)
    if keep.all():
        return x.copy()
    before = (slice(None),) * axis
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(np.int8)))
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist()))
    if not runs:
        return x[before + (slice(0, 0),)].copy()
    if len(runs) > _FEW_RUNS:
        return shaping.moveaxis(shaping.moveaxis(x, axis, 0)[keep], 0, axis)
    parts = [x[before + (slice(start, stop),)] for start, stop in runs]
    return parts[0].copy() if len(parts) == 1 else joined(parts, axis).copy()


def _insert_one(x, index, values, axis, is_scalar, what):
    extent = x.shape[axis]
    if not -extent <= index <= extent:
        raise error("BAD_INDEX", f"index {what} is out of bounds for axis {axis} with size {extent}")
    index += extent if index < 0 else 0
    values = values[(None,) * (x.ndim - values.ndim) + (Ellipsis,)]
    if is_scalar:
        values = shaping.moveaxis(values, 0, axis)
    shape = x.shape[:axis] + (values.shape[axis],) + x.shape[axis + 1:]
    before = (slice(None),) * axis
    parts = [x[before + (slice(None, index),)], shaping.spread(values, shape), x[before + (slice(index, None),)]]
    return joined(parts, axis).copy()


def insert(arr, obj, values, axis=None):
    session = _session_of([arr, obj, values])
    x, axis = _axis_of(remote(arr, session), axis)
    extent = x.shape[axis]
    given = np.arange(*obj.indices(extent)) if isinstance(obj, slice) else np.array(obj)
    if given.dtype == np.bool_:
        given = given.astype(np.intp)
    if given.ndim > 1:
        raise error("INVALID_ARGUMENT", "index array argument obj to insert must be one dimensional or scalar")
    given = _integers(given, _is_array(obj))
    values = values.astype(x.dtype) if hasattr(values, "_handle") else remote(np.array(values, x.dtype), session)
    if given.size == 1:
        return _insert_one(x, operator.index(given.item()), values, axis, given.ndim == 0, obj)
    if given.size and (given.min() < -extent or given.max() > extent):
        bad = given.max() if given.max() > extent else given.min()
        raise error("BAD_INDEX", f"index {bad} is out of bounds for axis {axis} with size {extent}")
    given[given < 0] += extent
    order = given.argsort(kind="mergesort")
    given[order] += np.arange(given.size)
    shape = x.shape[:axis] + (extent + given.size,) + x.shape[axis + 1:]
    old = np.ones(shape[axis], bool)
    old[given] = False
    made = empty_like(x, shape=shape)
    before = (slice(None),) * axis
    made[before + (given,)] = values
    made[before + (old,)] = x
    return made


def trim_zeros(filt, trim="fb"):
    from .selecting import flatnonzero

    found = flatnonzero(filt).gather()
    if not found.size:
        return filt[:0]
    trim = trim.upper()
    return filt[int(found[0]) if "F" in trim else 0:int(found[-1]) + 1 if "B" in trim else filt.size]
