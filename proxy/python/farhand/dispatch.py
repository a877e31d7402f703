"""What __array_function__ does: NumPy's functions on remote arrays, by the table of functions.

None is ever computed by fetching the arrays, but for those that have masked arrays beside them (masked.py).
"""
import functools

import numpy as np

from . import _native, function_table, masked, others
from .errors import not_supported


def find(function):
    """What is called in place of a function of NumPy; None if there is nothing."""
    row = function_table.row_of(function)
    return None if row is None else function_table.implementation(row)


_find_once = functools.lru_cache(maxsize=None)(find)


def implement(function, args, kwargs):
    """What is called for a function with these arguments; None if there is nothing."""
    row = function_table.row_of(function)
    if row is None:
        return None
    return others.implementation(row, args, kwargs) or function_table.implementation(row)


def array_function(function, types, args, kwargs):
    if not kwargs and _native.are_simple(args):
        implementation = _find_once(function)
        if implementation is not None:
            return implementation(*args)
    from .array import Array

    if not all(issubclass(t, (Array, np.ndarray)) for t in types):
        return NotImplemented  # perhaps the other class can
    if any(issubclass(t, np.ma.MaskedArray) for t in types) and not isinstance(kwargs.get("out"), Array):
        return masked.locally(function, args, kwargs)
    implementation = implement(function, args, kwargs)
    if implementation is None:
        row = function_table.row_of(function)
        why = f": it {row.detail}" if row is not None and row.detail else ""
        raise not_supported(f"{function.__module__}.{function.__name__} does not take remote arrays{why}")
    return implementation(*args, **kwargs)
