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


def gathering(assertion):
    """The assertion, which gathers the arrays that it is given."""
    @functools.wraps(assertion)
    def gathered(*args, **keywords):
        return assertion(*map(_nested, args), **_nested(keywords))

    return gathered


def __getattr__(name):
    found = getattr(np.testing, name)
    return gathering(found) if name.startswith("assert_") and name not in _CALLING and callable(found) else found


def __dir__():
    return dir(np.testing)
