"""Counting: bincount and histograms.  Each engine counts its pieces; edges are found here, from a few numbers."""
import functools
import operator

import numpy as np

from .elementwise import complex_of
from .errors import error
from .errstate import warn
from .joining import _session_of, remote
from .ufuncs import call


def _counted(a, edges, even, weights):
    """int64, or float64 with weights."""
    from .array import wrap

    return wrap(a._handle.histogram(edges._handle, even, None if weights is None else weights._handle))


def _weighted(count, weights):
    """Sums of weights of any dtype, by sums of float64."""
    if weights is None:
        return count(None)
    if weights.dtype.kind == "c":
        return complex_of(count(weights.real), count(weights.imag)).astype(weights.dtype)
    return count(weights)


def _greatest(x):
    """Of integers, in one pass; None if one is negative: seen without a sign it is greater than all that are not."""
    if x.dtype.kind != "i":
        return int(x.max())
    most = int(x.view(f"u{x.dtype.itemsize}").max())
    return most if most <= np.iinfo(x.dtype).max else None


@functools.lru_cache(maxsize=None)
def _counts_uint64():
    """Does bincount take uint64?  As NumPy's version does."""
    try:
        return bool(np.bincount(np.zeros(1, "u8")))
    except TypeError:
        return False


def bincount(x, /, weights=None, minlength=0):
    from .array import wrap

    session = _session_of([x, weights])
    x = remote(x, session)
    minlength = operator.index(minlength)
    if minlength < 0:
        raise error("INVALID_ARGUMENT", "'minlength' must not be negative")
    if x.ndim != 1:
        raise error("INVALID_ARGUMENT", "object too deep for desired array" if x.ndim else "object of too small depth for desired array")
    if x.dtype == np.uint64 and _counts_uint64() and (not x.size or int(x.max()) <= np.iinfo(np.int64).max):
        x = x.astype(np.int64)
    if not np.can_cast(x.dtype, np.int64, "safe"):
        raise error("WRONG_TYPE", f"Cannot cast array data from {x.dtype!r} to dtype('int64') according to the rule 'safe'")
    if weights is not None:
        weights = remote(weights, session)
        if weights.shape != x.shape:
            raise error("INVALID_ARGUMENT", "The weights and list don't have the same length.")
        if weights.dtype.kind == "c":
            raise error("WRONG_TYPE", "Cannot cast array data from complex numbers to dtype('float64') according to the rule 'safe'")
    bins = minlength
    if x.size:
        most = _greatest(x)
        if most is None:
            raise error("INVALID_ARGUMENT", "'list' argument must have no negative elements")
        bins = max(minlength, most + 1)
    return wrap(x._handle.bincount(None if weights is None else weights._handle, bins))


# ---- edges

def _outer_edges(a, range):
    if range is not None:
        first, last = range
        if first > last:
            raise error("INVALID_ARGUMENT", "max must be larger than min in range parameter.")
        if not (np.isfinite(first) and np.isfinite(last)):
            raise error("INVALID_ARGUMENT", f"supplied range of [{first}, {last}] is not finite")
    elif a.size == 0:
        first, last = 0, 1
    else:
        first = a.min().gather()[()]  # each is read at once: then it comes the short way
        last = a.max().gather()[()]
        if not (np.isfinite(first) and np.isfinite(last)):
            raise error("INVALID_ARGUMENT", f"autodetected range of [{first}, {last}] is not finite")
    return (first - 0.5, last + 0.5) if first == last else (first, last)


def _quartiles_apart(x):
    from .quantiles import percentile

    low, high = percentile(x, [25, 75]).gather()
    return high - low


def _doane(x, extent):
    if x.size > 2:
        sg1 = np.sqrt(6.0 * (x.size - 2) / ((x.size + 1.0) * (x.size + 3)))
        sigma = float(x.std())
        if sigma > 0.0:
            skew = abs(float((((x - float(x.mean())) / sigma) ** 3).mean()))
            return extent / (1.0 + np.log2(x.size) + np.log2(1.0 + skew / sg1))
    return 0.0


def _stone(x, extent, ends):
    n = x.size
    if n <= 1 or extent == 0:
        return 0
    ends = ends or (x.min().item(), x.max().item())
    most = max(100, int(np.sqrt(n)))

    def loss(nbins):
        share = histogram(x, nbins, ends)[0].gather() / n
        return (2 - (n + 1) * share.dot(share)) / (extent / nbins)

    best = min(range(1, most + 1), key=loss)
    if best == most:
        warn("The number of bins estimated may be suboptimal.")
    return extent / best


def _freedman_diaconis(x, extent):
    return 2.0 * _quartiles_apart(x) * x.size ** (-1.0 / 3.0)


def _sturges(x, extent):
    return extent / (np.log2(x.size) + 1.0)


# How wide a bin is, after those whose names they bear; extent: of the data.
_WIDTHS = {
    "sqrt": lambda x, extent: extent / np.sqrt(x.size),
    "sturges": _sturges,
    "rice": lambda x, extent: extent / (2.0 * x.size ** (1.0 / 3)),
    "scott": lambda x, extent: (24.0 * np.pi ** 0.5 / x.size) ** (1.0 / 3.0) * float(x.std()),
    "stone": None,  # asks for the range, too
    "doane": _doane,
    "fd": _freedman_diaconis,
    "auto": lambda x, extent: min(_freedman_diaconis(x, extent) or np.inf, _sturges(x, extent)),
}


def _estimated(a, name, weights, range, first, last):
    """A number of bins."""
    if name not in _WIDTHS:
        raise error("INVALID_ARGUMENT", f"{name!r} is not a valid estimator for `bins`")
    if weights is not None:
        raise error("WRONG_TYPE", "Automated estimation of the number of bins is not supported for weighted data")
    a = a.ravel()
    if range is not None:
        a = a[(a >= first) & (a <= last)]
    if a.size == 0:
        return 1
    extent = a.max().item() - a.min().item()
    width = _stone(a, extent, range) if name == "stone" else _WIDTHS[name](a, extent)
    return int(np.ceil((float(last) - float(first)) / width)) if width else 1


def _bin_edges(a, bins, range, weights):
    """(edges, are they as far apart?)"""
    if isinstance(bins, str):
        first, last = _outer_edges(a, range)
        bins = _estimated(a, bins, weights, range, first, last)
    elif np.ndim(bins) == 0:
        try:
            bins = operator.index(bins)
        except TypeError:
            raise error("WRONG_TYPE", "`bins` must be an integer, a string, or an array") from None
        if bins < 1:
            raise error("INVALID_ARGUMENT", "`bins` must be positive, when an integer")
        first, last = _outer_edges(a, range)
    elif np.ndim(bins) == 1:
        edges = np.asarray(bins)
        if (edges[:-1] > edges[1:]).any():
            raise error("INVALID_ARGUMENT", "`bins` must increase monotonically, when an array")
        return edges, False
    else:
        raise error("INVALID_ARGUMENT", "`bins` must be 1d, when an array")
    dtype = np.result_type(first, last, a.dtype)
    if dtype.kind in "iub":
        dtype = np.result_type(dtype, float)
    return np.linspace(first, last, bins + 1, dtype=dtype), True


def _prepared(a, weights):
    session = _session_of([a, weights])
    a = remote(a, session)
    if a.dtype.kind == "b":
        a = a.astype(np.uint8)
    if weights is not None:
        weights = remote(weights, session)
        if weights.shape != a.shape:
            raise error("INVALID_ARGUMENT", "weights should have the same shape as a.")
        if a.axis not in (None, 0):  # the sums go from piece to piece
            a, weights = a.ravel(), weights.ravel()
    return a, weights, session


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    a, weights, session = _prepared(a, weights)
    return remote(_bin_edges(a, bins, range, weights)[0], session)


def histogram(a, bins=10, range=None, density=None, weights=None):
    """As numpy.histogram; the edges are a remote array, too."""
    a, weights, session = _prepared(a, weights)
    edges, even = _bin_edges(a, bins, range, weights)
    placed = remote(edges.astype(np.float64), session)
    counts = _weighted(lambda w: _counted(a, placed, even, w), weights)
    if weights is not None and counts.dtype != weights.dtype:
        counts = counts.astype(weights.dtype)
    edges = remote(edges, session)
    if density:
        widths = call("subtract", (edges[1:], edges[:-1])).astype(float)
        return counts / widths / counts.sum(), edges
    return counts, edges
