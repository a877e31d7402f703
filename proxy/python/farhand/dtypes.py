"""NumPy's dtypes and ours, axes, castings."""
import operator

import numpy as np

from . import _native
from .errors import error, not_supported

try:
    from numpy.exceptions import AxisError
except ImportError:  # NumPy before 1.25
    from numpy import AxisError

_DTYPES = {code: np.dtype(name) for code, name in _native.dtypes()}
_CODES = {(dtype.kind, dtype.itemsize): code for code, dtype in _DTYPES.items()}
NONE = 0
CASTINGS = {"no": 0, "equiv": 0, "safe": 1, "same_kind": 2, "unsafe": 3}


def dtype_of(code):
    return _DTYPES[code]


def by_code():
    """All dtypes, each at its number; None where there is none."""
    return tuple(_DTYPES.get(code) for code in range(max(_DTYPES) + 1))


_KNOWN = {}  # what code_of has found


def code_of(dtype):
    """The number of a dtype; NONE for None; NotSupported for what engines cannot hold."""
    if dtype is None:
        return NONE
    code = _KNOWN.get(dtype) if isinstance(dtype, np.dtype) else None
    if code is not None:
        return code
    dtype = np.dtype(dtype)
    code = _CODES.get((dtype.kind, dtype.itemsize)) if dtype.names is None and dtype.subdtype is None else None
    if code is None:
        raise not_supported(
            f"arrays of dtype {dtype} cannot be remote yet: only bool, integers, floats and complex numbers up to 16 bytes")
    _KNOWN[dtype] = code
    return code


def casting_code(casting):
    try:
        return CASTINGS[casting]
    except (KeyError, TypeError):
        raise error("INVALID_ARGUMENT", f"casting must be one of {', '.join(map(repr, CASTINGS))}, not {casting!r}") from None


def normalize_axis(axis, ndim):
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise AxisError(axis, ndim)
    return axis % ndim


def normalize_axes(axes, ndim):
    """None, an int or a tuple of ints to None or a tuple of different axes."""
    if axes is None:
        return None
    if not isinstance(axes, (tuple, list)):
        return (normalize_axis(axes, ndim),)
    result = tuple(normalize_axis(axis, ndim) for axis in axes)
    if len(set(result)) != len(result):
        raise error("INVALID_ARGUMENT", "an axis is named twice")
    return result


def shape_tuple(shape):
    """What NumPy takes as a shape, as a tuple of ints."""
    if isinstance(shape, (tuple, list)):
        return tuple(operator.index(extent) for extent in shape)
    return (operator.index(shape),)
