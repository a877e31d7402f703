"""What calls of Python code look like on their way: pickles to a Python host, and its answers (engine/pyhost, led by host.py).

A call is a tuple (operation, arrays_by_value, arguments...).  Proxies and remote arrays in it, at any depth, stand as
persistent ids ("o" and "a"; "p": an array with the pickle of an object that lives elsewhere), and large buffers of local arrays travel beside the pickle.
"""
import builtins
import io
import itertools
import operator
import pickle
import sys

import numpy as np

from .array import Array, wrap
from .config import config
from .errors import CLASSES, error
from .modules import is_code
from .refs import Id, Ref, resolve

VALUE, KEPT, RECEIVER, METHOD = range(4)
_PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None)))
_LARGE = 16384  # bytes of a buffer from which on it travels beside the pickle
_MOST_BUFFERS = 40
_MOST_ITEMS = 1000  # containers that are looked at to see whether a plain pickle will do


def _is_plain(value, depth=3):
    """Nothing that pickle would refer to by a name that the host may not know."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if not depth or kind not in (list, tuple, dict):
        return False
    items = value if kind is not dict else [*value, *value.values()]
    if _PLAIN.issuperset(map(type, items)):
        return True
    if {tuple}.issuperset(map(type, items)):
        return _PLAIN.issuperset(map(type, itertools.chain.from_iterable(items)))
    return len(items) <= _MOST_ITEMS and all(_is_plain(item, depth - 1) for item in items)


def _all_plain(parts):
    for part in parts:
        kind = type(part)
        if kind not in _PLAIN and not (kind is tuple and _PLAIN.issuperset(map(type, part))) and not _is_plain(part):
            return False
    return True


class Call:
    """A command as a pickle, with what it refers to: native objects, arrays, buffers."""

    __slots__ = ("objects", "arrays", "buffers", "places", "copies", "body", "code")

    def __init__(self, command, receiver=None, copies=(), inline=False):
        """copies: for objects that live elsewhere (by the identity of the native ones), arrays with their pickles.
        inline: large buffers stay in the pickle."""
        self.arrays = self.buffers = self.code = ()  # code: functions, classes and modules that are in it
        self.copies = copies
        self.objects = () if receiver is None else (receiver,)
        self.body = pickle.dumps(command, 5) if _all_plain(command) else self._pickle(command, receiver, inline)

    @property
    def nbytes(self):
        """Of the pickle and what travels beside it."""
        return len(self.body) + sum(buffer.nbytes for buffer in self.buffers)

    def _pickle(self, command, receiver, inline):
        self.objects, self.arrays, self.buffers, self.code = list(self.objects), [], [], []
        self.places = {} if receiver is None else {id(receiver): 0}  # in these lists, by identity
        out = io.BytesIO()
        pickler = _pickler_class()(out, 5, buffer_callback=None if inline else self._keep_small)
        pickler.call = self
        try:
            pickler.dump(command)
        except CLASSES["Error"]:
            raise
        except Exception as problem:
            hint = "" if _has_cloudpickle() else "; with the package cloudpickle more can be sent: lambdas, and what __main__ defines"
            raise error("WRONG_TYPE", f"cannot be sent to an engine: {type(problem).__name__}: {problem}{hint}") from problem
        return out.getvalue()

    def _keep_small(self, buffer):
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if raw.nbytes < _LARGE or len(self.buffers) >= _MOST_BUFFERS:
            return True
        self.buffers.append(np.frombuffer(raw, np.uint8))
        return False

    def refer(self, value):
        """The persistent id of what lives on an engine; None for all else."""
        from .remote import Remote

        if isinstance(value, (Ref, Id)):
            value = resolve(value)
        if isinstance(value, Remote):
            items, kind, item = self.objects, "o", value._handle
            if id(item) in self.copies:
                items, kind, item = self.arrays, "p", self.copies[id(item)]
        elif isinstance(value, Array):
            items, kind, item = self.arrays, "a", value
        else:
            if is_code(value):
                self.code.append(value)
            return None
        place = self.places.setdefault(id(item), len(items))
        if place == len(items):
            items.append(item)
        return (kind, place, value.dtype) if kind == "a" and value.dtype.names is not None else (kind, place)


def packed(command, inner):
    """A call of plain values, one of which is the pickle of another: it refers to what that refers to."""
    call = Call.__new__(Call)
    call.objects, call.arrays, call.buffers, call.code = inner.objects, inner.arrays, inner.buffers, inner.code
    call.body = pickle.dumps(command, 5)
    return call


_picklers = []


def _has_cloudpickle():
    try:
        import cloudpickle  # noqa: F401
    except ImportError:
        return False
    return True


def _pickler_class():
    if not _picklers:
        try:
            from cloudpickle import CloudPickler as Base
        except ImportError:
            Base = pickle.Pickler

        class Pickler(Base):
            def persistent_id(self, value):
                return self.call.refer(value)

            def reducer_override(self, value):
                if isinstance(value, (Ref, Id)):  # of an object of this process: the object in its place
                    return operator.getitem, ([resolve(value)], 0)
                if isinstance(value, np.busdaycalendar):  # which does not pickle by itself
                    return np.busdaycalendar, (value.weekmask, value.holidays)
                return super().reducer_override(value) if Base is not pickle.Pickler else NotImplemented

        _picklers.append(Pickler)
    return _picklers[0]


def unpack(pickled):
    """A pickle that refers to nothing else, such as a value that the host has pickled by itself."""
    try:
        return pickle.loads(pickled)
    except ModuleNotFoundError as problem:
        if "numpy._core" not in str(problem):
            raise
        return _Unpickler(io.BytesIO(pickled)).load()


# ---- answers ----------------------------------------------------------------------------------------------------------------


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except ModuleNotFoundError:
            if not module.startswith("numpy._core"):
                raise
            return super().find_class("numpy.core" + module[len("numpy._core"):], name)  # its name before NumPy 2

    def persistent_load(self, pid):
        if pid[0] == "a":
            found = wrap(self.arrays[-1 - pid[1]])
            return found.view(pid[2]) if len(pid) > 2 else found
        return self.make_proxy(self.objects[pid[1]], pid[2])


class _Buffers:
    """Out-of-band buffers, fetched as they are asked for."""

    def __init__(self, arrays):
        self.arrays = iter(arrays)

    def __iter__(self):
        return self

    def __next__(self):
        return memoryview(wrap(next(self.arrays)).gather())


def load(answer, make_proxy, engine, what):
    """(kind, value) of an answer; a remote exception is raised.  make_proxy(native object, type key) -> proxy."""
    raised, body, objects, arrays = answer
    if body is None:
        body = memoryview(wrap(arrays.pop()).gather())
    if not objects and not arrays:
        kind, value, output = unpack(body)
    else:
        unpickler = _Unpickler(io.BytesIO(body), buffers=_Buffers(arrays))
        unpickler.objects, unpickler.arrays, unpickler.make_proxy = objects, arrays, make_proxy
        kind, value, output = unpickler.load()
    if output:
        _show(output, engine)
    if raised:
        raise make_exception(value, f"engine {engine}, {what}")
    return kind, value


def _show(output, engine):
    if not config.show_output:
        return
    for stream in (1, 2):
        lines = "".join(text for number, text in output if number == stream).splitlines()
        target = sys.stdout if stream == 1 else sys.stderr
        for line in lines:
            print(f"[engine {engine}] {line}", file=target)


_exception_classes = {}


def _exception_class(kind):
    """RemoteError that is a kind, too."""
    if kind not in _exception_classes:
        remote_error = CLASSES["RemoteError"]
        try:
            made = type(kind.__name__, (remote_error, kind), {
                "__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__,
                "__str__": _exception_text, "__reduce__": _exception_reduce})
        except TypeError:  # two classes with C memory of their own
            made = remote_error
        _exception_classes[kind] = made
    return _exception_classes[kind]


def _exception_text(self):
    return f"{self.remote_text} [{self.origin}]"


def _exception_reduce(self):
    return CLASSES["RemoteError"], (str(self),)


def _builtin_base(names):
    for name in names:
        module, _, kind = name.rpartition(".")
        found = getattr(builtins, kind, None) if module == "builtins" else None
        if isinstance(found, type) and issubclass(found, Exception) and found is not Exception:
            return found
    return None


def _new_exception(cls, kind, args):
    """Without its __init__; classes with C memory of their own want to be made by themselves, others by their base."""
    for base in (kind, cls):
        for given in (args, ()):
            try:
                return base.__new__(cls, *given)
            except (TypeError, AttributeError):
                continue
    return CLASSES["RemoteError"]()


def make_exception(report, origin):
    """The exception that remote code raised: of its own class and of RemoteError, with the remote traceback as a note."""
    pickled, names, text, trace, notes = report
    try:
        original = unpack(pickled) if pickled is not None else None
    except Exception:
        original = None
    kind = type(original) if isinstance(original, Exception) else _builtin_base(names)
    cls = _exception_class(kind) if kind is not None else CLASSES["RemoteError"]
    args = original.args if isinstance(original, Exception) else (text,)
    exception = _new_exception(cls, kind, args)
    exception.args = args
    exception.__dict__.update(getattr(original, "__dict__", {}))
    exception.__dict__.update(status="REMOTE_ERROR", origin=origin, signal=0, address=0, os_errno=0, remote_text=text,
                              remote_type=names[0], remote_traceback=trace)
    if cls is CLASSES["RemoteError"]:
        exception.args = (f"{names[0].removeprefix('builtins.')}: {text}",)
    for note in notes:
        exception.add_note(note)
    exception.add_note(f"--- raised on {origin} ---\n{trace.rstrip()}")
    return exception


def native_array(array, engine):
    """The handle of an array, brought to one piece on the engine with this number."""
    here = array if array.npieces == 1 and array.engines[0] == engine else array.reshard(None, engines=[engine])
    return here._handle


def native_buffers(session, buffers, engine_id):
    return tuple(session._native.scatter(buffer, None, 0, (engine_id,)) for buffer in buffers)


