"""The table of functions: which functions of NumPy there are, and what becomes of each when it meets a remote array.

The rows stand in functions.def, where their kinds are explained.  Reading it takes a millisecond; modules of implementations
are imported when the first of their functions is asked for.
"""
import functools
import importlib
import os
import re
import warnings
from dataclasses import dataclass

import numpy as np

NATIVE_KINDS = ("METADATA", "VIEW", "UFUNC", "REDUCTION", "NATIVE", "FILE")
_ROW = re.compile(r'^([A-Z]+)\("([^"]*)"(?:, "([^"]*)")?\)$', re.M)


@dataclass(frozen=True)
class Row:
    """name: below numpy ("linalg.svd"); detail: the implementation, or what functions.def says for the kind."""

    kind: str
    name: str
    detail: str


@functools.lru_cache(maxsize=None)
def _all_rows():
    with open(os.path.join(os.path.dirname(__file__), "functions.def"), encoding="ascii") as file:
        return [Row(*found) for found in _ROW.findall(file.read())]


@functools.lru_cache(maxsize=None)
def rows():
    """name -> Row, in the table's order."""
    return {row.name: row for row in _all_rows() if row.kind not in ("STANDARD", "NUMPYS")}


@functools.lru_cache(maxsize=None)
def standard():
    """group -> names of the array API standard."""
    return {row.name: tuple(row.detail.split()) for row in _all_rows() if row.kind == "STANDARD"}


@functools.lru_cache(maxsize=None)
def same():
    """The names below numpy whose objects are taken as they are."""
    return frozenset(name for row in _all_rows() if row.kind == "NUMPYS" for name in row.detail.split())


def resolved(row):
    """The row that an alias stands for, else the row."""
    return rows()[row.detail] if row.kind == "ALIAS" else row


def numpys(name):
    """The object of that name in the NumPy that is here; None: it has none."""
    found = np
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


@functools.lru_cache(maxsize=None)
def _by_function():
    """Function of NumPy -> row; where two names are one function, the first row that is no alias."""
    found = {}
    for row in sorted(rows().values(), key=lambda row: row.kind == "ALIAS"):
        function = numpys(row.name)
        if function is not None and not isinstance(function, type):
            found.setdefault(function, row)
    return found


def row_of(function):
    """The row of a function of NumPy; None: there is none."""
    row = _by_function().get(function) or _row_by_module(function)
    return None if row is None else resolved(row)


def _row_by_module(function):
    """The row of a function in a module of NumPy that was not imported when the table was read (lib.recfunctions)."""
    name = f"{getattr(function, '__module__', None)}.{getattr(function, '__name__', None)}"
    row = rows().get(name.removeprefix("numpy."))
    return row if row is not None and numpys(row.name) is function else None


@functools.lru_cache(maxsize=None)
def implementation(row):
    """What is called in place of the row's function; None for functions that are not for remote arrays."""
    row = resolved(row)
    if row.kind == "HOSTED":
        from .hosted import Hosted

        return Hosted(row)
    if row.kind == "UFUNC":
        return getattr(np, row.name)
    if row.kind not in NATIVE_KINDS:
        return None
    module, _, name = row.detail.rpartition(".")
    return getattr(importlib.import_module(f"{__package__}.{module}"), name)


def _is_dispatched(function):
    """Does NumPy ask __array_ufunc__ or __array_function__ before it runs this?"""
    return isinstance(function, np.ufunc) or hasattr(function, "__wrapped__") or hasattr(function, "_implementation")


def _of_values(function):
    """NumPy's function, which gets the values of remote arrays."""
    from .masked import locally

    @functools.wraps(function)
    def local(*args, **keywords):
        return locally(function, args, keywords)

    return local


@functools.lru_cache(maxsize=None)
def public(name):
    """fh.NAME: NumPy's own function, which comes back to ours for remote arrays, or ours where NumPy cannot or has none."""
    row = rows()[name]
    target, function = resolved(row), numpys(name)
    if target.kind == "LOCAL" and target.detail.startswith("makes "):
        return _of_values(function)
    if target.kind in ("LOCAL", "NONE"):
        return function
    if target.detail.startswith(("creation.", "conversion.", "files.", "ranges.", "transforms.fftfreq", "transforms.rfftfreq")) or target.detail == "made" or not _is_dispatched(function):
        made = implementation(target)
        if not made.__doc__:
            made.__doc__ = getattr(function, "__doc__", None) or f"numpy.{name} over remote arrays, as in NumPy 2."
        return made
    return function


def _is_there(row):
    """Can it be had with the NumPy that is here?  Hosted functions are NumPy's own."""
    kind = resolved(row).kind
    return kind in NATIVE_KINDS or kind == "HOSTED" and numpys(row.name) is not None


class Namespace:
    """The names below a prefix ("linalg."), for a module's __getattr__ and __dir__."""

    def __init__(self, module, prefix=""):
        self.module, self.prefix = module, prefix

    def names(self):
        return [name[len(self.prefix):] for name, row in rows().items()
                if name.startswith(self.prefix) and "." not in name[len(self.prefix):] and _is_there(row)]

    def get(self, name):
        """The function, or NumPy's own object; AttributeError if there is none."""
        if self.prefix + name in same():
            return _own(self.module, self.prefix + name)
        row = rows().get(self.prefix + name)
        found = public(row.name) if row is not None and (_is_there(row) or row.kind == "LOCAL") else None
        if found is None:
            raise AttributeError(f"module {self.module!r} has no attribute {name!r}")
        return found


def _own(module, name):
    """NumPy's object of that name; a submodule is imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that NumPy has dropped, or will give another meaning
            owner, _, last = name.rpartition(".")
            owner = numpys(owner) if owner else np
            return getattr(owner, last) if hasattr(owner, last) else importlib.import_module(f"numpy.{name}")
    except ImportError:
        raise AttributeError(f"module {module!r} has no attribute {name!r}, nor has NumPy {np.__version__}") from None
