"""NumPy's ufuncs on remote arrays: __array_ufunc__, and what the operators call."""
import numbers

import numpy as np

from . import _native, masked, shaping
from .dtypes import OTHERS, casting_code, code_of
from .errors import error, not_supported

# Which of the engines' operations a ufunc object is.  By identity: somebody's own ufunc may be called "add" too.
_NAMES = {}
for _name, _nin, _nout in _native.ops():
    _found = getattr(np, _name, None)
    if isinstance(_found, np.ufunc):
        _NAMES[_found] = _name

# With one result of one or two operands.
_SIMPLE = {ufunc: name for ufunc, name in _NAMES.items() if ufunc.nout == 1 and ufunc.nin <= 2}

_HERE = "OgG"  # Python objects, longdouble and its complex: arrays of these are never remote

_REDUCTIONS = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min", np.logical_and: "all", np.logical_or: "any",
    np.bitwise_and: "bitwise_and", np.bitwise_or: "bitwise_or", np.bitwise_xor: "bitwise_xor",
}


def is_operand(x):
    """Can x stand beside a remote array in a computation?"""
    from .array import Array

    return isinstance(x, (Array, numbers.Number, np.ndarray, np.generic, list, tuple, range))


def to_native(x):
    """x as the extension takes it: a native Array, a Python number (weak), or a NumPy array."""
    from .array import Array

    if isinstance(x, Array):
        return x._handle
    if type(x) in (int, float, complex):
        return x
    array = np.asarray(x)
    code_of(array.dtype)
    return array


def _session_of(*groups):
    from .array import Array

    for group in groups:
        for x in group:
            if isinstance(x, Array):
                return x._handle.session
    raise error("WRONG_TYPE", "none of the operands is a remote array")


def _mask(where, session):
    from .array import Array

    if where is None or where is True:
        return None
    if isinstance(where, Array):
        if where.dtype != np.bool_:
            raise error("WRONG_TYPE", f"where must be an array of bool, not {where.dtype}")
        return where._handle
    mask = where if isinstance(where, (np.ndarray, np.generic)) else np.array(where, bool)
    if mask.dtype != np.bool_:
        raise error("WRONG_TYPE", f"where must be an array of bool, not {mask.dtype}")
    return session.scatter(mask, None, 0, None)


def _call_here(name, inputs, out, keywords):
    """Beside arrays of what engines do not hold (objects, longdouble): NumPy's own operation, in this process."""
    from .array import Array

    def here(x):
        return x._gather_implicitly() if isinstance(x, Array) else x

    results = getattr(np, name)(*map(here, inputs), **{key: here(value) for key, value in keywords.items() if value is not None and value is not True})
    return results if out is None else _delivered(results, out, keywords["where"])


def call(name, inputs, out=None, where=True, dtype=None, casting=None):
    """The operation of that name over inputs; out: None or a tuple of arrays and Nones.  Returns one array or a tuple."""
    from .array import Array, wrap

    if any(isinstance(x, (np.ndarray, np.generic)) and x.dtype.char in _HERE for x in inputs):
        return _call_here(name, inputs, out, {"where": where, "dtype": dtype, "casting": casting})
    if any(isinstance(x, (Array, np.ndarray, np.generic)) and x.dtype.kind in OTHERS for x in inputs):
        from . import others

        return others.call(name, inputs, out, where, dtype, casting)
    session = _session_of(inputs, out or (), (where,))
    outs = local_outs = None
    if out is not None:
        local_outs = [x if isinstance(x, np.ndarray) else None for x in out]
        outs = tuple(x._handle if isinstance(x, Array) else None for x in out)
    handles = session.ufunc(name, tuple(to_native(x) for x in inputs), outs, _mask(where, session), code_of(dtype),
                            -1 if casting is None else casting_code(casting))
    results = []
    for i, handle in enumerate(handles):
        if outs is not None and outs[i] is not None:
            results.append(out[i])
        elif local_outs is not None and local_outs[i] is not None:
            results.append(_into_local(wrap(handle), local_outs[i], where, casting))
        else:
            results.append(wrap(handle))
    return results[0] if len(results) == 1 else tuple(results)


def _into_local(result, local, where, casting):
    """np.add(remote, 1, out=local): computed on the engines, then copied, since that is what was asked for."""
    if result.ndim > local.ndim:  # which a copy would take where the extents are 1
        raise error("INVALID_ARGUMENT", f"non-broadcastable output operand with shape {local.shape} doesn't match the broadcast shape {result.shape}")
    np.copyto(local, np.asarray(result), casting=casting or "same_kind", where=True if where is True else np.asarray(where))
    return local


def _check_keywords(ufunc, keywords):
    """Memory layout is the engines' business, and there are no subclasses: order and subok change nothing."""
    for name, value in keywords.items():
        if name == "order":
            shaping.memory_order(value)
        if name not in ("order", "subok"):
            raise not_supported(f"{ufunc.__name__}: the argument {name}={value!r} is not built yet for remote arrays")


def _checked_out(ufunc, out):
    from .array import Array

    if out is None:
        return None
    out = out if isinstance(out, tuple) else (out,)
    for x in out:
        if not (x is None or isinstance(x, (Array, np.ndarray))):
            raise error("WRONG_TYPE", f"{ufunc.__name__}: out must be an array, not {type(x).__name__}")
    return None if all(x is None for x in out) else out


def array_ufunc(self, ufunc, method, *inputs, out=None, where=True, dtype=None, casting=None, **keywords):
    """Array.__array_ufunc__: ufuncs that engines do not know are called beside the arrays, never here."""
    if method == "__call__" and out is None and where is True and dtype is None and casting is None and not keywords:
        name = _SIMPLE.get(ufunc)
        result = NotImplemented if name is None else _native.simple_ufunc(name, *inputs)
        if result is not NotImplemented:
            return result
    if not all(is_operand(x) for x in inputs) and not _texts_beside(inputs):
        return NotImplemented
    if any(map(masked.is_masked, inputs)) and out is None:
        given = {"dtype": dtype, "casting": casting, "where": None if where is True else where}
        keywords.update((name, value) for name, value in given.items() if value is not None)
        return masked.locally(getattr(ufunc, method), inputs, keywords)
    if method == "reduce" and ufunc in _REDUCTIONS:
        return _reduce(ufunc, inputs[0], out=out, where=where, dtype=dtype, **keywords)
    if method == "outer" and ufunc in _NAMES and len(inputs) == 2:
        return _outer(ufunc, *inputs, out=out, where=where, dtype=dtype, casting=casting, **keywords)
    if method != "__call__":
        return _hosted_method(ufunc, method, inputs, out=out, where=where, dtype=dtype, casting=casting, **keywords)
    name = _NAMES.get(ufunc)
    if name is not None and keywords.get("signature") is not None:
        from .signatures import cast_inputs

        if dtype is not None:
            raise error("WRONG_TYPE", "cannot specify both 'signature' and 'dtype'")
        inputs = cast_inputs(ufunc, keywords.pop("signature"), inputs, casting)
    if name is None:
        return _by_table(ufunc, inputs, out, where, dtype=dtype, casting=casting, **keywords)
    _check_keywords(ufunc, keywords)
    return call(name, inputs, _checked_out(ufunc, out), where, dtype, casting)


def _texts_beside(inputs):
    """Python's texts and dates beside a remote array of such elements?"""
    from .others import SCALARS, is_other_array

    return any(map(is_other_array, inputs)) and all(is_operand(x) or isinstance(x, SCALARS) for x in inputs)


def _outer(ufunc, a, b, out, where, dtype, casting, **keywords):
    """Every element of a with every element of b: new axes behind those of a."""
    _check_keywords(ufunc, keywords)
    if not hasattr(a, "ndim"):
        a = np.asarray(a)
    spread = a[(..., *(None,) * np.ndim(b))]
    return call(_NAMES[ufunc], (spread, b), _checked_out(ufunc, out), where, dtype, casting)


def _reduce(ufunc, x, out, where, dtype, axis=0, keepdims=False, initial=None, **keywords):
    from .array import Array
    from .joining import remote
    from .reductions import reduce

    _check_keywords(ufunc, keywords)
    target = _checked_out(ufunc, out)
    if not isinstance(x, Array):
        x = remote(x, _session_of((where, *(target or ()))))
    return reduce(x, _REDUCTIONS[ufunc], axis, dtype=dtype, out=target[0] if target else None, keepdims=keepdims,
                  initial=initial, where=where)


def _by_table(ufunc, inputs, out, where, **keywords):
    """NumPy's ufuncs that are no operations of the engines, as the table of functions says; others as they are, beside the arrays."""
    from . import foreign_ufuncs
    from .dispatch import find

    implementation = find(ufunc)
    keywords = {name: value for name, value in keywords.items() if value is not None}
    result = foreign_ufuncs.call(ufunc, inputs, keywords) if implementation is None else implementation(*inputs, **keywords)
    target = _checked_out(ufunc, out)
    return result if target is None else _delivered(result, target, where)


def _delivered(results, targets, where):
    """Results under the mask written into the arrays that are there for them."""
    if not isinstance(results, tuple):
        results = (results,)
    given = []
    for result, target in zip(results, targets):
        if target is None:
            given.append(result)
        elif isinstance(target, np.ndarray):
            given.append(_into_local(result, target, where, None))
        else:
            np.copyto(target, result, where=where)
            given.append(target)
    return given[0] if len(given) == 1 else tuple(given)


# Methods of ufuncs as hosted functions: what becomes of pieces (functions.def), accumulate and reduceat keep their axis.
_METHODS = {"reduce": "drops:0", "accumulate": "axis:0", "reduceat": "axis:0", "at": "writes:0"}


def _hosted_method(ufunc, method, inputs, out=None, where=True, **keywords):
    """reduceat, at, accumulate, and reduce of ufuncs that engines have no reduction for: NumPy's own, beside the arrays."""
    from .array import Array
    from .cumulative import OPERATIONS, accumulate
    from .function_table import Row, numpys
    from .hosted import Hosted

    if numpys(ufunc.__name__) is not ufunc or method not in _METHODS:
        return NotImplemented
    if where is not True:
        keywords["where"] = where
    keywords = {name: value for name, value in keywords.items() if value is not None}
    target = _checked_out(ufunc, out)
    if target is not None:
        keywords["out"] = target[0]
    natively = method == "accumulate" and isinstance(inputs[0], Array) and _NAMES.get(ufunc) in OPERATIONS
    if natively and not keywords.keys() - {"axis", "dtype", "out"}:
        return accumulate(*inputs, name=_NAMES[ufunc], **keywords)
    return Hosted(Row("HOSTED", f"{ufunc.__name__}.{method}", _METHODS[method]))(*inputs, **keywords)
