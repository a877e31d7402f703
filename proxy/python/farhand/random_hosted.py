"""Random numbers that NumPy's own generator makes beside the arrays: in the Python host of one engine, from the same stream."""
import operator

import numpy as np

from .array import Array
from .calls import call
from .errors import error
from .objects import scatter
from .session import current

_STATE = operator.attrgetter("bit_generator.state")


def _local(state):
    """The state of a bit generator, whose arrays came back as remote ones."""
    if isinstance(state, dict):
        return {key: _local(value) for key, value in state.items()}
    return state.gather() if isinstance(state, Array) else state


def _place(values):
    """The engine where the largest of the parameters lies; else the first one."""
    remote = [x for x in values if isinstance(x, Array)]
    if remote:
        return max(remote, key=lambda x: x.nbytes).pieces[0].engine
    return current().engines[0].number


def draw(bit_generator, name, args, keywords, layout=(None, None, None)):
    """Generator.name(*args, **keywords) from the stream that stands at bit_generator, which goes on."""
    axis, blocksize, engines = layout
    with bit_generator.lock:
        remote = scatter(np.random.Generator(bit_generator), engines=[_place([*args, *keywords.values()])])
        result = getattr(remote, name)(*args, **keywords)
        bit_generator.state = _local(call(_STATE, remote))
    if not isinstance(result, Array):
        result = scatter(np.asarray(result), engines=[_place(args)])
    if result.ndim and (axis is not None or engines is not None):
        result = result.reshard(axis, blocksize=blocksize, engines=engines)
    return result


def checked(values):
    """Parameters as NumPy takes them: sequences as arrays, so that they are sent once."""
    given = [x if isinstance(x, Array) or x is None or np.ndim(x) == 0 else np.asarray(x) for x in values]
    for x in given:
        if isinstance(x, np.ndarray) and x.dtype.kind not in "biuf" and not (x.dtype == object and all(isinstance(v, int) for v in x.flat)):
            raise error("WRONG_TYPE", f"parameters of random numbers are real numbers, not {x.dtype}")
    return given
