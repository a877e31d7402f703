"""Functions of elements that are made of the engines' operations."""
import operator

import numpy as np

from . import _native, joining, reductions
from .creation import empty_like
from .dtypes import is_other
from .errors import error
from .function_table import implementation, rows
from .ufuncs import call


def _remote(x, *others):
    """x as a remote array, in the session of the first one that is."""
    return joining.remote(x, joining._session_of([x, *others]))


def complex_of(real, imag):
    """real + imag * 1j without the product, in which an infinite part makes the other one NaN."""
    made = empty_like(real, np.result_type(real.dtype, np.complex64))
    made.real[...], made.imag[...] = real, imag
    return made


def where(condition, *choices):
    if not choices:
        from .selecting import nonzero

        return nonzero(condition)
    if len(choices) != 2:
        raise error("INVALID_ARGUMENT", "where takes a condition, and both or neither of x and y")
    if getattr(condition, "dtype", None) is not None and condition.dtype.kind in "iufc":
        condition = condition != 0
    result = _native.simple_ufunc("where", condition, *choices)
    return call("where", (condition, *choices)) if result is NotImplemented else result


def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **keywords):
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    target = None if out is None else (out,)
    if low is not None and high is not None:
        return call("clip", (a, low, high), target, **keywords)
    if low is not None:
        return call("maximum", (a, low), target, **keywords)
    if high is not None:
        return call("minimum", (a, high), target, **keywords)
    raise error("INVALID_ARGUMENT", "clip needs a lower or an upper bound")


def around(a, decimals=0, out=None):
    """As numpy.around: scaled, rounded half to even, scaled back."""
    target, decimals = None if out is None else (out,), operator.index(decimals)
    if a.dtype.kind in "biu":
        if decimals >= 0:
            return reductions.deliver(a.copy(), out)
        scale = 10 ** -decimals
        return reductions.deliver((call("rint", (a / scale,)) * scale).astype(a.dtype), out)
    if decimals == 0:
        return call("rint", (a,), target)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return call("true_divide", (call("rint", (a * scale,)), scale), target)
    return call("multiply", (call("rint", (a / scale,)), scale), target)


def copyto(dst, src, casting="same_kind", where=True):
    from .array import Array

    if not isinstance(dst, Array):
        np.copyto(dst, np.asarray(src), casting=casting, where=np.asarray(where) if where is not True else True)
    elif where is True:
        dst._assign(src, casting)
    elif is_other(dst.dtype) or is_other(getattr(src, "dtype", dst.dtype)):
        from .others import fitting

        dst._assign(call("where", (where, fitting(src, dst.dtype, casting), dst)), "no")
    else:
        call("positive" if dst.dtype.kind != "b" else "logical_or", (src,) if dst.dtype.kind != "b" else (src, False), (dst,),
             where, None, casting)


def real(val):
    return val.real


def imag(val):
    return val.imag


def iscomplex(x):
    return call("not_equal", (x.imag, 0))


def isreal(x):
    return call("equal", (x.imag, 0))


def _ordered(x):
    if x.dtype.kind == "c":
        raise error("WRONG_TYPE", f"This operation is not supported for {x.dtype} values because it would be ambiguous.")
    return x


def isposinf(x, out=None):
    return reductions.deliver(call("equal", (_ordered(x), np.inf)), out)


def isneginf(x, out=None):
    return reductions.deliver(call("equal", (_ordered(x), -np.inf)), out)


def fix(x, out=None):
    return call("trunc", (x,), None if out is None else (out,))


def angle(z, deg=False):
    result = call("arctan2", (z.imag, z.real))
    return call("degrees", (result,)) if deg else result


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    with np.errstate(invalid="ignore"):
        near = call("absolute", (call("subtract", (a, b)),)) <= atol + rtol * call("absolute", (_remote(b, a),))
    close = call("logical_or", (call("logical_and", (near, call("isfinite", (_remote(b, a),)))), call("equal", (a, b))))
    if equal_nan:
        both = call("logical_and", (call("isnan", (_remote(a, b),)), call("isnan", (_remote(b, a),))))
        close = call("logical_or", (close, both))
    return close


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return bool(isclose(a, b, rtol, atol, equal_nan).all())


def array_equal(a1, a2, equal_nan=False):
    if a1 is None or a2 is None:
        return False
    a, b = _remote(a1, a2), _remote(a2, a1)
    if a.shape != b.shape:
        return False
    equal = call("equal", (a, b))
    if equal_nan and a.dtype.kind in "fc" and b.dtype.kind in "fc":
        equal = call("logical_or", (equal, call("logical_and", (call("isnan", (a,)), call("isnan", (b,))))))
    return bool(equal.all())


def array_equiv(a1, a2):
    try:
        np.broadcast_shapes(np.shape(a1), np.shape(a2))
    except ValueError:
        return False
    return bool(call("equal", (a1, a2)).all())


def astype(x, dtype, /, *, copy=True, device=None):
    return x.astype(dtype, copy=copy)


def bitwise_count(x, out=None):
    """Ones among the bits of the magnitude, as numpy.bitwise_count: counted in pairs, nibbles, bytes."""
    if x.dtype.kind not in "iu":
        raise error("WRONG_TYPE", f"bitwise_count takes integers, not {x.dtype}")
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    bits = 8 * unsigned.itemsize
    rest = abs(x).astype(unsigned) if x.dtype.kind == "i" else x
    masks = {by: unsigned.type(sum(((1 << by) - 1) << at for at in range(0, bits, 2 * by))) for by in (1, 2, 4, 8, 16, 32) if by < bits}
    for by, mask in masks.items():
        rest = (rest & mask) + ((rest >> unsigned.type(by)) & mask)
    return reductions.deliver(rest.astype(np.uint8), out)


def sinc(x):
    scaled = call("multiply", (np.pi, call("where", (call("equal", (x, 0)), 1.0e-20, x))))
    return call("sin", (scaled,)) / scaled


def select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist):
        raise error("INVALID_ARGUMENT", "there must be as many choices as conditions")
    if not condlist:
        raise error("INVALID_ARGUMENT", "select needs at least one condition")
    condlist, choicelist = ([x if hasattr(x, "dtype") or np.ndim(x) == 0 else np.asarray(x) for x in given] for given in (condlist, choicelist))
    for condition in condlist:
        if getattr(condition, "dtype", np.dtype(type(condition))) != np.bool_:
            raise error("WRONG_TYPE", "the conditions of select are arrays of bool")
    dtype = np.result_type(*(getattr(choice, "dtype", choice) for choice in (*choicelist, default)))
    default = _remote(default, *condlist, *choicelist)
    shape = np.broadcast_shapes(*(np.shape(x) for x in (*condlist, *choicelist)))
    result = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1]):
        result = call("where", (condition, choice, result))
    return result.astype(dtype, copy=False) if result.shape == shape else implementation(rows()["broadcast_to"])(result, shape)


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    if x.dtype.kind == "c":
        parts = [nan_to_num(part, True, nan, posinf, neginf) for part in (x.real, x.imag)]
        result = complex_of(*parts)
        return result if copy else reductions.deliver(result, x)
    if x.dtype.kind != "f":
        return x.copy() if copy else x
    limits = np.finfo(x.dtype)
    result = call("where", (call("isnan", (x,)), nan, x))
    result = call("where", (call("equal", (x, np.inf)), float(limits.max) if posinf is None else posinf, result))
    result = call("where", (call("equal", (x, -np.inf)), float(limits.min) if neginf is None else neginf, result))
    return result if copy else reductions.deliver(result, x)


def real_if_close(a, tol=100):
    if a.dtype.kind != "c":
        return a
    limit = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return a.real if bool((abs(a.imag) < limit).all()) else a


def polyval(p, x):
    """Horner's scheme, each step over all elements."""
    coefficients = p if hasattr(p, "dtype") else np.asarray(p)
    result = call("multiply", (x, 0)) if hasattr(x, "_handle") else np.zeros_like(x)
    for i in range(coefficients.shape[0]):
        result = result * x + coefficients[i]
    return result
