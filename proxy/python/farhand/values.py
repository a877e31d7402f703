"""Local values on their way into remote arrays of numbers: what NumPy would make of them, or the exception that it raises."""
import numpy as np

from .errstate import warn

_COMPLEX_WARNING = getattr(np, "exceptions", np).ComplexWarning
_INT64 = range(-(1 << 63), 1 << 63)


def assignable(value, dtype):
    """value, of this process or remote, as it is written into elements of a number's dtype.

    Numbers that the dtype holds in some way pass as they are.  Texts become numbers, None is NaN, and what cannot be a number, or a NaN that is
    to be an integer, raises what NumPy raises.
    """
    if isinstance(value, np.floating):
        value = float(value)
    elif isinstance(value, np.complexfloating):
        value = complex(value)
    kind = type(value)
    if kind is int:
        return value if value in _INT64 or dtype.kind in "iu" else _element(value, dtype)
    if kind is float:
        return value if dtype.kind not in "iu" or value - value == 0 else _element(value, dtype)
    if hasattr(value, "_handle") and value.dtype.kind in "SU":
        return value.astype(dtype)
    if kind is bool or hasattr(value, "_handle") or kind is np.ndarray and value.dtype.kind in "biufc":
        return value
    if isinstance(value, np.number) and dtype.kind in "biufc" and not isinstance(value, np.timedelta64):
        return value
    if kind is complex and dtype.kind == "c":
        return value
    if isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, "__array__"):
        local = np.asarray(value)
        return local if local.dtype.kind in "biufc" else local.astype(dtype)
    return _element(value, dtype)


def _element(value, dtype):
    """One element that NumPy has made of it."""
    made = np.empty((), dtype)
    made[()] = value
    return made


def warn_of_lost_parts(value, dtype):
    """As NumPy, where complex numbers become real ones."""
    if getattr(value, "dtype", None) is not None and value.dtype.kind == "c" and np.dtype(dtype).kind in "iuf":
        warn("Casting complex values to real discards the imaginary part", _COMPLEX_WARNING)
