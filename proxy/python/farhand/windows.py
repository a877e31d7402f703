"""numpy.lib.stride_tricks: windows that slide over an array."""
import operator

import numpy as np

from . import shaping
from .dtypes import normalize_axes
from .errors import error


def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    """As NumPy's, but a copy: a window's elements may lie on several engines.  It takes the memory that its shape says."""
    from .joining import _session_of, remote

    x = remote(x, _session_of([x]))
    if writeable:
        raise error("NOT_SUPPORTED", "windows of remote arrays are copies: writeable=True would not write to the array")
    lengths = tuple(operator.index(n) for n in window_shape) if np.ndim(window_shape) else (operator.index(window_shape),)
    if any(n < 0 for n in lengths):
        raise error("INVALID_ARGUMENT", "`window_shape` cannot contain negative values")
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    if len(axes) != len(lengths):
        raise error("INVALID_ARGUMENT", f"window_shape has {len(lengths)} lengths for {len(axes)} axes"
                                        f"{' (of x, since axis is None)' if axis is None else ''}: they must be as many")
    for along, length in zip((normalize_axes(one, x.ndim)[0] for one in axes), lengths):
        if length > x.shape[along]:
            raise error("INVALID_ARGUMENT", f"window shape cannot be larger than input array shape: {length} along an axis of {x.shape[along]}")
        x = _windows(x, along, length)
    return x


def _windows(x, axis, length):
    """x with windows along an axis, whose elements are along a new last axis."""
    first = np.arange(x.shape[axis] - length + 1)
    return shaping.moveaxis(np.take(x, first[:, None] + np.arange(length), axis), axis + 1, -1)
