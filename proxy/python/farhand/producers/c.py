"""C, by clang."""
import os
import re

from ..errors import error
from . import Product
from .tools import compiled, engines_llvm, find

_OLDEST = 13
# Types of C as signatures name them.  What is not here leaves the signature to the engines.
_TYPES = {
    "double": "float64", "float": "float32", "_Float16": "float16", "_Bool": "bool", "bool": "bool", "void": "void",
    "signed char": "int8", "unsigned char": "uint8", "short": "int16", "unsigned short": "uint16", "int": "int32",
    "unsigned": "uint32", "unsigned int": "uint32", "long": "int64", "unsigned long": "uint64", "long long": "int64",
    "unsigned long long": "uint64", "size_t": "uint64", "ptrdiff_t": "int64",
    **{f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"{base} {word}": name for word in ("_Complex", "complex") for base, name in (("double", "complex128"), ("float", "complex64"))},
    **{f"{word} {base}": name for word in ("_Complex", "complex") for base, name in (("double", "complex128"), ("float", "complex64"))},
}
_QUALIFIERS = {"const", "restrict", "volatile", "static", "inline", "__restrict", "extern"}
# A function's definition: result, name, parameters.
_FUNCTION = re.compile(r"(?:^|(?<=[;}]))\s*((?:\w+[\s*]+)+)(\w+)\s*\(([^()]*)\)\s*(?=\{)")


def find_clang(newest):
    """The newest clang whose bitcode an LLVM of version newest can read."""
    return find("FARHAND_CLANG", ("clang",), newest, _OLDEST, f"clang-{newest}")


def _include_folder():
    """Where farhand_kernel.h is: part of the package."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "include")
    if not os.path.exists(os.path.join(folder, "farhand_kernel.h")):
        raise error("KERNEL_ERROR", f"farhand_kernel.h is missing in {folder}: install farhand again")
    return folder


def compile_c(text, entry=None, signature=None, *, name="kernel.c", folders=()):
    """A Product.  Not optimised here: each engine does that for its own CPU.  With line tables, for the reports of faults."""
    command = [find_clang(engines_llvm()), "-x", "c", "-std=gnu11", "-include", "stdint.h", "-O2", "-Xclang",
               "-disable-llvm-passes", "-fno-math-errno", "-gline-tables-only", "-fdebug-compilation-dir=.",
               "-I", _include_folder(), *(option for folder in folders for option in ("-I", folder))]
    code = compiled(lambda folder, source, result: [*command, "-emit-llvm", "-c", source, "-o", result],
                    f'#line 1 "{name}"\n{text}', ".c")
    return Product(code, entry, signature or c_signature(text, entry))


def _type(text, with_name):
    """A parameter or result type as a signature names it; None if unknown."""
    pointers = text.count("*")
    words = [word for word in re.findall(r"\w+", text) if word not in _QUALIFIERS]
    for count in (len(words) - 1, len(words)) if with_name else (len(words),):
        name = _TYPES.get(" ".join(words[:count]))
        if name is not None and pointers < 2:
            return name + "*" * pointers
    return None


def c_signature(text, entry=None):
    """The signature of a function defined in C text; None if it is not plain enough to be read here, or says it itself.

    entry None: of the only function that others can see.
    """
    if "FH_SIGNATURE" in text:
        return None
    code = re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#[^\n]*", " ", text, flags=re.S | re.M)
    found = [(result, parameters) for result, name, parameters in _FUNCTION.findall(code)
             if (name == entry if entry else "static" not in result.split())]
    if len(found) != 1:
        return None
    result = _type(found[0][0], False)
    parameters = [_type(part, True) for part in found[0][1].split(",")]
    if result is None or None in parameters:
        return None
    return f"{result}({', '.join(parameters)})"
