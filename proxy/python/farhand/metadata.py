"""Functions that metadata answers: no message is sent."""
import numpy as np


def _dtype_of(x):
    from .array import Array

    return x.dtype if isinstance(x, Array) else x


def shape(a):
    return a.shape


def ndim(a):
    return a.ndim


def size(a, axis=None):
    if axis is None:
        return a.size
    extents = [a.shape[i] for i in (axis if isinstance(axis, tuple) else (axis,))]
    return int(np.prod(extents))


def iscomplexobj(x):
    return x.dtype.kind == "c"


def isrealobj(x):
    return x.dtype.kind != "c"


def result_type(*arrays_and_dtypes):
    return np.result_type(*(_dtype_of(x) for x in arrays_and_dtypes))


def can_cast(from_, to, casting="safe"):
    return np.can_cast(_dtype_of(from_), to, casting)


def common_type(*arrays):
    return np.common_type(*(np.empty(0, x.dtype) for x in arrays))


def min_scalar_type(a):
    return np.min_scalar_type(a.item()) if a.ndim == 0 else a.dtype


def may_share_memory(a, b, max_work=None):
    """Only metadata is looked at: arrays that lie on one engine may, for all that it tells; local and remote ones do not."""
    return bool(set(getattr(a, "engines", ())) & set(getattr(b, "engines", ())))
