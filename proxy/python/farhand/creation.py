"""New arrays that begin on the engines."""
import numpy as np

from .array import Array, wrap
from .dtypes import code_of, constant, is_held, shape_tuple
from .errors import not_supported
from .layouts import layout_axis, layout_blocksize
from .session import current


def _shared(shape, dtype):
    shape, dtype = shape_tuple(shape), np.dtype(dtype)
    return np.ndarray(shape, dtype, current()._native.shared(code_of(dtype), shape))


def shared(shape, dtype=float):
    """A local array with undefined contents in memory that engines on this host work on, too.

    fh.scatter of it, or of a view of it, along any axis, copies nothing: the engines' pieces are that memory.  Both sides see
    each other's writes; wait for a value (or x.wait()) before reading what a call has written.  fh.gather of such an array is a
    copy.  The memory stays when the session is closed, and engines then never use it for anything else.
    """
    return _shared(shape, dtype)


def _elements(shape, dtype):
    """Shape and dtype of an array of that dtype: texts have a character at least, elements that are arrays become axes."""
    shape, dtype = shape_tuple(shape), np.dtype(dtype)
    if dtype.kind in "SU" and not dtype.itemsize:
        dtype = np.dtype(f"{dtype.kind}1")
    return (shape, dtype) if dtype.subdtype is None else (shape + dtype.shape, dtype.base)


def empty(shape, dtype=float, order="C", *, axis=0, blocksize=None, engines=None, shared=False, device=None, like=None):
    """An array with undefined contents, laid out as scatter would; axis None: whole on one engine.

    shared=True: a local array instead, as fh.shared gives it; axis, blocksize and engines are for when it is scattered.  What engines cannot hold
    (Python objects, longdouble) becomes a local array of NumPy's, unless engines are named.
    """
    if shared:
        return _shared(shape, dtype)
    shape, dtype = _elements(shape, dtype)
    if engines is None and not is_held(dtype):
        return np.empty(shape, dtype, order)
    session = current()
    return wrap(session._native.empty(code_of(dtype), shape, layout_axis(axis, len(shape)), layout_blocksize(blocksize),
                                      session.engine_ids(engines)))


def full(shape, fill_value, dtype=None, order="C", *, axis=0, blocksize=None, engines=None, device=None, like=None):
    """An array of one value; laid out as empty does."""
    if dtype is None:
        dtype = getattr(fill_value, "dtype", None) or np.asarray(fill_value).dtype
    result = empty(shape, dtype, axis=axis, blocksize=blocksize, engines=engines)
    result.fill(fill_value)
    return result


def zeros(shape, dtype=float, order="C", *, axis=0, blocksize=None, engines=None, shared=False, device=None, like=None):
    """An array of zeros; laid out as empty does.  shared: as in empty."""
    dtype = np.dtype(dtype)
    if shared:
        local = _shared(shape, dtype)
        local[...] = constant(np.zeros, dtype)
        return local
    return full(shape, constant(np.zeros, dtype), dtype, axis=axis, blocksize=blocksize, engines=engines)


def ones(shape, dtype=None, order="C", *, axis=0, blocksize=None, engines=None, device=None, like=None):
    """An array of ones; laid out as empty does."""
    dtype = float if dtype is None else dtype
    return full(shape, constant(np.ones, dtype), dtype, axis=axis, blocksize=blocksize, engines=engines)


def _dtype_like(prototype):
    return prototype.dtype if isinstance(prototype, Array) else np.asarray(prototype).dtype


def empty_like(prototype, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """As the prototype, and cut along the same axis where the shape has it; as empty where the prototype is local."""
    if not isinstance(prototype, Array):
        prototype = np.asarray(prototype)
        return empty(prototype.shape if shape is None else shape, prototype.dtype if dtype is None else dtype)
    shape = prototype.shape if shape is None else shape_tuple(shape)
    shape, dtype = _elements(shape, prototype.dtype if dtype is None else dtype)
    if not is_held(dtype):
        return np.empty(shape, dtype)
    axis = prototype.axis if prototype.axis is not None and prototype.axis < len(shape) else None
    session = prototype._handle.session
    return wrap(session.empty(code_of(dtype), shape, axis, 0, None))


def full_like(prototype, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    result = empty_like(prototype, dtype, order, subok, shape)
    result.fill(fill_value)
    return result


def zeros_like(prototype, dtype=None, order="K", subok=True, shape=None, *, device=None):
    return full_like(prototype, constant(np.zeros, _dtype_like(prototype) if dtype is None else dtype), dtype, order, subok, shape)


def ones_like(prototype, dtype=None, order="K", subok=True, shape=None, *, device=None):
    return full_like(prototype, constant(np.ones, _dtype_like(prototype) if dtype is None else dtype), dtype, order, subok, shape)


class _AnyArray(type):
    """What isinstance asks of ndarray."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, (Array, np.ndarray))

    def __subclasscheck__(cls, subclass):
        return issubclass(subclass, (Array, np.ndarray))


class ndarray(metaclass=_AnyArray):
    """fh.ndarray: isinstance and issubclass take remote arrays and NumPy's; a call makes an array with undefined contents, over memory of this process
    NumPy's own."""

    def __new__(cls, shape, dtype=float, buffer=None, offset=0, strides=None, order="C"):
        if isinstance(buffer, Array):
            raise not_supported("fh.ndarray takes memory of this process only, not a remote array's")
        if buffer is not None or strides is not None or offset:
            return np.ndarray(shape, dtype, buffer, offset, strides, order)
        return empty(shape, dtype)
