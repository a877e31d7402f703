"""A few elements of a sorted vector without sorting all of it: a sample tells between which two values they lie, and only what lies there is
sorted (after Floyd and Rivest, Expected Time Bounds for Selection, 1975).  Exact: what the sample says is counted."""
import math

import numpy as np

from .sorting import argsort, sort
from .ufuncs import call

LEAST = 1 << 16  # elements from which it pays
RANGES = 4  # that are looked for apart; more of them cost as much as sorting
_SAMPLE, _DEVIATIONS = 1 << 14, 6
_NEAR = 1 / 64  # of all elements: indices that are so near share a range


class Around:
    """Stands for a sorted vector of which some indices are asked for: those that it was made for, and -1 if the vector has no NaN."""

    def __init__(self, line, ranges):
        self.shape, self.ndim, self.dtype = line.shape, 1, line.dtype
        self._ranges = ranges

    def __getitem__(self, key):
        index = key[-1]
        first = index.start if isinstance(index, slice) else index
        for begin, end, part in self._ranges:
            if first == -1:
                return part[0]
            if begin <= first < end:
                return part[first - begin:index.stop - begin] if isinstance(index, slice) else part[first - begin]
        raise IndexError(first)


def _bounds(sample, n, first, last):
    """Two values between which elements first to last of n lie, as a sorted sample has it; None: no bound there."""
    m = sample.size
    margin = math.ceil(_DEVIATIONS * math.sqrt(m) / 2)
    low, high = first * m // n - margin, last * m // n + 1 + margin
    return sample[low] if low >= 0 else None, sample[high] if high < m else None


def _between(line, sample, first, last):
    """(first index, behind the last one) of a range that has these elements, and where its elements are, those before it and those behind it; None: there are
    too many, or the sample was no good one."""
    n = line.shape[0]
    low, high = _bounds(sample, n, first, last)
    before = None if low is None else call("less", (line, low))
    behind = None if high is None else call("greater", (line, high))
    begin = 0 if before is None else int(before.sum())
    end = n if behind is None else n - int(behind.sum())
    if not (begin <= first and last < end) or end - begin > n // 4:
        return None
    outside = before if behind is None else behind if before is None else call("logical_or", (before, behind))
    return begin, end, call("logical_not", (outside,)), before, behind


def _groups(n, indices):
    groups = []
    for index in sorted(set(indices)):
        if groups and index - groups[-1][0] <= n * _NEAR:
            groups[-1][1] = index
        else:
            groups.append([index, index])
    return groups


def _sample_of(line):
    """Sorted; None: the vector is none that is searched in this way."""
    from .objects import gather

    if line.ndim != 1 or line.shape[0] < LEAST or line.dtype.kind not in "iuf" or (line.dtype.kind == "f" and bool(call("isnan", (line,)).any())):
        return None
    n = line.shape[0]
    return np.sort(gather(line[::max(1, n // min(_SAMPLE, n // 16))]))


def around(line, indices):
    """What has these elements of a sorted vector; None: it has to be sorted (few elements, several lines, NaN, many equal ones)."""
    groups = _groups(line.shape[-1], indices)
    sample = _sample_of(line) if groups and len(groups) <= RANGES else None
    if sample is None:
        return None
    ranges = []
    for first, last in groups:
        found = _between(line, sample, first, last)
        if found is None:
            return None
        begin, end, there = found[:3]
        ranges.append((begin, end, sort(line[there], 0)))
    return Around(line, ranges)


def partitioned(line, index, places):
    """A vector with what belongs at that index of the sorted one there, smaller elements before and larger ones behind it, or the places that they had;
    None: it has to be sorted."""
    from .joining import concatenate
    from .selecting import flatnonzero

    sample = _sample_of(line)
    found = None if sample is None else _between(line, sample, index, index)
    if found is None:
        return None
    there, before, behind = found[2:]
    if places:
        middle = flatnonzero(there)
        parts = [None if before is None else flatnonzero(before), middle[argsort(line[middle], 0)], None if behind is None else flatnonzero(behind)]
    else:
        parts = [None if before is None else line[before], sort(line[there], 0), None if behind is None else line[behind]]
    return concatenate([part for part in parts if part is not None])
