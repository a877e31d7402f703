"""Arrays that begin on the engines as numbers at equal distances, and what is made of these: arange, linspace, eye, indices.

They are laid out as fh.empty does (axis, blocksize, engines); nothing is made in this process.
"""
import math
import operator

import numpy as np

from . import dates, shaping
from .array import Array, wrap
from .creation import empty
from .dtypes import code_of, is_held, shape_tuple
from .errors import error
from .joining import _session_of, remote
from .layouts import layout_axis, layout_blocksize
from .session import current
from .ufuncs import call


def _ramp(first_two, count, dtype, axis=0, blocksize=None, engines=None):
    """count numbers of the dtype (a number's, not bool) that go on as the first two begin."""
    session = current()
    if dtype.kind in "iu":
        integers, reals = tuple(_wrapped(x, dtype) for x in first_two), ()
    else:
        numbers = [complex(x) for x in np.array(first_two).astype(dtype)]
        integers, reals = (), tuple(part for x in numbers for part in (x.real, x.imag))
    return wrap(session._native.arange(code_of(dtype), integers, reals, count, layout_axis(axis, 1), layout_blocksize(blocksize),
                                       session.engine_ids(engines)))


def _wrapped(x, dtype):
    """An integer as 64 bits with a sign; the second of the two may be one beyond what the dtype holds."""
    x, info = int(x), np.iinfo(dtype)
    if not info.min - 1 <= x <= info.max + 1:
        raise error("OVERFLOW", f"{x} is out of bounds for {dtype}")
    return (x + 2**63) % 2**64 - 2**63


def _dtype_of(*numbers):
    return np.result_type(*(np.asarray(x).dtype for x in numbers))


def _count(start, stop, step):
    """How many elements from start up to stop there are, as NumPy counts."""
    span = stop - start
    length = span / step
    if isinstance(length, (complex, np.complexfloating)) and length.imag:
        return max(0, min(math.ceil(length.real), math.ceil(length.imag)))
    length = np.real(length)
    if length == 0 and span != 0:  # what is too little to be told, or a step without end
        return int(not np.signbit(length))
    if length != length:
        raise error("INVALID_ARGUMENT", "arange: cannot compute length")
    if length > 2**63 / 8:
        raise error("INVALID_ARGUMENT", "Maximum allowed size exceeded")
    return max(0, math.ceil(length))


def arange(start=None, stop=None, step=None, dtype=None, *, axis=0, blocksize=None, engines=None, device=None, like=None):
    """numpy.arange, on the engines."""
    dated = dtype is not None and np.dtype(dtype).kind in "Mm"
    if stop is None:
        if start is None:
            raise error("WRONG_TYPE", "arange() requires stop to be specified.")
        if dated and np.dtype(dtype).kind == "M":
            raise error("INVALID_ARGUMENT", "arange requires both a start and a stop for NumPy datetime64 ranges")
        start, stop = None, start
    start, step = 0 if start is None else start, 1 if step is None else step
    if dated:
        start, stop = (x if isinstance(x, (int, np.integer)) else np.asarray(x).astype(dtype)[()] for x in (start, stop))
        step = step if isinstance(step, (int, np.integer, np.timedelta64)) else np.timedelta64(step)
    if dated or any(np.asarray(x).dtype.kind in "Mm" for x in (start, stop, step)):
        first, last, each, found = dates.arange(start, stop, step, dtype)
        made = arange(first, last, each, np.int64, axis=axis, blocksize=blocksize, engines=engines).view(found)
        return made if dtype is None else made.astype(dtype, copy=False)
    if step == 0:
        raise ZeroDivisionError("division by zero")
    dtype = _dtype_of(start, stop, step) if dtype is None else np.dtype(dtype)
    if engines is None and not is_held(dtype):
        return np.arange(start, stop, step, dtype)
    if dtype.kind in "SUV":
        raise error("WRONG_TYPE", f"arange() not supported for inputs with DType {type(dtype)}.")
    count = _count(*(x.item() if isinstance(x, Array) else x for x in (start, stop, step)))
    if dtype.kind == "b":
        if count > 2:
            raise error("WRONG_TYPE", "no fill-function for data-type")
        return _ramp((int(start), int(start + step)), count, np.dtype(np.int64), axis, blocksize, engines).astype(bool)
    return _ramp((start, start + step), count, dtype, axis, blocksize, engines)


def _samples(num):
    num = operator.index(num)
    if num < 0:
        raise error("INVALID_ARGUMENT", f"Number of samples, {num}, must be non-negative.")
    return num


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, blocksize=None, engines=None, device=None):
    """numpy.linspace, on the engines; the samples are what is cut."""
    num = _samples(num)
    div = num - 1 if endpoint else num
    start, stop = (x if isinstance(x, Array) else np.asarray(x) for x in (start, stop))
    kind = np.result_type(*(x.dtype if x.dtype.kind in "fc" else np.float64 for x in (start, stop)))
    start, stop = start.astype(kind), stop.astype(kind)
    target = kind if dtype is None else np.dtype(dtype)
    delta = stop - start
    spread = (slice(None),) + (None,) * delta.ndim
    y = _ramp((0, 1), num, kind, 0 if axis is not None else None, blocksize, engines)[spread]
    step = np.nan
    if div > 0:
        step = delta / div
        stands = bool((step == 0).any())
        y = call("multiply", (call("true_divide", (y, div)), delta)) if stands else call("multiply", (y, step))
    else:
        y = call("multiply", (y, delta))
    y = call("add", (y, start))
    if endpoint and num > 1:
        y[-1] = stop
    if axis is not None and axis != 0:
        y = shaping.moveaxis(y, 0, axis)
    if target.kind in "iu":
        y = call("floor", (y,))
    y = y if y.dtype == target else y.astype(target)
    return (y, step) if retstep else y


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0, *, blocksize=None, engines=None):
    """numpy.logspace, on the engines."""
    y = linspace(start, stop, num, endpoint, axis=axis, blocksize=blocksize, engines=engines)
    result = call("power", (base, y))
    return result if dtype is None else result.astype(dtype, copy=False)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0, *, blocksize=None, engines=None):
    """numpy.geomspace, on the engines: equal ratios between two numbers (or local arrays of them)."""
    start, stop = np.asanyarray(start), np.asanyarray(stop)
    if (start == 0).any() or (stop == 0).any():
        raise error("INVALID_ARGUMENT", "Geometric sequence cannot include zero")
    kind = np.result_type(start, stop, float(_samples(num)), np.zeros((), dtype))
    target = kind if dtype is None else np.dtype(dtype)
    start, stop = start.astype(kind), stop.astype(kind)
    begin, end, sign = _positive(start.copy(), stop.copy(), kind)
    result = logspace(np.log10(begin), np.log10(end), num, endpoint, 10.0, kind, 0 if axis is not None else None,
                      blocksize=blocksize, engines=engines)
    if num > 0:
        result[0] = begin
        if num > 1 and endpoint:
            result[-1] = end
    result = call("multiply", (sign, result))
    if axis is not None and axis != 0:
        result = shaping.moveaxis(result, 0, axis)
    return result.astype(target, copy=False)


def _positive(start, stop, kind):
    """Both turned to where logarithms are plain, and the factor that turns back."""
    sign = np.ones(np.broadcast(start, stop).shape, kind)
    if kind.kind == "c":
        imaginary = (start.real == 0) & (stop.real == 0)
        start, stop = np.where(imaginary, start.imag, start), np.where(imaginary, stop.imag, stop)
        sign = np.where(imaginary, 1j, sign)
    negative = (np.sign(start) == -1) & (np.sign(stop) == -1)
    turn = np.where(negative, -1, 1).astype(kind)
    return (start * turn).astype(kind), (stop * turn).astype(kind), (sign * turn).astype(kind)


# ---- matrices

def _rows_and_columns(n, m, k, axis, blocksize, engines):
    """Numbers of rows as a column, and of columns less k as a row; the one along axis is cut."""
    n, m = operator.index(n), operator.index(n if m is None else m)
    if min(n, m) < 0:
        raise error("INVALID_ARGUMENT", "negative dimensions are not allowed")
    layouts = [{"axis": None, "engines": engines and engines[:1]}] * 2
    if axis is not None:
        layouts[layout_axis(axis, 2)] = {"axis": 0, "blocksize": blocksize, "engines": engines}
    k = max(-n, min(operator.index(k), m))  # beyond the corners nothing changes
    rows = _ramp((0, 1), n, np.dtype(np.int64), **layouts[0])
    columns = _ramp((-k, 1 - k), m, np.dtype(np.int64), **layouts[1])
    return rows[:, None], columns[None, :]


def eye(N, M=None, k=0, dtype=float, order="C", *, axis=0, blocksize=None, engines=None, device=None, like=None):
    """numpy.eye, on the engines."""
    return call("equal", _rows_and_columns(N, M, k, axis, blocksize, engines)).astype(float if dtype is None else dtype)


def identity(n, dtype=None, *, axis=0, blocksize=None, engines=None, like=None):
    """numpy.identity, on the engines."""
    return eye(n, dtype=dtype, axis=axis, blocksize=blocksize, engines=engines)


def tri(N, M=None, k=0, dtype=float, *, axis=0, blocksize=None, engines=None, like=None):
    """numpy.tri, on the engines."""
    return call("greater_equal", _rows_and_columns(N, M, k, axis, blocksize, engines)).astype(dtype)


def vander(x, N=None, increasing=False):
    """numpy.vander: powers of a vector as columns, each from the one before."""
    x = remote(x, _session_of([x]))
    if x.ndim != 1:
        raise error("INVALID_ARGUMENT", "x must be a one-dimensional array or sequence.")
    n = x.size if N is None else operator.index(N)
    from .creation import empty_like

    result = empty_like(x, np.promote_types(x.dtype, int), shape=(x.size, n))
    columns = result if increasing else result[:, ::-1]
    factor = x.astype(result.dtype, copy=False)
    power = None
    for j in range(n):
        columns[:, j] = 1 if power is None else power
        power = factor if power is None else call("multiply", (power, factor))
    return result


# ---- grids

def indices(dimensions, dtype=int, sparse=False, *, axis=None, blocksize=None, engines=None):
    """numpy.indices, on the engines; cut along the first dimension (axis 1 of the result) unless axis says otherwise."""
    dimensions = shape_tuple(dimensions if isinstance(dimensions, (tuple, list)) else (dimensions,))
    n = len(dimensions)
    ramps = [_ramp((0, 1), extent, np.dtype(dtype), None)[(None,) * i + (slice(None),) + (None,) * (n - i - 1)]
             for i, extent in enumerate(dimensions)]
    if sparse:
        return tuple(ramps)
    result = empty((n, *dimensions), dtype, axis=(1 if n else 0) if axis is None else axis, blocksize=blocksize, engines=engines)
    for i, ramp in enumerate(ramps):
        result[i] = ramp
    return result


def fromfunction(function, shape, *, dtype=float, like=None, axis=None, blocksize=None, engines=None, **keywords):
    """numpy.fromfunction: the function of remote arrays of indices."""
    return function(*indices(shape, dtype, axis=axis, blocksize=blocksize, engines=engines), **keywords)


def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """numpy.meshgrid: sparse and copy=False give views; else arrays that are cut along their first axis."""
    if indexing not in ("xy", "ij"):
        raise error("INVALID_ARGUMENT", "Valid values for `indexing` are 'xy' and 'ij'.")
    session = _session_of(xi)
    vectors = [remote(x, session).reshape((-1,)) for x in xi]
    n = len(vectors)
    order = list(range(n))
    if indexing == "xy" and n > 1:
        order[:2] = 1, 0  # which axis of the result each vector runs along
    spread = [x[(None,) * order[i] + (slice(None),) + (None,) * (n - order[i] - 1)] for i, x in enumerate(vectors)]
    if sparse:
        return [x.copy() for x in spread] if copy else spread
    shape = [0] * n
    for i, x in enumerate(vectors):
        shape[order[i]] = x.size
    wide = [shaping.spread(x, tuple(shape)) for x in spread]
    return [_filled(x) for x in wide] if copy else wide


def _filled(view):
    result = empty(view.shape, view.dtype)
    result[...] = view
    return result
