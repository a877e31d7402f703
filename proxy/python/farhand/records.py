"""Structured elements: their fields as views, comparing and sorting by fields."""
import numpy as np

from .dtypes import code_of, native, normalize_axis
from .errors import error


def field(x, name):
    """x[name]: the same memory; writing to it writes to x."""
    if x.dtype.names is None or name not in x.dtype.fields:
        raise error("INVALID_ARGUMENT" if x.dtype.names is not None else "BAD_INDEX",
                    f"no field of name {name}" if x.dtype.names is not None else
                    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid "
                    "indices: the elements have no fields")
    dtype, offset = x.dtype.fields[name][:2]
    return part(x, dtype, offset)


def part(x, dtype, offset):
    """What lies in each element so many bytes from its beginning."""
    from .array import wrap

    base, shape = dtype.subdtype or (dtype, ())
    return wrap(x._handle.field(offset, code_of(base), shape))


def fields(x, names):
    """x[[names]]: the same memory with fewer fields."""
    from .array import wrap

    dtype = x.dtype[list(names)]  # raises what NumPy raises
    return wrap(x._handle.view_as(code_of(native(dtype))))


def has_gaps(dtype):
    """Are there bytes between the fields, which may be fields of another array's?"""
    if dtype.subdtype is not None:
        return has_gaps(dtype.subdtype[0])
    if dtype.names is None:
        return False
    inner = [dtype.fields[name][0] for name in dtype.names]
    return sum(part.itemsize for part in inner) != dtype.itemsize or any(map(has_gaps, inner))


def write(x, key, value):
    """x[key] = value of the same dtype, or a local one, field by field."""
    for name in x.dtype.names:
        field(x, name)[key] = value[name]


def is_names(key):
    """A list of field names?"""
    return type(key) is list and len(key) > 0 and all(type(name) is str for name in key)


def are_records(inputs):
    return all(getattr(getattr(x, "dtype", None), "names", None) is not None for x in inputs)


def compare(name, inputs):
    from .ufuncs import call

    if name not in ("equal", "not_equal"):
        getattr(np, name)(*(np.empty(0, x.dtype) for x in inputs))  # raises what NumPy raises
        raise error("WRONG_TYPE", f"{name} of structured arrays")
    a, b = inputs
    if a.dtype.names != b.dtype.names:
        raise error("WRONG_TYPE", f"Cannot compare structured arrays unless they have a common dtype: {a.dtype} and {b.dtype}")
    result = None
    for field_name in a.dtype.names:
        dtypes = [x.dtype.fields[field_name][0] for x in inputs]
        parts = [field(x, field_name) if not isinstance(x, (np.ndarray, np.generic)) else np.asarray(x)[field_name] for x in inputs]
        found = call(name, tuple(parts))
        inner = tuple(range(-len(dtypes[0].shape), 0))
        if inner:
            found = found.all(inner) if name == "equal" else found.any(inner)
        if result is None:
            result = found
        else:
            result = call("logical_and" if name == "equal" else "logical_or", (result, found))
    return result


# ---- sorting ----------------------------------------------------------------------------------------------------------------


def _columns(x):
    """What counts in the order of elements, first the most important: arrays of x's shape."""
    if x.dtype.names is None:
        return [x]
    columns = []
    for name in x.dtype.names:
        columns += _columns(_column(x, name))
    return columns


def _column(x, name):
    """A field as what counts in the order: arrays within elements as their bytes, which NumPy compares."""
    dtype, offset = x.dtype.fields[name][:2]
    return part(x, np.dtype(f"V{dtype.itemsize}"), offset) if dtype.subdtype is not None else part(x, dtype, offset)


def _ordered_names(x, order):
    """As NumPy: the fields that are named, then the others."""
    if order is None:
        return list(x.dtype.names)
    named = [order] if isinstance(order, str) else list(order)
    for name in named:
        if name not in x.dtype.names:
            raise error("INVALID_ARGUMENT", f"unknown field name: {name}")
    if len(set(named)) != len(named):
        raise error("INVALID_ARGUMENT", f"duplicate field name: {next(name for name in named if named.count(name) > 1)}")
    return named + [name for name in x.dtype.names if name not in named]


def argsort(x, axis, order):
    from .sorting import lexsort

    axis = normalize_axis(axis, x.ndim)
    columns = []
    for name in _ordered_names(x, order):
        columns += _columns(_column(x, name))
    return lexsort(columns[::-1], axis)


def sort(x, axis, order):
    from .dispatch import find

    axis = normalize_axis(axis, x.ndim)
    return find(np.take_along_axis)(x, argsort(x, axis, order), axis)
