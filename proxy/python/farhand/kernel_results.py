"""What kernels are to write, and where it goes."""
import numpy as np

from .array import Array
from .dtypes import NONE, code_of, shape_tuple
from .errors import error


def _out_of(x):
    """One entry as the extension takes it: (array, dtype, shape)."""
    if isinstance(x, Array):
        return x._handle, NONE, None
    if isinstance(x, np.ndarray):
        return None, code_of(x.dtype), x.shape
    if isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], (int, tuple, list)):
        return None, code_of(x[1]), shape_tuple(x[0])
    if x is None:
        return None, NONE, None
    try:
        return None, code_of(np.dtype(x)), None
    except TypeError:
        raise error("WRONG_TYPE", f"an output is a dtype, a pair of shape and dtype, or an array, not {x!r}") from None


def outs_of(out):
    """(what the extension takes, the entries as they were given): both for one output or a list or tuple of them."""
    if out is None:
        return None, ()
    is_pair = isinstance(out, tuple) and len(out) == 2 and isinstance(out[0], (int, tuple, list))
    entries = [out] if is_pair or not isinstance(out, (list, tuple)) else list(out)
    if not entries:
        raise error("INVALID_ARGUMENT", "out lists no output")
    return tuple(_out_of(x) for x in entries), entries


def deliver(result, out, mask=None):
    """The result, or out if that is a local array: what was asked for is copied there."""
    if not isinstance(out, np.ndarray):
        return result
    np.copyto(out, result.gather(), casting="same_kind", where=True if mask is None else mask.gather())
    return out


def one_or_tuple(results):
    return results[0] if len(results) == 1 else tuple(results)
