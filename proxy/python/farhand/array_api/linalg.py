"""The extension linalg, and the main namespace's functions of linear algebra."""
from collections import namedtuple

import numpy as np

from ..errors import error
from ..joining import remote
from .place import function

EigResult = namedtuple("EigResult", "eigenvalues eigenvectors")
EighResult = namedtuple("EighResult", "eigenvalues eigenvectors")
QRResult = namedtuple("QRResult", "Q R")
SlogdetResult = namedtuple("SlogdetResult", "sign logabsdet")
SVDResult = namedtuple("SVDResult", "U S Vh")


def _complex(x):
    """As NumPy does not always: complex eigenvalues of real matrices, too, whatever they are."""
    return x if x.dtype.kind == "c" else x.astype(np.complex64 if x.dtype == np.float32 else np.complex128)


def matmul(x1, x2, /):
    return function("matmul")(x1, x2)


def matrix_transpose(x, /):
    return function("matrix_transpose")(x)


def tensordot(x1, x2, /, *, axes=2):
    return function("tensordot")(x1, x2, axes)


def vecdot(x1, x2, /, *, axis=-1):
    if axis >= 0 or axis < -min(x1.ndim, x2.ndim):
        raise error("INVALID_ARGUMENT", "vecdot: axis counts from the end and is one of both arrays")
    return function("vecdot")(x1, x2, axis=axis)


def cholesky(x, /, *, upper=False):
    lower = function("linalg.cholesky")(x)
    return matrix_transpose(lower).conj() if upper else lower


def cross(x1, x2, /, *, axis=-1):
    return function("linalg.cross")(x1, x2, axis=axis)


def det(x, /):
    return function("linalg.det")(x)


def diagonal(x, /, *, offset=0):
    return function("linalg.diagonal")(x, offset=offset)


def eig(x, /):
    return EigResult(*map(_complex, function("linalg.eig")(x)))


def eigh(x, /):
    return EighResult(*function("linalg.eigh")(x))


def eigvals(x, /):
    return _complex(function("linalg.eigvals")(x))


def eigvalsh(x, /):
    return function("linalg.eigvalsh")(x)


def inv(x, /):
    return function("linalg.inv")(x)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    return function("linalg.matrix_norm")(x, keepdims=keepdims, ord=ord)


def matrix_power(x, n, /):
    return function("linalg.matrix_power")(x, n)


def matrix_rank(x, /, *, rtol=None):
    """How many singular values are larger than rtol times the largest."""
    if x.ndim < 2:
        raise error("INVALID_ARGUMENT", "matrix_rank takes arrays of 2 or more dimensions")
    values = svdvals(x)
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(np.finfo(values.dtype).eps)
    elif hasattr(rtol, "dtype"):
        rtol = remote(rtol, x._handle.session)[..., None]
    return (values > values.max(-1, keepdims=True) * rtol).sum(-1) if values.shape[-1] else values.sum(-1).astype(np.int64)


def outer(x1, x2, /):
    return function("linalg.outer")(x1, x2)


def pinv(x, /, *, rtol=None):
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    return function("linalg.pinv")(x, rtol)


def qr(x, /, *, mode="reduced"):
    return QRResult(*function("linalg.qr")(x, mode))


def slogdet(x, /):
    return SlogdetResult(*function("linalg.slogdet")(x))


def solve(x1, x2, /):
    """One vector is a vector; all else are matrices, or stacks of them."""
    matrices = x2[:, None] if x2.ndim == 1 else x2
    result = function("linalg.solve")(x1, matrices[(None,) * (x1.ndim - matrices.ndim)])  # else NumPy 1's rules would see vectors
    return result[..., 0] if x2.ndim == 1 else result


def svd(x, /, *, full_matrices=True):
    return SVDResult(*function("linalg.svd")(x, full_matrices))


def svdvals(x, /):
    return function("linalg.svdvals")(x)


def trace(x, /, *, offset=0, dtype=None):
    return function("linalg.trace")(x, offset=offset, dtype=dtype)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    return function("linalg.vector_norm")(x, axis=axis, keepdims=keepdims, ord=ord)
