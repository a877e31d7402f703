"""Generators over bit generators that engines cannot enter at any place: NumPy makes their numbers in this process, then they are scattered."""
import numpy as np

from .array import Array
from .files import _here
from .objects import scatter
from .random import Generator
from .reductions import deliver

_WITH_AXIS = ("choice", "permuted")  # whose argument axis is NumPy's


class LocalGenerator(Generator):
    """numpy.random.Generator over PCG64, MT19937, SFC64 or another: the numbers are NumPy's, and so is the time that it takes to make them."""

    def __init__(self, bit_generator):
        self._bit_generator = bit_generator
        self._local = np.random.Generator(bit_generator)

    def _order(self, n, layout):
        axis, blocksize, engines = layout
        return scatter(self._local.permutation(n), axis, blocksize=blocksize, engines=engines)

    def choice(self, a, size=None, replace=True, p=None, axis=0, shuffle=True, *, blocksize=None, engines=None):
        if not isinstance(a, Array):
            return self._made("choice", (a, size, replace, p, axis, shuffle), {}, (0, blocksize, engines))
        index = self._local.choice(a.shape[axis], size, replace, _here(p), 0, shuffle)
        return a[(slice(None),) * (axis % a.ndim) + (index,)]

    def _made(self, name, args, keywords, layout, out=None):
        axis, blocksize, engines = layout
        if isinstance(out, Array):
            keywords["out"] = np.empty(out.shape, out.dtype)
        elif out is not None:
            keywords["out"] = out
        found = getattr(self._local, name)(*map(_here, args), **{key: _here(value) for key, value in keywords.items()})
        if not isinstance(found, np.ndarray) or found is out:
            return found
        return deliver(scatter(found, axis if found.ndim else None, blocksize=blocksize, engines=engines), out)


def _method(name):
    def method(self, *args, out=None, blocksize=None, engines=None, **keywords):
        axis = 0 if name in _WITH_AXIS else keywords.pop("axis", 0)
        return self._made(name, args, keywords, (axis, blocksize, engines), out)

    method.__name__ = name
    method.__doc__ = f"numpy.random.Generator.{name}, scattered."
    return method


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("bit_generator", "spawn", "bytes", "permutation", "shuffle", "choice"):
        setattr(LocalGenerator, _name, _method(_name))
