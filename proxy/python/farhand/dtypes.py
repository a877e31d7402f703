"""NumPy's dtypes and ours, axes, castings."""
import ast
import operator

import numpy as np

from . import _native
from .errors import CLASSES, error, not_supported

try:
    from numpy.exceptions import AxisError
except ImportError:  # NumPy before 1.25
    from numpy import AxisError

_DTYPES = {code: np.dtype(name) for code, name in _native.dtypes()}
_NUMBERS = tuple(_DTYPES.get(code) for code in range(max(_DTYPES) + 1))
_CODES = {(dtype.kind, dtype.itemsize): code for code, dtype in _DTYPES.items()}
NONE = 0
CASTINGS = {"no": 0, "equiv": 0, "safe": 1, "same_kind": 2, "unsafe": 3}
OTHERS = "MmSUV"  # kinds of elements that are not numbers
_DEPTH = 16  # of fields within fields, in what comes from elsewhere


def is_other(dtype):
    """Are the elements no numbers (but dates, bytes, str, records)?"""
    return dtype.kind in OTHERS


def _describe(dtype):
    """A dtype in terms of literals from which np.dtype makes it again."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return _describe(base), shape
    if dtype.names is None:
        return dtype.str
    fields = [dtype.fields[name] for name in dtype.names]
    made = {"names": list(dtype.names), "formats": [_describe(field[0]) for field in fields],
            "offsets": [field[1] for field in fields], "itemsize": dtype.itemsize}
    if any(len(field) > 2 for field in fields):
        made["titles"] = [field[2] if len(field) > 2 else None for field in fields]
    if dtype.isalignedstruct:
        made["aligned"] = True
    return made


def _understood(form, depth=0):
    """The dtype that a description means; ValueError for anything else."""
    if depth > _DEPTH:
        raise ValueError("fields are nested too deeply")
    if isinstance(form, str):
        return np.dtype(form)
    if isinstance(form, tuple) and len(form) == 2 and isinstance(form[1], tuple):
        return np.dtype((_understood(form[0], depth + 1), form[1]))
    if not isinstance(form, dict) or not {"names", "formats", "offsets", "itemsize"}.issuperset(form.keys() - {"titles", "aligned"}):
        raise ValueError("not a description of fields")
    return np.dtype({**form, "formats": [_understood(part, depth + 1) for part in form["formats"]]})


def _fields_of(text, size):
    try:
        dtype = _understood(ast.literal_eval(text))
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError) as problem:
        raise error("PROTOCOL_ERROR", f"the fields of an array are described in a way that NumPy does not understand: {problem}") from None
    if dtype.names is None or dtype.hasobject or dtype.itemsize != size:
        raise error("PROTOCOL_ERROR", f"an array with elements of {size} bytes is described as {dtype}")
    return dtype


def dtype_of(code):
    """The dtype of a number that the extension gave."""
    found = _DTYPES.get(code)
    if found is None:
        name, fields = _native.dtype_text(code)
        found = _fields_of(fields, _native.dtype_size(code)) if fields else np.dtype(name)
        _DTYPES[code] = found
    return found


def by_code():
    """The dtypes of numbers, each at its code; None where there is none."""
    return _NUMBERS


_KNOWN = {}  # what code_of has found


def _other_code(dtype):
    """The number of a dtype whose elements are no numbers; 0: there is none."""
    if dtype.itemsize == 0 or dtype.hasobject or dtype.subdtype is not None:
        return 0
    if dtype.names is not None:
        return _native.dtype_structured(repr(_describe(native(dtype))), dtype.itemsize)
    if dtype.kind in "Mm":
        return _native.dtype_number(dtype.name)
    return _native.dtype_number(f"{dtype.kind}{dtype.itemsize // (4 if dtype.kind == 'U' else 1)}")


def _refused(dtype):
    why = "its text lies in this process; cast it to str of a fixed size, say 'U20'" if dtype.kind == "T" \
        else "a reference to a Python object means nothing on an engine; scatter the objects themselves (fh.scatter of a list)" if dtype.hasobject \
        else "elements of no bytes cannot be told apart" if dtype.itemsize == 0 \
        else "engines know bool, integers, floats and complex numbers up to 16 bytes, dates and durations, bytes, str and records up to " \
             "8,388,607 bytes"
    return not_supported(f"arrays of dtype {dtype} cannot be remote: {why}")


def code_of(dtype):
    """The number of a dtype; NONE for None; NotSupported for what engines cannot hold."""
    if dtype is None:
        return NONE
    code = _KNOWN.get(dtype) if isinstance(dtype, np.dtype) else None
    if code is not None:
        return code
    dtype = np.dtype(dtype)
    if is_other(dtype):
        code = _other_code(dtype)
    else:
        code = _CODES.get((dtype.kind, dtype.itemsize)) if dtype.subdtype is None else None
    if not code:
        raise _refused(dtype)
    _KNOWN[dtype] = code
    return code


def is_held(dtype):
    """Can engines hold such elements?  Arrays of others stay in this process: objects, longdouble, elements of no bytes."""
    try:
        return bool(code_of(dtype))
    except CLASSES["NotSupported"]:
        return False


def native(dtype):
    """The dtype in this machine's byte order."""
    return dtype.newbyteorder("=")


def local_of(array, writable):
    """(buffer, number of its dtype) of an ndarray whose elements are no numbers: its bytes as they lie."""
    array = np.asarray(array)
    code = code_of(array.dtype)
    if array.dtype != native(array.dtype):
        if writable:
            raise error("WRONG_TYPE", f"{array.dtype} is not in the byte order of this machine")
        array = array.astype(native(array.dtype))
    if not is_other(array.dtype):
        raise _refused(array.dtype)
    return array.view(f"V{array.dtype.itemsize}"), code


def constant(make, dtype):
    """The zero or one of a dtype, as make (np.zeros, np.ones) gives it."""
    dtype = np.dtype(dtype)
    return make((), dtype) if is_other(dtype) else int(make is np.ones)


def casting_code(casting):
    try:
        return CASTINGS[casting]
    except (KeyError, TypeError):
        raise error("INVALID_ARGUMENT", f"casting must be one of {', '.join(map(repr, CASTINGS))}, not {casting!r}") from None


def integer_axis(axis):
    """axis, which is no bool, of functions whose axis NumPy reads so."""
    if isinstance(axis, bool):
        raise error("WRONG_TYPE", "an integer is required for the axis")
    return axis


def normalize_axis(axis, ndim):
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise AxisError(axis, ndim)
    return axis % ndim


def normalize_axes(axes, ndim):
    """None, an int or a tuple of ints to None or a tuple of different axes."""
    if axes is None:
        return None
    if not isinstance(axes, (tuple, list, range)):
        if getattr(axes, "ndim", 0) != 1:
            return (normalize_axis(axes, ndim),)
        axes = axes.tolist()
    result = tuple(normalize_axis(axis, ndim) for axis in axes)
    if len(set(result)) != len(result):
        raise error("INVALID_ARGUMENT", "an axis is named twice")
    return result


def _extent(value):
    extent = operator.index(value)
    if extent >= 1 << 63:
        raise error("INVALID_ARGUMENT", "Maximum allowed dimension exceeded")
    return extent


def shape_tuple(shape):
    """What NumPy takes as a shape, as a tuple of ints."""
    if shape is None:
        return ()
    if getattr(shape, "ndim", 0) == 1:
        shape = shape.tolist()
    if isinstance(shape, (tuple, list, range)):
        return tuple(_extent(extent) for extent in shape)
    return (_extent(shape),)
