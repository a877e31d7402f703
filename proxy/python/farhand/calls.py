"""Functions and methods invoked where the arrays and objects are."""
import functools

import numpy as np

from . import futures
from .array import Array
from .dispatch import find
from .errors import error
from .kernels import Kernel
from .remote import Remote
from .remote_calls import python_side, run


def _runs_remotely(f):
    """Does it know itself what to do with remote arrays?"""
    try:
        return isinstance(f, (np.ufunc, Kernel)) or find(f) is not None
    except TypeError:  # it cannot be looked up
        return False


def _check(f):
    if not callable(f):
        raise error("WRONG_TYPE", f"{f!r} is not callable")


def _result(function, arguments, keywords, block, timeout):
    """What the call gives; with timeout: once it is computed; block False: a Future of that."""
    def run_it():
        result = function(*arguments, **keywords)
        if isinstance(result, Array) and (timeout is not None or not block):
            result.wait(timeout)
        return result

    return run_it() if block else futures.submit(run_it)


def _name(f):
    return getattr(f, "__name__", None) or type(f).__name__


def call(f, *args, block=True, timeout=None, **kwargs):
    """f(*args, **kwargs), run where the remote arguments are.

    NumPy functions, ufuncs and kernels run on the engines themselves.  Any other function that can be pickled runs in a Python
    host, where proxies among the arguments, at any depth, are the objects and remote arrays read-only ndarrays.  Arrays that it
    returns stay there and come back as RemoteArrays, all else by value.  timeout: seconds; block=False: a Future.
    """
    _check(f)
    if _runs_remotely(f) and not any(isinstance(value, Remote) for value in (*args, *kwargs.values())):
        return _result(f, args, kwargs, block, timeout)
    if isinstance(f, Remote):
        return f(*args, block=block, timeout=timeout, **kwargs)
    return run(python_side(), f"call of {_name(f)}"[:200], ("call", False, f, args, kwargs), block=block, timeout=timeout)


def methodcall(obj, name, *args, block=True, timeout=None, **kwargs):
    """A method of obj by its name: of a remote object, or an array's own, else one that its engine has ("describe", "nop")."""
    if isinstance(obj, Remote):
        return obj._invoke(name, args, kwargs, block, timeout)
    if not isinstance(obj, Array):
        return _result(getattr(obj, name), args, kwargs, block, timeout)
    method = None if name.startswith("_") else getattr(obj, name, None)
    if not callable(method):
        if kwargs:
            raise error("WRONG_TYPE", "methods of the engines take no keyword arguments")
        method = functools.partial(obj.call, name)
    return _result(method, args, kwargs, block, timeout)


def call_all(seq, name, *args, block=True, **kwargs):
    """methodcall on each item: all are begun before the first result is looked at."""
    seq = list(seq)
    begun = [methodcall(obj, name, *args, block=block and not isinstance(obj, Remote), **kwargs) for obj in seq]
    return [x.result() if block and isinstance(obj, Remote) else x for obj, x in zip(seq, begun)]


def vectorize(f):
    """A function that applies f to each piece of a distributed array, or to each item of a list.

    A type with a method __farhand_vectorize__(f, *args, **kwargs) says itself what that means for its objects.  f: a ufunc, a NumPy function, a kernel, or any function that can be pickled: items that are not remote are sent to the
    engines in turn then.
    """
    _check(f)
    own = _runs_remotely(f)

    def each(x, args, kwargs):
        """Begin it: a Future, or the value."""
        if isinstance(x, (list, tuple)):
            return [each(item, args, kwargs) for item in x]
        if own and not isinstance(x, Remote):
            return f(x, *args, **kwargs)
        return call(f, x, *args, block=False, **kwargs)

    @functools.wraps(f, assigned=("__name__", "__doc__"), updated=())
    def vectorized(x, *args, **kwargs):
        hook = getattr(type(x), "__farhand_vectorize__", None)
        if hook is not None:
            return hook(x, f, *args, **kwargs)
        if isinstance(f, (np.ufunc, Kernel)) and not isinstance(x, (list, tuple, Remote)):
            return f(x, *args, **kwargs)
        if isinstance(x, Array) and x.npieces > 1:
            return _values(each(x.pieces, args, kwargs))
        return _values(each(x, args, kwargs))

    vectorized.__name__ = f"v{getattr(f, '__name__', 'f')}"
    return vectorized


def _values(begun):
    if isinstance(begun, list):
        return [_values(item) for item in begun]
    return begun.result() if isinstance(begun, futures.Future) else begun


def apply(f, x, *args, **kwargs):
    """vectorize(f)(x, *args, **kwargs)."""
    return vectorize(f)(x, *args, **kwargs)
