"""The Python array API standard, version 2025.12, over remote arrays.

    from farhand import array_api as xp

What the functions mean is the standard's; where it leaves something open, NumPy 2 is followed.  device=: an engine, or "any" (the
default): arrays of 1 MiB and more are then cut along their first axis over all engines, smaller ones lie on one.

Functions of NumPy beyond the standard (`pad`, `einsum`, `quantile`, ...) are there, too, as farhand has them: libraries such as xarray
ask an array's namespace for them.  dir() and __all__ name the standard's only.
"""
from numpy import e, inf, nan, newaxis, pi

from ..function_table import Namespace as _Namespace, standard as _standard
from . import fft, linalg
from .creation import (
    arange, asarray, empty, empty_like, eye, from_dlpack, full, full_like, linspace, meshgrid, ones, ones_like, tril, triu, zeros,
    zeros_like,
)
from .data_types import *  # noqa: F403: the dtypes, whose names are Python's own among others
from .data_types import astype, can_cast, finfo, iinfo, isdtype, result_type
from .elementwise import *  # noqa: F403: a function for each name of the standard
from .functions import (
    all, any, argmax, argmin, argsort, broadcast_arrays, broadcast_shapes, broadcast_to, concat, count_nonzero, cumulative_prod,
    cumulative_sum, diff, expand_dims, flip, isin, max, mean, min, moveaxis, nonzero, permute_dims, prod, repeat, reshape, roll,
    searchsorted, sort, squeeze, stack, std, sum, take, take_along_axis, tile, unique_all, unique_counts, unique_inverse,
    unique_values, unstack, var, where,
)
from .info import Info as _Info
from .linalg import matmul, matrix_transpose, tensordot, vecdot

__array_api_version__ = "2025.12"
__all__ = [_name for _group, _names in _standard().items() if _group not in ("linalg", "fft") for _name in _names]
__all__ += ["fft", "linalg", "__array_api_version__", "__array_namespace_info__"]


def __array_namespace_info__():
    """What there is: capabilities, devices, dtypes."""
    return _Info()


_beyond = _Namespace(__name__)


def __getattr__(name):
    return _beyond.get(name)


def __dir__():
    return __all__
