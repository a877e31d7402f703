"""Where new arrays of the namespace lie."""
import numpy as np

from ..device import number_of
from ..function_table import implementation, rows

_WHOLE = 1 << 20  # bytes up to which an array lies on one engine unless told otherwise


def layout(device, shape, dtype):
    """Keywords axis and engines of a function that makes an array."""
    number = number_of(device)
    if number is not None:
        return {"axis": None, "engines": [number]}
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return {"axis": 0 if size >= _WHOLE and len(shape) else None}


def function(name):
    """What stands for a function of NumPy in the table of functions."""
    return implementation(rows()[name])
