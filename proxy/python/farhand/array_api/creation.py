"""New arrays."""
import numpy as np

from .. import creation
from ..array import Array
from ..device import Device, device_of, number_of, to_device
from ..dtypes import shape_tuple
from ..errors import error
from ..objects import scatter
from .place import function, layout


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """obj as a remote array."""
    if isinstance(obj, Array):
        moved = device is not None and number_of(device) is not None and device_of(obj) != Device(number_of(device))
        other = dtype is not None and np.dtype(dtype) != obj.dtype
        if copy is False and (moved or other):
            raise error("INVALID_ARGUMENT", "asarray: this needs a copy, and copy is False")
        result = obj.astype(dtype) if other else obj
        return to_device(result, device) if moved else result.copy() if copy and not other else result
    if copy is False:
        raise error("INVALID_ARGUMENT", "asarray: what is local becomes remote by a copy, and copy is False")
    local = np.asarray(_with_values(obj), dtype)
    return scatter(local, **layout(device, local.shape, local.dtype))


def _with_values(obj):
    """Nested sequences in which remote arrays of one element stand for their values."""
    if type(obj) in (list, tuple):
        return [_with_values(item) for item in obj]
    return obj.gather() if isinstance(obj, Array) else obj


def _made(name, shape, dtype, device, *arguments):
    shape, dtype = shape_tuple(shape), np.dtype(dtype)
    return getattr(creation, name)(shape, *arguments, dtype=dtype, **layout(device, shape, dtype))


def empty(shape, *, dtype=None, device=None):
    return _made("empty", shape, dtype or float, device)


def zeros(shape, *, dtype=None, device=None):
    return _made("zeros", shape, dtype or float, device)


def ones(shape, *, dtype=None, device=None):
    return _made("ones", shape, dtype or float, device)


def full(shape, fill_value, *, dtype=None, device=None):
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, Array) else np.asarray(fill_value).dtype
    return _made("full", shape, dtype, device, fill_value)


def _like(name, x, dtype, device, *arguments):
    if number_of(device) is not None:
        return _made(name, x.shape, dtype or x.dtype, device, *arguments)
    return getattr(creation, f"{name}_like")(x, *arguments, dtype=dtype)


def empty_like(x, /, *, dtype=None, device=None):
    return _like("empty", x, dtype, device)


def zeros_like(x, /, *, dtype=None, device=None):
    return _like("zeros", x, dtype, device)


def ones_like(x, /, *, dtype=None, device=None):
    return _like("ones", x, dtype, device)


def full_like(x, /, fill_value, *, dtype=None, device=None):
    return _like("full", x, dtype, device, fill_value)


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    if stop is None:
        start, stop = 0, start
    return to_device(function("arange")(start, stop, step, dtype=dtype), device)


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    return to_device(function("linspace")(start, stop, num, endpoint=endpoint, dtype=dtype), device)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    return to_device(function("eye")(n_rows, n_cols, k, dtype=dtype or float), device)


def tril(x, /, *, k=0):
    return function("tril")(x, k)


def triu(x, /, *, k=0):
    return function("triu")(x, k)


def meshgrid(*arrays, indexing="xy"):
    return tuple(function("meshgrid")(*arrays, indexing=indexing)) if arrays else ()


def from_dlpack(x, /, *, device=None, copy=None):
    """x as a remote array; one that is remote already stays where it is."""
    if isinstance(x, Array):
        return asarray(x, device=device, copy=copy)
    return asarray(np.from_dlpack(x), device=device, copy=copy)
