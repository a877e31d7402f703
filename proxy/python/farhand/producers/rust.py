"""Rust, by rustc."""
import re

from . import Product
from .tools import compiled, engines_llvm, find

_OLDEST = 13
_TYPES = {"f16": "float16", "f32": "float32", "f64": "float64", "bool": "bool", "isize": "int64", "usize": "uint64",
          **{f"{letter}{bits}": f"{word}{bits}" for letter, word in (("i", "int"), ("u", "uint")) for bits in (8, 16, 32, 64)}}
_FUNCTION = re.compile(r'pub\s+(?:unsafe\s+)?extern\s+"C"\s+fn\s+(\w+)\s*\(([^()]*)\)\s*(?:->\s*([\w ]+?)\s*)?(?=\{)')


def compile_rust(text, entry=None, signature=None):
    """A Product of functions that are #[no_mangle] pub extern "C".

    Arithmetic wraps, as in a release build; a panic (an index out of bounds) is a fault of the kernel.
    """
    newest = engines_llvm()
    rustc = find("FARHAND_RUSTC", ("rustc",), newest, _OLDEST, f"a Rust whose rustc -vV says LLVM {newest} or older", ("-vV",))
    code = compiled(lambda folder, source, result: [
        rustc, "--crate-type=lib", "--crate-name=kernel", "--edition=2021", "--emit=llvm-bc", "-C", "opt-level=3", "-C",
        "no-prepopulate-passes", "-C", "panic=abort", "-C", "overflow-checks=off", "-C", "codegen-units=1", "-C",
        "debuginfo=line-tables-only", f"--remap-path-prefix={folder}=.", source, "-o", result], text, ".rs")
    return Product(code, entry, signature or rust_signature(text, entry))


def _type(text):
    found = re.fullmatch(r"(\*\s*(?:const|mut)\s+)?(\w+)", text.strip())
    name = _TYPES.get(found.group(2)) if found else None
    return None if name is None else name + ("*" if found.group(1) else "")


def rust_signature(text, entry=None):
    """The signature of a function of plain numbers and pointers to them; None: the engines find out."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    found = [(parameters, result) for name, parameters, result in _FUNCTION.findall(code) if entry in (None, name)]
    if len(found) != 1:
        return None
    parameters = [_type(part.partition(":")[2]) for part in found[0][0].split(",") if part.strip()]
    result = _type(found[0][1]) if found[0][1] else "void"
    if result is None or None in parameters:
        return None
    return f"{result}({', '.join(parameters)})"
