"""Correlations, convolutions, covariances, interpolation."""
import numpy as np

from .elementwise import complex_of
from .errors import error
from .errstate import warn
from .joining import _session_of, joined, remote
from .ufuncs import call

_MODES = {"valid": 0, "same": 1, "full": 2, 0: 0, 1: 1, 2: 2}


def _slide(a, v, mode):
    """Sums of products of a with v, which is not longer, at the places that the mode says."""
    from .array import wrap

    n, m = a.size, v.size
    left, count = ((0, n - m + 1), (m // 2, n), (m - 1, n + m - 1))[mode]
    return wrap(a._handle.correlate(v._handle, -left, count))


def _vectors(a, v, mode):
    if mode not in _MODES:
        raise error("INVALID_ARGUMENT", f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    session = _session_of([a, v])
    a, v = (x.reshape(1) if x.ndim == 0 else x for x in (remote(a, session), remote(v, session)))
    if a.ndim != 1 or v.ndim != 1:
        raise error("INVALID_ARGUMENT", "object too deep for desired array")
    for x, name in ((a, "a"), (v, "v")):
        if x.size == 0:
            raise error("INVALID_ARGUMENT", f"{name} cannot be empty")
    return a, v, _MODES[mode]


def correlate(a, v, mode="valid"):
    a, v, mode = _vectors(a, v, mode)
    v = v.conj()
    return _slide(a, v, mode) if a.size >= v.size else _slide(v, a, mode)[::-1]


def convolve(a, v, mode="full"):
    a, v, mode = _vectors(a, v, mode)
    if v.size > a.size:
        a, v = v, a
    return _slide(a, v[::-1], mode)


def interp(x, xp, fp, left=None, right=None, period=None):
    from .array import wrap

    session = _session_of([x, xp, fp])
    x, xp, fp = (remote(value, session) for value in (x, xp, fp))
    if xp.ndim != 1 or fp.ndim != 1:
        raise error("INVALID_ARGUMENT", "Data points must be 1-D sequences")
    if xp.shape != fp.shape:
        raise error("INVALID_ARGUMENT", "fp and xp are not of the same length.")
    if xp.size == 0:
        raise error("INVALID_ARGUMENT", "array of sample points is empty")
    if x.dtype.kind == "c" or xp.dtype.kind == "c":
        raise error("WRONG_TYPE", "Cannot cast array data from complex numbers to dtype('float64') according to the rule 'safe'")
    if period is not None:
        if period == 0:
            raise error("INVALID_ARGUMENT", "period must be a non-zero value")
        period = abs(period)
        left = right = None
        x, xp = x.astype(float) % period, xp.astype(float) % period
        places = np.argsort(xp)
        xp, fp = xp[places], fp[places]
        xp = joined([xp[-1:] - period, xp, xp[:1] + period])
        fp = joined([fp[-1:], fp, fp[:1]])
    if fp.dtype.kind == "c":
        parts = [interp(x, xp, part, *(side if side is None else getattr(complex(side), name) for side in (left, right)))
                 for part, name in ((fp.real, "real"), (fp.imag, "imag"))]
        return complex_of(*parts)
    left = fp[0].item() if left is None else left
    right = fp[-1].item() if right is None else right
    return wrap(x._handle.interp(xp._handle, fp._handle, float(left), float(right)))


# ---- covariances

def _variables(m, session, rowvar):
    m = remote(m, session)
    if m.ndim > 2:
        raise error("INVALID_ARGUMENT", "m has more than 2 dimensions")
    if m.ndim < 2:
        m = m.reshape(1, -1)
    return m if rowvar or m.shape[0] == 1 else m.T


def _weights(weights, session, count, name):
    if weights is None:
        return None
    given = remote(weights, session)
    weights = given.astype(float)
    if name == "fweights" and given.dtype.kind not in "biu" and not bool((weights == np.around(weights)).all()):
        raise error("WRONG_TYPE", "fweights must be integer")
    if weights.ndim > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if weights.shape[0] != count:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    if bool((weights < 0).any()):
        raise error("INVALID_ARGUMENT", f"{name} cannot be negative")
    return weights


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    session = _session_of([m, y, fweights, aweights])
    if ddof is not None and ddof != int(ddof):
        raise error("INVALID_ARGUMENT", "ddof must be integer")
    x = _variables(m, session, rowvar)
    if dtype is None:
        dtype = np.result_type(x.dtype, np.float64, *([] if y is None else [remote(y, session).dtype]))
    x = x.astype(dtype)
    if y is not None:
        x = joined([x, _variables(y, session, rowvar).astype(dtype)], 0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    f, w = _weights(fweights, session, x.shape[1], "fweights"), _weights(aweights, session, x.shape[1], "aweights")
    both = f if w is None else w if f is None else f * w
    total = x.shape[1] if both is None else float(both.sum())
    mean = x.mean(1) if both is None else (x * both).sum(1) / total
    if both is None or ddof == 0:
        freedom = total - ddof
    elif w is None:
        freedom = total - ddof
    else:
        freedom = total - ddof * float((both * w).sum()) / total
    if freedom <= 0:
        import warnings

        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        freedom = 0.0
    x = x - mean[:, None]
    other = (x if both is None else x * both).T.conj()
    product = np.dot(x, other)  # which says nothing of overflows, as in NumPy
    return shaped(product * (1 / freedom if freedom else np.inf))  # Python's number: the dtype stays


def shaped(c):
    """Without the axes of one variable."""
    return c.reshape(()) if c.shape == (1, 1) else c


def corrcoef(x, y=None, rowvar=True, bias=np._NoValue, ddof=np._NoValue, *, dtype=None):
    if bias is not np._NoValue or ddof is not np._NoValue:
        warn("bias and ddof have no effect and are deprecated", DeprecationWarning)
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    d = c[np.arange(c.shape[0]), np.arange(c.shape[0])]
    spread = call("sqrt", (d.real,))
    c = c / spread[:, None] / spread[None, :]
    if c.dtype.kind == "c":
        return complex_of(np.clip(c.real, -1, 1), np.clip(c.imag, -1, 1))
    return np.clip(c, -1, 1)
