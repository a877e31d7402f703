"""Functions tell floating-point exceptions where NumPy's tell them, and are silent where NumPy is."""
import warnings

import numpy as np
import pytest

import farhand as fh


def with_odd(*odd):
    x = np.linspace(1.0, 4.0, 30)
    x[3:3 + len(odd)] = odd
    return x


VALUES = {
    "plain": with_odd(), "nan": with_odd(np.nan), "infinities": with_odd(np.inf, -np.inf), "zero": with_odd(0.0), "zeros": np.zeros(30),
    "huge": np.full(30, 1.5e308), "nan alone": np.full(30, np.nan),
}


def matrix(x, rows=5, columns=6):
    return x[:rows * columns].reshape(rows, columns)


def diagonal(x):
    return np.diag(x[:5])


FUNCTIONS = {
    # reductions
    "sum": np.sum, "prod": np.prod, "mean": np.mean, "var": np.var, "std": np.std, "min": np.min, "max": np.max, "argmax": np.argmax,
    "ptp": np.ptp, "average": np.average, "sum of rows": lambda x: matrix(x).sum(1), "var of columns": lambda x: matrix(x).var(0),
    "float32": lambda x: x.sum(dtype="f4"), "of complex": lambda x: (x * 1j).sum(), "add.reduce": np.add.reduce,
    "nansum": np.nansum, "nanmean": np.nanmean, "nanmin": np.nanmin, "nanvar": np.nanvar, "nanstd": np.nanstd,
    "median": np.median, "percentile": lambda x: np.percentile(x, [10, 90]),
    # running results and differences
    "cumsum": np.cumsum, "cumprod": np.cumprod, "cumsum of columns": lambda x: np.cumsum(matrix(x), 0), "diff": np.diff, "gradient": np.gradient,
    # searching and counting
    "sort": np.sort, "argsort": np.argsort, "unique": np.unique, "isin": lambda x: np.isin(x, [1.0, 2.0]), "digitize": lambda x: np.digitize(x, np.array([1.0, 2, 3])),
    "histogram": lambda x: np.histogram(x, 5, range=(0, 5)), "interp": lambda x: np.interp(x, [1.0, 2, 3], [1.0, 5, 7]),
    # products: in NumPy 1 all but matmul are silent
    "dot": lambda x: np.dot(x, x), "vdot": lambda x: np.vdot(x, x), "inner": lambda x: np.inner(x, x), "outer": lambda x: np.outer(x, x),
    "matmul": lambda x: np.matmul(matrix(x), matrix(x, 6, 5)), "dot of matrices": lambda x: np.dot(matrix(x), matrix(x, 6, 5)),
    "tensordot": lambda x: np.tensordot(matrix(x), matrix(x, 6, 5), 1), "einsum": lambda x: np.einsum("ij,jk->ik", matrix(x), matrix(x, 6, 5)),
    "sum by einsum": lambda x: np.einsum("ij->i", matrix(x)), "trace": lambda x: np.trace(matrix(x)), "correlate": lambda x: np.correlate(x, x[:4]),
    "multi_dot": lambda x: np.linalg.multi_dot([matrix(x), matrix(x, 6, 5), matrix(x)]),
    # linear algebra: all but determinants are silent
    "det": lambda x: np.linalg.det(diagonal(x)), "slogdet": lambda x: np.linalg.slogdet(diagonal(x)), "norm": np.linalg.norm,
    "norm of rows": lambda x: np.linalg.norm(matrix(x), axis=1), "cov": lambda x: np.cov(matrix(x)), "qr": lambda x: np.linalg.qr(matrix(x)),
    # element by element
    "clip": lambda x: np.clip(x, 1, 2), "where": lambda x: np.where(x > 1, x, 0), "round": lambda x: np.around(x, 2), "isclose": lambda x: np.isclose(x, 1.0),
    "nan_to_num": np.nan_to_num, "polyval": lambda x: np.polyval([1.0, 2, 3], x), "sinc": np.sinc, "astype": lambda x: x.astype("i4"),
}


def read(result):
    for x in result if isinstance(result, tuple) else (result,):
        fh.gather(x)


def kinds(function, x):
    """What it raises but underflow, the values read."""
    found = set()
    with np.errstate(all="call", call=lambda kind, flag: found.add(kind)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read(function(x))
    return found - {"underflow"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_tells_what_numpys_tells(cluster, name):
    for label, values in VALUES.items():
        assert kinds(FUNCTIONS[name], fh.scatter(values)) == kinds(FUNCTIONS[name], values), label


@pytest.mark.parametrize("name, text", [("det", "overflow encountered in det"), ("matmul", "overflow encountered in matmul"),
                                        ("cumsum", "overflow encountered in accumulate"), ("sum", "overflow encountered in reduce")])
def test_names(cluster, name, text):
    x = fh.scatter(VALUES["huge"])
    with pytest.warns(RuntimeWarning, match=text), np.errstate(invalid="ignore"):
        read(FUNCTIONS[name](x))


def test_raise_stops_only_where_numpy_would(cluster):
    x = fh.scatter(VALUES["huge"])
    with np.errstate(all="raise"):
        assert np.isinf(float(np.einsum("i,i->", x, x))) and np.isinf(complex(np.vdot(x, x)).real)
        product = matrix(x) @ matrix(x, 6, 5)
    with pytest.raises(FloatingPointError, match="overflow encountered in matmul"):
        fh.gather(product)
