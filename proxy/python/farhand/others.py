"""Elements that are not numbers: dates and durations, bytes, str, void, records.

What NumPy would give (dtype, or a TypeError) is asked of NumPy, with arrays of no elements.  The work is done by the engines where
they have it (dates.py, and comparing and sorting bytes, str and void), else by NumPy in a Python host.
"""
import datetime
import functools

import numpy as np

from . import dates, records
from .dtypes import is_other
from .errors import error

COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
SCALARS = (str, bytes, datetime.date, datetime.timedelta)  # of Python, that stand beside such arrays
# Functions whose implementations here take any elements; for others NumPy's own function is hosted.
_ANY = frozenset("""concatenate stack vstack hstack dstack column_stack append block roll tile resize empty zeros ones full empty_like
zeros_like ones_like full_like diag diagflat meshgrid arange isnat where clip real array_equal array_equiv copyto astype sort argsort
partition argpartition median lexsort searchsorted unique in1d isin take take_along_axis choose compress extract diagonal delete insert repeat
diff put place putmask put_along_axis fill_diagonal copy asarray asanyarray ascontiguousarray asfortranarray array require array2string
array_repr array_str fft.fftshift fft.ifftshift select sum prod min max amin amax argmin argmax mean any all ptp std var""".split())


def is_other_array(x):
    """Is it a remote array of such elements?"""
    from .array import Array

    return isinstance(x, Array) and is_other(x._dtype)


def sample(x):
    """What NumPy needs to see of x to say what it would make of it."""
    from .array import Array

    if isinstance(x, (list, tuple)):
        x = np.asarray(x)
    if isinstance(x, Array) or isinstance(x, np.ndarray) and x.ndim:
        return np.empty(0, x.dtype)
    return x


@functools.lru_cache(maxsize=None)
def hosted(name, rule):
    """NumPy's function of that name, beside the arrays."""
    from .function_table import Row
    from .hosted import Hosted

    return Hosted(Row("HOSTED", name, rule))


def implementation(row, args, kwargs):
    """What is called for a row of the table with these arguments; None: what the row says."""
    from .function_table import resolved
    from .hosted import arrays_in

    row = resolved(row)
    if row.kind not in ("NATIVE", "REDUCTION") or row.name in _ANY:
        return None
    return hosted(row.name, "whole") if any(is_other(x.dtype) for x in arrays_in([args, kwargs])) else None


# ---- operations -------------------------------------------------------------------------------------------------------------


def local(x, dtype):
    """A local value in that dtype, as an assignment would cast it."""
    array = np.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else np.array(x, dtype)
    return array.astype(dtype) if array.dtype != dtype else array


def as_dtype(x, dtype):
    """x, remote or local, in that dtype."""
    from .array import Array

    if not isinstance(x, Array):
        return local(x, dtype)
    return x if x.dtype == dtype else x.astype(dtype)


def _where(condition, x, y):
    dtype = np.where(True, sample(x), sample(y)).dtype
    return dtype, (condition, as_dtype(x, dtype), as_dtype(y, dtype))


def _compared(inputs):
    """Both operands in the longer of their dtypes: bytes with bytes, str with str, void with void."""
    dtypes = [np.asarray(sample(x)).dtype for x in inputs]
    dtype = np.result_type(*dtypes)
    return tuple(as_dtype(x, dtype) for x in inputs)


def _texts(name, inputs):
    """Are these operands that engines compare?"""
    kinds = {np.asarray(sample(x)).dtype.kind for x in inputs}
    return name in COMPARISONS and len(kinds) == 1 and (kinds <= set("SU") or kinds == {"V"} and name in COMPARISONS[:2])


def call(name, inputs, out=None, where=True, dtype=None, casting=None):
    """As ufuncs.call, where one of the operands is of such elements."""
    from .reductions import deliver

    keywords = {key: value for key, value in (("dtype", dtype), ("casting", casting)) if value is not None}
    if where is not True:
        keywords["where"] = where
    if keywords:
        result = hosted(name, "rows")(*inputs, **keywords)
    else:
        result = _made(name, inputs)
    if out is None:
        return result
    if isinstance(result, tuple):
        return tuple(deliver(part, target) for part, target in zip(result, out))
    return deliver(result, out[0])


def _made(name, inputs):
    if name == "where":
        return _natively(name, _where(*inputs)[1])
    if records.are_records(inputs):
        return records.compare(name, inputs)
    if _texts(name, inputs):
        return _natively(name, _compared(inputs))
    if any(np.asarray(sample(x)).dtype.kind in "Mm" for x in inputs):
        found = dates.operation(name, inputs)
        if found is not None:
            return found
    samples = [sample(x) for x in inputs]
    getattr(np, name)(*samples)  # raises what NumPy raises
    return hosted(name, "rows")(*inputs)


def _natively(name, inputs):
    from .array import wrap
    from .ufuncs import _session_of, to_native

    session = _session_of(inputs)
    return wrap(session.ufunc(name, tuple(to_native(x) for x in inputs), None, None, 0, -1)[0])


# ---- values and casts -------------------------------------------------------------------------------------------------------


def fitting(value, dtype, casting="unsafe"):
    """A value that is to be written to an array of that dtype, as engines take it."""
    from .array import Array

    if isinstance(value, Array):
        return value if value.dtype == dtype else astype(value, dtype, casting)
    if isinstance(value, (np.ndarray, np.generic)) and casting != "unsafe":
        return np.asarray(value).astype(dtype, casting=casting)
    return local(value, dtype)


def astype(x, dtype, casting="unsafe"):
    """A copy in another dtype; one of the two is of such elements."""
    dtype = np.dtype(dtype)
    if dtype.itemsize == 0 or dtype.kind in "Mm" and np.datetime_data(dtype)[0] == "generic":
        if dtype.kind in "Mm" and x.dtype.kind in "SU" and np.can_cast(x.dtype, dtype, casting):
            return hosted("ndarray.astype", "whole")(x, dtype)  # the finest unit among all elements
        dtype = np.empty(0, x.dtype).astype(dtype).dtype  # with the length or unit that NumPy takes for x
    if not np.can_cast(x.dtype, dtype, casting):
        raise error("WRONG_TYPE", f"Cannot cast array data from {x.dtype!r} to {dtype!r} according to the rule {casting!r}")
    if x.dtype == dtype:
        return x.copy()
    if x.dtype.kind == dtype.kind and dtype.kind in "SU":
        return _cast_natively(x, dtype)
    found = dates.cast(x, dtype)
    return hosted("ndarray.astype", "rows")(x, dtype) if found is None else found


def _cast_natively(x, dtype):
    from .array import wrap
    from .dtypes import casting_code, code_of

    return wrap(x._handle.astype(code_of(dtype), casting_code("unsafe")))


# ---- reductions -------------------------------------------------------------------------------------------------------------


def reduce(x, name, axes, keepdims, dtype, initial, where):
    """The reduction of that name over axes (None: all)."""
    function = {"min": "amin", "max": "amax"}.get(name, name)
    getattr(np, function)(np.zeros(1, x.dtype))  # raises what NumPy raises
    plain = dtype is None and initial is None and where is None
    found = dates.reduction(x, name, axes, keepdims) if plain and x.dtype.kind in "Mm" else None
    if found is not None:
        return found
    keywords = {key: value for key, value in (("dtype", dtype), ("initial", initial), ("where", where)) if value is not None}
    return hosted(function, "drops:None" if plain else "whole")(x, axis=axes, keepdims=keepdims, **keywords)


def argument(x, name, axis, keepdims):
    """argmin and argmax."""
    ordered = dates.ordered(x, name) if x.dtype.kind in "Mm" else None
    if ordered is not None:
        return getattr(ordered, name)(axis, keepdims=keepdims)
    if x.dtype.kind in "SU" and x.npieces > 1:
        if axis is None:
            found = argument(x.ravel(), name, 0, False)
            return found.reshape((1,) * x.ndim) if keepdims else found
        if range(x.ndim)[axis] == x.axis:
            return _argument_of_pieces(x, name, x.axis, keepdims)
    return hosted(name, "drops:None")(x, axis=axis, keepdims=keepdims)


def _argument_of_pieces(x, name, axis, keepdims):
    """Each piece finds its own first best where it is; the best of these are few."""
    from .joining import joined
    from .selecting import take_along_axis

    places, best = [], []
    for piece, (start, _) in zip(x.pieces, x.bounds):
        found = argument(piece, name, axis, True)
        places.append(found + start)
        best.append(take_along_axis(piece, found, axis))
    winner = hosted(name, "whole")(joined(best, axis), axis=axis, keepdims=True)
    found = take_along_axis(joined(places, axis), winner, axis)
    return found if keepdims else found.squeeze(axis)


# ---- sorting ----------------------------------------------------------------------------------------------------------------


def sort(a, axis, order):
    if a.dtype.names is not None:
        return records.sort(a, axis, order)
    _check_order(order)
    return _sort_native(a, axis) if a.dtype.kind not in "Mm" else dates.sort(a, axis)


def argsort(a, axis, order):
    if a.dtype.names is not None:
        return records.argsort(a, axis, order)
    _check_order(order)
    return _argsort_native(dates.ascending(a) if a.dtype.kind in "Mm" else a, axis)


def _check_order(order):
    if order is not None:
        raise error("INVALID_ARGUMENT", "Cannot specify order when the array has no fields.")


def _sort_native(a, axis):
    from .array import wrap

    return wrap(a._handle.sort(axis))


def _argsort_native(a, axis):
    from .array import wrap

    return wrap(a._handle.argsort(axis))


def searched(a, v):
    """Both arrays of searchsorted or isin in a form that engines order; None: they know none."""
    if a.dtype.names is not None or v.dtype.names is not None:
        return None
    dtype = np.promote_types(a.dtype, v.dtype)
    a, v = as_dtype(a, dtype), as_dtype(v, dtype)
    return (dates.ascending(a), dates.ascending(v)) if dtype.kind in "Mm" else (a, v)
