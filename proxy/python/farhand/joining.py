"""Joining and splitting; along the distributed axis no data moves."""
import operator

import numpy as np

from . import shaping
from .creation import full_like
from .dtypes import code_of, native, normalize_axis
from .errors import error


def _session_of(arrays):
    """That of the first remote array, else the default one."""
    from .array import Array
    from .session import current

    found = next((x for x in arrays if isinstance(x, Array)), None)
    return current()._native if found is None else found._handle.session


def remote(x, session):
    """x as a remote array of the session: local ones go to one engine."""
    from .array import Array, wrap

    if isinstance(x, Array):
        return x
    local = np.asarray(x)
    return wrap(session.scatter(local, None, 0, None))


def remotes(arrays):
    arrays = list(arrays)
    session = _session_of(arrays)
    return [remote(x, session) for x in arrays], session


def concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """As joined, in memory of its own: as NumPy's result, it does not change with the arrays that it is made of."""
    from .reductions import deliver

    arrays, _ = remotes(arrays)
    if axis is None:
        arrays, axis = [x.ravel() for x in arrays], 0
    if out is not None:
        if dtype is not None:
            raise error("WRONG_TYPE", "concatenate() only takes `out` or `dtype` as an argument, but both were provided.")
        dtype = getattr(out, "dtype", None)
    return deliver(own(joined(arrays, axis, dtype=dtype, casting=casting), arrays if out is None else ()), out)


def own(result, arrays):
    """result, or a copy if it has pieces of these arrays in common with them."""
    theirs = {piece for x in arrays for piece in x.ids}
    return result.copy() if not theirs.isdisjoint(result.ids) else result


def joined(arrays, axis=0, *, dtype=None, casting="same_kind"):
    """numpy.concatenate, but pieces that need not move are those of the arrays, with the same memory."""
    from .array import wrap

    arrays, session = remotes(arrays)
    if any(x.ndim != arrays[0].ndim for x in arrays):
        raise error("INVALID_ARGUMENT", "all arrays must have the same number of dimensions to be concatenated")
    if arrays[0].ndim == 0:
        raise error("INVALID_ARGUMENT", "0-d arrays cannot be concatenated")
    target = native(np.dtype(dtype)) if dtype is not None else np.result_type(*(x.dtype for x in arrays))
    if target.itemsize:  # "U": as long as the longest
        code_of(target)  # refuses what engines do not hold
    arrays = [x if x.dtype == target else x.astype(target, casting=casting) for x in arrays]
    handles = tuple(x._handle for x in arrays)
    return wrap(session.concatenate(handles, normalize_axis(axis, arrays[0].ndim)))


def of_pieces(pieces, axis):
    """The DistArray of these pieces, remote, local, or named by Refs."""
    from .objects import scatter
    from .refs import Ref, resolve

    pieces = [resolve(piece) if isinstance(piece, Ref) else piece for piece in pieces]
    for piece in pieces:
        if np.ndim(piece) == 0:
            raise TypeError(f"a DistArray is made of arrays, not of {type(piece).__name__}: fh.scatter makes an array of values")
    if len(pieces) < 2:
        raise error("INVALID_ARGUMENT", f"a DistArray is made of at least two pieces, not {len(pieces)}: fh.scatter cuts an array")
    pieces = scatter([piece if hasattr(piece, "_handle") else np.asarray(piece) for piece in pieces])
    dtypes = {str(piece.dtype): None for piece in pieces}
    if len(dtypes) > 1:
        raise error("INVALID_ARGUMENT", f"the pieces of a DistArray have one dtype, not {', '.join(dtypes)}")
    return joined(pieces, axis)


def stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    arrays, _ = remotes(arrays)
    if any(x.shape != arrays[0].shape for x in arrays):
        raise error("INVALID_ARGUMENT", "all arrays must have the same shape to be stacked")
    axis = normalize_axis(axis, arrays[0].ndim + 1)
    return concatenate([shaping.expand_dims(x, axis) for x in arrays], axis, out, dtype=dtype, casting=casting)


def vstack(arrays, *, dtype=None, casting="same_kind"):
    arrays, _ = remotes(arrays)
    return concatenate([shaping.at_least(x, 2) for x in arrays], 0, dtype=dtype, casting=casting)


def hstack(arrays, *, dtype=None, casting="same_kind"):
    arrays, _ = remotes(arrays)
    arrays = [shaping.at_least(x, 1) for x in arrays]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def dstack(arrays):
    arrays, _ = remotes(arrays)
    return concatenate([shaping.at_least(x, 3) for x in arrays], 2)


def column_stack(arrays):
    arrays, _ = remotes(arrays)
    return concatenate([x[:, None] if x.ndim == 1 else shaping.at_least(x, 2).T if x.ndim < 1 else x for x in arrays], 1)


def append(x, values, axis=None):
    if axis is None:
        arrays, _ = remotes([x, values])
        return concatenate([y.ravel() for y in arrays], 0)
    return concatenate([x, values], axis)


def array_split(x, indices_or_sections, axis=0):
    x = remote(x, _session_of([x, indices_or_sections]))
    axis = normalize_axis(axis, x.ndim)
    extent = x.shape[axis]
    if np.ndim(indices_or_sections):
        bounds = [0, *(operator.index(i) for i in indices_or_sections), None]
    else:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise error("INVALID_ARGUMENT", "the number of sections must be larger than 0")
        each, more = divmod(extent, sections)
        bounds = [i * each + min(i, more) for i in range(sections)] + [extent]
    before = (slice(None),) * axis
    return [x[before + (slice(start, stop),)] for start, stop in zip(bounds, bounds[1:])]


def split(x, indices_or_sections, axis=0):
    if not np.ndim(indices_or_sections):
        extent = np.shape(x)[normalize_axis(axis, x.ndim)]
        if extent % operator.index(indices_or_sections):
            raise error("INVALID_ARGUMENT", f"{extent} items cannot be split into {indices_or_sections} equal parts")
    return array_split(x, indices_or_sections, axis)


def vsplit(x, indices_or_sections):
    if x.ndim < 2:
        raise error("INVALID_ARGUMENT", "vsplit takes arrays of 2 or more dimensions")
    return split(x, indices_or_sections, 0)


def hsplit(x, indices_or_sections):
    if x.ndim < 1:
        raise error("INVALID_ARGUMENT", "hsplit takes arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def dsplit(x, indices_or_sections):
    if x.ndim < 3:
        raise error("INVALID_ARGUMENT", "dsplit takes arrays of 3 or more dimensions")
    return split(x, indices_or_sections, 2)


def broadcast_arrays(*arrays, subok=False):
    arrays, _ = remotes(arrays)
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return [shaping.spread(x, shape) for x in arrays]


def unstack(x, /, *, axis=0):
    if not x.ndim:
        raise error("INVALID_ARGUMENT", "Input array must be at least 1-d.")
    before = (slice(None),) * normalize_axis(axis, x.ndim)
    return tuple(x[before + (i,)] for i in range(x.shape[axis]))


def _depth(nested):
    if not isinstance(nested, list):
        return 0
    if not nested:
        raise error("INVALID_ARGUMENT", "List is empty")
    depths = {_depth(item) for item in nested}
    if len(depths) > 1:
        raise error("INVALID_ARGUMENT", f"List depths are mismatched: {sorted(depths)}")
    return depths.pop() + 1


def _leaves(nested):
    return [leaf for item in nested for leaf in _leaves(item)] if isinstance(nested, list) else [nested]


def block(arrays):
    """Arrays in nested lists side by side: the innermost lists along the last axis."""
    if isinstance(arrays, tuple):
        raise error("WRONG_TYPE", "only lists can be used to arrange blocks, not tuples")
    depth, leaves = _depth(arrays), _leaves(arrays)
    session = _session_of(leaves)
    ndim = max(depth, *(np.ndim(leaf) for leaf in leaves))

    def join(nested, level):
        if not isinstance(nested, list):
            return shaping.expand_dims(x, tuple(range(ndim - x.ndim))) if (x := remote(nested, session)).ndim < ndim else x
        return concatenate([join(item, level + 1) for item in nested], ndim - depth + level)

    result = join(arrays, 0)
    return result if depth else result.copy()


def resize(x, new_shape):
    """As numpy.resize: the elements again and again until the shape is full."""
    shape = (new_shape,) if not np.ndim(new_shape) else tuple(new_shape)
    if any(extent < 0 for extent in shape):
        raise error("INVALID_ARGUMENT", "all elements of `new_shape` must be non-negative")
    size = int(np.prod(shape, dtype=np.int64))
    if not x.size or not size:
        return full_like(x, 0, shape=shape)
    flat = x.ravel()
    return concatenate([flat] * -(-size // x.size), 0)[:size].reshape(shape)


def roll(x, shift, axis=None):
    if axis is None:
        return roll(x.ravel(), shift, 0).reshape(x.shape)
    shifts = np.broadcast_to(shift, np.broadcast_shapes(np.shape(shift), np.shape(axis))).ravel()
    axes = np.broadcast_to(axis, shifts.shape).ravel()
    given = x
    for by, along in zip(shifts.tolist(), axes.tolist()):
        along = normalize_axis(along, x.ndim)
        extent = x.shape[along]
        if extent and by % extent:
            cut = extent - by % extent
            before = (slice(None),) * along
            x = concatenate([x[before + (slice(cut, None),)], x[before + (slice(None, cut),)]], along)
    return x.copy() if x is given else x


def tile(x, reps):
    x = remote(x, _session_of([x, reps]))
    reps = tuple(operator.index(n) for n in reps) if np.ndim(reps) else (operator.index(reps),)
    x = x[(None,) * max(0, len(reps) - x.ndim) + (Ellipsis,)]
    for axis, n in enumerate((1,) * (x.ndim - len(reps)) + reps):
        if n < 0:
            raise error("INVALID_ARGUMENT", "repetitions cannot be negative")
        x = joined([x] * n, axis) if n > 0 else x[(slice(None),) * axis + (slice(0, 0),)]
    return x.copy()


_PADDED_BY_INDEX = ("edge", "reflect", "symmetric", "wrap")  # what is added are elements of the array


def _pad_by_index(x, pad_width, mode):
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    for axis, width in enumerate(widths):
        if any(width):
            x = np.take(x, np.pad(np.arange(x.shape[axis]), width, mode), axis)
    return x if any(any(width) for width in widths) else x.copy()


def _hosted(name):
    """NumPy's own, for what is not built of operations."""
    from .function_table import Row
    from .hosted import Hosted

    return Hosted(Row("HOSTED", name, "whole"))


def pad(x, pad_width, mode="constant", *, constant_values=0, **keywords):
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise error("WRONG_TYPE", "`pad_width` must be of integral type.")
    if (widths < 0).any():
        raise error("INVALID_ARGUMENT", "index can't contain negative values")
    if mode in _PADDED_BY_INDEX and keywords.get("reflect_type", "even") == "even":
        return _pad_by_index(x, pad_width, mode)
    if mode != "constant" or keywords or np.ndim(constant_values):
        if mode == "constant":
            keywords["constant_values"] = constant_values
        return _hosted("pad")(x, pad_width, mode, **keywords)
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    shape = tuple(before + extent + after for extent, (before, after) in zip(x.shape, widths))
    result = full_like(x, constant_values, shape=shape)
    result[tuple(slice(before, before + extent) for extent, (before, _) in zip(x.shape, widths))] = x
    return result


def rot90(x, k=1, axes=(0, 1)):
    i, j = (normalize_axis(axis, x.ndim) for axis in axes)
    if i == j:
        raise error("INVALID_ARGUMENT", "the axes must be different")
    turns = k % 4
    if turns == 0:
        return x[...]
    if turns == 2:
        return shaping.flip(x, (i, j))
    if turns == 1:
        return shaping.swapaxes(shaping.flip(x, j), i, j)
    return shaping.flip(shaping.swapaxes(x, i, j), j)
