"""fh.kernel: kernels from bitcode, files, C, Rust, Fortran and Python functions."""
import os
from dataclasses import replace

from .errors import error
from .kernels import Kernel, state_bytes
from .producers import Product
from .producers.signatures import is_signature


def _of_bytes(code, entry, signature, kind, layout, state):
    return Product(bytes(code), entry, signature, kind, layout, state_bytes(state))


def _with(product, signature, kind, layout, state):
    """What the caller says goes before what the producer knows.  Signatures read from the text are those of numbers and
    pointers: reductions and gufuncs have others.
    """
    if kind not in (None, "ufunc", "piece") or layout:
        product = replace(product, signature=signature)
    return replace(product, kind=kind, layout=layout, state_bytes=state_bytes(state))


def _of_c(text, entry, signature, name=None, folder=None):
    from .producers.c import compile_c

    return compile_c(text, entry, signature, name=name or "kernel.c", folders=(folder,) if folder else ())


def _of_rust(text, entry, signature, name=None, folder=None):
    from .producers.rust import compile_rust

    return compile_rust(text, entry, signature)


def _of_fortran(text, entry, signature, name=None, folder=None):
    from .producers.fortran import compile_fortran

    return compile_fortran(text, entry, signature)


_BY_SUFFIX = {".c": _of_c, ".rs": _of_rust, ".f90": _of_fortran, ".f95": _of_fortran, ".f03": _of_fortran}


class _KernelMaker:
    """fh.kernel: see __call__, from_c, from_rust, from_fortran and reduction."""

    def __repr__(self):
        return "<fh.kernel: makes kernels from bitcode, files and functions; also .from_c, .from_rust, .from_fortran, .reduction>"

    def __call__(self, source, entry=None, *, signature=None, kind=None, layout=None, state=None, fastmath=False,
                 exact=False, debug=False, force=False):
        """A kernel from bitcode or IR (bytes), a file (.bc, .ll, .c, .rs, .f90), or a Python function or an object of
        Numba's (vectorize, guvectorize, njit, cfunc).  @fh.kernel("float64(float64, float64)") decorates a function.

        entry: the function; reductions: the common beginning of the functions' names.  signature: "float64(float64)".
        kind: "ufunc", "piece", "array", "gufunc", "reduction"; None: by the function's type and the other arguments.
        layout: core dimensions of a gufunc, "(m,k),(k,n)->(m,n)".  state: of a reduction, a number's dtype, "float64[3]" or
        bytes behind a pointer.  fastmath: floating-point arithmetic may be reordered.  exact: no vector versions of
        mathematical functions (which are within 4 units in the last place).  debug: check every access and trap NaNs; slow.
        force: also if the kernel has killed its runners before.
        """
        if signature is not None and not isinstance(signature, str) and isinstance(source, (bytes, bytearray, memoryview)):
            raise error("WRONG_TYPE", f"a signature is text, not {type(signature).__name__}")
        how = {"fastmath": fastmath, "exact": exact, "debug": debug, "force": force}
        if callable(source):
            return self._from_function(source, signature, kind, layout, how)
        if isinstance(source, (bytes, bytearray, memoryview)):
            return Kernel(_of_bytes(source, entry, signature, kind, layout, state), **how)
        if entry is None and is_signature(source):
            return lambda function: self._from_function(function, source, kind, layout, how)
        if isinstance(source, (str, os.PathLike)):
            return self._from_file(os.fspath(source), entry, signature, kind, layout, state, how)
        raise error("WRONG_TYPE", f"a kernel is made from bytes, a path or a function, not from {type(source).__name__}")

    @staticmethod
    def from_c(text, entry=None, *, signature=None, kind=None, layout=None, state=None, fastmath=False, exact=False,
               debug=False, force=False):
        """A kernel from C, compiled here by clang ($FARHAND_CLANG, else a version that the engines can read).

        The text may include <farhand_kernel.h>: fh_array for array kernels, FH_SIGNATURE, FH_STATE, farhand_progress.
        """
        return Kernel(_with(_of_c(text, entry, signature), signature, kind, layout, state), fastmath=fastmath, exact=exact,
                      debug=debug, force=force)

    @staticmethod
    def from_rust(text, entry=None, *, signature=None, kind=None, layout=None, state=None, fastmath=False, exact=False,
                  debug=False, force=False):
        """A kernel from Rust, compiled here by rustc ($FARHAND_RUSTC): #[no_mangle] pub extern "C" fn."""
        return Kernel(_with(_of_rust(text, entry, signature), signature, kind, layout, state), fastmath=fastmath, exact=exact,
                      debug=debug, force=force)

    @staticmethod
    def from_fortran(text, entry=None, *, signature=None, kind=None, layout=None, state=None, fastmath=False, exact=False,
                     debug=False, force=False):
        """A kernel from Fortran, compiled here by LLVM's flang ($FARHAND_FLANG): bind(C) procedures."""
        return Kernel(_with(_of_fortran(text, entry, signature), signature, kind, layout, state), fastmath=fastmath, exact=exact,
                      debug=debug, force=force)

    @staticmethod
    def reduction(init=None, step=None, combine=None, finish=None, *, signature, state=None, fastmath=False, exact=False,
                  debug=False, force=False):
        """A reduction kernel from Python functions, compiled by Numba.

        signature: "R(T...)", what it takes of each element and what it results in.  state: a dtype, S; then the functions are
        init() -> S (or a number), step(S, T...) -> S, combine(S, S) -> S, finish(S) -> R.  Or "float64[3]", three numbers that
        the functions get as a pointer: init(s), step(s, x...), combine(into, other), finish(s) -> R.  Without init the first
        element is the first state, without combine it is step, without finish the state is the result.
        """
        from .producers.numba_reduction import compile_reduction

        if not callable(step):
            raise error("WRONG_TYPE", "a reduction needs step: a function of the state and of an element of each input")
        return Kernel(compile_reduction(init, step, combine, finish, signature, state, debug=debug), fastmath=fastmath,
                      exact=exact, debug=debug, force=force)

    @staticmethod
    def _from_function(function, signature, kind, layout, how):
        from .producers.numba import compile_function

        return Kernel(compile_function(function, signature, kind, layout, debug=how["debug"]), **how)

    @staticmethod
    def _from_file(path, entry, signature, kind, layout, state, how):
        with open(path, "rb") as file:
            code = file.read()
        compiler = _BY_SUFFIX.get(os.path.splitext(path)[1].lower())
        if compiler is None:
            return Kernel(_of_bytes(code, entry, signature, kind, layout, state), **how)
        folder, name = os.path.split(os.path.abspath(path))
        try:
            text = code.decode()
        except UnicodeDecodeError as problem:
            raise error("INVALID_ARGUMENT", f"{path} is no UTF-8 text: {problem}") from problem
        return Kernel(_with(compiler(text, entry, signature, name, folder), signature, kind, layout, state), **how)


kernel = _KernelMaker()
