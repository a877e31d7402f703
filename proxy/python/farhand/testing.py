"""fh.testing: numpy.testing, whose assertions gather the arrays that they are given.  What is called by one (assert_raises, assert_warns) gets its
arguments as they are."""
import functools

import numpy as np

from .files import _here

_CALLING = {"assert_no_warnings", "assert_raises", "assert_raises_regex", "assert_warns", "assert_no_gc_cycles"}


def _nested(value):
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(map(_nested, value))
    return {key: _nested(item) for key, item in value.items()} if type(value) is dict else _here(value)


def __getattr__(name):
    found = getattr(np.testing, name)
    if not name.startswith("assert_") or name in _CALLING or not callable(found):
        return found

    @functools.wraps(found)
    def assertion(*args, **keywords):
        return found(*map(_nested, args), **_nested(keywords))

    return assertion


def __dir__():
    return dir(np.testing)
