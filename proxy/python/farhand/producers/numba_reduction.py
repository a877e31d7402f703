"""A reduction kernel from Python functions: init, step, combine and finish, compiled by Numba into one module."""
import re

from ..errors import error
from . import Product, numba_ir
from .numba import Native, _itemsize, _native_name, _numba, _text, _type, _Wanted
from .signatures import parse


def parse_state(state):
    """"float64[3]" to ("float64", 3); "float64" to ("float64", 0), a number."""
    found = re.fullmatch(r"\s*(\w+)\s*(?:\[\s*(\d+)\s*\])?\s*", state if isinstance(state, str) else getattr(state, "name", ""))
    if not found or found.group(2) == "0":
        raise error("INVALID_ARGUMENT", f'a state reads like "float64" (a number) or "float64[3]" (three numbers), not {state!r}')
    return found.group(1), int(found.group(2) or 0)


def compile_reduction(init, step, combine, finish, signature, state, *, debug=False):
    """A Product.  signature: "R(T...)"; state: "float64", or "float64[3]" which functions get as a pointer; None: as R."""
    types = _numba().types
    result, inputs = parse(signature)
    if result is None:
        raise error("INVALID_ARGUMENT", f"the signature of a reduction says what it results in: float64{signature.strip()}")
    name, count = parse_state(state or result)
    value, taken, given = _type(name), tuple(_type(text) for text in inputs), _type(result)
    pointer, kept = (types.CPointer(value), types.void) if count else (value, value)
    into = (pointer,) if count else ()
    parts = {
        "init": (init, into, kept),
        "step": (step, (pointer, *taken), kept),
        "combine": (combine, (pointer, pointer), kept),
        "finish": (finish, (pointer,), given),
    }
    called = re.sub(r"_?step$", "", getattr(step, "__name__", "")) or "reduction"
    prefix = numba_ir.public_name(called)
    module = None
    for part, (function, arguments, returned) in parts.items():
        if function is None:
            continue
        native = _part(prefix, part, function, arguments, returned, debug)
        if module is None:
            module = native.module
        else:
            module.link_in(native.module)
    return Product(module.as_bitcode(), prefix, _text(given(*taken)), "reduction",
                   state_bytes=count * _itemsize(value), function=getattr(step, "py_func", step),
                   again=lambda: compile_reduction(init, step, combine, finish, signature, state, debug=True))


def _part(prefix, part, function, arguments, returned, debug):
    if not callable(function):
        if part != "init" or arguments:
            raise error("WRONG_TYPE", f"{part} must be a function, not {type(function).__name__}"
                                      f"{' (the state lies behind a pointer)' if arguments and part == 'init' else ''}")
        function = _constant(function)
    function = getattr(function, "py_func", function)
    native = Native(_Wanted(function, arguments, returned), _native_name(f"{prefix}_{part}"), debug)
    native.add(numba_ir.trapping(native.module, native.name, f"{prefix}_{part}", native.result))
    return native


def _constant(value):
    def init():
        return value

    return init
