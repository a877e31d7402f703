"""Functions that read and write through indices: numpy.take and its kin."""
import functools
import operator

import numpy as np

from . import shaping
from .dtypes import normalize_axis
from .errors import error
from .joining import _session_of, joined, remote, resize
from .masked import locally
from .picking import CLIP, RAISE, WRAP, put_front, rows_of, take_front
from .reductions import deliver
from .ufuncs import call

_MODES = {"raise": RAISE, "wrap": WRAP, "clip": CLIP}


def _mode(mode):
    if mode not in _MODES:
        raise error("INVALID_ARGUMENT", f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")
    return _MODES[mode]


def _is_remote(x):
    from .array import Array

    return isinstance(x, Array)


def _integers(indices, what="array data"):
    """Indices as an integer array, local or remote."""
    if not _is_remote(indices):
        empty = np.ndim(indices) and not np.size(indices)
        indices = np.asarray(indices, np.intp if empty and not isinstance(indices, np.ndarray) else None)
    if indices.dtype.kind == "b":
        return indices.astype(np.intp)
    if indices.dtype.kind not in "iu":
        raise error("WRONG_TYPE", f"Cannot cast {what} from dtype('{indices.dtype}') to dtype('int64') according to the rule 'safe'")
    return indices


def _local(x):
    """What is small and decides about shapes, here."""
    return np.asarray(x)


# ---- where something is true

def nonzero(a):
    return rows_of(shaping.at_least(a, 1)._handle.nonzero())


def argwhere(a):
    from .array import wrap

    if not a.ndim:
        found = wrap(shaping.at_least(a, 1)._handle.nonzero())
        return found.transpose()[:, :0]
    return wrap(a._handle.nonzero()).transpose()


def flatnonzero(a):
    return nonzero(a.ravel())[0]


def _flags(condition, session):
    condition = remote(condition, session)
    return condition if condition.dtype == np.bool_ else condition.astype(np.bool_)


def extract(condition, arr):
    session = _session_of([condition, arr])
    flags, arr = _flags(condition, session), remote(arr, session)
    if flags.shape == arr.shape and arr.ndim:
        return arr[flags]
    return compress(flags.ravel(), arr.ravel(), 0)


def compress(condition, a, axis=None, out=None):
    session = _session_of([condition, a])
    x = remote(a, session)
    if axis is None:
        x, axis = x.ravel(), 0
    axis = normalize_axis(axis, x.ndim)
    flags = _flags(condition, session)
    if flags.ndim != 1:
        raise error("INVALID_ARGUMENT", "condition must be a 1-d array")
    if flags.shape[0] > x.shape[axis]:
        if bool(flags[x.shape[axis]:].any()):
            raise error("BAD_INDEX", f"index {flags.shape[0] - 1} is out of bounds for axis {axis} with size {x.shape[axis]}")
        flags = flags[:x.shape[axis]]
    front = shaping.moveaxis(x, axis, 0)[:flags.shape[0]]
    return deliver(shaping.moveaxis(front[flags], 0, axis), out)


# ---- reading

def take(a, indices, axis=None, out=None, mode="raise"):
    session = _session_of([a, indices])
    x, indices = remote(a, session), _integers(indices)
    if axis is None:
        x, axis = x.ravel(), 0
    axis = normalize_axis(axis, x.ndim)
    if indices.size and not x.shape[axis]:
        raise error("BAD_INDEX", "cannot do a non-empty take from an empty axes.")
    found = take_front(shaping.moveaxis(x, axis, 0), (indices,), _mode(mode))
    front = list(range(indices.ndim))
    rest = list(range(indices.ndim, found.ndim))
    return deliver(found if axis == 0 else found.transpose(rest[:axis] + front + rest[axis:]), out)


def _along(x, indices, axis):
    """The indices of all axes that stand for indices along one."""
    if indices.dtype.kind not in "iu":
        raise error("BAD_INDEX", "`indices` must be an integer array")
    if indices.ndim != x.ndim:
        raise error("INVALID_ARGUMENT", "`indices` and `arr` must have the same number of dimensions")
    key = []
    for i, extent in enumerate(x.shape):
        shape = [1] * x.ndim
        shape[i] = extent
        key.append(indices if i == axis else np.arange(extent).reshape(shape))
    return key


def _pieces_along(x, indices, axis):
    """Pieces of x, each with its part of the indices and where that is; None: they are not by themselves."""
    cut = x.axis
    if cut is None or cut == axis or indices.ndim != x.ndim or indices.shape[cut] != x.shape[cut]:
        return None
    before = (slice(None),) * cut
    places = [before + (slice(start, stop),) for start, stop in x.bounds]
    return [(piece, indices[place], place) for piece, place in zip(x.pieces, places)]


def take_along_axis(arr, indices, axis):
    session = _session_of([arr, indices])
    x = remote(arr, session)
    if axis is None:
        x, axis = x.ravel(), 0
    axis = normalize_axis(axis, x.ndim)
    indices = indices if _is_remote(indices) else np.asarray(indices)
    pieces = _pieces_along(x, indices, axis)
    if pieces is None:
        return take_front(x, _along(x, indices, axis))
    return joined([take_front(piece, _along(piece, part, axis)) for piece, part, _ in pieces], x.axis)


def choose(a, choices, out=None, mode="raise"):
    choices = list(choices)
    session = _session_of([a, *choices])
    index = _integers(remote(a, session))
    count = len(choices)
    if not count:
        raise error("INVALID_ARGUMENT", "choose needs at least one array to choose from")
    if _mode(mode) == RAISE:
        if index.size and bool(((index < 0) | (index >= count)).any()):
            raise error("INVALID_ARGUMENT", "invalid entry in choice array")
    else:
        index = index % count if _mode(mode) == WRAP else call("clip", (index, 0, count - 1))
    choices = [remote(choice, session) for choice in choices]
    dtype = np.result_type(*(choice.dtype for choice in choices))
    shape = np.broadcast_shapes(index.shape, *(choice.shape for choice in choices))
    result = shaping.spread(choices[-1].astype(dtype), shape)
    for i in reversed(range(count - 1)):
        result = call("where", (index == i, choices[i].astype(dtype), result))
    return deliver(result.copy() if count == 1 else result, out)


# ---- writing

def _writes(function):
    """function, which writes into its first argument; NumPy's own, with gathered arrays, where that is local."""
    @functools.wraps(function)
    def write(*args, **keywords):
        target = args[0] if args else next(iter(keywords.values()), None)
        if _is_remote(target):
            function(*args, **keywords)
        else:
            locally(getattr(np, function.__name__), args, keywords)

    return write


def _filled(values, size, session):
    """Values again and again until there are as many; a single one stays one."""
    values = values if _is_remote(values) else np.asarray(values)
    if values.size == 1:
        return values.reshape(())
    if values.size == size:
        return values.reshape(-1)
    return resize(values, size) if _is_remote(values) else np.resize(values, size)


def flat_to_axes(indices, shape):
    """Flat indices that are known to be inside, as an index for each axis."""
    if not _is_remote(indices):
        return np.unravel_index(indices, shape)
    found = []
    for extent in reversed(shape[1:]):
        found.append(indices % extent)
        indices = indices // extent
    return (indices, *reversed(found))


def inside(indices, size, mode=RAISE, kind="BAD_INDEX", text="index {} is out of bounds for axis 0 with size {}"):
    """The same indices between 0 and size - 1.  Waits for remote ones to be checked."""
    if mode == WRAP:
        return indices % size
    if mode == CLIP:
        return call("clip", (indices, 0, size - 1)) if _is_remote(indices) else np.clip(indices, 0, size - 1)
    wrong = (indices < -size) | (indices >= size)
    if indices.size and bool(wrong.any()):
        raise error(kind, text.format(int(indices.ravel()[wrong.ravel()][0]), size))
    negative = indices < 0
    return indices + negative * size


@_writes
def put(a, ind, v, mode="raise"):
    indices = _integers(ind)
    session = a._handle.session
    if not indices.size:
        return
    if not a.size:
        raise error("BAD_INDEX", "cannot replace elements of an empty array")
    if not np.size(v):
        return
    indices = inside(indices.astype(np.int64), a.size, _mode(mode)).reshape(-1)
    values = _filled(v, indices.size, session)
    put_front(shaping.at_least(a, 1), flat_to_axes(indices, a.shape or (1,)), values)


@_writes
def put_along_axis(arr, indices, values, axis):
    if axis is None:
        put(arr, indices, values)
        return
    axis = normalize_axis(axis, arr.ndim)
    indices = indices if _is_remote(indices) else np.asarray(indices)
    pieces = _pieces_along(arr, indices, axis)
    if pieces is None:
        put_front(arr, _along(arr, indices, axis), values)
        return
    shape = tuple(n if i == axis else extent for i, (n, extent) in enumerate(zip(indices.shape, arr.shape)))
    values = shaping.spread(values, shape) if _is_remote(values) else np.broadcast_to(values, shape)
    for piece, part, place in pieces:
        put_front(piece, _along(piece, part, axis), values[place])


@_writes
def place(arr, mask, vals):
    session = arr._handle.session
    flags = _flags(mask, session)
    if flags.size != arr.size:
        raise error("INVALID_ARGUMENT", "place: mask and data must be the same size")
    if flags.shape != arr.shape:
        flags = flags.reshape(arr.shape)
    count = int(flags.sum())
    if not count:
        return
    if not np.size(vals):
        raise error("INVALID_ARGUMENT", "Cannot insert from an empty array!")
    arr[flags] = _filled(vals if np.size(vals) <= count else np.ravel(vals)[:count], count, session)


@_writes
def putmask(a, mask, values):
    flags = _flags(mask, a._handle.session)
    if flags.size != a.size:
        raise error("INVALID_ARGUMENT", "putmask: mask and data must be the same size")
    if flags.shape != a.shape:
        flags = flags.reshape(a.shape)
    if not np.size(values) or not a.size:
        return
    values = _filled(values, a.size, a._handle.session)
    if values.ndim:
        values = remote(values, a._handle.session).reshape(a.shape)[flags]
    a[flags] = values


# ---- numbers of indices

def ix_(*args):
    session = _session_of(args)
    found = []
    for i, sequence in enumerate(args):
        x = remote(sequence, session)
        if x.ndim != 1:
            raise error("INVALID_ARGUMENT", "Cross index must be 1 dimensional")
        if not x.size and not (_is_remote(sequence) or isinstance(sequence, np.ndarray)):
            x = x.astype(np.intp)
        if x.dtype == np.bool_:
            x, = nonzero(x)
        found.append(x.reshape((1,) * i + (x.size,) + (1,) * (len(args) - i - 1)))
    return tuple(found)


def unravel_index(indices, shape, order="C"):
    shape = (operator.index(shape),) if not np.ndim(shape) else tuple(map(operator.index, shape))
    size = int(np.prod(shape, dtype=np.int64))
    indices = _integers(indices, "index array").astype(np.int64)
    if indices.size and bool(((indices < 0) | (indices >= size)).any()):
        raise error("INVALID_ARGUMENT", f"an index is out of bounds for array with size {size}")
    if order == "F":
        return tuple(reversed(flat_to_axes(indices, shape[::-1])))
    return flat_to_axes(indices, shape)


def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    multi_index, dims = tuple(multi_index), tuple(map(operator.index, dims))
    if len(multi_index) != len(dims):
        raise error("INVALID_ARGUMENT", f"parameter multi_index must be a sequence of length {len(dims)}")
    modes = (mode,) * len(dims) if isinstance(mode, str) else tuple(mode)
    session = _session_of(multi_index)
    axes = range(len(dims)) if order == "C" else reversed(range(len(dims)))
    flat = None
    for i in axes:
        index = _integers(remote(multi_index[i], session)).astype(np.int64)
        if modes[i] == "raise" and index.size and bool(((index < 0) | (index >= dims[i])).any()):
            raise error("INVALID_ARGUMENT", "invalid entry in coordinates array")
        if modes[i] != "raise":
            index = inside(index, dims[i], _mode(modes[i]))
        flat = index if flat is None else flat * dims[i] + index
    return flat
