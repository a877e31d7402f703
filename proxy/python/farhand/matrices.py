"""numpy.linalg by the LAPACK of the engines: each matrix of a stack where its piece is, one matrix on one engine.

Tall and wide matrices that are cut go by way of their triangle (factoring.py); cholesky and solve of one large matrix that
is cut are computed by all its engines (fh_linalg).
"""
import collections
import math
import warnings

import numpy as np

from .array import wrap
from .dtypes import normalize_axis
from .errors import error
from .errstate import silent_as_dot
from .joining import _session_of, remote

QRResult = collections.namedtuple("QRResult", "Q R")
EigResult = collections.namedtuple("EigResult", "eigenvalues eigenvectors")
EighResult = collections.namedtuple("EighResult", "eigenvalues eigenvectors")
SlogdetResult = collections.namedtuple("SlogdetResult", "sign logabsdet")
SVDResult = collections.namedtuple("SVDResult", "U S Vh")

_NATIVE = "fdFD"
_SINGLE = "fF"


def taken(*values):
    """The arguments as remote arrays of one type that LAPACK has: integers and bools are float64, as in NumPy."""
    session = _session_of(values)
    arrays = [remote(x, session) for x in values]
    for x in arrays:
        if x.dtype.kind not in "biu" and x.dtype.char not in _NATIVE:
            raise error("WRONG_TYPE", f"array type {x.dtype.name} is unsupported in linalg")
    chars = [x.dtype.char if x.dtype.char in _NATIVE else "d" for x in arrays]
    single = all(char in _SINGLE for char in chars)
    dtype = np.result_type(*(np.dtype(char) for char in chars)) if not single else np.dtype("F" if "F" in chars else "f")
    return [x if x.dtype == dtype else x.astype(dtype) for x in arrays]


_DOUBLE = {"f": np.dtype("d"), "F": np.dtype("D")}
_HALF = {"d": np.dtype("f"), "D": np.dtype("F")}


def native(name, *arrays, upper=False, rcond=0.0):
    """What the engines give for arrays as taken() makes them: one array, or a tuple.  Single precision is computed in double
    and rounded, as NumPy does."""
    single = arrays[0].dtype.char in _DOUBLE
    if single:
        arrays = [x.astype(_DOUBLE[x.dtype.char]) for x in arrays]
    found = map(wrap, _session_of(arrays).linalg(name, tuple(x._handle for x in arrays), upper, rcond))
    found = tuple(x.astype(_HALF[x.dtype.char]) if single and x.dtype.char in _HALF else x for x in found)
    return found if len(found) > 1 else found[0]


def failed(text):
    return error("LINALG_ERROR", text)


def _eps(x):
    return float(np.finfo(x.dtype).eps)


def _turned(x):
    return x.conj().swapaxes(-2, -1)


# ---- square matrices

def cholesky(a, /, *, upper=False):
    a, = taken(a)
    lower = native("cholesky", _turned(a) if upper else a)
    return _turned(lower) if upper else lower


def _is_vector(a, b):
    """Is the second argument of solve one vector, or a stack of them?"""
    return b.ndim == 1 if int(np.__version__.partition(".")[0]) >= 2 else b.ndim == a.ndim - 1


def solve(a, b):
    a, b = taken(a, b)
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and _is_vector(a, b):
        return native("solve", a, b[..., None])[..., 0]
    return native("solve", a, b)


def inv(a):
    return native("inv", *taken(a))


def det(a):
    return native("det", *taken(a))


def slogdet(a):
    return SlogdetResult(*native("slogdet", *taken(a)))


def tensorsolve(a, b, axes=None):
    a, b = taken(a, b)
    if axes is not None:
        order = [axis for axis in range(a.ndim) if axis not in axes] + list(axes)
        a = a.transpose(order)
    shape = a.shape[b.ndim:]
    if a.size != math.prod(shape) ** 2:
        raise failed("Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])")
    return solve(a.reshape(b.size, math.prod(shape)), b.ravel()).reshape(shape)


def tensorinv(a, ind=2):
    a, = taken(a)
    if ind <= 0:
        raise error("INVALID_ARGUMENT", "Invalid ind argument.")
    return inv(a.reshape(math.prod(a.shape[:ind]), -1)).reshape(a.shape[ind:] + a.shape[:ind])


# ---- eigenvalues

def _triangle(UPLO):
    letter = str(UPLO).upper()
    if letter not in ("L", "U"):
        raise error("INVALID_ARGUMENT", "UPLO argument must be 'L' or 'U'")
    return letter == "U"


def eigh(a, UPLO="L"):
    upper = _triangle(UPLO)
    return EighResult(*native("eigh", *taken(a), upper=upper))


def eigvalsh(a, UPLO="L"):
    upper = _triangle(UPLO)
    return native("eigvalsh", *taken(a), upper=upper)


def _as_real(a, not_real, *found):
    """Real, if the matrices are and no eigenvalue is complex: that only the values tell."""
    if a.dtype.kind == "c" or bool(not_real.any()):
        return found
    return tuple(x.real.copy() for x in found)


def eig(a):
    a, = taken(a)
    values, vectors, not_real = native("eig", a)
    return EigResult(*_as_real(a, not_real, values, vectors))


def eigvals(a):
    a, = taken(a)
    values, not_real = native("eigvals", a)
    return _as_real(a, not_real, values)[0]


# ---- orthogonal factors

_MODES = {"reduced": "qr", "complete": "qr_complete", "r": "qr_r", "raw": "qr_raw"}
_OLD_MODES = {"f": "reduced", "full": "reduced", "e": "raw", "economic": "raw"}


def _mode(mode):
    """NumPy still knows the names of before 1.8."""
    if mode in _OLD_MODES:
        warnings.warn(f"The '{mode}' option is deprecated: '{_OLD_MODES[mode]}' is its name", DeprecationWarning, stacklevel=4)
    elif mode not in _MODES:
        raise error("INVALID_ARGUMENT", f"Unrecognized mode '{mode}'")
    return _OLD_MODES.get(mode, mode)


def qr(a, mode="reduced"):
    from . import factoring

    economic, mode = mode in ("e", "economic"), _mode(mode)
    a, = taken(a)
    if economic:
        return native("qr_raw", a)[0].swapaxes(-2, -1)
    found = factoring.qr(a, mode)
    if found is None:
        found = native(_MODES[mode], a)
    return found if mode in ("r", "raw") else QRResult(*found)


def _svd_hermitian(a, compute_uv):
    """Singular values are the absolute eigenvalues, largest first."""
    from .function_table import implementation, rows

    if not compute_uv:
        return _descending(abs(eigvalsh(a)))
    values, vectors = eigh(a)
    take = implementation(rows()["take_along_axis"])
    order = (-abs(values)).argsort(-1)
    values, vectors = take(values, order, -1), take(vectors, order[..., None, :], -1)
    sign = np.where(values < 0, -1.0, 1.0).astype(values.dtype)
    return SVDResult(vectors, abs(values), _turned(vectors * sign[..., None, :]))


def _descending(values):
    return -np.sort(-values, -1)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    from . import factoring

    a, = taken(a)
    if hermitian:
        return _svd_hermitian(a, compute_uv)
    found = factoring.svd(a, compute_uv) if not (full_matrices and compute_uv) else None
    if found is None:
        found = native("svdvals" if not compute_uv else "svd_full" if full_matrices else "svd", a)
    return SVDResult(*found) if compute_uv else found


def svdvals(x, /):
    return svd(x, compute_uv=False)


def _limit(rcond, rtol, default, *, of):
    """The relative limit that is given by the old name or the new one."""
    if rcond is not None and rtol is not None:
        raise error("INVALID_ARGUMENT", "`rtol` and `rcond` can't be both set.")
    given = rcond if rcond is not None else rtol
    given = default if given is None else given
    return given if np.ndim(given) == 0 and not hasattr(given, "_handle") else remote(given, of._handle.session)[..., None]


def pinv(a, rcond=None, hermitian=False, *, rtol=None):
    """Of singular values that are a small part of the largest, nothing is taken."""
    a, = taken(a)
    limit = _limit(rcond, rtol, 1e-15, of=a)
    if a.size == 0:
        from .creation import empty

        return empty(a.shape[:-2] + (a.shape[-1], a.shape[-2]), a.dtype)
    u, s, vh = svd(a, full_matrices=False, hermitian=hermitian)
    large = s > limit * s.max(-1, keepdims=True)
    inverse = np.where(large, 1 / np.where(large, s, 1), 0).astype(s.dtype)
    return _turned(vh) @ (inverse[..., :, None] * _turned(u))


def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    a, = taken(A)
    if a.ndim < 2:
        return (a != 0).any().astype(np.int64)
    s = svd(a, compute_uv=False, hermitian=hermitian)
    if tol is None:
        tol = _limit(None, rtol, max(a.shape[-2:]) * _eps(s), of=a) * s.max(-1, keepdims=True)
    else:
        tol = _limit(tol, rtol, None, of=a)
    return (s > tol).sum(-1)


def _two_dimensional(x):
    if x.ndim != 2:
        raise failed(f"{x.ndim}-dimensional array given. Array must be two-dimensional")


def _rank_limit(rcond, rows, columns):
    """The singular value, as part of the largest, from which on values count; without one NumPy 1 warns and takes the precision."""
    if isinstance(rcond, str) and rcond == "warn":
        if int(np.__version__.partition(".")[0]) < 2:
            warnings.warn("`rcond` parameter will change to None as its default; -1 stays with the precision alone", FutureWarning, stacklevel=4)
            return -1.0
        rcond = None
    return float(np.finfo(np.float64).eps) * max(rows, columns) if rcond is None else float(rcond)


def lstsq(a, b, rcond="warn"):
    from . import factoring

    a, b = taken(a, b)
    vector = b.ndim == 1
    _two_dimensional(a)
    b = b[:, None] if vector else b
    _two_dimensional(b)
    rows, columns = a.shape
    if rows != b.shape[0]:
        raise failed("Incompatible dimensions")
    rcond = _rank_limit(rcond, rows, columns)
    if b.shape[1] == 0:  # which LAPACK refuses
        x, rest, rank, s = lstsq(a, remote(np.zeros((rows, 1), a.dtype), a._handle.session), rcond)
        return x[:, :0], rest[:0], rank, s
    found = factoring.lstsq(a, b, rcond)
    x, rest, rank, s = native("lstsq", a, b, rcond=rcond) if found is None else found
    rest = rest if int(rank) == columns and rows > columns else rest[:0]
    return x[:, 0] if vector else x, rest, rank.astype(np.intc), s


# ---- sizes

def _inverse_norms(x, p):
    """Singular matrices count as infinite."""
    singular = slogdet(x).sign == 0
    eye = np.eye(x.shape[-1], dtype=x.dtype)
    found = norm(x, p, (-2, -1)) * norm(inv(np.where(singular[..., None, None], eye, x)), p, (-2, -1))
    return np.where(singular, np.inf, found).astype(found.dtype)


def _finite(found, x):
    """What is not a number though the matrix holds numbers is infinite."""
    broken = np.isnan(found) & ~np.isnan(x).any((-2, -1))
    return np.where(broken, np.inf, found).astype(found.dtype)


def cond(x, p=None):
    x, = taken(x)
    if x.size == 0 and 0 in x.shape[-2:]:
        raise failed("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        s = svd(x, compute_uv=False)
        with np.errstate(all="ignore"):
            return _finite(s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1], x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise failed("Last 2 dimensions of the array must be square" if x.ndim > 1 else
                     f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    with np.errstate(all="ignore"):
        return _finite(_inverse_norms(x, p), x)


def _spectral(x, axes, of):
    """Of the singular values of the matrices along two axes."""
    return of(svd(np.moveaxis(x, axes, (-2, -1)), compute_uv=False))


def squares(x):
    """Of the sizes of elements; those of complex numbers without roots."""
    if x.dtype.kind == "c":
        return x.real ** 2 + x.imag ** 2
    return x * x


_PARTS = {"F": np.dtype("f"), "D": np.dtype("d")}  # of complex numbers
_MATRIX_NORMS = {
    None: lambda x, i, j: squares(x).sum((i, j)) ** 0.5,
    1: lambda x, i, j: abs(x).sum(i).max(j - (j > i)),
    -1: lambda x, i, j: abs(x).sum(i).min(j - (j > i)),
    np.inf: lambda x, i, j: abs(x).sum(j).max(i - (i > j)),
    -np.inf: lambda x, i, j: abs(x).sum(j).min(i - (i > j)),
    2: lambda x, i, j: _spectral(x, (i, j), lambda s: s.max(-1)),
    -2: lambda x, i, j: _spectral(x, (i, j), lambda s: s.min(-1)),
    "nuc": lambda x, i, j: _spectral(x, (i, j), lambda s: s.sum(-1)),
}
_MATRIX_NORMS["fro"] = _MATRIX_NORMS["f"] = _MATRIX_NORMS[None]


@silent_as_dot
def _length(x):
    if x.dtype.char in _PARTS:
        try:
            x = x.view(_PARTS[x.dtype.char])
        except ValueError:
            pass  # its elements do not lie close
    return squares(x).sum() ** 0.5


def norm(x, ord=None, axis=None, keepdims=False):
    """Of vectors along one axis, of matrices along two, or of all elements."""
    x = remote(x, _session_of([x]))
    if x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    if axis is None and (ord is None or ord in ("f", "fro") and x.ndim == 2 or ord == 2 and x.ndim == 1):
        found = _length(x.ravel())
        return found.reshape((1,) * x.ndim) if keepdims else found
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    try:
        axes = tuple(normalize_axis(i, x.ndim) for i in axes)
    except TypeError as problem:
        raise error("WRONG_TYPE", "'axis' must be None, an integer or a tuple of integers") from problem
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise error("INVALID_ARGUMENT", "Improper number of dimensions to norm.")
    if axes[0] == axes[1]:
        raise error("INVALID_ARGUMENT", "Duplicate axes given.")
    if ord not in _MATRIX_NORMS:
        raise error("INVALID_ARGUMENT", "Invalid norm order for matrices.")
    found = _MATRIX_NORMS[ord](x, *axes)
    return np.expand_dims(found, tuple(sorted(axes))) if keepdims else found


def _vector_norm(x, ord, axis, keepdims):
    from .newer import vector_norm

    if isinstance(ord, str):
        raise error("INVALID_ARGUMENT", f"Invalid norm order '{ord}' for vectors")
    return vector_norm(x, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)
