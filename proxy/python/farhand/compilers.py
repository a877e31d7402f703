"""Bitcode from C (by clang) and from Python functions (by Numba); both are only looked for when they are asked for."""
import os
import re
import shutil
import subprocess

from .errors import error

_COMPILE_SECONDS = 60
_OLDEST_CLANG = 13
# Types of C as signatures name them.  What is not here leaves the signature to the engines.
_C_TYPES = {
    "double": "float64", "float": "float32", "_Float16": "float16", "_Bool": "bool", "bool": "bool", "void": "void",
    "signed char": "int8", "unsigned char": "uint8", "short": "int16", "unsigned short": "uint16", "int": "int32",
    "unsigned": "uint32", "unsigned int": "uint32", "long": "int64", "unsigned long": "uint64", "long long": "int64",
    "unsigned long long": "uint64", "size_t": "uint64", "ptrdiff_t": "int64",
    **{f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}

# A function's definition: result, name, parameters.
_C_FUNCTION = re.compile(r"(?:^|(?<=[;}]))\s*((?:\w+[\s*]+)+)(\w+)\s*\(([^()]*)\)\s*(?=\{)")


# ---- C

def _version(clang):
    """Major version of a clang; 0 if it does not run."""
    try:
        text = subprocess.run([clang, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"version (\d+)", text)
    return int(found.group(1)) if found else 0


def find_clang(newest):
    """The newest clang whose bitcode an LLVM of version newest can read."""
    chosen = os.environ.get("FARHAND_CLANG")
    if chosen:
        return chosen
    for major in range(newest, _OLDEST_CLANG - 1, -1):
        found = shutil.which(f"clang-{major}")
        if found:
            return found
    found = shutil.which("clang")
    if found and 0 < _version(found) <= newest:
        return found
    raise error("KERNEL_ERROR", f"no clang of version {newest} or older found, to compile C for the engines: install "
                                f"clang-{newest}, or set FARHAND_CLANG")


def _engines_llvm():
    """The oldest LLVM among the engines, as a major version."""
    from .session import current

    majors = [int(engine.llvm.split(".")[0]) for engine in current().engines if engine.llvm[:1].isdigit()]
    return min(majors, default=19)


def compile_c(text, entry, signature):
    """(bitcode, entry, signature or None)."""
    command = [find_clang(_engines_llvm()), "-x", "c", "-std=gnu11", "-include", "stdint.h", "-O2", "-Xclang",
               "-disable-llvm-passes", "-fno-math-errno", "-emit-llvm", "-c", "-", "-o", "-"]
    try:
        ran = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_COMPILE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise error("KERNEL_ERROR", f"{command[0]}: {problem}") from problem
    if ran.returncode:
        raise error("KERNEL_ERROR", f"{command[0]} refused the C text:\n{ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout, entry, signature or c_signature(text, entry)


def _c_type(text, with_name):
    """A parameter or result type as a signature names it; None if unknown."""
    pointers = text.count("*")
    words = [word for word in re.findall(r"\w+", text)
             if word not in ("const", "restrict", "volatile", "static", "inline", "__restrict", "extern")]
    for count in (len(words) - 1, len(words)) if with_name else (len(words),):
        name = _C_TYPES.get(" ".join(words[:count]))
        if name is not None and pointers < 2:
            return name + "*" * pointers
    return None


def c_signature(text, entry=None):
    """The signature of a function defined in C text; None if it is not plain enough to be read here.

    entry None: of the only function that others can see.
    """
    code = re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#[^\n]*", " ", text, flags=re.S | re.M)
    found = [(result, parameters) for result, name, parameters in _C_FUNCTION.findall(code)
             if (name == entry if entry else "static" not in result.split())]
    if len(found) != 1:
        return None
    result = _c_type(found[0][0], False)
    parameters = [_c_type(part, True) for part in found[0][1].split(",")]
    if result is None or None in parameters:
        return None
    return f"{result}({', '.join(parameters)})"


# ---- Numba

def parse_signature(signature):
    """"float64(float64, int32*)" to ("float64", ["float64", "int32*"])."""
    found = re.fullmatch(r"\s*(\w+)\s*\(([^()]*)\)\s*", signature)
    if not found:
        raise error("INVALID_ARGUMENT", f'a signature reads like "float64(float64, float64)", not {signature!r}')
    return found.group(1), [part.strip() for part in found.group(2).split(",") if part.strip()]


def _numba_type(types, text):
    name = text.rstrip("* ")
    base = getattr(types, {"bool": "boolean"}.get(name, name), None)
    if base is None:
        raise error("INVALID_ARGUMENT", f"signature: unknown type {text!r}")
    return types.CPointer(base) if "*" in text else base


def compile_numba(function, signature):
    """(bitcode, entry or None) of a Python function, unoptimised: each engine optimises for its own CPU."""
    result, parameters = parse_signature(signature)
    try:
        import numba
    except ImportError as problem:
        raise error("KERNEL_ERROR", "compiling a Python function needs Numba (python3-numba), which is not installed; "
                                    "fh.kernel.from_c and bitcode files work without it") from problem
    types = numba.types
    numba_signature = _numba_type(types, result)(*(_numba_type(types, text) for text in parameters))
    try:
        with _unoptimised():
            compiled = numba.cfunc(numba_signature, error_model="numpy")(function)
            module = compiled._library._final_module
            entry = None if result != "void" else _add_piece_entry(module, compiled._wrapper_name.removeprefix("cfunc."))
            return module.as_bitcode(), entry
    except numba.core.errors.NumbaError as problem:
        raise error("KERNEL_ERROR", f"Numba cannot compile {function.__name__}: {problem}") from problem


_PIECE_ENTRY = "farhand_piece"


def _add_piece_entry(module, native):
    """Add void f(pointers, n) around Numba's own i32 f(result*, exception**, pointers, n).

    What Numba makes for C returns a pointer in place of nothing.  A raised exception becomes a trap.
    """
    import llvmlite.binding as llvm

    types = [str(argument.type) for argument in module.get_function(native).arguments]
    cells = [kind[:-1] if kind.endswith("*") else kind for kind in types[:2]]
    values = ["%result", "%exception", *(f"%p{i}" for i in range(len(types) - 2))]
    arguments = ", ".join(f"{kind} {value}" for kind, value in zip(types, values))
    parameters = ", ".join(f"{kind} {value}" for kind, value in zip(types[2:], values[2:]))
    module.link_in(llvm.parse_assembly(f"""
        declare void @llvm.trap()
        declare i32 @"{native}"({', '.join(types)})
        define void @{_PIECE_ENTRY}({parameters}) {{
          %result = alloca {cells[0]}
          %exception = alloca {cells[1]}
          %status = call i32 @"{native}"({arguments})
          %failed = icmp ne i32 %status, 0
          br i1 %failed, label %raise, label %done
        raise:
          call void @llvm.trap()
          unreachable
        done:
          ret void
        }}"""))
    return _PIECE_ENTRY


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
