"""Floating-point exceptions of the engines' operations, as numpy.errstate wants them treated.

An operation is asked with the errstate that is in force when it is called, and comes back to it when a value that depends on
it is read: warnings point at the line that called the operation.
"""
import functools
import os
import sys
import warnings

import numpy as np

from . import _native

_KINDS = ((1, "divide by zero"), (2, "overflow"), (4, "underflow"), (8, "invalid value"))
_IGNORE, _WARN, _RAISE, _CALL, _PRINT, _LOG = range(6)
_MODES = ("ignore", "warn", "raise", "call", "print", "log")


# Files that are not the caller's: ours, NumPy's, and what NumPy 1 puts between functions and those who dispatch them.
_INSIDE = (os.path.join(os.path.dirname(__file__), ""), os.path.join(os.path.dirname(np.__file__), ""), "<__array_function__")


def _token_and_decode():
    """A quick function that tells errstates apart, and one that says what the present one is: modes, call-back."""
    if hasattr(np, "geterrobj"):  # NumPy 1: it is both
        return np.geterrobj, lambda: tuple(np.geterrobj()[1:])

    def decode():
        state = np.geterr()
        modes = sum(_MODES.index(state[kind]) << 3 * i for i, kind in enumerate(("divide", "over", "under", "invalid")))
        return modes, np.geterrcall()

    variable = getattr(np._core.umath, "_extobj_contextvar", None)
    return (variable.get if variable is not None else object), decode  # object: never the same twice


def silent(function):
    """For functions that NumPy computes without looking at floating-point flags, whatever the errstate."""
    @functools.wraps(function)
    def unwatched(*arguments, **keywords):
        with np.errstate(all="ignore"):
            return function(*arguments, **keywords)

    return unwatched


def _dot_tells():
    told = []
    with np.errstate(all="call", call=lambda kind, flag: told.append(kind)):
        np.dot(np.full(2, 1e200), np.full(2, 1e200))
    return bool(told)


def silent_as_dot(function):
    """For products that NumPy 1 computes without looking at floating-point flags; NumPy 2 looks."""
    return function if _DOT_TELLS else silent(function)


_DOT_TELLS = _dot_tells()


def _numpys_name(op):
    """What NumPy calls the operation in its warnings."""
    found = getattr(np, op, None)
    return found.__name__ if isinstance(found, np.ufunc) else op


def warn(text, category=RuntimeWarning):
    """warnings.warn at the line that called what is inside."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def _registry(module):
    return vars(sys.modules[module]).setdefault("__warningregistry__", {}) if module in sys.modules else None


def _report(rows):
    """Treat what operations have raised; rows as the extension makes them, None for what is not known any more."""
    failure = None
    for op, flags, modes, callback, code, line, module in filter(None, rows):
        for i, (flag, kind) in enumerate(_KINDS):
            mode = modes >> 3 * i & 7
            text = f"{kind} encountered in {_numpys_name(op)}"
            if not flags & flag or mode == _IGNORE:
                continue
            if mode == _WARN:
                warnings.warn_explicit(text, RuntimeWarning, code.co_filename, line or 1, module, _registry(module))
            elif mode == _RAISE:
                failure = failure or FloatingPointError(f"{text}, called in {code.co_filename}, line {line}")
            elif mode == _CALL and callback is not None:
                callback(kind, flags)
            elif mode == _PRINT:
                print(f"Warning: {text}", file=sys.stderr)
            elif mode == _LOG and callback is not None:
                callback.write(f"Warning: {text}\n")
    if failure is not None:
        raise failure


_native.use_errstate(*_token_and_decode(), _report, _INSIDE)
