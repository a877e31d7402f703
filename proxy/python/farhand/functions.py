"""NumPy's functions on remote arrays, for the table behind __array_function__."""
import numpy as np

from . import creation, joining, nanfunctions, reductions, shaping
from .dispatch import TABLE, implements
from .errors import error, not_supported
from .ufuncs import call

def _remote(x, *others):
    """x as a remote array, in the session of the first one that is."""
    return joining.remote(x, joining._session_of([x, *others]))


nanfunctions.register()

# Names under which the implementations need no more than their own module.
for _module, _names in {
    shaping: "transpose moveaxis rollaxis swapaxes expand_dims squeeze flip",
    joining: "concatenate stack vstack hstack dstack column_stack append array_split split vsplit hsplit dsplit "
             "broadcast_arrays roll rot90 tile pad",
    creation: "empty_like zeros_like ones_like full_like",
}.items():
    for _name in _names.split():
        TABLE[getattr(np, _name)] = getattr(_module, _name)


# ---- metadata

@implements(np.shape)
def shape(a):
    return a.shape


@implements(np.ndim)
def ndim(a):
    return a.ndim


@implements(np.size)
def size(a, axis=None):
    return a.size if axis is None else a.shape[axis]


@implements(np.iscomplexobj)
def iscomplexobj(x):
    return x.dtype.kind == "c"


@implements(np.isrealobj)
def isrealobj(x):
    return x.dtype.kind != "c"


def _dtype_of(x):
    from .array import Array

    return x.dtype if isinstance(x, Array) else x


@implements(np.result_type)
def result_type(*arrays_and_dtypes):
    return np.result_type(*(_dtype_of(x) for x in arrays_and_dtypes))


@implements(np.can_cast)
def can_cast(from_, to, casting="safe"):
    return np.can_cast(_dtype_of(from_), to, casting)


@implements(np.common_type)
def common_type(*arrays):
    return np.common_type(*(np.empty(0, x.dtype) for x in arrays))


# ---- shapes

@implements(np.reshape)
def reshape(a, newshape, order="C"):
    return shaping.reshape(a, newshape, order)


@implements(np.ravel)
def ravel(a, order="C"):
    return a.ravel(order)


@implements(np.broadcast_to)
def broadcast_to(array, shape, subok=False):
    return shaping.broadcast_to(array, shape)


@implements(np.fliplr)
def fliplr(m):
    return shaping.flip(m, 1)


@implements(np.flipud)
def flipud(m):
    return shaping.flip(m, 0)


def _at_least(ndim):
    def function(*arrays):
        result = [shaping.at_least(_remote(x, *arrays), ndim) for x in arrays]
        return result[0] if len(result) == 1 else result

    return function


for _ndim, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    TABLE[_function] = _at_least(_ndim)


# ---- reductions

def _method(name):
    def function(a, *arguments, **keywords):
        return getattr(a, name)(*arguments, **keywords)

    function.__name__ = name
    return function


for _name in "sum prod min max amin amax any all mean var std argmin argmax ptp copy".split():
    TABLE[getattr(np, _name)] = _method({"amin": "min", "amax": "max"}.get(_name, _name))


@implements(np.count_nonzero)
def count_nonzero(a, axis=None, *, keepdims=False):
    return call("not_equal", (a, 0)).sum(axis=axis, keepdims=keepdims)


@implements(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=np._NoValue):
    if returned or weights is not None and np.shape(weights) != a.shape:
        raise not_supported("average with returned= or with weights of another shape is not built yet for remote arrays")
    if weights is None:
        return a.mean(axis, keepdims=keepdims)
    return call("multiply", (a, weights)).sum(axis, keepdims=keepdims) / _remote(weights, a).sum(axis, keepdims=keepdims)


# ---- elementwise

@implements(np.where)
def where(condition, *choices):
    if not choices:
        raise not_supported("where with one argument (nonzero) is not built yet for remote arrays")
    if len(choices) != 2:
        raise error("INVALID_ARGUMENT", "where takes a condition, and both or neither of x and y")
    return call("where", (condition, *choices))


@implements(np.clip)
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
    target = None if out is None else (out,)
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


for _name in ("around", "round", "round_"):
    if hasattr(np, _name):
        TABLE[getattr(np, _name)] = around


@implements(np.copyto)
def copyto(dst, src, casting="same_kind", where=True):
    from .array import Array

    if not isinstance(dst, Array):
        np.copyto(dst, np.asarray(src), casting=casting, where=np.asarray(where) if where is not True else True)
    elif where is True:
        dst._assign(src, casting)
    else:
        call("positive" if dst.dtype.kind != "b" else "logical_or", (src,) if dst.dtype.kind != "b" else (src, False), (dst,),
             where, None, casting)


@implements(np.real)
def real(val):
    return val.real


@implements(np.imag)
def imag(val):
    return val.imag


@implements(np.iscomplex)
def iscomplex(x):
    return call("not_equal", (x.imag, 0))


@implements(np.isreal)
def isreal(x):
    return call("equal", (x.imag, 0))


@implements(np.isposinf)
def isposinf(x, out=None):
    return reductions.deliver(call("equal", (x, np.inf)), out)


@implements(np.isneginf)
def isneginf(x, out=None):
    return reductions.deliver(call("equal", (x, -np.inf)), out)


@implements(np.fix)
def fix(x, out=None):
    return call("trunc", (x,), None if out is None else (out,))


@implements(np.angle)
def angle(z, deg=False):
    result = call("arctan2", (z.imag, z.real))
    return call("degrees", (result,)) if deg else result


@implements(np.isclose)
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    near = call("absolute", (call("subtract", (a, b)),)) <= atol + rtol * call("absolute", (_remote(b, a),))
    close = call("logical_or", (call("logical_and", (near, call("isfinite", (_remote(b, a),)))), call("equal", (a, b))))
    if equal_nan:
        both = call("logical_and", (call("isnan", (_remote(a, b),)), call("isnan", (_remote(b, a),))))
        close = call("logical_or", (close, both))
    return close


@implements(np.allclose)
def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return bool(isclose(a, b, rtol, atol, equal_nan).all())


@implements(np.array_equal)
def array_equal(a1, a2, equal_nan=False):
    a, b = _remote(a1, a2), _remote(a2, a1)
    if a.shape != b.shape:
        return False
    equal = call("equal", (a, b))
    if equal_nan and a.dtype.kind in "fc" and b.dtype.kind in "fc":
        equal = call("logical_or", (equal, call("logical_and", (call("isnan", (a,)), call("isnan", (b,))))))
    return bool(equal.all())


@implements(np.diff)
def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    from .dtypes import normalize_axis

    if prepend is not np._NoValue or append is not np._NoValue:
        raise not_supported("diff: prepend= and append= are not built yet for remote arrays")
    axis = normalize_axis(axis, a.ndim)
    before = (slice(None),) * axis
    op = "not_equal" if a.dtype.kind == "b" else "subtract"
    for _ in range(n):
        a = call(op, (a[before + (slice(1, None),)], a[before + (slice(None, -1),)]))
    return a


# ---- like=

@implements(np.empty)
def empty(shape, dtype=float, order="C", *, device=None):
    return creation.empty(shape, dtype)


@implements(np.zeros)
def zeros(shape, dtype=float, order="C", *, device=None):
    return creation.zeros(shape, dtype)


@implements(np.ones)
def ones(shape, dtype=None, order="C", *, device=None):
    return creation.ones(shape, dtype or float)


@implements(np.full)
def full(shape, fill_value, dtype=None, order="C", *, device=None):
    return creation.full(shape, fill_value, dtype)
