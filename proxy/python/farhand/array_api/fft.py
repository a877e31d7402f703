"""The extension fft.  float32 stays single precision, whatever the version of NumPy."""
import numpy as np

from ..device import to_device
from .place import function


def _same_precision(x, result):
    if x.dtype not in (np.float32, np.complex64):
        return result
    return result.astype(np.complex64 if result.dtype.kind == "c" else np.float32, copy=False)


def _along_axis(name):
    def transform(x, /, *, n=None, axis=-1, norm="backward"):
        return _same_precision(x, function(f"fft.{name}")(x, n, axis, norm))

    return transform


def _along_axes(name):
    def transform(x, /, *, s=None, axes=None, norm="backward"):
        if s is not None and axes is None:
            axes = tuple(range(x.ndim - len(s), x.ndim))
        return _same_precision(x, function(f"fft.{name}")(x, s, axes, norm))

    return transform


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    globals()[_name] = _along_axis(_name)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    globals()[_name] = _along_axes(_name)


def fftfreq(n, /, *, d=1.0, dtype=None, device=None):
    return to_device(function("fft.fftfreq")(n, d).astype(dtype or float, copy=False), device)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None):
    return to_device(function("fft.rfftfreq")(n, d).astype(dtype or float, copy=False), device)


def fftshift(x, /, *, axes=None):
    return function("fft.fftshift")(x, axes)


def ifftshift(x, /, *, axes=None):
    return function("fft.ifftshift")(x, axes)


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftn", "ifftn", "rfftn", "irfftn"):
    globals()[_name].__name__ = globals()[_name].__qualname__ = _name
