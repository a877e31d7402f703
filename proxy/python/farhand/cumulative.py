"""Running results and differences.  One element after the other: floating results have NumPy's bits for any pieces."""
import numpy as np

from .dtypes import NONE, code_of, integer_axis, normalize_axes, normalize_axis
from .errors import error
from .functions import diff
from .joining import _session_of, joined, remote
from .reductions import deliver
from .ufuncs import call

# NumPy's ufunc -> the operation; codecs/accumulations.def has the same ones.
OPERATIONS = ("add multiply maximum minimum fmax fmin logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor subtract "
              "true_divide hypot gcd lcm logaddexp logaddexp2").split()


def accumulate(a, axis=0, dtype=None, out=None, *, name):
    """ufunc.accumulate."""
    from .array import wrap

    if a.ndim == 0:
        raise error("WRONG_TYPE", "cannot accumulate on a scalar")
    return deliver(wrap(a._handle.accumulate(name, normalize_axis(integer_axis(axis), a.ndim), code_of(dtype) if dtype is not None else NONE)), out)


def _cumulate(a, name, axis, dtype, out):
    if axis is None or a.ndim == 0:
        if axis not in (None, 0, -1):
            normalize_axis(axis, 0)
        a, axis = a.ravel(), 0
    if dtype is None and out is not None:
        if not hasattr(out, "dtype"):
            raise error("WRONG_TYPE", "output must be an array")
        dtype = out.dtype
    return accumulate(a, axis, dtype, out, name=name)


def cumsum(a, axis=None, dtype=None, out=None):
    return _cumulate(a, "add", axis, dtype, out)


def cumprod(a, axis=None, dtype=None, out=None):
    return _cumulate(a, "multiply", axis, dtype, out)


def _replaced(a, value):
    return call("where", (call("isnan", (a,)), value, a)) if a.dtype.kind in "fc" else a


def nancumsum(a, axis=None, dtype=None, out=None):
    return cumsum(_replaced(a, 0), axis, dtype, out)


def nancumprod(a, axis=None, dtype=None, out=None):
    return cumprod(_replaced(a, 1), axis, dtype, out)


def ediff1d(ary, to_end=None, to_begin=None):
    session = _session_of([ary, to_end, to_begin])
    a = remote(ary, session).ravel()
    parts = [call("subtract", (a[1:], a[:-1]))]
    for x, name, at in ((to_begin, "to_begin", 0), (to_end, "to_end", 2)):
        if x is None:
            continue
        x = remote(x, session).ravel()
        if not np.can_cast(x.dtype, a.dtype, casting="same_kind"):
            raise error("WRONG_TYPE", f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule.")
        parts.insert(at, x.astype(a.dtype))
    return joined(parts) if len(parts) > 1 else parts[0]


# ---- gradients

def _spacings(varargs, axes, f):
    """For each axis a number, or the distances of its points as an array."""
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        return list(varargs) * len(axes)
    if len(varargs) != len(axes):
        raise error("WRONG_TYPE", "invalid number of arguments")
    found = []
    for x, axis in zip(varargs, axes):
        if np.ndim(x) == 0:
            found.append(x)
            continue
        if np.ndim(x) != 1:
            raise error("INVALID_ARGUMENT", "distances must be either scalars or 1d")
        if len(x) != f.shape[axis]:
            raise error("INVALID_ARGUMENT", "when 1d, distances must match the length of the corresponding dimension")
        x = np.asarray(x)
        steps = np.diff(x.astype(float) if x.dtype.kind in "iu" else x)
        found.append(steps[0] if len(steps) and (steps == steps[0]).all() else steps)
    return found


def _along(f, axis, start, stop):
    return f[(slice(None),) * axis + (slice(start, stop),)]


def _inner(f, axis, h):
    """Second order differences between neighbours."""
    left, middle, right = _along(f, axis, None, -2), _along(f, axis, 1, -1), _along(f, axis, 2, None)
    if np.ndim(h) == 0:
        return (right - left) / (2.0 * h)
    shape = (-1,) + (1,) * (f.ndim - axis - 1)
    h1, h2 = h[:-1], h[1:]
    a, b, c = (-h2 / (h1 * (h1 + h2))), ((h2 - h1) / (h1 * h2)), (h1 / (h2 * (h1 + h2)))
    return a.reshape(shape) * left + b.reshape(shape) * middle + c.reshape(shape) * right


def _edges(f, axis, h, order):
    """One-sided differences at both ends."""
    h1, h2 = (h, h) if np.ndim(h) == 0 else (h[0], h[-1])
    def at(i):
        return _along(f, axis, i, i + 1 or None)

    if order == 1:
        return (at(1) - at(0)) / h1, (at(-1) - at(-2)) / h2
    if np.ndim(h) == 0:
        first = (-1.5 / h, 2.0 / h, -0.5 / h)
        last = (0.5 / h, -2.0 / h, 1.5 / h)
    else:
        g1, g2 = h[0], h[1]
        first = (-(2.0 * g1 + g2) / (g1 * (g1 + g2)), (g1 + g2) / (g1 * g2), -g1 / (g2 * (g1 + g2)))
        g1, g2 = h[-2], h[-1]
        last = (g2 / (g1 * (g1 + g2)), -(g2 + g1) / (g1 * g2), (2.0 * g2 + g1) / (g2 * (g1 + g2)))
    return (first[0] * at(0) + first[1] * at(1) + first[2] * at(2),
            last[0] * at(-3) + last[1] * at(-2) + last[2] * at(-1))


def gradient(f, *varargs, axis=None, edge_order=1):
    f = remote(f, _session_of([f, *varargs]))
    axes = tuple(range(f.ndim)) if axis is None else normalize_axes(axis, f.ndim)
    spacings = _spacings(varargs, axes, f)
    if edge_order not in (1, 2):
        raise error("INVALID_ARGUMENT", "'edge_order' greater than 2 not supported")
    if f.dtype.kind in "iu":
        f = f.astype(float)
    results = []
    for k, h in zip(axes, spacings):
        if f.shape[k] < edge_order + 1:
            raise error("INVALID_ARGUMENT", "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) "
                                            "elements are required.")
        first, last = _edges(f, k, h, edge_order)
        parts = [first, _inner(f, k, h), last] if f.shape[k] > 2 else [first, last]
        results.append(joined(parts, k).astype(f.dtype))
    return results[0] if len(axes) == 1 else results


def unwrap(p, discont=None, axis=-1, *, period=2 * np.pi):
    axis = normalize_axis(axis, p.ndim)
    steps = diff(p, axis=axis)
    if discont is None:
        discont = period / 2
    dtype = np.result_type(steps.dtype, np.asarray(period).dtype if p.dtype.kind in "biu" else steps.dtype)
    exact = dtype.kind in "iu"
    high = period // 2 if exact else period / 2
    low = -high
    wrapped = call("remainder", (steps - low, period)) + low
    if not exact or period % 2 == 0:
        wrapped = call("where", ((wrapped == low) & (steps > 0), high, wrapped))
    correction = call("where", (call("absolute", (steps,)) < discont, 0, wrapped - steps))
    moved = (_along(p, axis, 1, None) + cumsum(correction, axis)).astype(dtype)
    return joined([_along(p, axis, None, 1).astype(dtype), moved], axis)
