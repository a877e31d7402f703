"""What native code does for simple arguments of remote arrays (native/shortcuts.c), for all others."""
import operator

import numpy as np

from . import _native, reductions, shaping
from .dtypes import shape_tuple
from .errors import error
from .indexing import read


class LongWays:
    """Mix-in of Array."""

    __slots__ = ()

    def item(self, *index):
        """One element as a Python number."""
        if index:
            return self._element(index[0] if len(index) == 1 else index).item()
        if self.size != 1:
            raise error("INVALID_ARGUMENT", "item() takes an array of one element; name the element")
        return self.gather().item()

    def _element(self, index):
        if isinstance(index, tuple):
            return self[index]
        flat = operator.index(index)
        if not -self.size <= flat < self.size:
            raise error("BAD_INDEX", f"index {flat} is out of bounds for size {self.size}")
        return self[tuple(int(i) for i in np.unravel_index(flat % self.size, self.shape))]

    def _scalar(self, kind):
        if self.size != 1:
            raise error("WRONG_TYPE", f"only arrays of one element can be converted to {kind.__name__}")
        return kind(self.item())

    def __bool__(self):
        if self.size != 1:
            raise error("INVALID_ARGUMENT",
                        f"the truth value of an array of {self.size} elements is ambiguous: use .any() or .all()")
        return bool(self.gather())

    def __int__(self):
        return self._scalar(int)

    def __float__(self):
        return self._scalar(float)

    def __getitem__(self, key):
        return read(self, key)

    def reshape(self, *shape, order="C"):
        return shaping.reshape(self, shape_tuple(shape[0] if len(shape) == 1 else shape), order)

    def sum(self, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
        return reductions.reduce(self, "sum", axis, dtype=dtype, out=out, keepdims=keepdims, initial=initial, where=where)

    def prod(self, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
        return reductions.reduce(self, "prod", axis, dtype=dtype, out=out, keepdims=keepdims, initial=initial, where=where)

    def min(self, axis=None, out=None, keepdims=False, initial=None, where=True):
        return reductions.reduce(self, "min", axis, out=out, keepdims=keepdims, initial=initial, where=where)

    def max(self, axis=None, out=None, keepdims=False, initial=None, where=True):
        return reductions.reduce(self, "max", axis, out=out, keepdims=keepdims, initial=initial, where=where)

    def any(self, axis=None, out=None, keepdims=False, *, where=True):
        return reductions.reduce(self, "any", axis, out=out, keepdims=keepdims, where=where)

    def all(self, axis=None, out=None, keepdims=False, *, where=True):
        return reductions.reduce(self, "all", axis, out=out, keepdims=keepdims, where=where)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
        return reductions.reduce(self, "mean", axis, dtype=dtype, out=out, keepdims=keepdims, where=where)


_native.use_shortcuts(LongWays)
