"""Hosted functions: NumPy's own, run in the Python host of an engine, beside the arrays.

What they give is exactly NumPy's: arrays stay on the engine and come back as remote arrays whose shape the call has found,
NumPy's scalars as 0-d arrays, anything else by value.  The call waits.  What happens to arrays that are distributed says the
row (functions.def).
"""
import collections
import functools
import inspect
import operator
import warnings

import numpy as np

from . import masked, remote_wire
from .array import Array, wrap
from .dtypes import normalize_axis
from .errors import CLASSES, error
from .function_table import numpys
from .remote_calls import host_of, python_side, run
from .session import current, session_of


def arrays_in(value):
    """The remote arrays in arguments, in containers at any depth."""
    if isinstance(value, Array):
        yield value
    elif type(value) in (list, tuple):
        for item in value:
            yield from arrays_in(item)
    elif type(value) is dict:
        yield from arrays_in(list(value.values()))


def _replaced(value, old, new):
    """The same arguments with one array in place of another."""
    if value is old:
        return new
    if type(value) in (list, tuple):
        return type(value)(_replaced(item, old, new) for item in value)
    if type(value) is dict:
        return {key: _replaced(item, old, new) for key, item in value.items()}
    return value


def _returned(value, session, engine):
    """What a host gave: NumPy's scalars go back to its engine as 0-d arrays."""
    if masked.is_masked(value):
        return value
    if isinstance(value, np.generic) or isinstance(value, np.ndarray) and value.dtype.kind in "biufcMmSUV" and not value.dtype.hasobject:
        return wrap(session._native.scatter(np.asarray(value), None, 0, session.engine_ids([engine])))
    if type(value) in (list, tuple):
        return type(value)(_returned(item, session, engine) for item in value)
    return value


def _command(name, args, kwargs, written):
    return ("numpy", False, name, args, kwargs, written, np.geterr())


def _finish(value, session, engine):
    result, told, fields = value
    for category, text in told:
        warnings.warn(text, category, stacklevel=5)
    result = _returned(result, session, engine)
    return _named_tuple(*fields)(*result) if fields else result


@functools.lru_cache(maxsize=None)
def _named_tuple(name, fields):
    """As NumPy's of the same name."""
    return collections.namedtuple(name, fields)


def _explained(problem, name):
    """Engines that run no Python: what that means for this function."""
    if getattr(problem, "status", "") != "NOT_SUPPORTED":
        return problem
    return error("NOT_SUPPORTED", f"numpy.{name} of remote arrays runs in NumPy beside the arrays: {problem.args[0]}")


def whole(name, args, kwargs, written=-1):
    """Run it on one engine, to which all arrays are brought."""
    arrays = list(arrays_in([args, kwargs]))
    session = session_of(arrays[0]._handle.session) if arrays else current()
    side = python_side(session)
    try:
        call = remote_wire.Call(_command(name, args, kwargs, written))
        engine = host_of(side, call)
        side.greet(engine)
        value = side.wait(engine, f"numpy.{name}", call)
    except CLASSES["NotSupported"] as problem:
        raise _explained(problem, name) from None
    return _finish(value, session, engine)


def rowwise(name, x, args, kwargs, place):
    """Run it on each piece of x where that is, all at once, and join the results; place(ndim of a result) -> axis."""
    session = session_of(x._handle.session)
    side = python_side(session)
    what = f"numpy.{name}"
    try:
        begun = [(piece.engine, run(side, what, _command(name, _replaced(args, x, piece), _replaced(kwargs, x, piece), -1),
                                    block=False, engine=piece.engine)) for piece in x.pieces]
        results = [_finish(future.result(), session, engine) for engine, future in begun]
    except CLASSES["NotSupported"] as problem:
        raise _explained(problem, name) from None
    return _joined(results, place)


def _joined(results, place):
    first = results[0]
    if isinstance(first, tuple):
        parts = [_joined(list(part), place) for part in zip(*results)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    from .joining import joined

    return joined(results, place(first.ndim))


def _bound(name, args, kwargs, parameter, default):
    """The value of a parameter in a call of NumPy's function."""
    try:
        bound = inspect.signature(numpys(name)).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return kwargs.get(parameter, default)
    return bound.arguments.get(parameter, default)


def numpy_version(engine):
    """That of the NumPy which hosted functions on this engine find."""
    call = remote_wire.Call(_command("version.short_version.strip", (), {}, -1))
    side = python_side(current())
    side.greet(engine)
    return side.wait(engine, "numpy.version", call)[0]


class Hosted:
    """What stands for a hosted function of the table."""

    def __init__(self, row):
        self.name = row.name
        self.rule, _, self.default = row.detail.partition(":")
        function = numpys(row.name)
        self.__name__ = row.name.rpartition(".")[2]
        self.__doc__ = getattr(function, "__doc__", None) or f"numpy.{row.name}, run beside the arrays."

    def __repr__(self):
        return f"<farhand function {self.name}, run by NumPy beside the arrays>"

    def __call__(self, *args, out=None, **kwargs):
        from .reductions import deliver

        if self.rule == "writes":
            return self._write(args, kwargs)
        x = self._distributed(args, kwargs)
        axes = None if x is None else self._core_axes(x, args, kwargs)
        if axes is not None and x.axis in axes:
            x, args, kwargs = self._recut(x, axes, args, kwargs)
        if x is None or axes is None:
            result = whole(self.name, args, kwargs)
        else:
            result = rowwise(self.name, x, args, kwargs, lambda ndim: self._place(x, axes, ndim, kwargs.get("keepdims")))
        return result if out is None else deliver(result, out)

    def _write(self, args, kwargs):
        """NumPy writes a copy of the argument; the array takes it over."""
        place = int(self.default)
        target = args[place] if len(args) > place else next(iter(kwargs.values()))
        written = whole(self.name, args, kwargs, place)
        if isinstance(target, Array):
            target._assign(written, "unsafe")
        else:
            np.copyto(target, written.gather())
        return target if self.name == "lib.recfunctions.recursive_fill_fields" else None

    def _distributed(self, args, kwargs):
        """The first argument, if it is cut and the only array; None: nothing can be done piece by piece."""
        if self.rule not in ("rows", "axis", "drops") or not args:
            return None
        x = args[0]
        if not isinstance(x, Array) or x.npieces < 2 or len(list(arrays_in([args, kwargs]))) > 1:
            return None
        beside = (np.ndarray, list, tuple) if self.rule == "rows" else np.ndarray  # what would have to be cut, too
        return None if any(isinstance(value, beside) and not _is_one(value) for value in (*args[1:], *kwargs.values())) else x

    def _place(self, x, axes, ndim, keepdims):
        """Along which axis the results of pieces follow each other, where they have that many dimensions."""
        if self.rule != "drops":
            return x.axis
        dropped = [] if keepdims else axes
        return x.axis - sum(axis < x.axis for axis in dropped) + ndim - (x.ndim - len(dropped))

    def _core_axes(self, x, args, kwargs):
        """The axes that a piece must have whole, and that stay axes of the result; None: all of them, or they do not stay."""
        if self.rule == "rows":
            return ()
        given = _bound(self.name, args, kwargs, "axis", _default(self.default))
        if given is None or given == ():
            return None
        axes = tuple(normalize_axis(axis, x.ndim) for axis in (given if isinstance(given, (tuple, list)) else (given,)))
        return axes if len(set(axes)) < x.ndim else None

    def _recut(self, x, axes, args, kwargs):
        """x cut along its longest axis that the function does not work along."""
        free = max((axis for axis in range(x.ndim) if axis not in axes), key=lambda axis: x.shape[axis])
        if x.shape[free] < 2:
            return None, args, kwargs
        new = x.reshard(free)
        return new, _replaced(args, x, new), _replaced(kwargs, x, new)


def _is_one(value):
    return isinstance(value, np.ndarray) and value.ndim == 0


def _default(text):
    if text in ("", "None"):
        return None
    axes = tuple(operator.index(int(part)) for part in text.split(","))
    return axes if len(axes) > 1 else axes[0]
