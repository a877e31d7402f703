"""The table behind __array_function__: which of our functions a function of NumPy is.

A function that is not in the table raises NotSupported; none is ever computed by fetching the arrays.
"""
import numpy as np

from .errors import not_supported

TABLE = {}


def implements(*numpy_functions):
    def register(function):
        for numpy_function in numpy_functions:
            TABLE[numpy_function] = function
        return function

    return register


def find(function):
    """What is called in place of a function of NumPy; None if there is nothing."""
    from . import functions  # they enter themselves in the table, when the first one is looked for

    return functions.TABLE.get(function)


def array_function(function, types, args, kwargs):
    from .array import Array

    if not all(issubclass(t, (Array, np.ndarray)) for t in types):
        return NotImplemented  # perhaps the other class can
    implementation = find(function)
    if implementation is None:
        raise not_supported(f"{function.__module__}.{function.__name__} of remote arrays is not built yet")
    return implementation(*args, **kwargs)
