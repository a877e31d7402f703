"""numpy.fft over distributed arrays: transforms along several axes in two steps, so that no engine needs the whole array; shifts and
frequencies."""
import operator

import numpy as np

from .array import Array
from .dtypes import normalize_axes
from .errors import error
from .function_table import Row
from .hosted import Hosted
from .joining import roll
from .ranges import arange
from .ufuncs import call


def _step(name, rule, x, **keywords):
    return Hosted(Row("HOSTED", f"fft.{name}", rule))(x, **keywords)


def separate(name, args, kwargs):
    """A transform of a cut array along its cut axis and others: first along the others, where the pieces are, then along that one
    (real transforms: the last axis first, or last).  None: it can be done in one step."""
    real = name.startswith("fft.r")
    inverse_real = name.startswith("fft.ir")
    given = dict(zip(("a", "s", "axes", "norm"), args), **kwargs)
    x, extents, norm = given.pop("a", None), given.pop("s", None), given.pop("norm", None)
    axes = given.pop("axes", (-2, -1) if name.endswith("2") else None)
    if given or not isinstance(x, Array) or x.axis is None or x.npieces < 2 or not x.ndim:
        return None
    if axes is None:
        axes = range(x.ndim) if extents is None else range(-len(extents), 0)
    axes = [operator.index(axis) for axis in axes]
    if len(axes) < 2 or any(not -x.ndim <= axis < x.ndim for axis in axes) or extents is not None and len(extents) != len(axes):
        return None
    axes = [axis % x.ndim for axis in axes]
    if len(set(axes)) != len(axes) or x.axis not in axes:
        return None
    lengths = [None] * len(axes) if extents is None else list(extents)
    kind = "ifft" if name.startswith("fft.i") else "fft"
    order = list(zip(axes, lengths))
    last = order.pop() if real or inverse_real else None
    if real:
        x = _step("rfft", "axis:-1", x, n=last[1], axis=last[0], norm=norm)
    for axis, n in sorted(order, key=lambda pair: pair[0] == x.axis):
        x = _step(kind, "axis:-1", x, n=n, axis=axis, norm=norm)
    if inverse_real:
        x = _step("irfft", "axis:-1", x, n=last[1], axis=last[0], norm=norm)
    return x


def _shifted(x, axes, sign):
    axes = range(x.ndim) if axes is None else axes if np.iterable(axes) else (axes,)
    axes = normalize_axes(tuple(axes), x.ndim)
    return roll(x, tuple(sign * (x.shape[axis] // 2) for axis in axes), axes) if axes else x.copy()


def fftshift(x, axes=None):
    """numpy.fft.fftshift."""
    return _shifted(x, axes, 1)


def ifftshift(x, axes=None):
    """numpy.fft.ifftshift."""
    return _shifted(x, axes, -1)


def _whole(n):
    try:
        return operator.index(n)
    except TypeError:
        raise error("INVALID_ARGUMENT", "n should be an integer") from None


def fftfreq(n, d=1.0, *, axis=0, blocksize=None, engines=None, device=None):
    """numpy.fft.fftfreq, on the engines."""
    n = _whole(n)
    numbers = arange(n, axis=axis, blocksize=blocksize, engines=engines)
    positive = call("less", (numbers, (n - 1) // 2 + 1))
    return call("multiply", (call("where", (positive, numbers, call("subtract", (numbers, n)))), 1.0 / (n * d)))


def rfftfreq(n, d=1.0, *, axis=0, blocksize=None, engines=None, device=None):
    """numpy.fft.rfftfreq, on the engines."""
    n = _whole(n)
    return call("multiply", (arange(n // 2 + 1, axis=axis, blocksize=blocksize, engines=engines), 1.0 / (n * d)))
