"""Views of remote arrays: axes moved, added, dropped, turned."""
import operator

from .dtypes import AxisError, normalize_axes, normalize_axis, shape_tuple
from .errors import error


def _wrap(handle):
    from .array import wrap

    return wrap(handle)


def memory_order(order):
    """One of C, F, A and K, of an argument of that name; None is C."""
    if order is None:
        return "C"
    if not isinstance(order, (str, bytes)):
        raise error("WRONG_TYPE", f"order must be str, not {type(order).__name__}")
    letter = (order if isinstance(order, str) else order.decode("latin-1")).upper()
    if letter not in ("C", "F", "A", "K"):
        raise error("INVALID_ARGUMENT", f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    return letter


def transpose(x, axes=None):
    if axes is None:
        return _wrap(x._handle.transpose(None))
    axes = axes.tolist() if getattr(axes, "ndim", 0) else (axes,) if not isinstance(axes, (tuple, list, range)) else axes
    if len(axes) != x.ndim:
        raise error("INVALID_ARGUMENT", f"{len(axes)} axes do not fit an array of {x.ndim} dimensions")
    return _wrap(x._handle.transpose(normalize_axes(tuple(axes), x.ndim)))


def reshape(a, shape=None, order="C", *, newshape=None, copy=None):
    """A view where that is possible, else a copy; one extent may be -1."""
    x, shape = a, newshape if shape is None else shape
    if shape is None:
        raise error("WRONG_TYPE", "reshape needs a shape")
    order = memory_order(order)
    if copy:
        x = x.copy()
    if order == "F":
        return transpose(reshape(transpose(x), tuple(reversed(_resolved(x, shape_tuple(shape))))))
    return _wrap(x._handle.reshape(_resolved(x, shape_tuple(shape))))


def _resolved(x, shape):
    """shape with its -1 filled in."""
    unknown = [i for i, extent in enumerate(shape) if extent < 0]
    known = 1
    for extent in shape:
        known *= extent if extent >= 0 else 1
    mismatch = f"cannot reshape an array of {x.size} elements into shape {shape}"
    if len(unknown) > 1:
        raise error("INVALID_ARGUMENT", "only one extent can be unknown")
    if not unknown:
        if known != x.size:
            raise error("INVALID_ARGUMENT", mismatch)
        return shape
    if known == 0 or x.size % known:
        raise error("INVALID_ARGUMENT", mismatch)
    return shape[:unknown[0]] + (x.size // known,) + shape[unknown[0] + 1:]


def squeeze(x, axis=None):
    axes = normalize_axes(axis, x.ndim)
    if axes is None:
        axes = tuple(i for i, extent in enumerate(x.shape) if extent == 1)
    for i in axes:
        if x.shape[i] != 1:
            raise error("INVALID_ARGUMENT", f"cannot squeeze axis {i}: its extent is {x.shape[i]}, not 1")
    return x[tuple(0 if i in axes else slice(None) for i in range(x.ndim))]


def expand_dims(x, axis):
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = x.ndim + len(axes)
    axes = normalize_axes(tuple(axes), ndim)
    return x[tuple(None if i in axes else slice(None) for i in range(ndim))]


def swapaxes(x, axis1, axis2):
    axes = list(range(x.ndim))
    i, j = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    axes[i], axes[j] = axes[j], axes[i]
    return transpose(x, tuple(axes))


def moveaxis(x, source, destination):
    source = normalize_axes(source, x.ndim)
    destination = normalize_axes(destination, x.ndim)
    if len(source) != len(destination):
        raise error("INVALID_ARGUMENT", "source and destination must name equally many axes")
    order = [axis for axis in range(x.ndim) if axis not in source]
    for to, axis in sorted(zip(destination, source)):
        order.insert(to, axis)
    return transpose(x, tuple(order))


def rollaxis(x, axis, start=0):
    axis = normalize_axis(axis, x.ndim)
    start = operator.index(start)
    if not -x.ndim <= start <= x.ndim:
        raise AxisError(f"rollaxis: start={start} is out of bounds for {x.ndim} dimensions")
    start += x.ndim if start < 0 else 0
    order = [i for i in range(x.ndim) if i != axis]
    order.insert(start - (1 if axis < start else 0), axis)
    return transpose(x, tuple(order))


def ravel(a, order="C"):
    return reshape(a, (-1,), order)


def matrix_transpose(x, /):
    if x.ndim < 2:
        raise error("INVALID_ARGUMENT", f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return swapaxes(x, -1, -2)


def spread(x, shape):
    """As broadcast_to, and it can be written."""
    return _wrap(x._handle.broadcast_to(shape_tuple(shape)))


def broadcast_to(x, shape, subok=False):
    made = x._handle.broadcast_to(shape_tuple(shape))
    made.writeable = False
    return _wrap(made)


def flip(x, axis=None):
    axes = normalize_axes(axis, x.ndim)
    backwards = slice(None, None, -1)
    return x[tuple(backwards if axes is None or i in axes else slice(None) for i in range(x.ndim))]


def at_least(x, ndim):
    """atleast_1d, _2d, _3d: where NumPy puts the new axes."""
    if ndim == 3 and x.ndim == 2:
        return x[:, :, None]
    if ndim == 3 and x.ndim == 1:
        return x[None, :, None]
    return x[(None,) * max(0, ndim - x.ndim) + (Ellipsis,)] if x.ndim < ndim else x


def _at_least(ndim):
    def function(*arrays):
        from .joining import remotes

        result = [at_least(x, ndim) for x in remotes(arrays)[0]]
        return result[0] if len(result) == 1 else result

    function.__name__ = f"atleast_{ndim}d"
    return function


atleast_1d, atleast_2d, atleast_3d = map(_at_least, (1, 2, 3))


def fliplr(m):
    if m.ndim < 2:
        raise error("INVALID_ARGUMENT", "Input must be >= 2-d.")
    return flip(m, 1)


def flipud(m):
    if m.ndim < 1:
        raise error("INVALID_ARGUMENT", "Input must be >= 1-d.")
    return flip(m, 0)
