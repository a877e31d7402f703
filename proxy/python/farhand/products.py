"""Products of vectors, matrices and stacks of them, on the engines."""
import operator

import numpy as np

from . import shaping
from .array import Array, wrap
from .errors import error, not_supported
from .errstate import silent, silent_as_dot
from .joining import _session_of, remote
from .reductions import deliver
from .ufuncs import call, to_native


def _pair(a, b):
    session = _session_of([a, b])
    return remote(a, session), remote(b, session)


def _multiplied(a, b):
    """matmul; local operands go where they are needed, Python's numbers are refused as NumPy does."""
    for i, x in enumerate((a, b)):
        if np.ndim(x) == 0:
            raise error("INVALID_ARGUMENT", f"matmul: Input operand {i} does not have enough dimensions (has 0, gufunc core "
                        "with signature (n?,k),(k,m?)->(n?,m?) requires 1)")
    operands = tuple(x if isinstance(x, Array) else np.asarray(x) for x in (a, b))
    return wrap(_session_of(operands).matmul(tuple(to_native(x) for x in operands)))


def matmul(x1, x2, /, out=None, *, casting="same_kind", order="K", dtype=None, subok=True, **keywords):
    """numpy.matmul: one operand stays where it is, the other comes to it from engine to engine."""
    if keywords:
        raise not_supported(f"matmul: the argument {next(iter(keywords))} is not built for remote arrays")
    if dtype is not None:
        x1, x2 = (x if isinstance(x, Array) else np.asarray(x) for x in (x1, x2))
        for x in (x1, x2):
            if not np.can_cast(x.dtype, dtype, casting):
                raise error("WRONG_TYPE", f"Cannot cast ufunc 'matmul' input from {x.dtype} to {np.dtype(dtype)} with casting rule {casting!r}")
        x1, x2 = x1.astype(dtype), x2.astype(dtype)
    return deliver(_multiplied(x1, x2), out)


@silent_as_dot
def dot(a, b, out=None):
    """numpy.dot: the last axis of a with the last but one of b."""
    a, b = _pair(a, b)
    if not a.ndim or not b.ndim:
        return deliver(call("multiply", (a, b)), out)
    _check_extents(a, b, a.ndim - 1, max(0, b.ndim - 2))
    if b.ndim > 2:
        return deliver(tensordot(a, b, ([a.ndim - 1], [b.ndim - 2])), out)
    return deliver(_multiplied(a, b), out)  # where b is a matrix or a vector, it is what matmul does, too


def _check_extents(a, b, i, j):
    if a.shape[i] != b.shape[j]:
        raise error("INVALID_ARGUMENT", f"shapes {a.shape} and {b.shape} not aligned: {a.shape[i]} (dim {i}) != {b.shape[j]} (dim {j})")


@silent
def vdot(a, b, /):
    """numpy.vdot: of all elements in C order, a's conjugated."""
    a, b = _pair(a, b)
    return dot(a.ravel().conj(), b.ravel())


@silent_as_dot
def inner(a, b, /):
    """numpy.inner: over the last axes of both."""
    a, b = _pair(a, b)
    if not a.ndim or not b.ndim:
        return call("multiply", (a, b))
    _check_extents(a, b, a.ndim - 1, b.ndim - 1)
    return tensordot(a, b, ([a.ndim - 1], [b.ndim - 1]))


def outer(a, b, out=None):
    """numpy.outer: every element of a with every element of b."""
    a, b = _pair(a, b)
    return deliver(call("multiply", (a.ravel()[:, None], b.ravel()[None, :])), out)


def _spread_last(a, b):
    """a's last axis with each element repeated, b's as often as a has elements: products along one long axis, which are faster."""
    from .function_table import implementation, rows

    m, n = a.shape[-1], b.shape[-1]
    return implementation(rows()["repeat"])(a, n, -1), implementation(rows()["tile"])(b, m)


def kron(a, b):
    """numpy.kron: b times each element of a."""
    a, b = _pair(a, b)
    ndim = max(a.ndim, b.ndim)
    a, b = (x[(None,) * (ndim - x.ndim) + (Ellipsis,)] for x in (a, b))
    shape = tuple(m * n for m, n in zip(a.shape, b.shape))
    if ndim:
        a, b = _spread_last(a, b)
    ndim = max(0, ndim - 1)
    spread = call("multiply", (a[(slice(None), None) * ndim], b[(None, slice(None)) * ndim]))
    return spread.reshape(shape)


def _axes_of(axes, a, b):
    """The two lists of axes that tensordot sums over, as NumPy takes them."""
    try:
        first, second = axes
    except TypeError:
        n = operator.index(axes)
        first, second = range(-n, 0), range(n)
    first, second = (list(x) if np.iterable(x) else [x] for x in (first, second))
    if len(first) != len(second):
        raise error("INVALID_ARGUMENT", "shape-mismatch for sum")
    if any(not -x.ndim <= i < x.ndim for x, given in ((a, first), (b, second)) for i in given):
        raise error("BAD_INDEX", "tuple index out of range")
    first, second = [i % a.ndim for i in first], [i % b.ndim for i in second]
    if any(a.shape[i] != b.shape[j] for i, j in zip(first, second)):
        raise error("INVALID_ARGUMENT", "shape-mismatch for sum")
    return first, second


def _product(extents):
    size = 1
    for extent in extents:
        size *= extent
    return size


@silent_as_dot
def tensordot(a, b, axes=2):
    """numpy.tensordot: as one product of matrices."""
    a, b = _pair(a, b)
    first, second = _axes_of(axes, a, b)
    free_a = [i for i in range(a.ndim) if i not in first]
    free_b = [i for i in range(b.ndim) if i not in second]
    summed = _product(a.shape[i] for i in first)
    rows, columns = [a.shape[i] for i in free_a], [b.shape[i] for i in free_b]
    left = shaping.transpose(a, free_a + first) if a.ndim else a
    right = shaping.transpose(b, second + free_b) if b.ndim else b
    result = _multiplied(left.reshape((_product(rows), summed)), right.reshape((summed, _product(columns))))
    return result.reshape(tuple(rows + columns))


@silent_as_dot
def multi_dot(arrays, *, out=None):
    """numpy.linalg.multi_dot: in the order that takes the fewest products."""
    arrays = list(arrays)
    if len(arrays) < 2:
        raise error("INVALID_ARGUMENT", "Expecting at least two arrays.")
    session = _session_of(arrays)
    arrays = [remote(x, session) for x in arrays]
    first, last = arrays[0].ndim == 1, arrays[-1].ndim == 1
    arrays[0] = arrays[0][None, :] if first else arrays[0]
    arrays[-1] = arrays[-1][:, None] if last else arrays[-1]
    if any(x.ndim != 2 for x in arrays):
        wrong = next(x for x in arrays if x.ndim != 2)
        raise np.linalg.LinAlgError(f"{wrong.ndim}-dimensional array given. Array must be two-dimensional")
    result = _in_order(arrays, _best_order([x.shape[0] for x in arrays] + [arrays[-1].shape[1]]), 0, len(arrays) - 1)
    if first or last:
        result = result[tuple(0 if vector else slice(None) for vector in (first, last))]
    return deliver(result, out)


def _best_order(extents):
    """Where to split each stretch of factors: the classic table of costs."""
    n = len(extents) - 1
    cost = [[0] * n for _ in range(n)]
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i, j] = min(
                (cost[i][k] + cost[k + 1][j] + extents[i] * extents[k + 1] * extents[j + 1], k) for k in range(i, j))
    return split


def _in_order(arrays, split, i, j):
    if i == j:
        return arrays[i]
    k = split[i, j]
    return _multiplied(_in_order(arrays, split, i, k), _in_order(arrays, split, k + 1, j))


def matrix_power(a, n):
    """numpy.linalg.matrix_power: by squaring."""
    try:
        n = operator.index(n)
    except TypeError as problem:
        raise error("WRONG_TYPE", "exponent must be an integer") from problem
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    if n == 0:
        from .creation import zeros_like

        result = zeros_like(a)
        result[...] = np.eye(a.shape[-1], dtype=a.dtype)
        return result
    if n < 0:
        from .function_table import implementation, rows

        a, n = implementation(rows()["linalg.inv"])(a), -n
    result, square = None, a
    while n:
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else _multiplied(result, square)
        if n:
            square = _multiplied(square, square)
    return result.copy() if result is a else result


def vecdot(x1, x2, /, out=None, *, axis=-1, **keywords):
    """Sum of conj(x1) * x2 along an axis that both have."""
    a, b = _pair(x1, x2)
    if not a.ndim or not b.ndim:
        raise error("INVALID_ARGUMENT", "vecdot: operands need at least one dimension")
    a, b = (x if axis == -1 else shaping.moveaxis(x, axis, -1) for x in (a, b))
    if a.shape[-1] != b.shape[-1]:
        raise error("INVALID_ARGUMENT", f"vecdot: shapes {a.shape} and {b.shape} have no axis of one extent")
    return deliver(_multiplied(a.conj()[..., None, :], b[..., :, None])[..., 0, 0], out)


def matvec(x1, x2, /, out=None, **keywords):
    """A matrix with a vector, for each of a stack."""
    a, b = _pair(x1, x2)
    if a.ndim < 2 or not b.ndim or a.shape[-1] != b.shape[-1]:
        raise error("INVALID_ARGUMENT", f"matvec: shapes {a.shape} and {b.shape} do not fit")
    return deliver(_multiplied(a, b[..., :, None])[..., 0], out)


def vecmat(x1, x2, /, out=None, **keywords):
    """A conjugated vector with a matrix, for each of a stack."""
    a, b = _pair(x1, x2)
    if b.ndim < 2 or not a.ndim or a.shape[-1] != b.shape[-2]:
        raise error("INVALID_ARGUMENT", f"vecmat: shapes {a.shape} and {b.shape} do not fit")
    return deliver(_multiplied(a.conj()[..., None, :], b)[..., 0, :], out)
