"""Indices with masks and integer arrays in them, by NumPy's rules.

Such a key is taken apart into a basic index, which makes a view, and arrays for some of the view's axes.  These axes are
turned to the front, the engines read or write there, and the axes of the arrays go to where NumPy puts them.
"""
import numpy as np

from .dtypes import casting_code, is_other
from .errors import error
from .indexing import basic_item, is_advanced
from .ufuncs import to_native

RAISE, WRAP, CLIP = 0, 1, 2
_EVERYTHING = slice(None)
_BAD_DTYPE = "arrays used as indices must be of integer (or boolean) type"


def _array(part):
    """A part of a key that is no basic index, as an array, local or remote."""
    from .array import Array

    if isinstance(part, Array):
        array = part
    else:
        array = np.asarray(part)
        if array.size == 0 and not isinstance(part, np.ndarray):
            array = array.astype(np.intp)
    if array.dtype.kind not in "biu":
        raise error("BAD_INDEX", _BAD_DTYPE)
    return array


def check_bounds(index, extent, axis):
    """Local indices are checked here, so that what is wrong is said at once; others on the engines."""
    if not isinstance(index, np.ndarray) or not index.size:
        return
    low, high = int(index.min()), int(index.max())
    if low < -extent or high >= extent:
        bad = high if high >= extent else low
        raise error("BAD_INDEX", f"index {bad} is out of bounds for axis {axis} with size {extent}")


def rows_of(found):
    """The rows of nonzero's answer."""
    from .array import wrap

    return tuple(wrap(found.index((i,))) for i in range(found.describe()[1][0]))


def take_front(x, indices, mode=RAISE):
    """x[indices...] for the first axes."""
    from .array import wrap

    return wrap(x._handle.index_arrays(tuple(to_native(i) for i in indices), mode))


def put_front(x, indices, value, mode=RAISE, casting="unsafe"):
    """x[indices...] = value for the first axes."""
    if is_other(x.dtype):
        from .others import fitting

        value = fitting(value, x.dtype, casting)
    x._handle.assign_arrays(tuple(to_native(i) for i in indices), mode, (to_native(value),), casting_code(casting))


class _Parts:
    """A key, part by part."""

    def __init__(self, x, key):
        self.basic, self.tags, self.arrays = [], [], []
        self.axes = 0  # of x that were consumed
        self.made = 0  # axes of the view
        self.keys = [_array(part) if is_advanced(part) else part for part in (key if isinstance(key, tuple) else (key,))]
        hidden = x.ndim - sum(self._consumes(part) for part in self.keys)
        if hidden < 0:
            raise error("BAD_INDEX", f"too many indices for array: array is {x.ndim}-dimensional, but {x.ndim - hidden} were indexed")
        ellipses = sum(part is Ellipsis for part in self.keys)
        if ellipses > 1:
            raise error("BAD_INDEX", "an index can only have a single ellipsis ('...')")
        for part in self.keys if ellipses else self.keys + [Ellipsis]:
            self._add(x, part, hidden)

    @staticmethod
    def _consumes(part):
        if part is None or part is Ellipsis:
            return 0
        return part.ndim if hasattr(part, "ndim") and part.dtype == np.bool_ else 1

    def _view_axis(self, tag, item):
        self.basic.append(item)
        self.tags.append(tag)
        self.made += 1

    def _add(self, x, part, hidden):
        if part is Ellipsis:
            self.tags.append("ellipsis")
            for _ in range(hidden):
                self._view_axis("kept", _EVERYTHING)
            self.axes += hidden
        elif part is None:
            self._view_axis("kept", None)
        elif hasattr(part, "ndim") and part.ndim == 0 and part.dtype == np.bool_:
            self.arrays.append((self.made, self.axes, np.zeros(int(bool(part)), np.intp)))
            self._view_axis("array", None)
        elif hasattr(part, "ndim") and part.ndim > 0:
            self._add_array(x, part)
        else:
            self.axes += 1
            if isinstance(part, slice):
                self._view_axis("kept", part)
            else:
                self.basic.append(part)
                self.tags.append("integer")

    def _add_array(self, x, part):
        if part.dtype == np.bool_ and 0 in part.shape and all(extent in (0, own) for extent, own in zip(part.shape, x.shape[self.axes:])):
            for _ in part.shape:  # fits an axis of any length, as in NumPy, and chooses nothing
                self._add_array(x, np.zeros(0, np.intp))
            return
        self.arrays.append((self.made, self.axes, part))
        if part.dtype == np.bool_:
            for i, extent in enumerate(part.shape):
                if x.shape[self.axes + i] != extent:
                    raise error("BAD_INDEX", f"boolean index did not match indexed array along dimension {self.axes + i}; dimension "
                                             f"is {x.shape[self.axes + i]} but corresponding boolean dimension is {extent}")
        else:
            check_bounds(part, x.shape[self.axes], self.axes)
        for _ in range(self._consumes(part)):
            self._view_axis("array", _EVERYTHING)
            self.axes += 1

    def place(self):
        """Before how many axes of the result do those of the arrays stand?"""
        picked = [i for i, tag in enumerate(self.tags) if tag in ("array", "integer")]
        if picked[-1] - picked[0] + 1 != len(picked):
            return 0
        return sum(tag == "kept" for tag in self.tags[:picked[0]])


class Picking:
    """x[key], to be read or written."""

    def __init__(self, x, key):
        from .array import wrap

        parts = _Parts(x, key)
        view = wrap(x._handle.index(tuple(map(basic_item, parts.basic))))
        front = [axis + i for axis, _, array in parts.arrays
                 for i in range(array.ndim if array.dtype == np.bool_ else 1)]
        order = front + [axis for axis in range(view.ndim) if axis not in front]
        self.view = view if order == list(range(view.ndim)) else view.transpose(order)
        self.rest = view.ndim - len(front)
        self.place = parts.place()
        arrays = [array for _, _, array in parts.arrays]
        self.mask = arrays[0] if len(arrays) == 1 and arrays[0].dtype == np.bool_ else None
        if self.mask is None:
            self.indices = self._numbers(arrays)
            self.axes = self._broadcast_axes()
        else:
            self.axes = 1

    @staticmethod
    def _numbers(arrays):
        from .array import Array

        numbers = []
        for array in arrays:
            if array.dtype != np.bool_:
                numbers.append(array)
            elif isinstance(array, Array):
                numbers.extend(rows_of(array._handle.nonzero()))
            else:
                numbers.extend(np.nonzero(array))
        return numbers

    def _broadcast_axes(self):
        """How many axes the index arrays have together."""
        try:
            return len(np.broadcast_shapes(*(index.shape for index in self.indices)))
        except ValueError:
            shapes = " ".join(str(index.shape) for index in self.indices)
            raise error("BAD_INDEX", "shape mismatch: indexing arrays could not be broadcast together with shapes "
                                     f"{shapes}") from None

    def read(self):
        from .array import wrap

        if self.mask is not None:
            found = wrap(self.view._handle.index_mask(to_native(self.mask)))
        else:
            found = take_front(self.view, self.indices)
        if not self.place:
            return found
        front, rest = list(range(self.axes)), list(range(self.axes, self.axes + self.rest))
        return found.transpose(rest[:self.place] + front + rest[self.place:])

    def write(self, value):
        if is_other(self.view.dtype):
            from .others import fitting

            value = fitting(value, self.view.dtype)
        value = self._turned(value)
        if self.mask is not None:
            self.view._handle.assign_mask((to_native(self.mask),), (to_native(value),), casting_code("unsafe"))
        else:
            put_front(self.view, self.indices, value)

    def _turned(self, value):
        """The value with its axes in the order of the engines' result: those of the arrays first."""
        if type(value) in (int, float, complex):
            return value
        if not hasattr(value, "ndim"):
            value = np.asarray(value)
        ndim = self.axes + self.rest
        while value.ndim > ndim and value.shape[0] == 1:
            value = value[0]
        if value.ndim > ndim:
            raise error("INVALID_ARGUMENT", f"shape mismatch: value array of shape {value.shape} could not be broadcast to indexing "
                                            f"result of {ndim} dimensions")
        if not self.place or not value.ndim:
            return value
        value = value[(None,) * (ndim - value.ndim) + (Ellipsis,)]
        front = list(range(self.place, self.place + self.axes))
        return value.transpose(front + [axis for axis in range(ndim) if axis not in front])
