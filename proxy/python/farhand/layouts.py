"""How an array is to be cut: what users say, as the C library takes it."""
import operator

from .dtypes import normalize_axis
from .errors import error


def layout_axis(axis, ndim):
    """axis of scatter: None for one piece; 0-d arrays are never cut."""
    return None if axis is None or ndim == 0 else normalize_axis(axis, ndim)


def layout_blocksize(blocksize):
    """Elements along the axis in one piece; 0: as many as give each engine one."""
    if blocksize is None:
        return 0
    blocksize = operator.index(blocksize)
    if blocksize < 1:
        raise error("INVALID_ARGUMENT", f"blocksize must be at least 1, not {blocksize}")
    return blocksize
