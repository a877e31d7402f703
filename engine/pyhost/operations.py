"""What can be called: each gets the host, the call's first object or None, and what came in the pickle."""
import itertools
import os
import sys
import time

import _pyhost
from _farhand_host.described import describe
from _farhand_host.shipped import missing, take
from _farhand_host.values import OUTPUT, PLAIN, is_array, loads, pack, report_of

_MOST_FUNCTIONS = 1000  # of executors that are kept
_LOOK = 500e-6  # seconds that calls of one request may take before the host looks whether its engine is still there

OPERATIONS = {}  # by their names
OF_RECEIVER = frozenset(("method", "special"))  # what gives the receiver itself gives no copy of it


def _operation(function):
    OPERATIONS[function.__name__.strip("_")] = function
    return function


@_operation
def _make(host, receiver, value):
    return value


@_operation
def _call(host, receiver, function, args, kwargs):
    return function(*args, **kwargs)


@_operation
def _method(host, receiver, name, args, kwargs):
    return getattr(receiver, name)(*args, **kwargs)


@_operation
def _get(host, receiver, name):
    return getattr(receiver, name)


@_operation
def _set(host, receiver, name, value):
    setattr(receiver, name, value)


@_operation
def _delete(host, receiver, name):
    delattr(receiver, name)


@_operation
def _special(host, receiver, name, args):
    """Special methods are looked up on the type, as Python does."""
    return getattr(type(receiver), name)(receiver, *args)


def _function(host, digest, pickled):
    """A function that executors send once; None: this host has not seen it."""
    if pickled is not None and digest not in host.functions:
        while len(host.functions) >= _MOST_FUNCTIONS:
            host.functions.pop(next(iter(host.functions)))
        host.functions[digest] = loads(pickled)[0]
    return host.functions.get(digest)


def _while_wanted(calls):
    """The calls of a request, one by one, while the engine is there: without it, they may run elsewhere by now."""
    looked = time.perf_counter()
    for call in calls:
        now = time.perf_counter()
        if now - looked > _LOOK:
            _pyhost.look()
            looked = now
        yield call


def _by_itself(value):
    """A value among others, so that one that cannot be pickled does not take those along: (True, value) or (2, pickle)."""
    return (True, value) if type(value) in PLAIN or is_array(value) else (2, pack(value))


@_operation
def _several(host, receiver, digest, pickled, calls):
    """Calls of one function, each a pickle of (args, kwargs): ((outcome, what) of each, seconds); None: send the function, too.

    outcome: True with the value, False with what report_of says, 2 with the value's pickle.
    """
    function = _function(host, digest, pickled)
    if function is None:
        return None
    alone = len(calls) == 1
    results = []
    begun = time.perf_counter()
    for call in _while_wanted(calls):
        try:
            args, kwargs = host.nested(call)
            value = function(*args, **kwargs)
            results.append((True, value) if alone else _by_itself(value))
        except KeyboardInterrupt:
            raise
        except BaseException as problem:
            results.append((False, report_of(problem)))
    return results, time.perf_counter() - begun


def _fill(values, function, items, spread):
    """Append what the function makes of each item, many at a time, while the engine is there.  What was appended stays if it raises."""
    many = 1
    while len(values) < len(items):
        part = items[len(values):len(values) + many]
        wanted = len(values) + len(part)
        begun = time.perf_counter()
        values.extend(itertools.starmap(function, part) if spread else map(function, part))
        if len(values) < wanted:
            raise RuntimeError("the function raised StopIteration")
        took = time.perf_counter() - begun
        if took > _LOOK:
            _pyhost.look()
        many = max(1, many // 2) if took > _LOOK else 2 * many


@_operation
def _each(host, receiver, digest, pickled, calls):
    """A function of each item of a list, or with spread of each tuple of arguments, up to the first that fails:
    ((values, what report_of says of the failure or None), seconds); None: send the function, too."""
    function = _function(host, digest, pickled)
    if function is None:
        return None
    items, spread = host.nested(calls[0])
    values, report = [], None
    begun = time.perf_counter()
    try:
        _fill(values, function, items, spread)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        report = report_of(problem)
    return (values, report), time.perf_counter() - begun


@_operation
def _take(host, iterator, count):
    """The next items of an iterator, and whether there are more."""
    items = []
    for item in iterator:
        items.append(item)
        if len(items) == count:
            return items, True
    return items, False


@_operation
def _cell(host, receiver, source):
    """Statements in __main__; the text of the last one's value, if it is an expression with a value."""
    import ast

    names = sys.modules["__main__"].__dict__
    body = ast.parse(source, "<cell>").body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
    value = None if last is None else eval(compile(last, "<cell>", "eval"), names)
    return None if value is None else repr(value)[:OUTPUT]


@_operation
def _pack(host, receiver):
    """For another host: an array, so that it goes there without the client."""
    import numpy

    return numpy.frombuffer(pack(receiver), numpy.uint8)


@_operation
def _numpy(host, receiver, name, args, kwargs, written, errors):
    """A function of NumPy by its name below numpy: (result, warnings, fields of a named tuple).

    written: an argument that the function writes: it gets a copy, which is the result; -1: none.  errors: as numpy.geterr().
    """
    import numpy
    import warnings

    if name.startswith("lib.recfunctions."):
        import numpy.lib.recfunctions
    function = numpy
    for part in name.split("."):
        function = getattr(function, part)
    if written >= 0:
        args = list(args)
        args[written] = numpy.array(args[written])
    with warnings.catch_warnings(record=True) as told, numpy.errstate(**errors), _weak_promotion(numpy):
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    fields = (type(result).__name__, result._fields) if isinstance(result, tuple) and hasattr(result, "_fields") else None
    result = args[written] if written >= 0 else tuple(result) if fields else result
    return result, [(w.category, str(w.message)) for w in told], fields


class _weak_promotion:
    """Python's numbers take the dtype of what they meet, with every version of NumPy."""

    def __init__(self, numpy):
        self.set = getattr(numpy, "_set_promotion_state", None)
        self.before = numpy._get_promotion_state() if self.set else None

    def __enter__(self):
        if self.set:
            self.set("weak")

    def __exit__(self, *problem):
        if self.set:
            self.set(self.before)


@_operation
def _hello(host, receiver, path, proxied, engine, nengines):
    """path: folders of the client's, searched last.  proxied: pickles of types whose values stay, and of what makes their
    metadata; of a type that is missing here there are no values."""
    sys.path.extend(folder for folder in path if folder not in sys.path)
    host.engine, host.nengines = engine, nengines
    for pickled in proxied:
        try:
            kind, metadata = loads(pickled)
        except Exception:
            continue
        if kind not in host.proxied:
            host.proxied += (kind,)
        if metadata is not None:
            host.metadata[kind] = metadata
    return tuple(sys.version_info[:3]), os.getpid(), _pyhost.workers()


@_operation
def _missing(host, receiver, names):
    return missing(names)


@_operation
def _modules(host, receiver, sources):
    take(sources)


@_operation
def _value(host, receiver):
    return receiver


@_operation
def _describe(host, value):
    return describe(value)


@_operation
def _claim(host, receiver, serial):
    """The value of a call that came through the client's rings, which needs the engine."""
    claimed, value = host.claimed
    host.claimed = 0, None
    if claimed != serial:
        raise LookupError("the value is not there any more")
    return value
