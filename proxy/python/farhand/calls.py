"""Functions and methods invoked where the arrays are."""
import functools

import numpy as np

from . import futures
from .array import Array
from .dispatch import find
from .errors import error, not_supported
from .kernels import Kernel


def _runs_remotely(f):
    return isinstance(f, (np.ufunc, Kernel)) or find(f) is not None


def _check(f):
    if not callable(f):
        raise error("WRONG_TYPE", f"{f!r} is not callable")
    try:
        known = _runs_remotely(f)
    except TypeError:
        known = False
    if not known:
        raise not_supported(
            f"{getattr(f, '__name__', f)!r} is plain Python: running it on engines needs Python hosts, which do not exist yet; "
            "NumPy's functions, ufuncs and fh.kernel work")


def _result(function, arguments, keywords, block, timeout):
    """What the call gives; with timeout: once it is computed; block False: a Future of that."""
    def run():
        result = function(*arguments, **keywords)
        if isinstance(result, Array) and (timeout is not None or not block):
            result.wait(timeout)
        return result

    return run() if block else futures.submit(run)


def call(f, *args, block=True, timeout=None, **kwargs):
    """f(*args, **kwargs), run where the remote arguments are: NumPy functions, ufuncs and kernels."""
    _check(f)
    return _result(f, args, kwargs, block, timeout)


def methodcall(obj, name, *args, block=True, timeout=None, **kwargs):
    """A method of obj by its name: an array's own, else a remote one ("describe", "methods", "nop")."""
    if not isinstance(obj, Array):
        return _result(getattr(obj, name), args, kwargs, block, timeout)
    method = None if name.startswith("_") else getattr(obj, name, None)
    if not callable(method):
        if kwargs:
            raise error("WRONG_TYPE", "methods of the engines take no keyword arguments")
        method = functools.partial(obj.call, name)
    return _result(method, args, kwargs, block, timeout)


def call_all(seq, name, *args, **kwargs):
    """methodcall on each item: all are begun before the first result is looked at."""
    return [methodcall(obj, name, *args, **kwargs) for obj in seq]


def vectorize(f):
    """A function that applies f to each piece of a distributed array, or to each item of a list.

    f: a ufunc, a NumPy function, or a kernel.
    """
    _check(f)

    @functools.wraps(f, assigned=("__name__", "__doc__"), updated=())
    def vectorized(x, *args, **kwargs):
        if isinstance(x, (list, tuple)):
            return [vectorized(item, *args, **kwargs) for item in x]
        if isinstance(f, (np.ufunc, Kernel)) or not isinstance(x, Array) or x.npieces == 1:
            return f(x, *args, **kwargs)
        return [f(piece, *args, **kwargs) for piece in x.pieces]

    vectorized.__name__ = f"v{getattr(f, '__name__', 'f')}"
    return vectorized


def apply(f, x, *args, **kwargs):
    """vectorize(f)(x, *args, **kwargs)."""
    return vectorize(f)(x, *args, **kwargs)
