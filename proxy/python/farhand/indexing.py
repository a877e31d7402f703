"""What stands between [ and ]: basic indexing, read and write."""
import operator

import numpy as np

from .errors import error, not_supported

_FAR = (1 << 63) - 1


def _bound(value):
    """One part of a slice; what no array is long enough for is cut to what fits 64 bits."""
    if value is None:
        return None
    return max(-_FAR, min(_FAR, operator.index(value)))


def _item(key):
    if key is None or key is Ellipsis:
        return key
    if isinstance(key, slice):
        return (_bound(key.start), _bound(key.stop), _bound(key.step))
    if isinstance(key, (bool, np.bool_)) or getattr(key, "dtype", None) == np.bool_:
        raise not_supported("indexing with a mask (bool array) is not built yet for remote arrays")
    if isinstance(key, (list, tuple, np.ndarray)) and np.ndim(key) > 0 or getattr(key, "ndim", 0) > 0:
        raise not_supported("indexing with arrays or lists of integers is not built yet for remote arrays")
    if isinstance(key, (str, bytes)):
        raise error("BAD_INDEX", "remote arrays have no fields: an index is an integer, slice, ellipsis or newaxis")
    try:
        index = operator.index(key)
    except TypeError:
        raise error("BAD_INDEX", "an index must be an integer, slice, ellipsis (...) or newaxis (None), not "
                                 f"{type(key).__name__}") from None
    if abs(index) > _FAR:
        raise error("BAD_INDEX", f"index {index} is out of bounds")
    return index


def items(key):
    """The key as the extension takes it."""
    return tuple(_item(part) for part in key) if isinstance(key, tuple) else (_item(key),)
