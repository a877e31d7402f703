"""Sets: what is unique, what is in another array.  By sorting, for any number of engines the same."""
import numpy as np

from . import dates, others
from .dtypes import is_other
from .errors import error
from .joining import _session_of, joined, remote
from .sorting import argsort, searchsorted, sort
from .ufuncs import call


def _first_ones(s, equal_nan):
    """Of a sorted vector: where an element differs from the one before."""
    differ = call("not_equal", (s[1:], s[:-1]))
    if equal_nan and s.dtype.kind in "fc":
        differ = differ & call("equal", (s[:-1], s[:-1]))  # all NaN stand at the end
    return joined([np.ones(1, bool), differ])


def _inverse(values, a, order, first, equal_nan):
    if not a.size:
        return a.astype(np.intp)
    if equal_nan or a.dtype.kind not in "fc":
        # complex numbers with NaN differ in order, but are one value: the last
        return call("minimum", (searchsorted(values, a), values.size - 1))
    inverse = np.empty_like(a, dtype=np.intp)
    inverse[order] = first.astype(np.intp).cumsum() - 1
    return inverse


def _rows(ar, *wanted, axis, equal_nan):
    """Unique rows are NumPy's work, hosted."""
    from .function_table import Row
    from .hosted import Hosted

    return Hosted(Row("HOSTED", "unique", "whole"))(ar, *wanted, axis=axis, equal_nan=equal_nan)


_KEEPS_SHAPE = int(np.__version__.partition(".")[0]) >= 2  # inverse indices have the shape of all elements' array since NumPy 2


def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True, sorted=True):
    """sorted: NumPy gives unique values in any order if it is False; here they are sorted in either case."""
    found = _unique_of(ar, return_index, return_inverse, return_counts, axis, equal_nan)
    if not return_inverse or axis is not None or ar.ndim == 1 or not _KEEPS_SHAPE:
        return found
    place = 1 + bool(return_index)
    return (*found[:place], found[place].reshape(ar.shape), *found[place + 1:])


def _unique_of(ar, return_index, return_inverse, return_counts, axis, equal_nan):
    if axis is not None and ar.ndim != 1:
        return _rows(ar, return_index, return_inverse, return_counts, axis=axis, equal_nan=equal_nan)
    if axis is not None:
        from .dtypes import normalize_axis

        normalize_axis(axis, 1)
    a = ar.ravel()
    if is_other(a.dtype):
        return _unique_others(a, return_index, return_inverse, return_counts, equal_nan)
    return _unique(a, return_index, return_inverse, return_counts, equal_nan)


def _unique_others(a, return_index, return_inverse, return_counts, equal_nan):
    """Dates as integers, all NaT being one; records by NumPy."""
    if a.dtype.names is not None or a.dtype.kind in "Mm" and not equal_nan:
        return _rows(a, return_index, return_inverse, return_counts, axis=None, equal_nan=equal_nan)
    if a.dtype.kind not in "Mm":
        return _unique(a, return_index, return_inverse, return_counts, equal_nan)
    found = _unique(dates.ascending(a), return_index, return_inverse, return_counts, True)
    values, *rest = found if isinstance(found, tuple) else (found,)
    values = (values + 1).view(a.dtype)
    return (values, *rest) if rest else values


def _unique(a, return_index, return_inverse, return_counts, equal_nan):
    order = argsort(a, 0) if return_index or return_inverse and not equal_nan else None
    s = sort(a, 0) if order is None else a[order]
    first = _first_ones(s, equal_nan) if s.size else s.astype(bool)
    values = s[first]
    results = [values]
    if return_index:
        results.append(order[first])
    if return_inverse:
        results.append(_inverse(values, a, order, first, equal_nan))
    if return_counts:
        starts = joined([np.nonzero(first)[0], np.array([a.size])])
        results.append(starts[1:] - starts[:-1])
    return results[0] if len(results) == 1 else tuple(results)


def _vector(x, session):
    return remote(x, session).ravel()


def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    from .array import wrap

    if kind not in (None, "sort", "table"):
        raise error("INVALID_ARGUMENT", f"Invalid kind: '{kind}'. Please use None, 'sort' or 'table'.")
    session = _session_of([element, test_elements])
    element, test = remote(element, session), _vector(test_elements, session)
    if is_other(element.dtype) or is_other(test.dtype):
        found = others.searched(test, element)
        if found is None or element.dtype.kind in "Mm":
            return others.hosted("isin", "whole")(element, test, assume_unique=assume_unique, invert=invert)
        test, element = found
    return wrap(element._handle.isin(sort(test, 0)._handle, bool(invert)))


def in1d(ar1, ar2, assume_unique=False, invert=False, *, kind=None):
    session = _session_of([ar1, ar2])
    return isin(_vector(ar1, session), ar2, assume_unique, invert, kind=kind)


def _pair(ar1, ar2, assume_unique):
    session = _session_of([ar1, ar2])
    pair = [_vector(ar1, session), _vector(ar2, session)]
    return pair if assume_unique else [unique(x) for x in pair]


def union1d(ar1, ar2):
    session = _session_of([ar1, ar2])
    return unique(joined([_vector(ar1, session), _vector(ar2, session)]))


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    if not return_indices:
        a, b = _pair(ar1, ar2, assume_unique)
        both = a[isin(a, b)]
        both = both.astype(np.result_type(a.dtype, b.dtype))
        return sort(both) if assume_unique else both
    session = _session_of([ar1, ar2])
    a, b = _vector(ar1, session), _vector(ar2, session)
    a, at = unique(a, True)
    b, bt = unique(b, True)
    here, there = isin(a, b), isin(b, a)
    return a[here].astype(np.result_type(a.dtype, b.dtype)), at[here], bt[there]


def setdiff1d(ar1, ar2, assume_unique=False):
    a, b = _pair(ar1, ar2, assume_unique)
    return a[isin(a, b, invert=True)]


def setxor1d(ar1, ar2, assume_unique=False):
    a, b = _pair(ar1, ar2, assume_unique)
    return sort(joined([a[isin(a, b, invert=True)], b[isin(b, a, invert=True)]]))
