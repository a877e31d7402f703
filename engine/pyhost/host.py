"""What a Python host does with the calls of its session.

The engine moves bytes; what they mean is agreed between the client (farhand/remote_wire.py) and this file.  A call's pickle
is (operation, arrays_by_value, arguments...), where objects and arrays of the call stand as persistent ids: ("o", place) and
("a", place), copies of objects that live elsewhere as ("p", place of the array with its pickle).  The answer's pickle is (kind, value, output): see _Answer.  Nothing here may end the loop but the engine.
"""
import collections
import io
import math
import operator
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import types

import _pyhost

_FILE = "<farhand host>"  # what main.c compiles this as
_RETURNED, _RAISED, _INTERRUPTED = range(3)
VALUE, KEPT, RECEIVER, METHOD = range(4)  # kinds of answers
_CLAIM, _ELSEWHERE = 1, 2  # what an answer through the rings wants: see PY_RESULT
_CONTAINERS = frozenset((list, tuple, set, frozenset, dict, collections.OrderedDict, collections.defaultdict, collections.deque))
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)  # as attributes they are called here
_PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None)))
_LARGE = 16384  # bytes of a buffer from which on it travels beside the pickle
_SOON = 100e-6  # seconds: calls that were quicker the last time do not make earlier answers leave first
_DIRECT = 63  # this bit of a call's number: it came through the client's rings
_OUTPUT = 65536  # characters of output that a call may send back
_MOST_FUNCTIONS = 1000  # of executors that are kept
_ARRAY_TYPES = frozenset(("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16",
                          "float32", "float64", "complex64", "complex128"))


class _Stream(io.TextIOBase):
    """Takes the place of a standard stream: what is written goes back to the client with the next answer."""

    encoding = "utf-8"

    def __init__(self, host, number):
        self.host, self.number = host, number

    def writable(self):
        return True

    def fileno(self):
        return self.number

    def write(self, text):
        self.host.print(self.number, str(text))
        return len(text)


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid):
        kind, place, *fields = pid
        if fields:  # what travels as void
            return self.arrays[place].view(fields[0])
        if kind == "p":  # an object of another host, as it was there
            return pickle.loads(self.arrays[place])
        return (self.objects if kind == "o" else self.arrays)[place]


class _Pickler(pickle.Pickler):
    """Puts persistent ids in place of what stays here."""

    stays = None

    def persistent_id(self, value):
        return self.stays.get(id(value))


def _memory(described):
    memory, _, shape, offset, _ = described
    return memoryview(memory)[offset:offset + shape[0]]


def _array(described):
    import numpy

    memory, dtype, shape, offset, strides = described
    return numpy.ndarray(shape, dtype, memory, offset, strides)


def _is_array(value):
    numpy = sys.modules.get("numpy")
    return (numpy is not None and type(value) is numpy.ndarray and value.ndim > 0 and value.dtype.isnative
            and (value.dtype.name in _ARRAY_TYPES or _is_other(value.dtype)))


def _is_other(dtype):
    """Elements that are not numbers, but no Python objects."""
    return dtype.kind in "MmSUV" and not dtype.hasobject and 0 < dtype.itemsize < 1 << 23


def _name_of(dtype):
    """As engines call it."""
    if dtype.kind not in "SUV":
        return dtype.name
    return f"{dtype.kind}{dtype.itemsize // (4 if dtype.kind == 'U' else 1)}"


def _dumps(value, stays, buffers):
    """Its pickle; classes and functions that cannot be imported by name travel whole, if cloudpickle is there."""
    def keep_small(buffer):
        with buffer.raw() as raw:
            if raw.nbytes < _LARGE or len(buffers) >= _pyhost.ARRAYS - 2:
                return True
        buffers.append(buffer)
        return False

    out = io.BytesIO()
    pickler = (_Pickler if stays else pickle.Pickler)(out, 5, buffer_callback=keep_small)
    if stays:
        pickler.stays = stays
    try:
        pickler.dump(value)
    except Exception:
        try:
            from cloudpickle import CloudPickler
        except ImportError:
            CloudPickler = None
        if CloudPickler is None:
            raise

        class Pickler(CloudPickler):
            def persistent_id(self, value):
                return stays.get(id(value))

        del buffers[:]
        out = io.BytesIO()
        Pickler(out, 5, buffer_callback=keep_small).dump(value)
    return out.getvalue()


class _Answer:
    """The lists of an answer: objects and arrays that were made, and the pickle that refers to them by their places.

    Arrays: the pickle's out-of-band buffers, then those that stay here, the first of them last; then the pickle, if it is large.
    """

    def __init__(self, host, serial):
        self.host, self.serial = host, serial
        self.objects, self.arrays, self.stays, self.kept = [], [], {}, []
        self.keeps = True  # generators stay; where calls may run anywhere, nothing but registered types does
        self.seen = set()  # containers, by identity: one may hold itself

    def collect(self, value, by_value):
        """Find what stays here, in containers at any depth."""
        kind = type(value)
        if kind in _PLAIN or id(value) in self.stays:
            return
        if not by_value and len(self.arrays) < _pyhost.ARRAYS // 2 and _is_array(value):
            place = ("a", len(self.arrays))
            self.stays[id(value)] = place if value.dtype.names is None else (*place, value.dtype)
            self.arrays.append((value, _name_of(value.dtype), value.shape))
        elif self.host.proxied and isinstance(value, self.host.proxied) or kind is types.GeneratorType and self.keeps and not by_value:
            self.stays[id(value)] = ("o", len(self.objects), self.host.key_of(value))
            self.objects.append(os.urandom(16))
            self.kept.append(value)
        elif kind in _CONTAINERS or issubclass(kind, tuple) and kind.__iter__ is tuple.__iter__:
            if id(value) in self.seen:
                return
            self.seen.add(id(value))
            for item in value.values() if issubclass(kind, dict) else value:
                self.collect(item, by_value)

    def send(self, outcome, text, answer):
        buffers = []
        body = _dumps(answer, self.stays, buffers)
        entries = [(buffer.raw(), "uint8", None) for buffer in buffers] + self.arrays[::-1]
        if len(body) > _pyhost.BODY:
            entries.append((memoryview(body), "uint8", None))
            body = None
        _pyhost.answer(self.serial, outcome, text, self.objects, self._place(entries), body)
        self.host.objects.update(zip(self.objects, self.kept))

    def _place(self, entries):
        """Small arrays go along, large ones into memory of the engine's, where some have been made already."""
        room = _pyhost.INLINE
        made, large = [], []
        for value, dtype, shape in entries:
            size = value.nbytes
            entry = [os.urandom(16), _made_in_place(value), dtype, (size,) if shape is None else shape, size, None]
            if entry[1]:
                pass
            elif size <= room:
                room -= size
                entry[5] = value.tobytes()
            else:
                large.append((value, size, entry))
            made.append(entry)
        if large:
            for memory, (value, size, entry) in zip(_pyhost.want([size for _, size, _ in large]), large):
                if isinstance(value, memoryview):
                    memoryview(memory)[:size] = value.cast("B")
                    entry[1] = memory.hand_over()
                else:
                    import numpy

                    copy = numpy.ndarray(value.shape, value.dtype, memory)
                    numpy.copyto(copy, value)
                    entry[1] = _made_in_place(copy)
        return [tuple(entry) for entry in made]


def _made_in_place(value):
    """The number of the engine's memory that an array fills from its beginning; 0: it lies elsewhere."""
    base = value
    while _is_array(base):
        base = base.base
    if base is value or not isinstance(base, _pyhost.Mapping) or not value.flags.c_contiguous:
        return 0
    return base.hand_over(value.__array_interface__["data"][0], value.nbytes)


def type_key(kind):
    """What a type is called between client and host; the address tells apart classes of one name."""
    return kind.__module__, kind.__qualname__, id(kind)


def pack(value):
    """Its pickle, with all that belongs to it."""
    try:
        return pickle.dumps(value, 5)
    except Exception:
        from cloudpickle import dumps

        return dumps(value, 5)


# ---- operations: each gets the host, the call's first object or None, and what came in the pickle ---------------------------

_OPERATIONS = {}
_OF_RECEIVER = frozenset(("method", "special"))  # what gives the receiver itself gives no copy of it


def _operation(function):
    _OPERATIONS[function.__name__.strip("_")] = function
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
        host.functions[digest] = pickle.loads(pickled)[0]
    return host.functions.get(digest)


def _by_itself(value):
    """A value among others, so that one that cannot be pickled does not take those along: (True, value) or (2, pickle)."""
    return (True, value) if type(value) in _PLAIN or _is_array(value) else (2, pack(value))


@_operation
def _several(host, receiver, digest, pickled, calls):
    """Calls of one function, each a pickle of (args, kwargs): ((outcome, what) of each, seconds); None: send the function, too.

    outcome: True with the value, False with what _report says, 2 with the value's pickle.
    """
    function = _function(host, digest, pickled)
    if function is None:
        return None
    alone = len(calls) == 1
    results = []
    begun = time.perf_counter()
    for call in calls:
        try:
            args, kwargs = host.nested(call)
            value = function(*args, **kwargs)
            results.append((True, value) if alone else _by_itself(value))
        except KeyboardInterrupt:
            raise
        except BaseException as problem:
            results.append((False, _report(problem)))
    return results, time.perf_counter() - begun


@_operation
def _each(host, receiver, digest, pickled, calls):
    """A function of each item of a list of tuples of arguments.  As _several."""
    function = _function(host, digest, pickled)
    if function is None:
        return None
    results = []
    begun = time.perf_counter()
    for args in host.nested(calls[0]):
        try:
            results.append((True, function(*args)))
        except Exception as problem:
            results.append((False, _report(problem)))
    return results, time.perf_counter() - begun


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
    return None if value is None else repr(value)[:_OUTPUT]


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
            kind, metadata = pickle.loads(pickled)
        except Exception:
            continue
        if kind not in host.proxied:
            host.proxied += (kind,)
        if metadata is not None:
            host.metadata[kind] = metadata
    return tuple(sys.version_info[:3]), os.getpid(), _pyhost.workers()


class _Shipped:
    """A finder of modules whose source a client has sent; asked after all others."""

    def __init__(self):
        self.sources = {}  # name -> (source, file name, is a package)

    def find_spec(self, name, path=None, target=None):
        import importlib.util

        if name not in self.sources:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.sources[name][1], is_package=self.sources[name][2])

    def is_package(self, name):
        return self.sources[name][2]

    def get_source(self, name):
        return self.sources[name][0]

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        import linecache

        source, file, _ = self.sources[module.__name__]
        file = f"<{module.__name__} of the client: {file}>"
        linecache.cache[file] = len(source), None, source.splitlines(True), file  # for tracebacks
        exec(compile(source, file, "exec"), module.__dict__)


_shipped = _Shipped()


@_operation
def _missing(host, receiver, names):
    """Which of these modules cannot be found here."""
    import importlib.util

    missing = []
    for name in names:
        try:
            found = name in sys.modules or importlib.util.find_spec(name) is not None
        except Exception:  # the package that it is in is missing, or fails
            found = False
        if not found:
            missing.append(name)
    return missing


@_operation
def _modules(host, receiver, sources):
    import importlib

    if _shipped not in sys.meta_path:
        sys.meta_path.append(_shipped)
    _shipped.sources.update(sources)
    importlib.invalidate_caches()


_SPECIAL = frozenset(
    "__len__ __getitem__ __setitem__ __delitem__ __iter__ __next__ __reversed__ __contains__ __call__ __enter__ __exit__ __bool__ "
    "__int__ __float__ __complex__ __index__ __round__ __trunc__ __floor__ __ceil__ __abs__ __neg__ __pos__ __invert__ __eq__ __ne__ "
    "__lt__ __le__ __gt__ __ge__ __str__ __format__ __bytes__ __divmod__ __rdivmod__ __length_hint__".split()
    + [f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in
       "add sub mul truediv floordiv mod pow matmul lshift rshift and or xor".split()])


def _parameters(function):
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, int(p.kind), None if p.default is p.empty else repr(p.default)[:200]) for p in parameters]


def _describe_method(name, function):
    doc = getattr(function, "__doc__", None)
    return name, doc if isinstance(doc, str) else None, _parameters(function)


@_operation
def _value(host, receiver):
    return receiver


@_operation
def _describe(host, value):
    """(key, name, module, doc, attributes, special methods): attributes are name -> (is a method, doc, parameters)."""
    kind = type(value)
    attributes, special = {}, {}
    for base in reversed(kind.__mro__):
        for name in vars(base):
            attribute = getattr(kind, name, None)
            if name in _SPECIAL and base is not object and attribute is not None:
                special[name] = getattr(attribute, "__doc__", None)
            elif not name.startswith("_"):
                method = callable(attribute) and not isinstance(attribute, type)
                attributes[name] = (method, getattr(attribute, "__doc__", None) if method or isinstance(attribute, property) else None,
                                    _parameters(attribute) if method else None)
    for name in getattr(value, "__dict__", ()):
        if isinstance(name, str) and not name.startswith("_"):
            attributes.setdefault(name, (False, None, None))
    return type_key(kind), kind.__name__, kind.__module__, kind.__doc__, attributes, special


# ---- calls ----------------------------------------------------------------------------------------------------------------


def _report(problem):
    """An exception for the client: (pickle or None, names of its classes, text, traceback, notes)."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == _FILE:
        trace = trace.tb_next
    try:
        text = str(problem)
    except Exception:
        text = f"<a {type(problem).__name__} that has no text>"
    try:
        lines = "".join(traceback.format_exception(type(problem), problem, trace, limit=-50))
    except Exception:
        lines = text
    notes = [str(note) for note in getattr(problem, "__notes__", ())]
    problem.__traceback__ = None
    try:
        pickled = _dumps(problem, {}, [])
    except Exception:
        pickled = None
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(problem).__mro__]
    return pickled if pickled is None or len(pickled) <= _pyhost.BODY // 2 else None, names, text[:8192], lines[-16384:], notes[:20]


@_operation
def _claim(host, receiver, serial):
    """The value of a call that came through the client's rings, which needs the engine."""
    claimed, value = host.claimed
    host.claimed = 0, None
    if claimed != serial:
        raise LookupError("the value is not there any more")
    return value


running = None  # the Host of this process: farhand.engine shows its objects


class Host:
    def __init__(self):
        self.objects = {}  # id -> object
        self.engine, self.nengines = None, 0  # its number, and how many there were
        self.proxied = ()  # types whose values stay here
        self.metadata = {}  # type -> function of an object of it
        self.durations = {}  # of the last call of that name
        self.functions = {}  # of executors, by the digests of their pickles
        self.parts = None  # what the call refers to: objects, arrays, buffers
        self.pid, self.thread = os.getpid(), threading.get_ident()
        self.interruptible = False  # a call runs that may end with KeyboardInterrupt
        self.output, self.output_size = [], 0
        self.claimed = 0, None  # the number of a call through the rings, and its value, for which the client will ask

    def print(self, stream, text):
        if self.output_size < _OUTPUT:
            self.output.append((stream, text[:_OUTPUT - self.output_size]))
            self.output_size += len(text)
            if self.output_size >= _OUTPUT:
                self.output.append((2, f"... (a call shows at most {_OUTPUT} characters)\n"))

    def empty(self, shape, dtype):
        """An array whose contents mean nothing, in memory of the engine's: as a result it needs no copy."""
        import numpy

        dtype = numpy.dtype(dtype)
        shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
        size = math.prod(map(operator.index, shape)) * dtype.itemsize
        if size <= _pyhost.INLINE or dtype.name not in _ARRAY_TYPES or not dtype.isnative or threading.get_ident() != self.thread:
            return numpy.empty(shape, dtype)
        return numpy.ndarray(shape, dtype, _pyhost.want([size])[0])

    def take_output(self):
        output, self.output, self.output_size = self.output, [], 0
        return output

    def key_of(self, value):
        """Of its type, with the object's metadata, if there is any."""
        key = type_key(type(value))
        make = self.metadata.get(type(value)) if self.metadata else None
        return key if make is None else (*key, make(value))

    def load(self, request):
        _, _, _, ids, arrays, buffers, body = request
        memory = [_memory(buffer) for buffer in buffers]
        if body is None:
            body = memory.pop()
        self.parts = None
        if not (ids or arrays or memory):
            return pickle.loads(body), None
        self.parts = [self.objects[key] for key in ids], [_array(array) for array in arrays], memory
        return self.nested(body), self.parts[0][0] if ids else None

    def nested(self, body):
        """A pickle that refers to what the call refers to."""
        if self.parts is None:
            return pickle.loads(body)
        unpickler = _Unpickler(io.BytesIO(body), buffers=self.parts[2])
        unpickler.objects, unpickler.arrays, _ = self.parts
        return unpickler.load()

    def perform(self, request):
        """Run the call and send the answer."""
        serial, result = request[0], request[2]
        if serial >> _DIRECT and not all(key in self.objects for key in request[3]):
            _pyhost.reply(_RETURNED, _ELSEWHERE, b".")  # the engine knows what has become of them
            return
        self.interruptible = True
        command, receiver = self.load(request)
        value = _OPERATIONS[command[0]](self, receiver, *command[2:])
        self.interruptible = False
        if serial >> _DIRECT:
            self.reply(serial, receiver, command, value)
            return
        answer = _Answer(self, serial)
        if result is not None:
            key = self.key_of(value)
            self.objects[result] = value
            answer.send(_RETURNED, "", (KEPT, key, self.take_output()))
        elif value is receiver and receiver is not None and command[0] in _OF_RECEIVER:
            answer.send(_RETURNED, "", (RECEIVER, None, self.take_output()))
        elif command[0] == "get" and isinstance(value, _FUNCTIONS):
            answer.send(_RETURNED, "", (METHOD, _describe_method(command[2], value), self.take_output()))
        else:
            answer.keeps = bool(request[3]) or command[0] == "claim"
            if type(value) not in _PLAIN and command[0] != "value":
                answer.collect(value, command[1])
            answer.send(_RETURNED, "", (VALUE, value, self.take_output()))

    def reply(self, serial, receiver, command, value):
        """Through the client's rings.  What needs the engine's memory, or a place in its table, stays until the client has asked
        for it in the engine's way."""
        output, buffers, body = self.output, [], None
        if value is receiver and receiver is not None and command[0] in _OF_RECEIVER:
            body = pickle.dumps((RECEIVER, None, output), 5)
        elif command[0] == "get" and isinstance(value, _FUNCTIONS):
            body = pickle.dumps((METHOD, _describe_method(command[2], value), output), 5)
        elif type(value) in _PLAIN:
            body = pickle.dumps((VALUE, value, output), 5)
        else:
            answer = _Answer(self, serial)
            if command[0] != "value":
                answer.collect(value, command[1])
            if not answer.stays:
                body = _dumps((VALUE, value, output), {}, buffers)
        if body is None or buffers or len(body) > _pyhost.DIRECT_BODY:
            if command[0] == "value":  # which has no effect
                _pyhost.reply(_RETURNED, _ELSEWHERE, b".")
                return
            self.claimed = serial, value
            _pyhost.reply(_RETURNED, _CLAIM, pickle.dumps(("claim", command[1], serial), 5))
            return
        self.take_output()
        _pyhost.reply(_RETURNED, 0, body)

    def interrupted(self, serial):
        if serial >> _DIRECT:
            _pyhost.reply(_INTERRUPTED, 0, None)
        else:
            _pyhost.answer(serial, _INTERRUPTED, "", [], [], b"")

    def run(self, request):
        serial, what = request[0], request[1]
        if not _pyhost.begin(serial):
            self.interrupted(serial)
            return
        begun = time.monotonic()
        try:
            self.perform(request)
        except BaseException as problem:
            self.fail(serial, problem)
        self.parts = None
        _pyhost.begin(0)
        if len(self.durations) > 1000:
            self.durations.clear()
        self.durations[what] = time.monotonic() - begun

    def fail(self, serial, problem):
        self.interruptible = False
        if isinstance(problem, KeyboardInterrupt) and _pyhost.interrupted():
            self.take_output()
            self.interrupted(serial)
            return
        report = _report(problem)
        if serial >> _DIRECT:
            body = pickle.dumps((VALUE, report, self.take_output()), 5)
            if len(body) > _pyhost.DIRECT_BODY:
                body = pickle.dumps((VALUE, (None, report[1], report[2], report[3][-8192:], []), []), 5)
            _pyhost.reply(_RAISED, 0, body)
            return
        text = f"{type(problem).__name__}: {report[2]}".encode()[:300].decode(errors="ignore")
        _Answer(self, serial).send(_RAISED, text, (VALUE, report, self.take_output()))

    def serve(self):
        while True:
            requests = _pyhost.receive()
            for i, request in enumerate(requests):
                requests[i] = None
                if request[0] == -1:
                    _pyhost.ring(request[1])
                    continue
                if request[0] == 0:
                    for key in request[1]:
                        self.objects.pop(key, None)
                    continue
                if i and self.durations.get(request[1], 1.0) > _SOON:
                    _pyhost.flush()
                self.run(request)
                if os.getpid() != self.pid:
                    os._exit(0)  # the user's code has forked, and the child has come back here
            request = None
            _pyhost.flush()


def main():
    import faulthandler

    global running
    host = running = Host()

    def interrupt(number, frame):
        if host.interruptible and _pyhost.interrupted():
            host.interruptible = False
            raise KeyboardInterrupt

    faulthandler.enable()  # on the standard error of the process, which is the engine's
    signal.signal(signal.SIGINT, interrupt)
    sys.stdout, sys.stderr = _Stream(host, 1), _Stream(host, 2)
    os.register_at_fork(after_in_child=_pyhost.forked)
    _pyhost.ready()
    try:
        host.serve()
    except EOFError:
        pass  # the engine has closed the socket
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # what ends the host is for the engine's log
