"""Masked arrays and matrices beside remote arrays: what numpy.ma.MaskedArray and numpy.matrix mean stays theirs.

A mask is of this process: what is computed with a masked array gathers its remote companions (fh.config.implicit_gather_limit holds) and gives
what NumPy gives.
"""
import re
import sys

import numpy as np


def is_masked(x):
    return isinstance(x, np.ma.MaskedArray)


def takes_precedence(other):
    """Is it an ndarray whose class wants its own operators to be asked, as NumPy asks them?"""
    return type(other) is not np.ndarray and isinstance(other, np.ndarray) and other.__array_priority__ > 0


def _local(value):
    """The same with the values of remote arrays, in lists, tuples and dicts at any depth."""
    from .array import Array

    if isinstance(value, Array):
        return value._gather_implicitly()
    if type(value) in (list, tuple):
        return type(value)(map(_local, value))
    if type(value) is dict:
        return {key: _local(item) for key, item in value.items()}
    return value


def locally(function, args, kwargs):
    """The call with the values of remote arrays."""
    return function(*_local(tuple(args)), **_local(kwargs))


def bmat(obj, ldict=None, gdict=None):
    """numpy.bmat of gathered arrays: a matrix of this process.  Names in a text are the caller's."""
    if not isinstance(obj, str):
        return locally(np.bmat, (obj,), {})
    caller = sys._getframe(1)
    ldict, gdict = (caller.f_locals, caller.f_globals) if gdict is None else (ldict, gdict)
    known = {**gdict, **ldict}
    return locally(np.bmat, (obj, {name: known[name] for name in re.findall(r"\w+", obj) if name in known}, {}), {})
