"""Factors of tall matrices that are cut along their rows, without bringing the matrix to one engine; and of wide ones, turned.

TSQR (Demmel, Grigori, Hoemmen, Langou 2012): each piece is factorised where it is, their small triangles together once more.  What
else is wanted of the matrix follows from the triangle.  The rows of R, and the columns of Q, may have other signs than where one
engine does it all.
"""
from .joining import joined
from .matrices import native
from .products import matmul


def _turned(x):
    return x.conj().swapaxes(-2, -1)


def _tall(x):
    """x as one matrix in pieces of rows, none of them wider than high, if that can be had; else None."""
    if x.ndim != 2 or x.npieces < 2 or x.shape[1] == 0 or x.shape[0] // x.npieces < x.shape[1]:
        return None
    x = x if x.axis == 0 else x.reshard(0)
    return x if all(stop - start >= x.shape[1] for start, stop in x.bounds) else None


def _wide(x):
    """The conjugate transpose of x, if that is tall."""
    if x.ndim != 2 or x.npieces < 2 or x.shape[0] == 0 or x.shape[1] // x.npieces < x.shape[0]:
        return None
    return _tall(_turned(x))


def _gathered(triangles):
    """Small matrices, one below the other, on the first one's engine."""
    return joined(triangles, 0).reshard(None)


def _tsqr(x):
    """Q, cut as x, and R, on one engine."""
    each = [native("qr", piece) for piece in x.pieces]
    n = x.shape[1]
    last, r = native("qr", _gathered([r for _, r in each]))
    pieces = [matmul(q, last[i * n:(i + 1) * n]) for i, (q, _) in enumerate(each)]
    return joined(pieces, 0), r


def _triangle(x):
    """R alone: the same, and no Q travels."""
    return native("qr_r", _gathered([native("qr_r", piece) for piece in x.pieces]))


def qr(a, mode):
    """None: nothing of the kind can be done."""
    tall = _tall(a) if mode in ("reduced", "r") else None
    if tall is not None:
        return _tsqr(tall) if mode == "reduced" else _triangle(tall)
    rows = a.shape[0] if a.ndim == 2 else 0
    if mode != "reduced" or _wide(a) is None or a.shape[1] == rows:
        return None
    q, r = native("qr", a[:, :rows].reshard(None))  # the other columns follow from Q
    return q, joined([r, matmul(_turned(q), a[:, rows:])], 1)


def svd(a, compute_uv):
    tall = _tall(a)
    wide = _wide(a) if tall is None else None
    x = wide if tall is None else tall
    if x is None:
        return None
    if not compute_uv:
        return native("svdvals", _triangle(x))
    q, r = _tsqr(x)
    u, s, vh = native("svd", r)
    left = matmul(q, u)
    return (left, s, vh) if tall is not None else (_turned(vh), s, _turned(left))


def lstsq(a, b, rcond):
    tall = _tall(a)
    if tall is not None:
        return _tall_lstsq(tall, b, rcond)
    wide = _wide(a)
    if wide is None:
        return None
    q, r = _tsqr(wide)
    x, *others = native("lstsq", _turned(r), b.reshard(None), rcond=rcond)  # the smallest solution lies in the rows of a
    return matmul(q, x), *others


def _tall_lstsq(a, b, rcond):
    q, r = _tsqr(a)
    x, _, rank, s = native("lstsq", r, matmul(_turned(q), b), rcond=rcond)
    rest = abs(b - matmul(a, x)) ** 2
    return x, rest.sum(0), rank, s
