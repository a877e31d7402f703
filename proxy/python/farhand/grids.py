"""What NumPy writes with brackets: r_, c_, mgrid and ogrid, on the engines."""
import math

import numpy as np

from . import ranges
from .array import Array
from .errors import error
from .joining import concatenate, remotes


class _Joined:
    """numpy.r_ and numpy.c_: what stands in the brackets, joined along an axis."""

    def __init__(self, name, axis, ndmin, place):
        self._name, self._defaults = name, (axis, ndmin, place)

    def __repr__(self):
        return f"farhand.{self._name}"

    def __getitem__(self, key):
        items = list(key) if isinstance(key, tuple) else [key]
        axis, ndmin, place = self._directions(items)
        numbers = [item for item in items if not isinstance(item, (slice, Array)) and np.ndim(item) == 0]
        arrays = [item if isinstance(item, Array) else np.asarray(np.r_[item] if isinstance(item, slice) else item) for item in items]
        wide = [x.dtype for x, item in zip(arrays, items) if not any(item is number for number in numbers)]
        dtype = np.result_type(*wide, *numbers)
        joined, _ = remotes(arrays)
        return concatenate([_raised(x, ndmin, place) for x in joined], axis, dtype=dtype, casting="unsafe")

    def _directions(self, items):
        """The axis, the least number of dimensions, and where the axes of smaller items go: from a string that stands first."""
        axis, ndmin, place = self._defaults
        if not items or not isinstance(items[0], str):
            return axis, ndmin, place
        text = items.pop(0)
        try:
            given = [int(part) for part in text.split(",")]
        except ValueError:
            why = "makes a numpy.matrix, which is local: use np.r_ of gathered arrays" if text in ("r", "c") else "unknown special directive"
            raise error("INVALID_ARGUMENT", f"{self._name}[{text!r}]: {why}") from None
        axis, ndmin, place = (*given, *(axis, ndmin, place)[len(given):])[:3]
        return axis, ndmin, place


def _raised(x, ndmin, place):
    """x with new axes of extent 1 in front of it; place: where its own axes begin then, -1: at the end."""
    new = ndmin - x.ndim
    if new <= 0:
        return x
    first = new if place == -1 else place + new + 1 if place < 0 else place
    first = min(max(first, 0), new)
    return x[(None,) * first + (slice(None),) * x.ndim + (None,) * (new - first)]


class _Grid:
    """numpy.mgrid and numpy.ogrid: coordinates from slices; an imaginary step counts points, the last one included."""

    def __init__(self, name, sparse):
        self._name, self._sparse = name, sparse

    def __repr__(self):
        return f"farhand.{self._name}"

    def __getitem__(self, key):
        single = not isinstance(key, tuple)
        slices = [key] if single else list(key)
        starts, steps, counts = zip(*(_resolved(part) for part in slices)) if slices else ((), (), ())
        dtype = np.result_type(int, *(np.asarray(x).dtype for x in (*starts, *steps)))
        n = len(slices)
        vectors = []
        for i, (start, step, count) in enumerate(zip(starts, steps, counts)):
            ramp = ranges._ramp((0, 1), count, dtype, 0 if i == 0 else None)
            vectors.append((ramp * step + start).astype(dtype, copy=False)[(None,) * i + (slice(None),) + (None,) * (n - i - 1)])
        if single:
            return vectors[0]
        if self._sparse:
            return tuple(vectors) if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else vectors
        return _whole(vectors, counts, dtype)


def _whole(vectors, counts, dtype):
    """All coordinates: one array, cut along the first axis of the grid."""
    from .creation import empty

    result = empty((len(vectors), *counts), dtype, axis=1 if vectors else None)
    for i, vector in enumerate(vectors):
        result[i] = vector
    return result


def _resolved(part):
    """start, step and number of points of a slice."""
    start = 0 if part.start is None else part.start
    step = 1 if part.step is None else part.step
    if isinstance(step, (complex, np.complexfloating)):
        count = int(abs(step))
        step = (part.stop - start) / float(count - 1) if count > 1 else 1.0
        return float(start), float(step), count
    return start, step, max(0, math.ceil((part.stop - start) / (step * 1.0)))


r_ = _Joined("r_", 0, 1, -1)
c_ = _Joined("c_", -1, 2, 0)
mgrid = _Grid("mgrid", False)
ogrid = _Grid("ogrid", True)
