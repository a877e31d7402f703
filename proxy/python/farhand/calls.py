"""Functions and methods invoked where the arrays and objects are."""
import functools
import numbers

import numpy as np

from . import futures, joining
from .array import Array
from .dispatch import find
from .errors import checked_flag, error
from .kernels import Kernel
from .refs import Id, Ref, resolve
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


def _runs_here(prefer_local, timeout, args, kwargs):
    """May a call of these run in this process?  prefer_local None: as all the arrays say."""
    if prefer_local is not None:
        checked_flag("prefer_local", prefer_local)
    elif not any(isinstance(value, Array) and value.prefer_local for value in (*args, *kwargs.values())):
        return False
    if prefer_local is False or timeout is not None:  # what runs here cannot be ended at a time limit
        return False
    remote = [value for value in _leaves([args, kwargs]) if isinstance(value, (Array, Remote, Ref, Id))]
    return bool(remote) and all(isinstance(value, Array) and (prefer_local or value.prefer_local) for value in remote)


def _leaves(value):
    """What lists, tuples and dicts hold, at any depth."""
    kind = type(value)
    if kind in (list, tuple, dict):  # an Id is another type
        for item in value if kind is not dict else value.values():
            yield from _leaves(item)
    else:
        yield value


def _here(value):
    """The same with the values of arrays, read-only, as functions in Python hosts get them."""
    kind = type(value)
    if kind in (list, tuple):
        return kind(map(_here, value))
    if kind is dict:
        return {key: _here(item) for key, item in value.items()}
    if not isinstance(value, Array):
        return value
    local = value._gather_implicitly()
    local.flags.writeable = False
    return local


def _call_here(function, args, kwargs, block):
    def run_it():
        return function(*_here(args), **_here(kwargs))

    return run_it() if block else futures.submit(run_it)


def call(f, *args, block=True, timeout=None, prefer_local=None, **kwargs):
    """f(*args, **kwargs), run where the remote arguments are.

    NumPy functions, ufuncs and kernels run on the engines themselves.  Any other function that can be pickled runs in a Python
    host, where proxies, Refs and Ids among the arguments, at any depth, are the objects and remote arrays read-only ndarrays.  Arrays that it
    returns stay there and come back as RemoteArrays, all else by value.  Without proxies and remote arrays it may run in any of several
    processes of an engine, beside other calls.  timeout: seconds; block=False: a Future.

    prefer_local=True: if arrays are all that is remote in the arguments and there is no timeout, f runs in this process, on the arrays'
    present values, which are read-only (those of 1 MiB and more on this host are mapped, not copied), and gives what it gives.  None: as
    the arrays' prefer_local says, which is False unless it is set.  Calls with remote objects always run where these are.
    """
    if isinstance(f, (Ref, Id)):
        f = resolve(f)
    _check(f)
    if not isinstance(f, Remote) and _runs_here(prefer_local, timeout, args, kwargs):
        return _call_here(f, args, kwargs, block)
    if _runs_remotely(f) and not any(isinstance(value, (Remote, Ref, Id)) for value in (*args, *kwargs.values())):
        return _result(f, args, kwargs, block, timeout)
    if isinstance(f, Remote):
        return f(*args, block=block, timeout=timeout, **kwargs)
    return run(python_side(), f"call of {_name(f)}"[:200], ("call", False, f, args, kwargs), block=block, timeout=timeout)


def methodcall(obj, name, *args, block=True, timeout=None, prefer_local=None, **kwargs):
    """A method of obj by its name: of a remote object, its Ref or its Id, or an array's own, else one that its engine has ("describe", "nop").

    prefer_local: as of call; a remote object's methods always run where it is, since they may change it.
    """
    if isinstance(obj, (Ref, Id)):
        obj = resolve(obj)
    if isinstance(obj, Remote):
        return obj._invoke(name, args, kwargs, block, timeout, prefer_local)
    if not isinstance(obj, Array):
        return _result(getattr(obj, name), args, kwargs, block, timeout)
    if _runs_here(prefer_local, timeout, (obj, *args), kwargs):
        return _call_here(lambda here, *rest, **named: getattr(here, name)(*rest, **named), (obj, *args), kwargs, block)
    method = None if name.startswith("_") else getattr(obj, name, None)
    if not callable(method):
        if kwargs:
            raise error("WRONG_TYPE", "methods of the engines take no keyword arguments")
        method = functools.partial(obj.call, name)
    return _result(method, args, kwargs, block, timeout)


def convert_result(result):
    """What a call gave, for use here: a Future is waited for, a Ref becomes a proxy or what it holds; lists of these become lists."""
    if isinstance(result, futures.Future):
        return convert_result(result.result())
    if isinstance(result, Ref):
        return resolve(result)
    if type(result) in (list, tuple):
        items = [convert_result(item) for item in result]
        return items if isinstance(result, list) else tuple(items)
    return result


def call_all(seq, name, *args, block=True, **kwargs):
    """methodcall on each item: all are begun before the first result is looked at."""
    seq = [resolve(obj) if isinstance(obj, (Ref, Id)) else obj for obj in seq]
    begun = [methodcall(obj, name, *args, block=block and not isinstance(obj, Remote), **kwargs) for obj in seq]
    return [x.result() if block and isinstance(obj, Remote) else x for obj, x in zip(seq, begun)]


def vectorize(f, otypes=None, doc=None, excluded=None, cache=False, signature=None):
    """A function that applies f to each piece of a distributed array, or to each item of a list, all at once.

    Of a distributed array: arrays that the pieces give become one DistArray, along the last axis that has each piece's length, else
    along the last one of length 1; arrays of one shape that have neither are stacked along a new last axis.  Numbers become an
    ndarray, all else a list.  A type with a method __farhand_vectorize__(f, *args, **kwargs) says itself what that means for its
    objects.  f: a ufunc, a NumPy function, a kernel, or any function that can be pickled: items that are not remote are sent to
    the engines in turn then.

    With any other argument it is numpy.vectorize(f, ...), called beside the arrays: f gets elements.
    """
    _check(f)
    if (otypes, doc, excluded, cache, signature) != (None, None, None, False, None):
        return _element_by_element(np.vectorize(f, otypes, doc, excluded, cache, signature))
    own = _runs_remotely(f)

    def each(x, args, kwargs):
        """Begin it: a Future, or the value."""
        if isinstance(x, (list, tuple)) and not isinstance(x, Id):
            return [each(item, args, kwargs) for item in x]
        if own and not isinstance(x, (Remote, Ref, Id)):
            return f(x, *args, **kwargs)
        return call(f, x, *args, block=False, prefer_local=False, **kwargs)

    @functools.wraps(f, assigned=("__name__", "__doc__"), updated=())
    def vectorized(x, *args, **kwargs):
        hook = getattr(type(x), "__farhand_vectorize__", None)
        if hook is not None:
            return hook(x, f, *args, **kwargs)
        if isinstance(f, (np.ufunc, Kernel)) and not isinstance(x, (list, tuple, Remote, Ref, Id)):
            return f(x, *args, **kwargs)
        if isinstance(x, Array) and x.npieces > 1:
            pieces = x.pieces
            return _together(_values(each(pieces, args, kwargs)), [piece.shape[x.axis] for piece in pieces])
        return _values(each(x, args, kwargs))

    vectorized.__name__ = f"v{getattr(f, '__name__', 'f')}"
    return vectorized


def _element_by_element(vectorized):
    def beside(*args, **kwargs):
        return call(vectorized, *args, **kwargs)

    beside.__name__, beside.__doc__ = "vectorized", vectorized.__doc__
    return beside


def _values(begun):
    if isinstance(begun, list):
        return [_values(item) for item in begun]
    return begun.result() if isinstance(begun, futures.Future) else begun


def _together(results, lengths):
    """What the pieces of an array gave, as one thing.  lengths: of the pieces, along the axis that they were cut along."""
    if all(isinstance(result, numbers.Number) for result in results):
        return np.array(results)
    if not all(isinstance(result, Array) for result in results) or len({result.ndim for result in results}) > 1:
        return results
    shapes = [result.shape for result in results]
    wanted = [[shape[axis] for shape in shapes] for axis in range(len(shapes[0]))]
    for ends in (lengths, [1] * len(lengths)):
        axes = [axis for axis, found in enumerate(wanted) if found == ends and _agree(shapes, axis)]
        if axes:
            return joining.joined(results, axes[-1])
    return joining.stack(results, axis=-1) if len(set(shapes)) == 1 else results


def _agree(shapes, axis):
    """Are they equal but for this axis?"""
    return len({shape[:axis] + shape[axis + 1:] for shape in shapes}) == 1


def apply(f, x, *args, **kwargs):
    """vectorize(f)(x, *args, **kwargs)."""
    return vectorize(f)(x, *args, **kwargs)
