"""Factors of tall matrices that are cut along their rows, without bringing the matrix to one engine.

TSQR (Demmel, Grigori, Hoemmen, Langou 2012): each piece is factorised where it is, their small triangles together once more.  What
else is wanted of the matrix follows from the triangle.  The rows of R, and the columns of Q, may have other signs than where one
engine does it all.
"""
import numpy as np

from .array import Array
from .hosted import rowwise, whole
from .joining import concatenate
from .products import matmul


def _is_tall(x):
    """One matrix in pieces of rows, none of them wider than high."""
    return (isinstance(x, Array) and x.ndim == 2 and x.axis == 0 and x.npieces > 1 and x.shape[1] > 0
            and all(stop - start >= x.shape[1] for start, stop in x.bounds))


def _tsqr(x):
    """Q, cut as x, and R, on one engine."""
    each = rowwise("linalg.qr", x, (x,), {}, lambda ndim: 0)
    q, r = each
    last = whole("linalg.qr", (r.reshard(None),), {})
    n = x.shape[1]
    pieces = [matmul(piece, last[0][i * n:(i + 1) * n]) for i, piece in enumerate(q.pieces)]
    return _like(each, concatenate(pieces, 0), last[1])


def _like(results, *values):
    """A tuple of the class that NumPy gave."""
    return type(results)(*values) if hasattr(results, "_fields") else values


def _triangle(x):
    """R alone: the same, and no Q travels."""
    return whole("linalg.qr", (rowwise("linalg.qr", x, (x, "r"), {}, lambda ndim: 0).reshard(None), "r"), {})


def _qr(a, mode="reduced"):
    return _tsqr(a) if mode == "reduced" else _triangle(a) if mode == "r" else None


def _svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    if hermitian or full_matrices and compute_uv:
        return None
    if not compute_uv:
        return whole("linalg.svd", (_triangle(a),), {"compute_uv": False})
    q, r = _tsqr(a)
    found = whole("linalg.svd", (r,), {"full_matrices": False})
    return _like(found, matmul(q, found[0]), found[1], found[2])


def _pinv(a, rcond=1e-15, hermitian=False, **keywords):
    if hermitian or keywords:
        return None
    q, r = _tsqr(a)
    return matmul(whole("linalg.pinv", (r,), {"rcond": rcond}), q.conj().T)


def _cond(x, p=None):
    return whole("linalg.cond", (_triangle(x),), {"p": p}) if p in (None, 2, -2) else None


def _lstsq(a, b, rcond="warn"):
    b = b if isinstance(b, Array) else np.asarray(b)
    if isinstance(rcond, str) or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        return None
    q, r = _tsqr(a)
    rows, columns = a.shape
    rcond = np.finfo(q.dtype).eps * max(a.shape) if rcond is None else rcond
    x, left, rank, s = whole("linalg.lstsq", (r, matmul(q.conj().T, b), rcond), {})
    if int(rank) == columns and rows > columns:
        rest = abs(b - matmul(a, x)) ** 2
        left = rest.sum(0) if rest.ndim == 2 else rest.sum(0, keepdims=True)
    return x, left, rank, s


_TALL = {"linalg.qr": _qr, "linalg.svd": _svd, "linalg.pinv": _pinv, "linalg.cond": _cond, "linalg.lstsq": _lstsq}


def tall(name, args, kwargs):
    """The function's result, if its first argument is a tall matrix in pieces of rows and this can be done; else None."""
    if not args or not _is_tall(args[0]):
        return None
    try:
        return _TALL[name](*args, **kwargs)
    except TypeError:  # arguments that NumPy may know
        return None
