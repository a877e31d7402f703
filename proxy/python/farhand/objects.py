"""scatter and gather, and published names."""
import numpy as np

from .array import Array, layout_axis, layout_blocksize, wrap, wrap_whole
from .dtypes import code_of
from .errors import not_supported
from .session import current

_turn = 0  # whose turn it is, of the engines, when arrays of a list are dealt out


def _next_engine(engines):
    global _turn
    engine = engines[_turn % len(engines)]
    _turn += 1
    return engine


def scatter(x, axis=0, *, blocksize=None, engines=None, name=None):
    """Copy something to the engines and get a proxy.

    An array: a DistArray cut along axis, one piece an engine, or pieces of blocksize; axis None: a RemoteArray on one
    engine.  A list or tuple of arrays: a list or tuple of RemoteArrays, the engines taking turns.  A proxy: itself, or in
    another layout if axis or engines ask for one.  name: publish it too.
    """
    if isinstance(x, (list, tuple)):
        return _scatter_sequence(x, engines)
    if isinstance(x, Array):
        result = _rescatter(x, axis, blocksize, engines)
    else:
        result = _scatter_array(_local_array(x), axis, blocksize, engines)
    if name is not None:
        result.publish(name)
    return result


def _local_array(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return x if type(x) is np.ndarray else np.asarray(x)
    if isinstance(x, (bool, int, float, complex)) or hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return np.asarray(x)
    try:
        return np.asarray(memoryview(x))
    except TypeError:
        raise not_supported(
            f"scatter of a {type(x).__name__}: remote Python objects need Python hosts on the engines, which do not exist yet; "
            "arrays, and lists and tuples of arrays, can be scattered") from None


def _scatter_array(array, axis, blocksize, engines):
    code_of(array.dtype)
    session = current()
    if axis is None and blocksize is None:
        return _scatter_whole(session, array, session.engine_ids(engines))
    return wrap(session._native.scatter(array, layout_axis(axis, array.ndim), layout_blocksize(blocksize),
                                        session.engine_ids(engines)))


def _scatter_whole(session, array, ids):
    """As one piece on the first of these engines, or (None) on the emptiest."""
    handle = session._native.scatter(array, None, 0, ids)
    return wrap_whole(handle, array.shape, array.dtype) if array.dtype.isnative else wrap(handle)


def _scatter_sequence(xs, engines):
    session = current()
    ids = session.engine_ids(engines) or session.engine_ids([engine.number for engine in session.engines])
    items = []
    for x in xs:
        if isinstance(x, (list, tuple)):
            items.append(_scatter_sequence(x, engines))
        elif isinstance(x, Array):
            items.append(x)
        else:
            array = _local_array(x)
            code_of(array.dtype)
            items.append(_scatter_whole(session, array, (_next_engine(ids),)))
    return tuple(items) if isinstance(xs, tuple) else items


def _rescatter(x, axis, blocksize, engines):
    axis = layout_axis(axis, x.ndim)
    if axis == x.axis and blocksize is None and engines is None:
        return x
    return x.reshard(axis, blocksize=blocksize, engines=engines)


def gather(x, *, copy=False):
    """The local value again; what is local already is returned unchanged.  Lists and tuples: of the values.

    Large arrays on this host are mapped, not copied (see RemoteArray.gather), unless copy is true.
    """
    if isinstance(x, Array):
        return x.gather(copy=copy)
    if isinstance(x, (list, tuple)):
        items = [gather(item, copy=copy) for item in x]
        if all(a is b for a, b in zip(items, x)):
            return x
        return items if isinstance(x, list) else tuple(items)
    return x


def get(name):
    """The array published under a name."""
    return current().get(name)


def names():
    """All names under which arrays are published."""
    return current().names()


def unpublish(name):
    """Take a name back; the array lives on as long as its session."""
    current().unpublish(name)
