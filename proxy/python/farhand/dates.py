"""Dates and durations: the engines see them as int64, whose lowest value is NaT, and compute with that."""
import datetime
import functools

import numpy as np

from .dtypes import code_of
from .errors import error

NAT = int(np.iinfo(np.int64).min)
# Units that a fixed number of attoseconds is; years and months are not.
_ATTOSECONDS = {"W": 604800 * 10**18, "D": 86400 * 10**18, "h": 3600 * 10**18, "m": 60 * 10**18, "s": 10**18, "ms": 10**15,
                "us": 10**12, "ns": 10**9, "ps": 10**6, "fs": 10**3, "as": 1}
_MONTHS = {"Y": 12, "M": 1}


def as_int64(x):
    """The same memory as int64."""
    return _seen(x, np.dtype(np.int64))


def _seen(x, dtype):
    from .array import wrap

    return wrap(x._handle.view_as(code_of(dtype)))


def ascending(x):
    """Integers in the order of dates, NaT last."""
    return as_int64(x) - 1


def ordered(x, name):
    """Integers of which argmin or argmax is that of the dates: NaT counts as the best."""
    return as_int64(x) if name == "argmin" else ascending(x)


def sort(x, axis):
    from .array import wrap

    return _seen(wrap(ascending(x)._handle.sort(axis)) + 1, x.dtype)


def _ratio(source, target):
    """How many ticks of target one of source is; None: that is not fixed."""
    (from_unit, from_ticks), (to_unit, to_ticks) = np.datetime_data(source), np.datetime_data(target)
    for table in (_ATTOSECONDS, _MONTHS):
        if from_unit in table and to_unit in table:
            from fractions import Fraction  # 1.4 ms, which few programs need

            return Fraction(table[from_unit] * from_ticks, table[to_unit] * to_ticks)
    return None


def _scaled(ticks, ratio):
    """Ticks in another unit, rounded down; NaT stays."""
    from .ufuncs import call

    if ratio == 1:
        return ticks
    if max(ratio.numerator, ratio.denominator) > np.iinfo(np.int64).max:
        return None
    made = ticks if ratio.numerator == 1 else ticks * ratio.numerator
    made = made if ratio.denominator == 1 else made // ratio.denominator
    return call("where", (ticks == NAT, NAT, made))


def cast(x, dtype):
    """x as dtype, where engines can; None: NumPy must."""
    source = x.dtype
    if source.kind in "Mm" and dtype == np.int64:
        return as_int64(x).copy()
    if source == np.int64 and dtype.kind in "Mm":
        return _seen(x, dtype).copy()
    if source.kind in "Mm" and dtype.kind == source.kind:
        ratio = _ratio(source, dtype)
        scaled = None if ratio is None else _scaled(as_int64(x), ratio)
        if scaled is not None:
            return _seen(scaled, dtype)
    return None


def _ticks(x, dtype):
    """x as a date or duration of that dtype, in ticks: int64, remote or local.  Plain integers are ticks already."""
    from .array import Array
    from .others import as_dtype

    kind = np.asarray(x).dtype.kind if not isinstance(x, Array) else x.dtype.kind
    if kind in "biu":
        return x
    cast_to = np.dtype(f"{kind}8[{_unit(dtype)}]") if kind in "Mm" else dtype
    made = as_dtype(x, cast_to)
    return as_int64(made) if isinstance(made, Array) else made.view(np.int64)


def _unit(dtype):
    unit, ticks = np.datetime_data(dtype)
    return f"{ticks}{unit}"


def _valid(a, b):
    return (a != NAT) & (b != NAT)


def _call(name, *inputs):
    from .ufuncs import call

    return call(name, inputs)


_COMPARE = {
    "equal": lambda a, b: (a == b) & (a != NAT),
    "not_equal": lambda a, b: (a != b) | (a == NAT),
    "less": lambda a, b: (a < b) & (a != NAT),
    "less_equal": lambda a, b: (a <= b) & (a != NAT),
    "greater": lambda a, b: (a > b) & (b != NAT),
    "greater_equal": lambda a, b: (a >= b) & (b != NAT),
}
# With a date that is none of the array's and not NaT, which lies below all others as an integer.
_COMPARE_WITH = {
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a - 1 < b - 1,
    "less_equal": lambda a, b: a - 1 <= b - 1,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
}
_SWAPPED = {"less": "greater", "less_equal": "greater_equal", "greater": "less", "greater_equal": "less_equal"}
_CHOOSE = {
    "minimum": lambda a, b: _call("minimum", a, b),
    "maximum": lambda a, b: _call("maximum", a - 1, b - 1) + 1,
    "fmin": lambda a, b: _call("minimum", a - 1, b - 1) + 1,
    "fmax": lambda a, b: _call("maximum", a, b),
}
_ARITHMETIC = {
    "add": lambda a, b: _call("where", _valid(a, b), a + b, NAT),
    "subtract": lambda a, b: _call("where", _valid(a, b), a - b, NAT),
    "negative": lambda a: -a,
    "absolute": lambda a: _call("absolute", a),
    "positive": lambda a: a.copy(),
    "sign": lambda a: _call("sign", a),
}
_OF_DURATIONS = ("multiply", "true_divide")
_ABOUT = {
    "isfinite": lambda a: a != NAT,
    "isinf": lambda a: a != a,
}


def _strict(x):
    """Local values that are dates without saying so: datetime.date, strings."""
    if isinstance(x, datetime.timedelta):
        return np.timedelta64(x)
    if isinstance(x, (str, datetime.date)):
        return np.datetime64(x)
    return x


def operation(name, inputs):
    """The operation of that name; None: NumPy must do it."""
    if name in _ABOUT:
        return _ABOUT[name](as_int64(inputs[0]))
    if name == "clip" and len(inputs) == 3:
        return _call("minimum", _call("maximum", *inputs[:2]), inputs[2])
    if name in _OF_DURATIONS:
        return _of_durations(name, [_strict(x) for x in inputs])
    table = next((table for table in (_COMPARE, _CHOOSE, _ARITHMETIC) if name in table), None)
    if table is None:
        return None
    from .others import sample

    inputs = [_strict(x) for x in inputs]
    samples = [sample(x) for x in inputs]
    kinds = [np.asarray(x).dtype.kind for x in samples]
    if not set(kinds) <= set("Mmbiu") or "M" in kinds and table is not _ARITHMETIC and set(kinds) != {"M"}:
        return None
    found = getattr(np, name)(*samples).dtype  # raises what NumPy raises
    unit = np.result_type(*samples) if table is _COMPARE else found
    if unit.kind not in "Mm" or np.datetime_data(unit)[0] == "generic":
        return None
    ticks = [_ticks(x, unit) for x in inputs]
    if table is _ARITHMETIC and any(_units_differ(x, unit) for x in inputs):
        return None
    if table is _COMPARE:
        return _compared(name, *ticks)
    return _seen(table[name](*ticks), found)


def _of_durations(name, inputs):
    """A duration times whole numbers, or by another one; None: NumPy must do it."""
    from .others import sample

    samples = [sample(x) for x in inputs]
    kinds = [np.asarray(x).dtype.kind for x in samples]
    found = getattr(np, name)(*samples).dtype  # raises what NumPy raises
    dtypes = [np.asarray(x).dtype for x in samples if np.asarray(x).dtype.kind == "m"]
    unit = functools.reduce(np.promote_types, dtypes)
    wanted = ["m", "m"] if name == "true_divide" else ["m", "i"]
    if sorted(kinds) != sorted(wanted) or np.datetime_data(unit)[0] == "generic" or any(_ratio(dtype, unit) is None for dtype in dtypes):
        return None
    if name == "multiply":
        a, b = _ticks(inputs[kinds.index("m")], unit), inputs[kinds.index("i")]
        return _seen(_call("where", a == NAT, NAT, a * b), found)
    a, b = (_ticks(x, unit) for x in inputs)
    return _call("where", _valid(a, b), a.astype(np.float64) / b.astype(np.float64), np.nan)


def _is_date(ticks):
    """One local date that is not NaT?"""
    return isinstance(ticks, (np.integer, np.ndarray)) and ticks.ndim == 0 and ticks != NAT


def _compared(name, a, b):
    if _is_date(b):
        return _COMPARE_WITH[name](a, int(b))
    if _is_date(a):
        return _COMPARE_WITH[_SWAPPED.get(name, name)](b, int(a))
    return _COMPARE[name](a, b)


def _units_differ(x, unit):
    """Is it in years or months beside a unit of fixed length?  Then NumPy counts days."""
    dtype = np.asarray(x).dtype if not hasattr(x, "dtype") else x.dtype
    return dtype.kind in "Mm" and np.datetime_data(dtype)[0] != "generic" and _ratio(dtype, unit) is None


def arange(start, stop, step, dtype):
    """(first tick, last, step, dtype) of numpy.arange with dates or durations; a stop that is none counts from the start.

    Nothing but integers: ticks of the dtype; a date's stop counts from its start even so.
    """
    given = [np.asarray(_strict(x)) for x in (start, stop, step)]
    if all(x.dtype.kind in "iu" for x in given):
        given = [x.astype(dtype) if i < (1 if np.dtype(dtype).kind == "M" else 2) else x for i, x in enumerate(given)]
    kind = given[0].dtype.kind if given[0].dtype.kind in "Mm" else given[1].dtype.kind
    if kind == "M" and given[0].dtype.kind != "M" or any(x.dtype.kind not in "Mmiu" for x in given) or given[2].dtype.kind == "M":
        raise error("INVALID_ARGUMENT", "arange of dates needs a date to start from, and a date, duration or integer as stop and step")
    dtype = functools.reduce(np.promote_types, (np.dtype(f"{kind}8[{_unit(x.dtype)}]") for x in given if x.dtype.kind in "Mm"))
    for x in given:
        if x.dtype.kind == "m":
            np.promote_types(f"m8[{_unit(dtype)}]", x.dtype)  # raises where months would have to be days
    first, last, each = (int(_ticks(x, dtype)) if x.dtype.kind in "Mm" else int(x) for x in given)
    if not each:
        raise error("INVALID_ARGUMENT", "arange: step cannot be zero")
    if NAT in (first, last, each):
        raise error("INVALID_ARGUMENT", "arange: cannot use NaT (not-a-time) datetime values")
    if kind == "M" and given[1].dtype.kind != "M":
        last += first
    return first, last, each, dtype


def isnat(x):
    if x.dtype.kind not in "Mm":
        raise error("WRONG_TYPE", "ufunc 'isnat' is only defined for np.datetime64 and np.timedelta64.")
    return as_int64(x) == NAT


def reduction(x, name, axes, keepdims):
    """min, max, and the sum of durations; None: NumPy must do it."""
    from .reductions import reduce

    ticks = as_int64(x)
    if name == "min":
        return _seen(reduce(ticks, "min", axes, keepdims=keepdims), x.dtype)
    if name == "max":
        return _seen(reduce(ticks - 1, "max", axes, keepdims=keepdims) + 1, x.dtype)
    if name == "sum" and x.dtype.kind == "m":
        total = reduce(ticks, "sum", axes, keepdims=keepdims)
        bad = reduce(ticks == NAT, "any", axes, keepdims=keepdims)
        return _seen(_call("where", bad, NAT, total), x.dtype)
    return None
