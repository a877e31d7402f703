"""What stands between [ and ]: basic indexing, which makes views, and masks and integer arrays, which copy.

An element (an integer for each axis) is a copy, too, as NumPy's scalars are: x[0], x[1] = x[1], x[0] swaps.  x[0, ...] is a view; so
are elements with fields, as in NumPy.
"""
import operator

import numpy as np

from . import records
from .dtypes import is_other
from .errors import error
from .values import assignable, warn_of_lost_parts

_FAR = (1 << 63) - 1


def _bound(value):
    """One part of a slice; what no array is long enough for is cut to what fits 64 bits."""
    if value is None:
        return None
    return max(-_FAR, min(_FAR, operator.index(value)))


def is_advanced(key):
    """A mask, or something with several integers in it?"""
    if isinstance(key, (bool, np.bool_, list, tuple, range)):
        return True
    return getattr(key, "ndim", 0) > 0 or getattr(key, "dtype", None) == np.bool_


def basic_item(key):
    """One part of a basic index as the extension takes it."""
    if key is None or key is Ellipsis:
        return key
    if isinstance(key, slice):
        return (_bound(key.start), _bound(key.stop), _bound(key.step))
    try:
        index = operator.index(key)
    except TypeError:
        raise error("BAD_INDEX", "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean "
                                 f"arrays are valid indices, not {type(key).__name__}") from None
    if abs(index) > _FAR:
        raise error("BAD_INDEX", f"index {index} is out of bounds")
    return index


def items(key):
    """The key as the extension takes it; None: there are arrays in it."""
    if not isinstance(key, tuple):
        return None if is_advanced(key) else (basic_item(key),)
    if any(map(is_advanced, key)):
        return None
    return tuple(map(basic_item, key))


def _field(x, key):
    """What a key of field names means; None: it is none."""
    if isinstance(key, str):
        return records.field(x, key)
    return records.fields(x, key) if x.dtype.names is not None and records.is_names(key) else None


def read(x, key):
    from .array import wrap

    if isinstance(key, (str, list)):
        found = _field(x, key)
        if found is not None:
            return found
    parts = items(key)
    if parts is None:
        from .picking import Picking

        return Picking(x, key).read()
    if len(parts) == len(x.shape) and all(type(part) is int for part in parts) and x.dtype.kind != "V":
        return wrap(x._handle.element(*parts))
    return wrap(x._handle.index(parts))


def write(x, key, value):
    from .array import wrap

    if isinstance(key, (str, list)):
        found = _field(x, key)
        if found is not None:
            found._assign(value, "unsafe")
            return
    parts = items(key)
    if parts is None and records.has_gaps(x.dtype):
        from .others import fitting

        records.write(x, key, fitting(value, x.dtype))
    elif parts is None:
        from .picking import Picking

        if not is_other(x.dtype):
            value = assignable(value, x.dtype)
            warn_of_lost_parts(value, x.dtype)
        Picking(x, key).write(value)
    else:
        wrap(x._handle.index(parts))._assign(value, "unsafe")
