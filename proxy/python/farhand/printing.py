"""repr, str and _repr_html_: from metadata and the corner elements; an array is never fetched to be shown."""
import itertools

import numpy as np

from .dtypes import is_other
from .errors import Error

_EDGES_AT_MOST = 64  # blocks fetched for a corner; arrays of more long axes show no values


def _corner(x, threshold=None, edgeitems=None):
    """A small local array that NumPy prints as it would print x; None if that would take too many fetches."""
    options = np.get_printoptions()
    edge = options["edgeitems"] if edgeitems is None else edgeitems
    if x.size <= (options["threshold"] if threshold is None else threshold):
        return x.gather(), None
    long_axes = [axis for axis, extent in enumerate(x.shape) if extent > 2 * edge]
    if 2 ** len(long_axes) > _EDGES_AT_MOST:
        return None, None
    shape = [2 * edge + 1 if axis in long_axes else extent for axis, extent in enumerate(x.shape)]
    corner = np.zeros(shape, x.dtype)
    parts = [
        ((slice(0, edge), slice(0, edge)), (slice(-edge, None), slice(-edge, None))) if axis in long_axes
        else ((slice(None), slice(None)),)
        for axis in range(x.ndim)
    ]
    for choice in itertools.product(*parts):
        source, target = tuple(part[0] for part in choice), tuple(part[1] for part in choice)
        corner[target] = x[source].gather()
    # Between the edges stands one filler that is not shown; it must not widen the columns, so it repeats a neighbour.
    for axis in long_axes:
        filler = [slice(None)] * x.ndim
        neighbour = list(filler)
        filler[axis], neighbour[axis] = edge, 0
        corner[tuple(filler)] = corner[tuple(neighbour)]
    return corner, 0


def _values(x, prefix, separator):
    try:
        corner, threshold = _corner(x)
    except Error as problem:
        return f"<no values: {type(problem).__name__}: {problem}>"
    if corner is None:
        return "..."
    options = {} if threshold is None else {"threshold": threshold}
    return np.array2string(corner, separator=separator, prefix=prefix, **options)


def array2string(a, max_line_width=None, precision=None, suppress_small=None, separator=" ", prefix="", style=np._NoValue, *,
                 threshold=None, edgeitems=None, **options):
    """numpy.array2string from the corner elements."""
    corner, cut = _corner(a, threshold, edgeitems)
    if corner is None:
        return "..."
    return np.array2string(corner, max_line_width, precision, suppress_small, separator, prefix,
                           threshold=threshold if cut is None else cut, edgeitems=edgeitems, **options)


def _with_options(text):
    def function(arr, max_line_width=None, precision=None, suppress_small=None):
        given = {"linewidth": max_line_width, "precision": precision, "suppress": suppress_small}
        with np.printoptions(**{name: value for name, value in given.items() if value is not None}):
            return text(arr)

    return function


def engines_text(x):
    """Also of an array whose session is closed: what is shown never raises."""
    try:
        numbers = sorted(set(x.engines))
    except Error as problem:
        return f"<no engines: {type(problem).__name__}>"
    return f"engine {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} engines"


def _where(x):
    if x.axis is None:
        return engines_text(x)
    return f"axis={x.axis}, {x.npieces} pieces on {engines_text(x)}"


def to_str(x):
    if x.ndim == 0:
        try:
            return str(x.item() if not is_other(x.dtype) else x.gather()[()])
        except Error as problem:
            return f"<no value: {type(problem).__name__}: {problem}>"
    return _values(x, "", " ")


def to_repr(x):
    if x.ndim == 0:
        return to_str(x)
    name = type(x).__name__
    return f"{name}({_values(x, name + '(', ', ')}, shape={x.shape}, dtype={x.dtype}, {_where(x)})"


array_str, array_repr = _with_options(to_str), _with_options(to_repr)


def to_html(x):
    import html  # only notebooks show it

    rows = [("shape", x.shape), ("dtype", x.dtype), ("bytes", f"{x.nbytes:,}"), ("where", _where(x))]
    cells = "".join(f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows)
    return (f"<table><caption>farhand {type(x).__name__}</caption>{cells}</table>"
            f"<pre>{html.escape(to_str(x))}</pre>")
