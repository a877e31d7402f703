"""RemoteArray and DistArray: handles that look like ndarrays."""
import operator
import warnings

import numpy as np

from . import _native, printing, records, reductions, shaping
from .config import config
from .device import device_of, to_device
from .dispatch import array_function
from .dtypes import by_code, casting_code, code_of, dtype_of, is_held, is_other, local_of, shape_tuple
from .errors import PerformanceWarning, checked_flag, error, not_supported
from .indexing import write
from .layouts import layout_axis, layout_blocksize
from .long_ways import LongWays
from .methods import Methods
from .operators import Operators
from .ufuncs import array_ufunc, call, to_native
from .values import assignable, warn_of_lost_parts

_ITERATION_BYTES = 1 << 20  # that iteration over elements fetches at a time
_WARN_SHARE = 4  # an implicit gather of more than the limit / 4 warns
_COPIED = ("this remote array cannot become local without a copy: only C-contiguous ones of 1 MiB and more on engines of this host are "
           "mapped, without a change of dtype")


class Array(_native.Operators, _native.Shortcuts, Operators, LongWays, Methods):
    """What RemoteArray and DistArray have in common: ndarray's attributes (from metadata, without a message) and methods."""

    __slots__ = ("_handle", "_shape", "_dtype", "_axis", "_npieces", "_prefers_local", "__weakref__")

    def __init__(self, *arguments, **keywords):
        raise error("WRONG_TYPE", f"{type(self).__name__} is not called: arrays come from fh.scatter, fh.empty and the like")

    # ---- metadata

    shape = property(operator.attrgetter("_shape"), lambda self, shape: self._become(self.reshape(shape)), doc="Extents.")
    dtype = property(operator.attrgetter("_dtype"), lambda self, dtype: self._become(self.view(dtype)), doc="Type of the elements.")
    axis = property(operator.attrgetter("_axis"), doc="Along which the pieces follow each other; None: one piece.")
    npieces = property(operator.attrgetter("_npieces"), doc="How many pieces there are.")

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        size = 1
        for extent in self.shape:
            size *= extent
        return size

    @property
    def itemsize(self):
        return self.dtype.itemsize

    @property
    def nbytes(self):
        return self.size * self.itemsize

    @property
    def strides(self):
        """Of the array as gather gives it: C order."""
        strides = []
        step = self.itemsize
        for extent in reversed(self.shape):
            strides.append(step)
            step *= max(extent, 1)
        return tuple(reversed(strides))

    @property
    def T(self):
        return self.transpose()

    def _become(self, other):
        """Be a handle to another array from now on."""
        self.__class__ = type(other)
        self._handle, self._shape, self._dtype = other._handle, other._shape, other._dtype
        self._axis, self._npieces = other._axis, other._npieces

    @property
    def engines(self):
        """Numbers of the engines that hold the pieces, in their order."""
        return tuple(self._handle.piece(i)[2] for i in range(self.npieces))

    @property
    def bounds(self):
        """(start, stop) along axis of each piece."""
        pieces = (self._handle.piece(i) for i in range(self.npieces))
        return tuple((start, start + length) for _, _, _, start, length in pieces)

    @property
    def pieces(self):
        """The pieces as RemoteArrays: other handles to the same memory."""
        pieces = [wrap(self._handle.piece_handle(i)) for i in range(self.npieces)]
        if self.prefer_local:
            for piece in pieces:
                piece.prefer_local = True
        return pieces

    @property
    def ids(self):
        """Ids of the pieces, as in Session.objects()."""
        return tuple(self._handle.piece(i)[0] for i in range(self.npieces))

    @property
    def prefer_local(self):
        """May fh.call and fh.methodcall run functions of this array in this process, on its value?  False unless it is set; of this
        handle, not of the array."""
        return getattr(self, "_prefers_local", False)

    @prefer_local.setter
    def prefer_local(self, value):
        self._prefers_local = checked_flag("prefer_local", value)

    # ---- to this process

    def gather(self, *, copy=False):
        """The array as a new local ndarray.  Waits.

        Large arrays on this host are not copied but mapped: the ndarray shows the engines' memory as it is now.  It can be
        written, which others do not see, and what they write later it does not show; the engines keep that memory until the
        ndarray and all its views are gone.  copy=True: memory of this process's own.
        """
        mapped = None if copy else self._mapped()
        if mapped is not None:
            return mapped
        local = np.empty(self.shape, self.dtype)
        self._handle.gather(local)
        return local

    def _mapped(self):
        """The engines' memory as an ndarray; None: it has to be copied."""
        mapping = self._handle.gather_map()
        return None if mapping is None else np.ndarray(self.shape, self.dtype, mapping)

    def _gather_implicitly(self):
        limit = config.implicit_gather_limit
        if self.nbytes > limit:
            raise error("LIMIT_EXCEEDED",
                        f"this would fetch {self.nbytes:,} bytes without having been asked to (limit {limit:,}, "
                        "fh.config.implicit_gather_limit): call fh.gather(x) if that is what you want")
        if self.nbytes > limit // _WARN_SHARE:
            warnings.warn(f"fetching {self.nbytes:,} bytes implicitly; fh.gather(x) says that it is meant", PerformanceWarning,
                          stacklevel=3)
        return self.gather()

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            local = self._mapped() if dtype is None or dtype == self.dtype else None
            if local is None:
                raise error("INVALID_ARGUMENT", _COPIED)
            return local
        local = self._gather_implicitly()
        return local if dtype is None else local.astype(dtype, copy=False)

    __array_ufunc__ = array_ufunc

    def __array_namespace__(self, *, api_version=None):
        """The namespace of the array API standard."""
        from . import array_api

        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12", array_api.__array_api_version__):
            raise error("INVALID_ARGUMENT", f"there is no version {api_version!r} of the array API here: it is "
                                            f"{array_api.__array_api_version__}")
        return array_api

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """Of the gathered array; copy=False: only where that is the engines' memory, mapped."""
        if stream is not None or dl_device not in (None, (1, 0)):
            raise BufferError("remote arrays go to the memory of this process only: DLPack's device (1, 0)")
        local = self._mapped() if copy is False else self._gather_implicitly()
        if local is None:
            raise BufferError(_COPIED)
        if max_version is None or np.lib.NumpyVersion(np.__version__) < "2.1.0":
            return local.__dlpack__()
        return local.__dlpack__(max_version=max_version)

    def __dlpack_device__(self):
        return (1, 0)

    @property
    def device(self):
        """The engine that holds the array; any, if there are several."""
        return device_of(self)

    def to_device(self, device, /, *, stream=None):
        """The array whole on that engine."""
        if stream is not None:
            raise error("INVALID_ARGUMENT", "engines have no streams")
        return to_device(self, device)

    def __array_function__(self, function, types, args, kwargs):
        return array_function(function, types, args, kwargs)

    def tolist(self):
        return self._gather_implicitly().tolist()

    def tobytes(self, order="C"):
        return self._gather_implicitly().tobytes(order)

    def __bytes__(self):
        return self.tobytes()

    def wait(self, timeout=None):
        """Wait until the array is computed; raise what went wrong.  Returns the array."""
        self._handle.wait(-1.0 if timeout is None else float(timeout))
        return self

    def future(self):
        """A Future whose result is this array, once it is computed."""
        from .futures import future_of

        return future_of(self)

    def cancel(self):
        """Give up computing this array, if it is not computed yet: it, and what is made from it, then raises Cancelled."""
        self._handle.cancel()

    # ---- numbers

    def __complex__(self):
        return self._scalar(complex)

    def __index__(self):
        if self.ndim or self.dtype.kind not in "iu":
            raise error("WRONG_TYPE", "only 0-d arrays of integers can be an index")
        return self.item()

    def __round__(self, digits=None):
        return round(self.item(), digits) if digits is not None else round(self.item())

    # ---- containers

    def __hash__(self):
        """Of a 0-d array: its value's, as NumPy's scalars have, so that elements are keys of dicts.  Others are not hashable, as ndarray is."""
        if self._shape:
            raise error("WRONG_TYPE", f"unhashable type: '{type(self).__name__}'")
        return hash(self.item())

    def __len__(self):
        if not self.shape:
            raise error("WRONG_TYPE", "len() of a 0-d array")
        return self.shape[0]

    def __iter__(self):
        if not self.shape:
            raise error("WRONG_TYPE", "iteration over a 0-d array")
        if self.ndim > 1:
            return (self[i] for i in range(self.shape[0]))
        return self._elements()

    def _elements(self):
        step = max(1, _ITERATION_BYTES // self.itemsize)
        for start in range(0, self.shape[0], step):
            yield from self[start:start + step].gather()

    def __setitem__(self, key, value):
        write(self, key, value)

    def _assign(self, value, casting):
        if is_other(self._dtype) or is_other(getattr(value, "dtype", self._dtype)):
            from .others import fitting

            value = fitting(value, self._dtype, casting)
            if records.has_gaps(self._dtype):
                records.write(self, Ellipsis, value)
                return
        else:
            value = assignable(value, self._dtype)
            warn_of_lost_parts(value, self._dtype)
        self._handle.assign((to_native(value),), casting_code(casting))

    def fill(self, value):
        self._assign(value, "unsafe")

    # ---- copies and casts

    def astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
        """A copy of another dtype; of one that engines do not hold, or in the other byte order, a local array."""
        dtype = np.dtype(dtype)
        if not copy and dtype == self.dtype:
            return self
        if dtype.hasobject or not dtype.isnative or not is_other(dtype) and not is_held(dtype):
            return self._gather_implicitly().astype(dtype, order, casting)
        if is_other(self._dtype) or is_other(dtype):
            from .others import astype

            return astype(self, dtype, casting)
        warn_of_lost_parts(self, dtype)
        return wrap(self._handle.astype(code_of(dtype), casting_code(casting)))

    def copy(self, order="C"):
        shaping.memory_order(order)
        return wrap(self._handle.copy())

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def alias(self):
        """Another handle to the same array."""
        return wrap(self._handle.alias())

    def __reduce__(self):
        return _from_bytes, (self._handle.export(),)

    def reshard(self, axis, *, blocksize=None, engines=None):
        """The same array in another layout, moved from engine to engine; axis None: whole on one engine."""
        from .session import Session

        ids = Session(self._handle.session).engine_ids(engines)
        return wrap(self._handle.reshard(layout_axis(axis, self.ndim), layout_blocksize(blocksize), ids))

    def publish(self, name):
        """Let other clients get it by name; it then outlives this session.  Returns the array."""
        self._handle.publish(name)
        return self

    def call(self, method, *args):
        """Invoke a remote method of a one-piece array by name: "describe", "methods", "nop"."""
        if self.npieces != 1:
            raise not_supported("methods by name are invoked on one piece: use x.pieces[i].call(...)")
        return list(self._handle.session.call(self._handle, 0, method, args)[0])

    # ---- shapes

    def transpose(self, *axes):
        return shaping.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def ravel(self, order="C"):
        return shaping.reshape(self, (-1,), order)

    def flatten(self, order="C"):
        return self.copy().ravel(order)

    def squeeze(self, axis=None):
        return shaping.squeeze(self, axis)

    def swapaxes(self, axis1, axis2):
        return shaping.swapaxes(self, axis1, axis2)

    # ---- numbers of numbers

    def var(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True):
        return reductions.variance(self, False, axis, dtype, out, ddof, keepdims, where)

    def std(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True):
        return reductions.variance(self, True, axis, dtype, out, ddof, keepdims, where)

    def argmin(self, axis=None, out=None, *, keepdims=False):
        return reductions.argument(self, "argmin", axis, out, keepdims)

    def argmax(self, axis=None, out=None, *, keepdims=False):
        return reductions.argument(self, "argmax", axis, out, keepdims)

    def ptp(self, axis=None, out=None, keepdims=False):
        return reductions.deliver(self.max(axis, keepdims=keepdims) - self.min(axis, keepdims=keepdims), out)

    def clip(self, min=None, max=None, out=None, **keywords):
        from .elementwise import clip

        return clip(self, min, max, out, **keywords)

    def round(self, decimals=0, out=None):
        from .elementwise import around

        return around(self, decimals, out)

    def conj(self, out=None):
        return self if out is None and self.dtype.kind != "c" else np.conjugate(self, out)

    conjugate = conj

    # ---- text

    def __repr__(self):
        return printing.to_repr(self)

    def __str__(self):
        return printing.to_str(self)

    def _repr_html_(self):
        return printing.to_html(self)

    def __format__(self, spec):
        if self.ndim and spec:
            raise error("WRONG_TYPE", f"unsupported format string passed to {type(self).__name__}.__format__")
        return format(self.item(), spec) if self.ndim == 0 else str(self)


class RemoteArray(Array):
    """A handle to an array that lies whole on one engine."""

    __slots__ = ()

    @property
    def engine(self):
        """Number of the engine that holds it."""
        return self.engines[0]


class DistArray(Array):
    """A handle to an array whose pieces, along one axis, lie on several engines.

    DistArray(pieces, axis=-1): of two or more arrays of one dtype that follow each other along axis: remote ones, which stay where they are and whose
    memory it shares, Refs of them, and local ones, which go to the engines in turn.  Pieces without elements are left out; a RemoteArray if only
    one is left.
    """

    __slots__ = ()

    def __new__(cls, pieces, axis=-1):
        from .joining import of_pieces

        return of_pieces(pieces, axis)

    def __init__(self, pieces, axis=-1):
        pass  # of_pieces has made it


_native.use_proxies(RemoteArray, DistArray, by_code(), dtype_of, local_of)
wrap = _native.wrap  # the proxy of a native Array


def wrap_whole(handle, shape, dtype):
    """The same, of an array in one piece whose shape and (native) dtype are known."""
    self = object.__new__(RemoteArray)
    self._handle = handle
    self._shape = shape
    self._dtype = dtype
    self._axis = None
    self._npieces = 1
    return self


def _from_bytes(data):
    """Unpickle: a handle to the same array, in this process's default session."""
    from .session import current

    return wrap(current()._native.import_array(data))
