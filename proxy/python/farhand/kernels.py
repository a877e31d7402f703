"""Kernels: code in bitcode that runs where the arrays are."""
import operator

import numpy as np

from .array import Array, wrap
from .dtypes import code_of, dtype_of, normalize_axes, normalize_axis
from .errors import error
from .kernel_results import deliver, one_or_tuple, outs_of
from .session import Session, current
from .ufuncs import to_native

_DEFAULT_TIMEOUT = 0.0  # the engines' own, 30 s
_HOW = {"gufunc": "k(a, b)", "ufunc": "k(a, b)", "piece": "k.map(a)", "array": "k.map(a, b)", "reduction": "k.reduce(a)"}


class Inspection:
    """What an engine made of a kernel: .ir, .assembly."""

    def __init__(self, entry, ir, assembly):
        self.entry = entry
        self.ir = ir
        self.assembly = assembly

    def __repr__(self):
        return (f"<what became of {self.entry}: {self.ir.count(chr(10))} lines of .ir, "
                f"{self.assembly.count(chr(10))} of .assembly>")

    def __str__(self):
        return f"{self.ir}\n{self.assembly}"


def state_bytes(state):
    """Bytes of a state behind a pointer: of "float64[3]" or a number of bytes; 0 for a number's dtype and None."""
    if state is None or isinstance(state, int):
        return int(state or 0)
    from .producers.numba_reduction import parse_state

    name, count = parse_state(state)
    return count * np.dtype(name).itemsize


class Kernel:
    """Foreign code that engines run over arrays.  Made by fh.kernel."""

    def __init__(self, product, *, fastmath=False, exact=False, debug=False, force=False):
        self._product = product
        self._flags = (bool(fastmath), bool(exact), bool(debug))
        self._loaded = {}  # native Session -> native Kernel
        self._info = self._load(current(), bool(force)).describe()
        self.py_func = product.function
        self.__name__ = getattr(product.function, "__name__", None) or self.entry
        self.__doc__ = getattr(product.function, "__doc__", None)

    def __repr__(self):
        return f"<farhand {self.kind} kernel {self.__name__}: {self.signature or 'any arrays'}, {self.hash[:12]}>"

    def __reduce__(self):
        known = self._product
        return _rebuild, (known.code, known.entry, known.signature, known.kind, known.layout, known.state_bytes, self._flags)

    # ---- what it is

    @property
    def entry(self):
        """Name of the entry function; reductions: the common beginning of the functions' names."""
        return self._info["entry"]

    @property
    def signature(self):
        """"float64(float64, float64)"; array kernels and gufuncs: "void(...)" of all operands, "" for any."""
        return self._info["signature"]

    @property
    def kind(self):
        """"ufunc", "piece", "array", "gufunc" or "reduction"."""
        return self._info["kind"]

    @property
    def layout(self):
        """Core dimensions of a gufunc, "(m,k),(k,n)->(m,n)"; else None."""
        return self._info["layout"] or None

    @property
    def producer(self):
        """What compiled it to bitcode."""
        return self._info["producer"]

    @property
    def hash(self):
        """SHA-256 of the bitcode, in hex."""
        return self._info["hash"].hex()

    @property
    def nin(self):
        """How many inputs it takes; -1: any number.  Array kernels: operands, outputs included."""
        return self._info["nin"]

    @property
    def nout(self):
        """How many outputs it has; 0 for array kernels: the call says it."""
        return self._info["nout"]

    @property
    def nargs(self):
        return -1 if self.nin < 0 else self.nin + self.nout

    @property
    def types(self):
        """As of NumPy's ufuncs: ["dd->d"]; empty if it takes any dtypes."""
        inputs, outputs = self._info["in"], self._info["out"]
        if not outputs or 0 in (*inputs, *outputs):
            return []
        return [f"{''.join(dtype_of(code).char for code in inputs)}->{''.join(dtype_of(code).char for code in outputs)}"]

    @property
    def ntypes(self):
        return len(self.types)

    @property
    def identity(self):
        """None: what a reduction of nothing gives is in the kernel's init."""
        return None

    def stats(self):
        """Of all engines together: calls, elements, seconds, compile_seconds, faults; engines: how many have it; cached: how
        many of these had its machine code on disk.
        """
        total = {}
        for session, native in self._loaded.items():
            if not session.closed:
                for name, value in native.stats().items():
                    total[name] = total.get(name, 0) + value
        return {**total, "bytes": len(self._product.code)}

    def publish(self, name):
        """Let other clients get it by name; it then outlives this session.  Returns the kernel."""
        self._load(current()).publish(name)
        return self

    def inspect(self):
        """Optimised IR and assembly, from an engine."""
        native = self._load(current())
        return Inspection(self.entry, native.inspect(0), native.inspect(1))

    def debug(self):
        """The same kernel with every access checked and NaNs trapped, and with lines; slow."""
        product = self._product.again() if self._product.again is not None else self._product
        fastmath, exact, _ = self._flags
        return Kernel(product, fastmath=fastmath, exact=exact, debug=True)

    # ---- calls

    def __call__(self, *inputs, out=None, where=None, timeout=None):
        """Element by element (gufuncs: for each of the loop dimensions), broadcast; inputs are remote or local arrays, numbers.

        out: an array that is written once the kernel has succeeded (gufuncs of several outputs: a tuple).  where: a mask;
        elsewhere nothing is computed, and a new result is zero.  timeout: seconds for the run on each piece.
        """
        if self.kind == "gufunc":
            if where is not None and where is not True:
                raise error("WRONG_TYPE", "gufuncs take no where: a result belongs to many elements")
            return self._map(inputs, out, None, timeout)
        self._expect("ufunc")
        session, inputs = self._ready(inputs, (out, where))
        native_out = out._handle if isinstance(out, Array) else None
        if out is not None and native_out is None and not isinstance(out, np.ndarray):
            raise error("WRONG_TYPE", f"out must be an array, not {type(out).__name__}")
        mask = _mask(where, session)
        handle = self._load(session).call(inputs, native_out, None if mask is None else mask._handle, _seconds(timeout))
        return out if handle is None else deliver(wrap(handle), out, mask)

    def map(self, *inputs, out=None, out_dtype=None, halo=None, timeout=None):
        """Piece and array kernels: once over each piece of the first distributed input; others are cut likewise where they
        have its extent, else whole.

        out: what comes out, or a list of it: dtypes (the shape is the first input's), pairs of shape and dtype, or remote
        arrays.  One output gives an array, several a tuple.  halo: how many elements of the neighbouring pieces an array
        kernel may read, for each axis of the inputs or, a number, for all.  timeout: seconds for the run on each piece.
        """
        self._expect("piece", "array")
        if out is not None and out_dtype is not None:
            raise error("INVALID_ARGUMENT", "give either out or out_dtype")
        return self._map(inputs, out_dtype if out is None else out, halo, timeout)

    def _map(self, inputs, out, halo, timeout):
        outs, given = outs_of(out)
        session, inputs = self._ready(inputs, [x for x in given if isinstance(x, Array)])
        results = len(outs) if outs else max(self.nout, 1)
        widths = None if halo is None else _widths(halo, inputs[0])
        handles = self._load(session).map(inputs, outs, results, widths, _seconds(timeout))
        return one_or_tuple([given[i] if handle is None else deliver(wrap(handle), given[i] if given else None)
                             for i, handle in enumerate(handles)])

    def reduce(self, a, *more, axis=0, keepdims=False, timeout=None):
        """Reductions, and ufuncs of two inputs with one dtype (taken to be associative): along axis, a number, a tuple, or
        None for all.  By a fixed tree: the same bits whatever the number of engines and threads.

        more: what else a step takes of each element, arrays of the same shape.
        """
        arrays, session = self._arrays((a, *more))
        axes = () if axis in (0, -1) and arrays[0].ndim == 0 else normalize_axes(axis, arrays[0].ndim)
        return wrap(self._load(session).reduce(tuple(x._handle for x in arrays), axes, bool(keepdims), _seconds(timeout)))

    def accumulate(self, a, *more, axis=0, timeout=None):
        """The same kernels: running results along axis, strictly from the first element to the last."""
        arrays, session = self._arrays((a, *more))
        axis = normalize_axis(axis, arrays[0].ndim)
        return wrap(self._load(session).accumulate(tuple(x._handle for x in arrays), axis, _seconds(timeout)))

    def outer(self, a, b, *, timeout=None):
        """Ufuncs of two inputs: every element of a with every element of b; the result has a's axes, then b's."""
        self._expect("ufunc")
        session, inputs = self._ready((a, b), ())
        return wrap(self._load(session).outer(inputs, _seconds(timeout)))

    # ---- inside

    def _expect(self, *kinds):
        if self.kind not in kinds:
            raise error("WRONG_TYPE", f"{self.__name__} is a kernel of kind {self.kind}, which is called as {_HOW[self.kind]}")

    def _ready(self, inputs, others):
        """The session, and inputs as the extension takes them, one of them a remote array."""
        if not inputs:
            raise error("WRONG_TYPE", "a kernel takes at least one input")
        session = _session_of((*inputs, *others))
        if not any(isinstance(x, Array) for x in (*inputs, *others)):
            inputs = self._with_one_remote(inputs, session)
        return session, tuple(to_native(x) for x in inputs)

    def _with_one_remote(self, inputs, session):
        """All inputs are local: the largest goes to the engines, and the others follow it."""
        arrays = [np.asarray(x) for x in inputs]
        largest = max(range(len(arrays)), key=lambda i: arrays[i].size)
        local = arrays[largest]
        known = self._info["in"]
        if type(inputs[largest]) in (int, float, complex) and largest < len(known) and known[largest]:
            local = local.astype(dtype_of(known[largest]))
        inputs = list(inputs)
        inputs[largest] = _scattered(local, session)
        return tuple(inputs)

    def _arrays(self, inputs):
        """(remote arrays, session) of inputs that must be arrays."""
        session = _session_of(inputs)
        return [x if isinstance(x, Array) else _scattered(np.asarray(x), session) for x in inputs], session

    def _load(self, session, force=False):
        native = self._loaded.get(session._native)
        if native is None:
            known = self._product
            self._loaded = {session: kernel for session, kernel in self._loaded.items() if not session.closed}
            native = self._loaded[session._native] = session._native.kernel_load(
                known.code, known.entry, known.signature, known.kind, known.layout, known.state_bytes, *self._flags, force)
        return native


def _rebuild(code, entry, signature, kind, layout, size, flags):
    """Unpickle: the same code, in this process's default session."""
    from .producers import Product

    fastmath, exact, debug = flags
    return Kernel(Product(code, entry, signature, kind, layout, size), fastmath=fastmath, exact=exact, debug=debug)


def published(native):
    """A kernel that another session has published, from its native handle."""
    return _rebuild(*native.source())


def _session_of(inputs):
    for x in inputs:
        if isinstance(x, Array):
            return Session(x._handle.session)
    return current()


def _scattered(local, session):
    code_of(local.dtype)
    return wrap(session._native.scatter(local, 0 if local.ndim else None, 0, None))


def _mask(where, session):
    if where is None or where is True:
        return None
    mask = where if isinstance(where, Array) else np.asarray(where)
    if mask.dtype != np.bool_:
        raise error("WRONG_TYPE", f"where must be an array of bool, not {mask.dtype}")
    return mask if isinstance(mask, Array) else wrap(session._native.scatter(mask, None, 0, None))


def _widths(halo, first):
    """halo for each axis of the first input, which is as the extension takes it."""
    ndim = len(first.describe()[1]) if hasattr(first, "describe") else np.ndim(first)
    if not isinstance(halo, (tuple, list)):
        return (operator.index(halo),) * ndim
    if len(halo) != ndim:
        raise error("INVALID_ARGUMENT", f"halo has {len(halo)} widths, the first input {ndim} axes")
    return tuple(operator.index(width) for width in halo)


def _seconds(timeout):
    return _DEFAULT_TIMEOUT if timeout is None else float(timeout)
