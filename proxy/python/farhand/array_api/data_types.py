"""dtypes, and functions about them.  The dtypes are NumPy's."""
import builtins
from dataclasses import dataclass

import numpy as np

from ..array import Array
from ..errors import error
from ..function_table import standard

__all__ = list(standard()["dtypes"])

globals().update({name: np.dtype(name) for name in __all__})

KINDS = {
    "bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu", "real floating": "f",
    "complex floating": "c", "numeric": "iufc",
}


def _dtype(x):
    return x.dtype if isinstance(x, Array) else np.dtype(x)


@dataclass(frozen=True)
class FloatInfo:
    """What finfo gives."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: object


@dataclass(frozen=True)
class IntegerInfo:
    """What iinfo gives."""

    bits: int
    max: int
    min: int
    dtype: object


def finfo(type, /):
    found = np.finfo(_dtype(type))
    return FloatInfo(found.bits, *(float(getattr(found, name)) for name in ("eps", "max", "min", "tiny")), np.dtype(found.dtype))


def iinfo(type, /):
    found = np.iinfo(_dtype(type))
    return IntegerInfo(found.bits, int(found.max), int(found.min), np.dtype(found.dtype))


def isdtype(dtype, kind):
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise error("INVALID_ARGUMENT", f"isdtype: {kind!r} is no kind; kinds are {', '.join(KINDS)}")
        return np.dtype(dtype).kind in KINDS[kind]
    return np.dtype(dtype) == np.dtype(kind)


def astype(x, dtype, /, *, copy=True, device=None):
    from ..device import to_device

    if x.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise error("WRONG_TYPE", f"an array of {x.dtype} is not cast to {np.dtype(dtype)}: take its real or imaginary part")
    return to_device(x.astype(dtype, copy=copy), device)


def can_cast(from_, to, /):
    return np.can_cast(_dtype(from_), _dtype(to))


_RANKS = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
_SCALARS = {builtins.bool: (0, np.bool_), int: (1, np.int64), float: (2, np.float64), complex: (3, np.complex128)}


def result_type(*arrays_and_dtypes):
    """Python's numbers take part with their kind only."""
    if not arrays_and_dtypes:
        raise error("INVALID_ARGUMENT", "result_type needs at least one array or dtype")
    weak = [_SCALARS[type(x)] for x in arrays_and_dtypes if type(x) in _SCALARS]
    dtypes = [_dtype(x) for x in arrays_and_dtypes if type(x) not in _SCALARS]
    result = np.result_type(*(dtypes or [dtype for _, dtype in weak]))
    for rank, default in sorted(weak, key=lambda row: row[0]):
        if rank > _RANKS[result.kind]:
            result = np.result_type(result, np.complex64) if result.kind == "f" else np.dtype(default)
    return result
