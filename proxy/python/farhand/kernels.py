"""Kernels: bitcode, textual IR, C or Numba functions that run where the arrays are."""
import os

import numpy as np

from .array import Array, wrap
from .dtypes import code_of, dtype_of
from .errors import error, not_supported
from .session import Session, current
from .ufuncs import to_native

_DEFAULT_TIMEOUT = 0.0  # the engines' own, 30 s


class Inspection:
    """What an engine made of a kernel: .ir, .assembly."""

    def __init__(self, ir, assembly):
        self.ir = ir
        self.assembly = assembly

    def __str__(self):
        return f"{self.ir}\n{self.assembly}"


class Kernel:
    """Foreign code that engines run over arrays.  Made by fh.kernel."""

    def __init__(self, code, entry=None, signature=None, *, kind=None, fastmath=False, function=None):
        self._code = bytes(code)
        self._options = (entry, signature, kind, bool(fastmath))
        self._loaded = {}  # native Session -> native Kernel
        self._calls = 0
        self.py_func = function
        self._info = self._load(current()).describe()
        self.__name__ = function.__name__ if function is not None else self.entry
        self.__doc__ = getattr(function, "__doc__", None)

    def __repr__(self):
        return f"<farhand {self.kind} kernel {self.__name__}: {self.signature}, {self.hash[:12]}>"

    def __reduce__(self):
        entry, signature, kind, fastmath = self._options
        return _rebuild, (self._code, entry, signature, kind, fastmath)

    @property
    def entry(self):
        """Name of the entry function."""
        return self._info["entry"]

    @property
    def signature(self):
        return self._info["signature"]

    @property
    def kind(self):
        """"ufunc" or "piece"."""
        return self._info["kind"]

    @property
    def producer(self):
        """What compiled it to bitcode."""
        return self._info["producer"]

    @property
    def hash(self):
        """SHA-256 of the bitcode, in hex."""
        return self._info["hash"].hex()

    def stats(self):
        """Calls made by this process, and how long the compilation took on the engine that answered."""
        return {"calls": self._calls, "compile_seconds": self._info["compile_ns"] / 1e9, "bytes": len(self._code)}

    def inspect(self):
        """Optimised IR and assembly, from an engine."""
        native = self._load(current())
        return Inspection(native.inspect(0), native.inspect(1))

    def __call__(self, *inputs, out=None, timeout=None):
        """Element by element, broadcast; inputs are remote or local arrays and numbers.

        out: a remote array that is written once the kernel has succeeded.  timeout: seconds for the run on each piece.
        """
        session = self._session(inputs if out is None else (*inputs, out))
        if not any(isinstance(x, Array) for x in inputs) and out is None:
            inputs = self._with_one_remote(inputs, session)
        handle = self._load(session).call(tuple(to_native(x) for x in inputs),
                                          None if out is None else out._handle, _seconds(timeout))
        self._calls += 1
        return out if handle is None else wrap(handle)

    def map(self, *inputs, out_dtype=None, timeout=None):
        """Piece kernels: run once over each whole piece.  Inputs are remote arrays of one layout."""
        for x in inputs:
            if not isinstance(x, Array):
                raise error("WRONG_TYPE", f"map takes remote arrays, not {type(x).__name__}: scatter it first")
        native = self._load(self._session(inputs))
        dtype = dtype_of(self._info["out"]) if out_dtype is None else np.dtype(out_dtype)
        handle = native.map(tuple(x._handle for x in inputs), code_of(dtype), _seconds(timeout))
        self._calls += 1
        return wrap(handle)

    def reduce(self, *arguments, **keywords):
        """Not built yet: raises NotSupported."""
        raise not_supported("reduce, accumulate and outer of kernels are not built yet")

    accumulate = outer = reduce

    def _with_one_remote(self, inputs, session):
        """All inputs are local: the largest goes to the engines, and the others follow it."""
        arrays = [np.asarray(x) for x in inputs]
        if not arrays:
            raise error("WRONG_TYPE", "a kernel takes at least one input")
        largest = max(range(len(arrays)), key=lambda i: arrays[i].size)
        dtype = dtype_of(self._info["in"][largest]) if largest < len(self._info["in"]) else arrays[largest].dtype
        local = arrays[largest]
        if type(inputs[largest]) in (int, float, complex):
            local = local.astype(dtype)
        inputs = list(inputs)
        inputs[largest] = wrap(session._native.scatter(local, 0 if local.ndim else None, 0, None))
        return tuple(inputs)

    def _session(self, inputs):
        for x in inputs:
            if isinstance(x, Array):
                return Session(x._handle.session)
        return current()

    def _load(self, session):
        native = self._loaded.get(session._native)
        if native is None:
            self._loaded = {session: kernel for session, kernel in self._loaded.items() if not session.closed}
            native = self._loaded[session._native] = session._native.kernel_load(self._code, *self._options)
        return native


def _rebuild(code, entry, signature, kind, fastmath):
    """Unpickle: the same code, in this process's default session."""
    return Kernel(code, entry, signature, kind=kind, fastmath=fastmath)


def _seconds(timeout):
    return _DEFAULT_TIMEOUT if timeout is None else float(timeout)


def _is_signature(text):
    return isinstance(text, str) and "(" in text and text.rstrip().endswith(")")


class _KernelMaker:
    """fh.kernel: see __call__ and from_c."""

    def __call__(self, source, entry=None, *, signature=None, kind=None, fastmath=False):
        """A kernel from bitcode or IR (bytes), a path (.bc, .ll), or a Python function (compiled by Numba, if it is there).

        @fh.kernel("float64(float64, float64)") decorates a function with its signature.
        """
        if callable(source):
            return self._from_function(source, signature, kind, fastmath)
        if isinstance(source, (bytes, bytearray, memoryview)):
            return Kernel(source, entry, signature, kind=kind, fastmath=fastmath)
        if _is_signature(source) and entry is None:
            return lambda function: self._from_function(function, source, kind, fastmath)
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as file:
                return Kernel(file.read(), entry, signature, kind=kind, fastmath=fastmath)
        raise error("WRONG_TYPE", f"a kernel is made from bytes, a path or a function, not from {type(source).__name__}")

    @staticmethod
    def from_c(text, entry=None, *, signature=None, kind=None, fastmath=False):
        """A kernel from C, compiled here by clang ($FARHAND_CLANG, else a version that the engines can read)."""
        from .compilers import compile_c

        code, entry, signature = compile_c(text, entry, signature)
        return Kernel(code, entry, signature, kind=kind, fastmath=fastmath)

    @staticmethod
    def _from_function(function, signature, kind, fastmath):
        from .compilers import compile_numba

        if signature is None:
            raise error("WRONG_TYPE", 'a Python function needs a signature: fh.kernel(f, signature="float64(float64)")')
        code, entry = compile_numba(function, signature)
        return Kernel(code, entry, signature, kind=kind, fastmath=fastmath, function=function)


kernel = _KernelMaker()
