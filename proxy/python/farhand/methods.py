"""ndarray's methods that are functions of the table, and those of its attributes that are about memory."""
import builtins
import operator

import numpy as np

from . import records
from .dtypes import code_of, native, shape_tuple
from .errors import error, not_supported
from .ufuncs import call

_FUNCTIONS = ("argpartition argsort cumprod cumsum diagonal dot nonzero repeat searchsorted take trace").split()


def _by_table(function):
    from .dispatch import find

    return find(function)


def _function_method(name):
    function = getattr(np, name)

    def method(self, *arguments, **keywords):
        from .dispatch import implement

        return implement(function, (self, *arguments), keywords)(self, *arguments, **keywords)

    method.__name__ = name
    method.__doc__ = f"As numpy.{name}."
    return method


def _hosted(name, rule, *arguments):
    """A method of ndarray as a hosted function."""
    from .function_table import Row
    from .hosted import Hosted

    return Hosted(Row("HOSTED", f"ndarray.{name}", rule))(*arguments)


class Flat:
    """x.flat: the elements in C order, to be iterated over, read and written."""

    __slots__ = ("_array", "index")

    def __init__(self, array):
        self._array, self.index = array, 0

    base = property(lambda self: self._array, doc="The array.")
    coords = property(lambda self: tuple(map(int, np.unravel_index(self.index, self._array.shape))), doc="Where next() reads.")

    def __next__(self):
        if self.index >= len(self):
            raise StopIteration
        value = self[self.index]
        self.index += 1
        return value

    def copy(self):
        return self._array.flatten()

    def __len__(self):
        return self._array.size

    def __iter__(self):
        return iter(self._array.ravel())

    def __getitem__(self, key):
        return self._array.ravel()[key]

    def __setitem__(self, key, value):
        if isinstance(key, slice) and key == slice(None) or key is Ellipsis:
            values = np.ravel(value)
            self._array._assign(np.resize(values, self._array.shape) if np.ndim(value) else value, "unsafe")
            return
        flat = self._array.ravel()
        flat[key] = value
        self._array._assign(flat.reshape(self._array.shape), "unsafe")

    def __array__(self, dtype=None, copy=None):
        return self._array.ravel().__array__(dtype)


_FLAG_LETTERS = {"c": "c_contiguous", "f": "f_contiguous", "o": "owndata", "w": "writeable", "a": "aligned", "x": "writebackifcopy", "b": "behaved",
                 "ca": "carray", "fa": "farray", "fortran": "f_contiguous"}


class Flags:
    """x.flags: of the array as gather gives it."""

    def __init__(self, array):
        self._handle = array._handle
        self.c_contiguous = self.carray = self.owndata = self.aligned = self.behaved = True
        self.f_contiguous = self.forc = sum(extent > 1 for extent in array.shape) < 2 or not array.size
        self.fnc, self.farray, self.writebackifcopy = False, self.f_contiguous, False
        self.contiguous, self.forc, self.fortran = True, True, self.f_contiguous

    @property
    def writeable(self):
        """May the array be written by this handle, and by views made of it?"""
        return self._handle.writeable

    @writeable.setter
    def writeable(self, value):
        self._handle.writeable = value

    def __getitem__(self, name):
        name = name.lower()
        found = getattr(self, _FLAG_LETTERS.get(name, name), None)
        if found is None:
            raise KeyError("Unknown flag")
        return found

    def __setitem__(self, name, value):
        if name.lower() not in ("writeable", "w"):
            raise not_supported(f"the flag {name} of remote arrays cannot be set")
        self.writeable = value


class Methods:
    """Mix-in of Array."""

    __slots__ = ()

    base = None

    @property
    def flat(self):
        return Flat(self)

    @flat.setter
    def flat(self, values):
        Flat(self)[:] = values

    @property
    def flags(self):
        return Flags(self)

    def __contains__(self, value):
        found = self == value
        return bool(found.any()) if hasattr(found, "_handle") else bool(found)

    def __delitem__(self, key):
        raise error("INVALID_ARGUMENT", "cannot delete array elements: np.delete(x, index) makes another array")

    def setflags(self, write=None, align=None, uic=None):
        """write: may this handle, and views made of it from now on, write?  The array's memory, and other handles to it, know nothing of this."""
        if write is not None:
            self._handle.writeable = write

    @property
    def real(self):
        return self._component(0) if self.dtype.kind == "c" else self[...]

    @real.setter
    def real(self, value):
        self.real._assign(value, "unsafe")

    @property
    def imag(self):
        return self._component(self.itemsize // 2) if self.dtype.kind == "c" else call("imag", (self,))

    @imag.setter
    def imag(self, value):
        if self.dtype.kind != "c":
            raise error("WRONG_TYPE", "array does not have imaginary part to set")
        self.imag._assign(value, "unsafe")

    def _component(self, offset):
        """The real or imaginary parts: the same memory."""
        return records.part(self, self.dtype.type(0).real.dtype, offset)

    @property
    def mT(self):
        if self.ndim < 2:
            raise error("INVALID_ARGUMENT", "matrix transpose with ndim < 2 is undefined")
        return self.swapaxes(-1, -2)

    def sort(self, axis=-1, kind=None, order=None):
        """Sort in place."""
        self._assign(_by_table(np.sort)(self, axis, kind, order), "no")

    def partition(self, kth, axis=-1, kind="introselect", order=None):
        """Partition in place."""
        self._assign(_by_table(np.partition)(self, kth, axis, kind, order), "no")

    def resize(self, *new_shape, refcheck=True):
        """Another shape in place: zeros follow where there are too few elements.  Views that were made before keep the old memory."""
        from .creation import full_like

        if new_shape in ((), (None,)):
            return
        shape = shape_tuple(new_shape[0] if len(new_shape) == 1 else new_shape)
        if any(extent < 0 for extent in shape):
            raise error("INVALID_ARGUMENT", "all elements of `new_shape` must be non-negative")
        made, flat = full_like(self, 0, shape=shape), self.ravel()
        kept = min(made.size, flat.size)
        made.ravel()[:kept] = flat[:kept]
        self._become(made)

    def put(self, indices, values, mode="raise"):
        """As numpy.put."""
        _by_table(np.put)(self, indices, values, mode)

    def choose(self, *choices, out=None, mode="raise"):
        """As numpy.choose; the choices may be arguments of their own."""
        return _by_table(np.choose)(self, choices[0] if len(choices) == 1 else choices, out, mode)

    def compress(self, condition, axis=None, out=None):
        """As numpy.compress."""
        return _by_table(np.compress)(condition, self, axis, out=out)

    def itemset(self, *args):
        """Set one element: itemset(value) or itemset(index, value)."""
        if len(args) == 1:
            if self.size != 1:
                raise error("INVALID_ARGUMENT", "can only convert an array of size 1 to a Python scalar")
            self.fill(args[0])
            return
        index, value = args
        if not isinstance(index, tuple):
            flat = operator.index(index)
            if not -self.size <= flat < self.size:
                raise error("BAD_INDEX", f"index {flat} is out of bounds for size {self.size}")
            index = tuple(int(i) for i in np.unravel_index(flat % self.size, self.shape))
        self[index] = value

    def view(self, dtype=None, type=None):
        """The same memory by another handle, perhaps seen as another dtype.

        A copy only where pieces along the last axis do not hold whole elements of another size.
        """
        from .array import wrap

        if type is not None or isinstance(dtype, builtins.type) and issubclass(dtype, np.ndarray):
            raise not_supported("remote arrays have no subclasses: a view of another class is one of fh.gather(x)")
        if dtype is None or isinstance(dtype, builtins.type) and issubclass(dtype, Methods) or np.dtype(dtype) == self.dtype:
            return self[...]
        dtype = native(np.dtype(dtype))
        if self._can_be_seen(dtype):
            return wrap(self._handle.view_as(code_of(dtype)))
        if self.axis == self.ndim - 1 and np.dtype(dtype).itemsize != self.itemsize:
            return _hosted("view", "whole", self, np.dtype(dtype))
        return _hosted("view", "rows", self, np.dtype(dtype))

    def _can_be_seen(self, dtype):
        """Do pieces that are cut along the last axis hold whole elements?"""
        if dtype.itemsize == 0 or self.axis is None or self.axis != self.ndim - 1 or dtype.itemsize == self.itemsize:
            return True
        return all((stop - start) * self.itemsize % dtype.itemsize == 0 for start, stop in self.bounds)

    def getfield(self, dtype, offset=0):
        """What lies in each element so many bytes from its beginning: the same memory."""
        return records.part(self, native(np.dtype(dtype)), operator.index(offset))

    def setfield(self, val, dtype, offset=0):
        """Write what getfield shows."""
        self.getfield(dtype, offset)._assign(val, "unsafe")

    def byteswap(self, inplace=False):
        """The bytes of each element the other way round."""
        swapped = _hosted("byteswap", "rows", self)
        if not inplace:
            return swapped
        self._assign(swapped, "no")
        return self

    def newbyteorder(self, new_order="S"):
        """The elements as they are when their bytes are read in that order: those of byteswap, or a view.  The dtype stays native."""
        swapped = self.dtype.newbyteorder(new_order)
        return self[...] if swapped == self.dtype else self.byteswap()

    def tofile(self, fid, sep="", format="%s"):
        """Write the elements to a file of this process."""
        self._gather_implicitly().tofile(fid, sep, format)

    def dump(self, file):
        """Write the gathered array's pickle to a file."""
        self._gather_implicitly().dump(file)

    def dumps(self):
        """The gathered array's pickle."""
        return self._gather_implicitly().dumps()


def _missing(name, why):
    def method(self, *arguments, **keywords):
        raise not_supported(f"{name} of remote arrays: {why}")

    method.__name__ = name
    method.__doc__ = f"Raises NotSupported: {why}."
    return method


for _name in _FUNCTIONS:
    setattr(Methods, _name, _function_method(_name))

for _name in ("data", "ctypes"):
    setattr(Methods, _name, property(_missing(_name, "their memory is on engines: fh.gather(x) gives local memory")))
