"""Python functions, and what Numba's decorators make of them: compiled anew for the engines, unoptimised.

Numba is only imported when it is asked for.  The engines optimise, each for its own CPU.  (Functions that a decorated function
calls and that Numba has compiled before come as it has optimised them, for this machine's CPU; they work all the same.)
"""
import inspect
import re
import sys
from dataclasses import dataclass, field

import numpy as np

from ..errors import error, not_supported
from . import Product, numba_ir
from .signatures import core_ndims, parse

_ARRAY_OPTIONS = ("error_model", "fastmath", "boundscheck")  # of those that Numba's decorators take


def is_numba_object(x):
    """Was x made by one of Numba's decorators?  Does not import Numba."""
    return "numba" in sys.modules and type(x).__module__.split(".")[0] == "numba"


def _numba():
    try:
        import numba
    except ImportError as problem:
        raise error("KERNEL_ERROR", "compiling a Python function needs Numba (python3-numba), which is not installed; "
                                    "fh.kernel.from_c and bitcode files work without it") from problem
    return numba


# ---- what is to be compiled

@dataclass
class _Wanted:
    """A function, for these types, in this way."""

    function: object
    arguments: tuple  # Numba's types
    result: object  # Numba's type; None: what the function gives
    layout: str = None
    options: dict = field(default_factory=lambda: {"error_model": "numpy"})


def _type(text):
    """Numba's type of what stands in a signature: "float64", "float64*", "float64[:,:]"."""
    types = _numba().types
    found = re.fullmatch(r"\s*(?:CPointer\(\s*(\w+)\s*\)|(\w+)\s*(\*|\[[\s:,0-9]*\])?)\s*", text)
    if not found:
        raise error("INVALID_ARGUMENT", f"signature: {text!r} is no type; types read like float64, float64* and float64[:,:]")
    name, form = found.group(1) or found.group(2), "*" if found.group(1) else found.group(3)
    base = getattr(types, {"bool": "boolean"}.get(name, name), None)
    if not isinstance(base, types.Type):
        try:
            base = _numba().from_dtype(np.dtype(name))
        except (TypeError, NotImplementedError, _numba().core.errors.NumbaError):
            raise error("INVALID_ARGUMENT", f"signature: unknown type {text!r}") from None
    if form is None:
        return base
    return types.CPointer(base) if form == "*" else _any_layout(types.Array(base, form.count(":"), "A"))


def _any_layout(kind):
    """Arrays of any strides: what engines pass.  Other types as they are."""
    types = _numba().types
    return types.Array(kind.dtype, kind.ndim, "A") if isinstance(kind, types.Array) else kind


def _types_of(signature):
    """(argument types, result type or None) of what people and Numba call a signature."""
    types = _numba().types
    if isinstance(signature, str):
        result, arguments = parse(signature)
        return tuple(_type(text) for text in arguments), None if result is None else _type(result)
    if hasattr(signature, "args"):
        return tuple(_any_layout(kind) for kind in signature.args), signature.return_type
    if isinstance(signature, tuple) and all(isinstance(kind, types.Type) for kind in signature):
        return tuple(_any_layout(kind) for kind in signature), None
    raise error("WRONG_TYPE", f"a signature is text such as float64(float64, float64), not {type(signature).__name__}")


def _choose(name, signature, known):
    """The wanted signature, or the only one that the object has been compiled for."""
    if signature is not None:
        return _types_of(signature)
    known = list(known)
    if len(known) == 1:
        return _types_of(known[0])
    listed = ", ".join(str(each).replace(" -> ", " gives ") for each in known)
    raise error("WRONG_TYPE", f"{name} has been compiled for {listed or 'no types yet'}: say which are meant, "
                              'signature="float64(float64)"')


def _kept(options, error_model):
    """Of a decorator's options those that change results."""
    kept = {key: options[key] for key in _ARRAY_OPTIONS if options.get(key) is not None}
    return {"error_model": error_model, **kept}


def _from_dispatcher(source, signature):
    arguments, result = _choose(source.__name__, signature, source.nopython_signatures)
    return _Wanted(source.py_func, arguments, result, options=_kept(source.targetoptions, "python"))


def _from_cfunc(source, signature):
    arguments, result = _choose(source.__name__, signature, [source._sig])
    return _Wanted(source._pyfunc, arguments, result, options=_kept(source._compiler.targetoptions, "python"))


def _from_vectorize(source, signature):
    inner = source._dispatcher
    arguments, result = _choose(source.__name__, signature, inner.overloads)
    return _Wanted(inner.py_func, arguments, result, options=_kept(inner.targetoptions, "numpy"))


def _from_guvectorize(source, signature):
    builder = source.gufunc_builder
    arguments, result = _choose(builder.py_func.__name__, signature, builder._sigs)
    return _Wanted(builder.py_func, arguments, result, builder.signature, _kept(builder.targetoptions, "numpy"))


_READERS = {"DUFunc": _from_vectorize, "GUFunc": _from_guvectorize, "CFunc": _from_cfunc, "CPUDispatcher": _from_dispatcher,
            "Dispatcher": _from_dispatcher}


def _wanted(source, signature):
    if is_numba_object(source):
        reader = _READERS.get(type(source).__name__)
        if reader is None:
            raise not_supported(f"a kernel from numba's {type(source).__name__} is not built yet: give its Python function")
        try:
            return reader(source, signature)
        except AttributeError as problem:
            raise not_supported(f"this version of Numba keeps a {type(source).__name__} in another way ({problem}): give its "
                                "Python function") from problem
    if signature is None:
        raise error("WRONG_TYPE", 'a Python function needs a signature: fh.kernel(f, signature="float64(float64)")')
    arguments, result = _types_of(signature)
    return _Wanted(source, arguments, result)


# ---- compiling

class _unoptimised:
    """While this is entered, Numba links its modules but leaves them as they are.

    What it would do fixes vector widths for this machine's CPU.  Where Numba has no such method the module comes
    optimised, and works all the same.
    """

    def __enter__(self):
        from numba.core import codegen, compiler_lock

        self._lock = compiler_lock.global_compiler_lock
        self._lock.__enter__()
        self._class = codegen.CPUCodeLibrary
        self._method = vars(self._class).get("_optimize_final_module")
        if self._method is not None:
            self._class._optimize_final_module = lambda library: None

    def __exit__(self, *exception):
        if self._method is not None:
            self._class._optimize_final_module = self._method
        self._lock.__exit__(*exception)


class Native:
    """A function that Numba has compiled: its module, its name there, what it takes and gives."""

    def __init__(self, wanted, name, debug=False):
        numba = _numba()
        signature = wanted.arguments if wanted.result is None else wanted.result(*wanted.arguments)
        try:
            with _unoptimised():
                compiled = numba.njit(signature, no_cpython_wrapper=True, no_cfunc_wrapper=True, debug=debug,
                                      **wanted.options)(wanted.function)
                made = next(iter(compiled.overloads.values()))
                code = made.library._final_module.as_bitcode()
        except numba.core.errors.NumbaError as problem:
            raise error("KERNEL_ERROR", f"Numba cannot compile {wanted.function.__name__}: {problem}") from problem
        except TypeError as problem:
            raise error("KERNEL_ERROR", f"{wanted.function.__name__} does not go with its signature: {problem}") from problem
        self.signature = made.signature
        self.result = _result_type(made)
        self.name = name
        self.module = _tidied(code, made.fndesc.llvm_func_name, name, wanted.function.__name__)
        self.raises = _may_raise(self.module, name)

    def add(self, text):
        """Link one more function, given as text, into the module."""
        import llvmlite.binding as llvm

        self.module.link_in(llvm.parse_assembly(text))


def _result_type(made):
    """The IR type in which Numba returns the result; None for no result."""
    types = _numba().types
    kind = made.signature.return_type
    if kind in (types.none, types.void):
        return None
    return str(made.target_context.data_model_manager[kind].get_return_type())


def _native_name(name):
    """What engines know for a function with Numba's convention."""
    name = numba_ir.public_name(name)
    return f"_ZN{len(name)}{name}E"


def _tidied(code, old, new, called):
    """The module with names that are the same each time: Numba's have counters and addresses in them, and a kernel's
    hash is to be that of its code.  Nothing is counted: the arrays are not Numba's.
    """
    import llvmlite.binding as llvm

    module = llvm.parse_bitcode(code)
    if any(function.name.startswith("NRT_") for function in module.functions):
        text = re.sub(r"^define [^\n]*@NRT_(incref|decref)\([^\n]*\{\n.*?^\}", _empty_function, str(module), flags=re.S | re.M)
        used = re.search(r"call [^\n]*@(NRT_(?!incref|decref)\w+)", text)
        if used:
            raise error("KERNEL_ERROR", f"{called} makes an array ({used.group(1)}): kernels cannot allocate memory")
        module = llvm.parse_assembly(text)
    for i, item in enumerate([item for item in module.global_variables if not item.name.startswith("llvm.")]):
        item.name = f"{new}.data.{i}"
    for i, function in enumerate([item for item in module.functions if not item.is_declaration]):
        function.name = new if function.name == old else f"{new}.part.{i}"
    return module


def _empty_function(found):
    opaque = "ptr" in found.group().split("{", 1)[0]
    return f"define linkonce_odr void @NRT_{found.group(1)}({'ptr' if opaque else 'i8*'} %p) {{\n  ret void\n}}"


def _may_raise(module, name):
    """Is there a way for the function to give a status other than 0?  (Numba returns constants, or a phi of constants.)"""
    text = str(module.get_function(name))
    returned = re.findall(r"ret i32 ([^\s,]+)", text)
    return any(value != "0" for value in returned) or not returned


# ---- kernels

def compile_function(source, signature=None, kind=None, layout=None, *, debug=False):
    """A Product of a Python function or of an object of Numba's."""
    wanted = _wanted(source, signature)
    layout = layout or wanted.layout

    def again():
        return compile_function(source, signature, kind, layout, debug=True)

    types = _numba().types
    name = wanted.function.__name__
    arrays = any(isinstance(argument, types.Array) for argument in wanted.arguments)
    if arrays or layout:
        return _array_kernel(wanted, kind, layout, debug, again)
    pointers = any(isinstance(argument, types.CPointer) for argument in wanted.arguments)
    native = Native(wanted, _native_name(name), debug)
    entry = native.name
    if pointers or not native.raises:
        entry = numba_ir.public_name(name, {function.name for function in native.module.functions})
        native.add(numba_ir.trapping(native.module, native.name, entry, native.result))
    return Product(native.module.as_bitcode(), entry, _text(native.signature), kind, function=wanted.function, again=again)


def _name_of(kind):
    """A Numba type as signatures name it."""
    types = _numba().types
    if isinstance(kind, types.CPointer):
        return f"{_name_of(kind.dtype)}*"
    if isinstance(kind, types.Array):
        return _name_of(kind.dtype) + f"[{','.join(':' * kind.ndim)}]"
    if kind in (types.none, types.void):
        return "void"
    return "bool" if kind == types.boolean else str(kind)


def _text(signature):
    return f"{_name_of(signature.return_type)}({', '.join(_name_of(kind) for kind in signature.args)})"


def _itemsize(kind):
    dtype = kind.dtype if isinstance(kind, _numba().types.Array) else kind
    return _numba().np.numpy_support.as_dtype(dtype).itemsize


def _array_kernel(wanted, kind, layout, debug, again):
    """Of arrays, with core dimensions (a gufunc) or without."""
    types = _numba().types
    operands = len(wanted.arguments)
    name = wanted.function.__name__
    cores = core_ndims(layout) if layout else [getattr(argument, "ndim", 0) for argument in wanted.arguments]
    if len(cores) != operands:
        raise error("INVALID_ARGUMENT", f"the layout {layout} has {len(cores)} operands, the signature {operands}")
    parameters = list(inspect.signature(wanted.function).parameters)
    with_halo = not layout and len(parameters) == operands + 1 and parameters[-1] == "halo"
    if with_halo:
        wanted.arguments = (*wanted.arguments, types.Array(types.int64, 3, "A"))
    native = Native(wanted, _native_name(name), debug)
    shown, unpacked = [], []
    for argument, core in zip(wanted.arguments, cores):
        ndim = argument.ndim if isinstance(argument, types.Array) else None
        if (ndim or 0) != core and not (core == 0 and ndim == 1):
            raise error("INVALID_ARGUMENT", f"an operand with {core} core dimensions in {layout} cannot be {argument}")
        dtype = _name_of(argument.dtype if ndim else argument)
        shown.append(dtype + (f"[{','.join(':' * core)}]" if core else ""))
        unpacked.append((ndim, core, _itemsize(argument)))
    entry = numba_ir.public_name(name, {function.name for function in native.module.functions})
    native.add(numba_ir.over_arrays(native.module, native.name, entry, unpacked, native.result, with_halo))
    return Product(native.module.as_bitcode(), entry, f"void({', '.join(shown)})", kind or ("gufunc" if layout else "array"),
                   layout, function=wanted.function, again=again)
