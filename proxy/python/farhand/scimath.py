"""Functions whose results become complex where real numbers have none: numpy.emath."""
import numpy as np

from .array import Array
from .ufuncs import call

_SMALL = frozenset("bBhHfF")  # that become complex64


def _complex(x):
    return x.astype(np.complex64 if np.dtype(x.dtype).char in _SMALL else np.complex128)


def _any(mask):
    """One question to the engines, whose answer decides the dtype."""
    return bool(mask.any())


def _is_real(x):
    return True if x.dtype.kind != "c" else call("equal", (x.imag, 0))


def _numbers(x):
    return x if isinstance(x, Array) else np.asarray(x)


def _no_negative(x):
    """x, complex if it has negative real numbers."""
    x = _numbers(x)
    return _complex(x) if x.dtype.kind != "u" and _any(_is_real(x) & (x.real < 0)) else x


def _no_negative_integer(x):
    """x, floating-point if it has negative real numbers."""
    x = _numbers(x)
    return x * 1.0 if _any(_is_real(x) & (x.real < 0)) else x


def _within_one(x):
    """x, complex if it has real numbers beyond -1 and 1."""
    x = _numbers(x)
    return _complex(x) if _any(_is_real(x) & (abs(x) > 1)) else x


def sqrt(x):
    return np.sqrt(_no_negative(x))


def log(x):
    return np.log(_no_negative(x))


def log10(x):
    return np.log10(_no_negative(x))


def log2(x):
    return np.log2(_no_negative(x))


def logn(n, x):
    return np.log(_no_negative(x)) / np.log(_no_negative(n))


def power(x, p):
    return np.power(_no_negative(x), _no_negative_integer(p))


def arccos(x):
    return np.arccos(_within_one(x))


def arcsin(x):
    return np.arcsin(_within_one(x))


def arctanh(x):
    return np.arctanh(_within_one(x))
