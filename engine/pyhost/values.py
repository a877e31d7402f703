"""Values on their way: their pickles, what of them is an array, and exceptions as text."""
import collections
import io
import pickle
import sys
import traceback
import types

import _pyhost

_FILE = "<farhand host"  # what main.c compiles all of them as begins like this
CONTAINERS = frozenset((list, tuple, set, frozenset, dict, collections.OrderedDict, collections.defaultdict, collections.deque))
FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)  # as attributes they are called here
PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None)))
_LARGE = 16384  # bytes of a buffer from which on it travels beside the pickle
OUTPUT = 65536  # characters of output that a call may send back
ARRAY_TYPES = frozenset(("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16",
                         "float32", "float64", "complex64", "complex128"))


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except ModuleNotFoundError:
            if not module.startswith("numpy._core"):
                raise
            return super().find_class("numpy.core" + module[len("numpy._core"):], name)  # its name before NumPy 2
        except AttributeError:
            if not module.startswith("cloudpickle"):
                raise
            import cloudpickle

            raise ImportError(f"this Python host ({sys.executable}) has cloudpickle {cloudpickle.__version__}, which cannot read what "
                              "the client's wrote: install the same version for both") from None

    def persistent_load(self, pid):
        kind, place, *fields = pid
        if fields:  # what travels as void
            return self.arrays[place].view(fields[0])
        if kind == "p":  # an object of another host, as it was there
            return loads(self.arrays[place])
        return (self.objects if kind == "o" else self.arrays)[place]


def loads(pickled):
    """A pickle that refers to nothing else; what newer packages wrote is read, or the error says which are too old."""
    try:
        return pickle.loads(pickled)
    except (ModuleNotFoundError, AttributeError) as problem:
        if not any(name in str(problem) for name in ("numpy._core", "cloudpickle")):
            raise
        return Unpickler(io.BytesIO(pickled)).load()


class _Pickler(pickle.Pickler):
    """Puts persistent ids in place of what stays here."""

    stays = None

    def persistent_id(self, value):
        return self.stays.get(id(value))


def memory_of(described):
    memory, _, shape, offset, _ = described
    return memoryview(memory)[offset:offset + shape[0]]


def array_of(described):
    import numpy

    memory, dtype, shape, offset, strides = described
    return numpy.ndarray(shape, dtype, memory, offset, strides)


def is_array(value):
    numpy = sys.modules.get("numpy")
    return (numpy is not None and type(value) is numpy.ndarray and value.ndim > 0 and value.dtype.isnative
            and (value.dtype.name in ARRAY_TYPES or _is_other(value.dtype)))


def _is_other(dtype):
    """Elements that are not numbers, but no Python objects."""
    return dtype.kind in "MmSUV" and not dtype.hasobject and 0 < dtype.itemsize < 1 << 23


def name_of(dtype):
    """As engines call it."""
    if dtype.kind not in "SUV":
        return dtype.name
    return f"{dtype.kind}{dtype.itemsize // (4 if dtype.kind == 'U' else 1)}"


def dumps(value, stays, buffers):
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


def report_of(problem):
    """An exception for the client: (pickle or None, names of its classes, text, traceback, notes)."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_FILE):
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
        pickled = dumps(problem, {}, [])
    except Exception:
        pickled = None
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(problem).__mro__]
    return pickled if pickled is None or len(pickled) <= _pyhost.BODY // 2 else None, names, text[:8192], lines[-16384:], notes[:20]
