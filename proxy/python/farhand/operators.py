"""Python's operators on remote arrays, made from one table."""
import numbers

import numpy as np

from . import _native, masked
from .dtypes import is_other
from .ufuncs import call, is_operand

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "divmod": "divmod", "pow": "power", "lshift": "left_shift", "rshift": "right_shift",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}
_COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
_UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def _takes(self, other):
    """Foreign classes that say so, and those we do not know, get their turn; texts and dates are for arrays of such elements."""
    if is_operand(other):
        return getattr(other, "__array_ufunc__", True) is not None
    if not is_other(self.dtype):
        return False
    from .others import SCALARS

    return isinstance(other, SCALARS)


def _goes_first(self, other):
    """Does it, and is the other's class not to be asked first?"""
    return _takes(self, other) and not masked.takes_precedence(other)


def _binary(op):
    def method(self, other):
        return call(op, (self, other)) if _goes_first(self, other) else NotImplemented

    return method


def _kind(x):
    """What x is made of: S, U, "number", or something else (None)."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return dtype.kind if dtype.kind in "SU" else "number" if dtype.kind in "biufc" else None
    return "number" if isinstance(x, numbers.Number) else None


def _never_equal(x, other):
    """Text and numbers, or texts of two kinds?"""
    kinds = {_kind(x), _kind(other)}
    return len(kinds) == 2 and None not in kinds


def _comparison(op):
    """With None: no element is equal, as NumPy has it; there is no order.  Nor are arrays of numbers and of text equal, as in NumPy 2."""
    unequal = {"equal": False, "not_equal": True}.get(op)
    plain = _binary(op)

    def method(self, other):
        if unequal is not None and (other is None or _never_equal(self, other)):
            from .creation import full_like

            return full_like(self, unequal, bool, shape=np.broadcast_shapes(self.shape, getattr(other, "shape", ())))
        return plain(self, other)

    return method


def _reflected(op):
    def method(self, other):
        return call(op, (other, self)) if _takes(self, other) else NotImplemented

    return method


def _in_place(op):
    def method(self, other):
        if not _takes(self, other):
            return NotImplemented
        call(op, (self, other), out=(self,))
        return self

    return method


def _unary(op):
    def method(self):
        return call(op, (self,))

    return method


def _matmul(a, b):
    from .dispatch import find

    return find(np.matmul)(a, b)


_POWERS = {1: "positive", 2: "square", -1: "reciprocal", 0.5: "sqrt"}  # what NumPy's operator, not its ufunc, does instead


class Operators:
    """Mix-in: every operator is the ufunc of the same meaning."""

    __slots__ = ()

    def __pow__(self, other, modulus=None):
        if modulus is not None or not _goes_first(self, other):
            return NotImplemented
        kind = self.dtype.kind
        if type(other) in (int, float) and other in _POWERS and (kind in "fc" or (kind in "iu" and type(other) is int and other == 2)):
            return call(_POWERS[other], (self,))
        return call("power", (self, other))

    def __rmul__(self, other):
        if isinstance(other, np.matrix):
            return _matmul(other, self[None] if self.ndim < 2 else self)
        return call("multiply", (other, self)) if _takes(self, other) else NotImplemented

    def __rpow__(self, other, modulus=None):
        if modulus is not None or not _takes(self, other):
            return NotImplemented
        return call("power", (other, self))

    def __matmul__(self, other):
        return _matmul(self, other) if _goes_first(self, other) else NotImplemented

    def __rmatmul__(self, other):
        return _matmul(other, self) if _takes(self, other) else NotImplemented

    def __imatmul__(self, other):
        if not _takes(self, other):
            return NotImplemented
        self._assign(_matmul(self, other), "same_kind")
        return self


def _install():
    made = {}
    for name, op in _BINARY.items():
        made[f"__{name}__"] = _binary(op)
        made[f"__r{name}__"] = _reflected(op)
        if name != "divmod":
            made[f"__i{name}__"] = _in_place(op)
    for name, op in _COMPARISONS.items():
        made[f"__{name}__"] = _comparison(op)
    for name, op in _UNARY.items():
        made[f"__{name}__"] = _unary(op)
    for name, method in made.items():
        if name in vars(Operators):
            continue
        method.__name__ = name
        method.__qualname__ = f"Operators.{name}"
        setattr(Operators, name, method)


def _standard_division(swap):
    def method(self, other):
        from .array_api.elementwise import floor_divide

        if not (_takes if swap else _goes_first)(self, other):
            return NotImplemented
        return floor_divide(other, self) if swap else floor_divide(self, other)

    return method


def _standard_division_in_place(self, other):
    if not _takes(self, other):
        return NotImplemented
    self._assign(_standard_division(False)(self, other), "same_kind")
    return self


_DIVISION = {"__floordiv__": _standard_division(False), "__rfloordiv__": _standard_division(True), "__ifloordiv__": _standard_division_in_place}


def divide_as(rules):
    """What // of all arrays means from now on: see fh.config.floor_division."""
    from .array import Array

    if rules not in ("numpy", "standard"):
        raise ValueError(f'fh.config.floor_division is "numpy" or "standard", not {rules!r}')
    for name, method in _DIVISION.items():
        if rules == "standard":
            setattr(Array, name, method)
        elif name in vars(Array):
            delattr(Array, name)


_install()
_native.use_operators(Operators)  # which calls these for everything but remote arrays and numbers
