"""numpy.fft by the engines: each line where it is; shifts and frequencies."""
import math
import operator

import numpy as np

from .array import wrap
from .dtypes import normalize_axes
from .errors import error
from .joining import _session_of, remote, roll
from .ranges import arange
from .reductions import deliver
from .ufuncs import call


_FORWARD, _BACKWARD, _REAL, _REAL_AGAIN = range(4)
_NORMS = ("backward", "ortho", "forward")  # None: the first
_KEEPS_PRECISION = int(np.__version__.partition(".")[0]) >= 2


def _numbers(a):
    x = remote(a, _session_of([a]))
    if x.dtype.kind not in "biufc":
        raise error("WRONG_TYPE", f"Fourier transforms are of numbers, not of {x.dtype}")
    return x


def _norm(norm):
    norm = _NORMS[0] if norm is None else norm
    if not isinstance(norm, str) or norm not in _NORMS:
        raise error("INVALID_ARGUMENT", f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return norm


def _factor(n, norm, forward):
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if forward == (norm == "forward") else 1.0


def _real(x):
    """Of complex numbers NumPy 1 takes the real parts, and warns."""
    if x.dtype.kind == "c" and _KEEPS_PRECISION:
        raise error("WRONG_TYPE", f"real transforms are of real numbers, not of {x.dtype}")
    return x.astype(np.float64) if x.dtype.kind == "c" else x


def _transform(kind, x, n, axis, norm, later=()):
    """One axis.  What is cut along it is cut along the longest other one, best one that is not transformed later."""
    if n is None:
        n = x.shape[axis] if kind != _REAL_AGAIN else (x.shape[axis] - 1) * 2
    n, norm = operator.index(n), _norm(norm)
    if n < 1:
        raise error("INVALID_ARGUMENT", f"Invalid number of FFT data points ({n}) specified.")
    axis, = normalize_axes((axis,), x.ndim)
    if kind == _REAL:
        x = _real(x)
    if x.axis == axis and x.npieces > 1:
        others = [i for i in range(x.ndim) if i != axis and x.shape[i] > 1]
        x = x.reshard(max(others, key=lambda i: (i not in later, x.shape[i]), default=None))
    single = _KEEPS_PRECISION and x.dtype.kind in "fc" and np.result_type(x.dtype, np.complex64) == np.complex64
    found = wrap(x._handle.fft(axis, n, kind, _factor(n, norm, kind in (_FORWARD, _REAL))))
    return found.astype(np.float32 if kind == _REAL_AGAIN else np.complex64) if single else found


def fft(a, n=None, axis=-1, norm=None, out=None):
    """numpy.fft.fft, by the engines."""
    return deliver(_transform(_FORWARD, _numbers(a), n, axis, norm), out)


def ifft(a, n=None, axis=-1, norm=None, out=None):
    """numpy.fft.ifft, by the engines."""
    return deliver(_transform(_BACKWARD, _numbers(a), n, axis, norm), out)


def rfft(a, n=None, axis=-1, norm=None, out=None):
    """numpy.fft.rfft, by the engines."""
    return deliver(_transform(_REAL, _numbers(a), n, axis, norm), out)


def irfft(a, n=None, axis=-1, norm=None, out=None):
    """numpy.fft.irfft, by the engines."""
    return deliver(_transform(_REAL_AGAIN, _numbers(a), n, axis, norm), out)


def _other_way(norm):
    return {"backward": "forward", "ortho": "ortho", "forward": "backward"}[_norm(norm)]


def hfft(a, n=None, axis=-1, norm=None, out=None):
    """numpy.fft.hfft: real results, as of the whole line that a is the first half of."""
    return deliver(_transform(_REAL_AGAIN, _numbers(a).conj(), n, axis, _other_way(norm)), out)


def ihfft(a, n=None, axis=-1, norm=None, out=None):
    """numpy.fft.ihfft: the first half of a real line's other transform."""
    return deliver(_transform(_REAL, _numbers(a), n, axis, _other_way(norm)).conj(), out)


def _lengths(x, s, axes, real_again=False):
    """(length, axis) of each, as NumPy reads its arguments; of the last one's real side."""
    if s is None:
        given = [x.shape[axis] for axis in (range(x.ndim) if axes is None else axes)]
    else:
        given = list(s)
    axes = list(range(-len(given), 0)) if axes is None else list(axes)
    if len(given) != len(axes):
        raise error("INVALID_ARGUMENT", "Shape and axes have different lengths.")
    if real_again and s is None:
        given[-1] = (x.shape[axes[-1]] - 1) * 2
    if _KEEPS_PRECISION:  # so does what -1 says
        given = [x.shape[axis] if n == -1 else n for n, axis in zip(given, axes)]
    return list(zip(given, axes))


def _in_turn(kind, x, steps, norm):
    for i, (n, axis) in enumerate(steps):
        x = _transform(kind, x, n, axis, norm, [later % x.ndim for _, later in steps[i + 1:] if -x.ndim <= later < x.ndim])
    return x


def fftn(a, s=None, axes=None, norm=None, out=None):
    """numpy.fft.fftn: the last axis first, whatever the pieces, so that bits do not depend on them."""
    x = _numbers(a)
    return deliver(_in_turn(_FORWARD, x, _lengths(x, s, axes)[::-1], norm), out)


def ifftn(a, s=None, axes=None, norm=None, out=None):
    """numpy.fft.ifftn."""
    x = _numbers(a)
    return deliver(_in_turn(_BACKWARD, x, _lengths(x, s, axes)[::-1], norm), out)


def rfftn(a, s=None, axes=None, norm=None, out=None):
    """numpy.fft.rfftn: the last axis first, as real numbers, then the others."""
    x = _numbers(a)
    steps = _lengths(x, s, axes)
    x = _transform(_REAL, x, *steps[-1], norm, [axis % x.ndim for _, axis in steps[:-1] if -x.ndim <= axis < x.ndim])
    return deliver(_in_turn(_FORWARD, x, steps[:-1], norm), out)


def irfftn(a, s=None, axes=None, norm=None, out=None):
    """numpy.fft.irfftn: the last axis last, to real numbers."""
    x = _numbers(a)
    steps = _lengths(x, s, axes, real_again=True)
    x = _in_turn(_BACKWARD, x, steps[:-1], norm)
    return deliver(_transform(_REAL_AGAIN, x, *steps[-1], norm), out)


def fft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """numpy.fft.fft2."""
    return fftn(a, s, axes, norm, out)


def ifft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """numpy.fft.ifft2."""
    return ifftn(a, s, axes, norm, out)


def rfft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """numpy.fft.rfft2."""
    return rfftn(a, s, axes, norm, out)


def irfft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """numpy.fft.irfft2."""
    return irfftn(a, s, axes, norm, out)


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
