"""What makes a remote array of something, or another one of it: asarray, array, copy."""
import numpy as np

from .array import Array
from .dtypes import is_held
from .errors import error
from .joining import stack


def asarray(a, dtype=None, order=None, *, copy=None, device=None, like=None):
    """a as a remote array: itself if it is one of that dtype, else scattered.  What engines cannot hold (Python objects, longdouble) is NumPy's array."""
    from .objects import scatter

    if isinstance(a, (list, tuple)) and a and all(isinstance(part, Array) and part.shape == a[0].shape for part in a):
        made = stack(a)
        return made if dtype is None else made.astype(dtype, copy=False)
    if not isinstance(a, Array):
        if copy is False:
            raise error("INVALID_ARGUMENT", "a local array cannot become remote without a copy")
        local = np.asarray(a, dtype)
        return scatter(local) if is_held(local.dtype) else local
    if dtype is not None and np.dtype(dtype) != a.dtype:
        if copy is False:
            raise error("INVALID_ARGUMENT", f"an array of {a.dtype} cannot become {np.dtype(dtype)} without a copy")
        return a.astype(dtype)
    return a.copy() if copy else a


def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
    """As asarray, but a copy unless told otherwise."""
    result = asarray(object, dtype, copy=True if copy and isinstance(object, Array) else None)
    if result is object and copy:
        result = object.copy()
    return result[(None,) * (ndmin - result.ndim) + (Ellipsis,)] if ndmin > result.ndim else result


def asanyarray(a, dtype=None, order=None, *, copy=None, device=None, like=None):
    """As asarray."""
    return asarray(a, dtype, copy=copy)


def asfarray(a, dtype=np.float64):
    """As asarray; integers become float64."""
    return asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


def ascontiguousarray(a, dtype=None, *, like=None):
    """As asarray, of one dimension or more; memory layout is the engines' business."""
    result = asarray(a, dtype)
    return result if result.ndim else result[None]


asfortranarray = ascontiguousarray


def require(a, dtype=None, requirements=None, *, like=None):
    """As asarray; requirements about memory are the engines' business."""
    return asarray(a, dtype)


def asarray_chkfinite(a, dtype=None, order=None):
    """As asarray; ValueError if an element is infinite or NaN."""
    result = asarray(a, dtype)
    if result.dtype.kind in "fc" and not bool(np.isfinite(result).all()):
        raise error("INVALID_ARGUMENT", "array must not contain infs or NaNs")
    return result


def copy(a, order="K", subok=False):
    """A new array of the same values."""
    return a.copy(order) if isinstance(a, Array) else asarray(a)
