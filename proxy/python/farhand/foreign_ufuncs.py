"""Ufuncs that are not NumPy's (SciPy's, Numba's): called in a Python host beside the arrays, piece by piece.  Those of Python objects
(np.frompyfunc) are called here: their results are objects, which engines do not hold."""
import pickle
import sys

import numpy as np

from .array import Array, wrap
from .errors import error
from .joining import joined
from .remote_calls import python_side, run
from .session import session_of


def _owner(ufunc):
    """The object that a program calls where this ufunc is only inside of it: Numba's DUFunc."""
    frame = sys._getframe(2)
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for found in list(names.values()):
                if _holds(found, ufunc):
                    return found
        frame = frame.f_back
    named = (getattr(module, "__dict__", {}).get(ufunc.__name__) for module in list(sys.modules.values()))
    return next((found for found in named if _holds(found, ufunc)), None)


def _holds(found, ufunc):
    return type(found).__name__ == "DUFunc" and found.ufunc is ufunc


def _sendable(ufunc):
    try:
        pickle.dumps(ufunc)
        return ufunc
    except (pickle.PicklingError, AttributeError, TypeError):
        found = _owner(ufunc)
    if found is None:
        raise error("WRONG_TYPE", f"the ufunc {ufunc.__name__!r} cannot be sent to the engines: no module has it under its name.  "
                                  "fh.call(f, x) sends the function itself, fh.kernel(f) compiles it")
    return found


def _part(x, whole, axis, start, stop):
    """What of an input meets the elements from start to stop along an axis of the whole."""
    if np.ndim(x) == 0:
        return x
    if not hasattr(x, "ndim"):
        x = np.asarray(x)
    own = axis - (len(whole) - x.ndim)
    if own < 0 or x.shape[own] == 1:
        return x
    return x[(slice(None),) * own + (slice(start, stop),)]


def _kept(value, session, engine):
    """A host gives NumPy's scalars by value."""
    if isinstance(value, tuple):
        return tuple(_kept(item, session, engine) for item in value)
    if isinstance(value, Array):
        return value
    return wrap(session._native.scatter(np.asarray(value), None, 0, session.engine_ids([engine])))


def _pieces(x, shape):
    """(engine, axis, start, stop) of each piece of the result; axis None: there is one."""
    if x.npieces < 2 or x.shape != shape:
        return [(x.pieces[0].engine, None, 0, 0)]
    ends = np.cumsum([piece.shape[x.axis] for piece in x.pieces]).tolist()
    return [(piece.engine, x.axis, end - piece.shape[x.axis], end) for piece, end in zip(x.pieces, ends)]


def call(ufunc, inputs, keywords):
    """The result of ufunc(*inputs, **keywords), or a tuple of them, as remote arrays cut as the largest input is."""
    if all(set(types) <= set("O->") for types in ufunc.types):
        return ufunc(*(x._gather_implicitly() if isinstance(x, Array) else x for x in inputs), **keywords)
    remote = [x for x in inputs if isinstance(x, Array)]
    session = session_of(remote[0]._handle.session)
    side = python_side(session)
    sent, what = _sendable(ufunc), f"ufunc {ufunc.__name__}"[:200]
    if ufunc.signature is not None:
        return _kept(run(side, what, ("call", False, sent, inputs, keywords)), session, remote[0].pieces[0].engine)
    shape = np.broadcast_shapes(*(np.shape(x) for x in inputs))
    pieces = _pieces(max(remote, key=lambda x: (x.shape == shape, x.npieces)), shape)
    begun = []
    for engine, axis, start, stop in pieces:
        parts = inputs if axis is None else tuple(_part(x, shape, axis, start, stop) for x in inputs)
        begun.append(run(side, what, ("call", False, sent, parts, keywords), block=False, engine=engine))
    results = [_kept(future.result(), session, piece[0]) for future, piece in zip(begun, pieces)]
    if len(results) == 1:
        return results[0]
    axis = pieces[0][1]
    if isinstance(results[0], tuple):
        return tuple(joined(list(part), axis) for part in zip(*results))
    return joined(results, axis)
