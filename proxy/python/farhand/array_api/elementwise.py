"""Functions of elements: each is the engines' operation of that meaning.  Binary ones take Python numbers on either side."""
from .. import elementwise
from .._native import ops
from ..joining import remote
from ..function_table import resolved, rows, standard
from ..ufuncs import call

__all__ = list(standard()["elementwise"])

_OWN = ("clip", "round", "real", "imag", "conj", "expm1", "floor_divide", "tanh")


def _make(name, op, inputs):
    if inputs == 1:
        def function(x, /):
            return call(op, (x,))
    else:
        def function(x1, x2, /):
            return call(op, (x1, x2))
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"As {name} of the standard."
    return function


_INPUTS = {name: inputs for name, inputs, _ in ops()}
for _name in __all__:
    if _name not in _OWN:
        _op = resolved(rows()[_name]).name
        globals()[_name] = _make(_name, _op, _INPUTS[_op])


def clip(x, /, min=None, max=None):
    """x between two bounds, of its own dtype."""
    if min is None and max is None:
        return x.copy()
    return elementwise.clip(x, *(bound if bound is None or not hasattr(bound, "dtype") else bound.astype(x.dtype, copy=False)
                                 for bound in (min, max)))


def round(x, /):
    """Nearest integer, halves to even."""
    return x.copy() if x.dtype.kind in "biu" else call("rint", (x,))


def real(x, /):
    return x.real


def imag(x, /):
    return x.imag


def conj(x, /):
    return x.conj()


def expm1(x, /):
    """exp(x) - 1, exact near 0; of complex infinities and NaN what exp says."""
    result = call("expm1", (x,))
    if x.dtype.kind != "c":
        return result
    result = call("where", (call("isfinite", (x,)), result, call("exp", (x,)) - 1))
    return call("where", (call("equal", (x, 0)), call("subtract", (x, x.real)), result))  # of -0 + 0j: 0 + 0j


def floor_divide(x1, x2, /):
    """Quotient rounded down; with infinities the standard's results, where // gives NumPy's."""
    result = call("floor_divide", (x1, x2))
    if result.dtype.kind != "f":
        return result
    infinite = call("logical_or", (call("isinf", (remote(x1, result._handle.session),)), call("isinf", (remote(x2, result._handle.session),))))
    return call("where", (infinite, call("floor", (call("true_divide", (x1, x2)),)), result))


def tanh(x, /):
    """Hyperbolic tangent.  Of an infinite real part and a finite imaginary one the result's zero has the imaginary part's sign, where
    C, and NumPy, give that of sin(2 imag(x))."""
    result = call("tanh", (x,))
    if result.dtype.kind != "c":
        return result
    limit = call("logical_and", (call("isinf", (x.real,)), call("isfinite", (x.imag,))))
    other = call("not_equal", (call("signbit", (result.imag,)), call("signbit", (x.imag,))))
    return call("where", (call("logical_and", (limit, other)), result.conj(), result))
