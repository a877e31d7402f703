"""scatter and gather, and published names."""
import math
import mmap

import numpy as np

from . import _native
from .array import Array, RemoteArray, wrap, wrap_whole
from .dtypes import code_of
from .errors import error
from .layouts import layout_axis, layout_blocksize
from .refs import Id, Ref, resolve
from .remote import Remote, gather_object, scatter_object, scatter_objects
from .session import current

_ALONE_BYTES = 1 << 18  # arrays from here on are gathered by themselves
_BLOCK_BYTES = 1 << 22  # of local memory that smaller ones of a list share
_HUGE_PAGE = 1 << 21
_turn = 0  # whose turn it is, of the engines, when arrays of a list are dealt out


def _deal(n):
    """Whose turn it is to take the first of n things."""
    global _turn
    first = _turn
    _turn += n
    return first


def scatter(x, axis=0, *, blocksize=None, engines=None, name=None):
    """Copy something to the engines and get a proxy.

    An array: a DistArray cut along axis, one piece an engine, or pieces of blocksize; axis None: a RemoteArray on one
    engine.  A list or tuple: a list or tuple of proxies, the engines taking turns.  Another object that can be pickled: a
    proxy of a class made from its type (see Remote).  A proxy: itself, or in another layout if axis or engines ask for one.
    None: None.  name: publish it too.  A type with a method __farhand_scatter__(axis, blocksize=..., engines=...) says itself
    what becomes of its objects; its proxies, whatever they are, with __farhand_gather__() what their gather gives.
    """
    hook = getattr(type(x), "__farhand_scatter__", None)
    if hook is not None:
        result = hook(x, axis, blocksize=blocksize, engines=engines)
        return result if name is None else result.publish(name)
    if isinstance(x, (list, tuple)):
        return _scatter_sequence(x, engines)
    if x is None:
        return x
    if isinstance(x, Remote):
        return x if name is None else x.publish(name)
    array = None if isinstance(x, Array) else _local_array(x)
    if isinstance(x, Array):
        result = _rescatter(x, axis, blocksize, engines)
    elif array is not None:
        result = _scatter_array(array, axis, blocksize, engines)
    else:
        return scatter_object(x, None if engines is None else _numbers(engines)[0], name)
    if name is not None:
        result.publish(name)
    return result


def _has(x, name):
    """As hasattr; attributes of objects that raise anything when they are asked are not there."""
    try:
        return hasattr(x, name)
    except Exception:
        return False


def _local_array(x):
    """x as an array; None if it is none."""
    if isinstance(x, (np.ndarray, np.generic)):
        return x if type(x) is np.ndarray else np.asarray(x)
    if isinstance(x, (bool, int, float, complex)) or _has(x, "__array__") or _has(x, "__array_interface__"):
        return np.asarray(x)
    try:
        return np.asarray(memoryview(x))
    except TypeError:
        return None


def _numbers(engines):
    """Numbers of engines given in any form; None: of all that there are."""
    known = current().engines
    if engines is None:
        return [engine.number for engine in known if engine.state == "ready"]
    ids = current().engine_ids(engines)
    return [engine.number for wanted in ids for engine in known if engine.id == wanted]


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


def _ready_ids(session):
    ids = tuple(engine.id for engine in session.engines if engine.state == "ready")
    if not ids:
        raise error("CANNOT_CONNECT", "the cluster has no engine that is ready")
    return ids


def _scatter_sequence(xs, engines):
    session = current()
    ids = session.engine_ids(engines) or _ready_ids(session)
    if set(map(type, xs)) == {np.ndarray}:
        made = session._native.scatter_list(list(xs), ids, _deal(len(xs)) % len(ids))
        return tuple(made) if isinstance(xs, tuple) else made
    items = list(xs)
    arrays, objects = {}, {}  # by their places
    for place, x in enumerate(items):
        if type(x) is np.ndarray:
            arrays[place] = x
        elif isinstance(x, (list, tuple)):
            items[place] = _scatter_sequence(x, engines)
        elif x is not None and not isinstance(x, (Array, Remote)):
            array = _local_array(x)
            if array is None:
                objects[place] = x
            else:
                arrays[place] = array
    if arrays:
        made = session._native.scatter_list(list(arrays.values()), ids, _deal(len(arrays)) % len(ids))
        items = _filled(items, arrays, made)
    if objects:
        first = _deal(len(objects))
        numbers = {engine.id: engine.number for engine in session.engines}
        owners = [numbers[ids[(first + i) % len(ids)]] for i in range(len(objects))]
        items = _filled(items, objects, scatter_objects(list(objects.values()), owners))
    return tuple(items) if isinstance(xs, tuple) else items


def _filled(items, places, values):
    """The items with these values at those places."""
    if len(places) == len(items):
        return list(values)
    for place, value in zip(places, values):
        items[place] = value
    return items


def _rescatter(x, axis, blocksize, engines):
    axis = layout_axis(axis, x.ndim)
    if axis == x.axis and blocksize is None and engines is None:
        return x
    return x.reshard(axis, blocksize=blocksize, engines=engines)


def gather(x, *, copy=False):
    """The local value again; what is local already is returned unchanged.  Lists and tuples: of the values.  A Ref or an Id: the value of
    what it names.

    Small arrays of a list come together.  From 1 MiB on engines of this host pack them, and they are views of what is mapped then, up to
    2 MiB at a time; each keeps what it is a view of.  Others, and all if copy is true, are views of blocks of up to 4 MiB of local memory.
    Large arrays on this host are mapped, not copied (see RemoteArray.gather), unless copy is true.
    """
    if isinstance(x, Array):
        return x.gather(copy=copy)
    hook = getattr(type(x), "__farhand_gather__", None)
    if hook is not None:
        return hook(x)
    if isinstance(x, Remote):
        return gather_object(x)
    if isinstance(x, (Ref, Id)):
        return gather(resolve(x), copy=copy)
    if isinstance(x, (list, tuple)):
        return _gather_sequence(x, copy)
    return x


def _gather_sequence(xs, copy):
    items = list(xs)
    together = _gather_together(items, copy)
    if together < len(items):
        items = [gather(item, copy=copy) for item in items]
    if all(a is b for a, b in zip(items, xs)):
        return xs
    return items if isinstance(xs, list) else tuple(items)


def _gather_together(items, copy):
    """Put local values where items are small arrays; all come in a few messages.  How many there were."""
    mapped = 0 if copy else _native.gather_mapped(items, np.ndarray)
    runs, native = _small_runs(items) if mapped < len(items) else ([], None)
    if not runs:
        return mapped
    blocks = [_block((len(places), *shape), dtype) for shape, dtype, places in runs]
    native.gather_list([items[place]._handle for _, _, places in runs for place in places], blocks)
    for (shape, _, places), block in zip(runs, blocks):
        values = list(block) if shape else [block[i, ...] for i in range(len(block))]
        if places[-1] - places[0] + 1 == len(places):
            items[places[0]:places[-1] + 1] = values
        else:
            for place, value in zip(places, values):
                items[place] = value
    return mapped + sum(map(len, blocks))


def _block(shape, dtype):
    """New memory.  Much of it has huge pages, which are there ten times as fast as small ones."""
    size = math.prod(shape) * dtype.itemsize
    if size < _HUGE_PAGE:
        return np.empty(shape, dtype)
    memory = mmap.mmap(-1, -(-size // _HUGE_PAGE) * _HUGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        memory.madvise(mmap.MADV_HUGEPAGE)
    except OSError:  # the kernel has none
        pass
    return np.ndarray(shape, dtype, memory)


def _small_runs(items):
    """(shape, dtype, places) of small arrays that are alike and follow each other, and the native session of all."""
    runs, native = [], None
    shape = dtype = places = None
    room = 0  # for so many more of them in a block
    for place, x in enumerate(items):
        if type(x) is not RemoteArray:
            continue
        if room == 0 or x._shape != shape or x._dtype != dtype:
            shape, dtype = x._shape, x._dtype
            if x.nbytes >= _ALONE_BYTES or dtype.kind not in "biufc":
                room = 0
                continue
            places = []
            room = _BLOCK_BYTES // max(x.nbytes, 1)
            runs.append((shape, dtype, places))
        if native is None:
            native = x._handle.session
        if x._handle.session is native:
            places.append(place)
            room -= 1
    return [run for run in runs if run[2]], native


def get(name):
    """The array, kernel or Python object that is published under a name."""
    return current().get(name)


def names(types=False):
    """All names under which something is published; types=True: a dict of names and "array", "kernel" or "python"."""
    return current().names(types)


def unpublish(name):
    """Take a name back; what had it lives on as long as sessions hold it."""
    current().unpublish(name)
