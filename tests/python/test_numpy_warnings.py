"""Warnings are NumPy's: of slices without a number, of too few degrees of freedom, of numbers that do not fit."""
import warnings

import numpy as np
import pytest

import farhand as fh
from oracle import same


def holed():
    x = np.arange(12.0).reshape(3, 4)
    x[1] = np.nan
    x[0, 0] = np.nan
    return x


ARRAYS = {"holed": holed, "all": lambda: np.full(5, np.nan), "empty": lambda: np.zeros((0, 3)), "none": lambda: np.zeros(0), "one": lambda: np.array([3.0]),
          "integers": lambda: np.arange(-3, 3), "zeros": lambda: np.zeros(3), "huge": lambda: np.full(4, 3e38, "f4"), "numbers": lambda: np.arange(6.0) - 2,
          "infinite": lambda: np.array([np.inf, -np.inf, 1.0]), "complex": lambda: np.array([1 + 1j, np.nan])}


def written(n, dtype, x):
    y = n.zeros(x.shape, dtype)
    y[:] = x
    return y


def cases():
    for name in ("nanmean", "nanmax", "nanmin", "nanstd", "nanvar", "nansum", "nanprod", "nanmedian"):
        for array in ("holed", "all", "empty", "none", "one", "integers", "numbers") + (("complex",) if name != "nanmedian" else ()):
            yield array, f"n.{name}(x)"
            yield array, f"n.{name}(x, axis=0)"
            yield array, f"n.{name}(x, axis=-1, keepdims=True)"
    for name in ("nanpercentile", "nanquantile"):
        for array in ("holed", "all", "numbers"):
            yield array, f"n.{name}(x, 0.5)"
            yield array, f"n.{name}(x, 0.5, axis=-1)"
    for name in ("mean", "var", "std", "median"):
        for array in ("empty", "none", "one", "holed"):
            yield array, f"n.{name}(x)"
            yield array, f"n.{name}(x, axis=0)"
            yield array, f"n.{name}(x, axis=-1)"
    for array, expressions in {
            "one": ["n.std(x, ddof=1)"], "holed": ["n.nanvar(x, axis=0, ddof=2)", "x.astype(int)", "x.min()", "x < 1", "written(n, int, x)",
                                                   "n.nanmean(x, axis=1, where=x > 100)", "n.nansum(x, where=x > 3)", "n.nanmax(x, axis=1, initial=0, where=x > 3)"],
            "numbers": ["x.var(ddof=9)", "(x * 1e300).astype('f4')", "n.log(x)", "n.sqrt(x)", "n.arccos(x * 2)", "n.exp(x * 1000)", "x**0.5", "x % 0", "x // 0",
                        "n.var(x, where=x > 99)", "n.mean(x, where=x > 99)"],
            "integers": ["x // 0", "x % 0", "divmod(x, 0)[0]", "x / 0", "1 / x", "n.reciprocal(x)", "n.fmod(x, 0)", "x.astype('i1') * 100"],
            "infinite": ["x.astype('i4')", "x - x", "x.sum()", "x.mean()", "n.cumsum(x)", "n.tan(x)", "x.var()"], "huge": ["x.sum()", "x.prod()", "x * x"],
            "zeros": ["x / x", "x / n.linalg.norm(x)", "n.sinc(x)"], "complex": ["x / 0", "x.astype(float)", "written(n, float, x)", "x.sum()"]}.items():
        for expression in expressions:
            yield array, expression


def told(code, module, x, session):
    """What it gives, and the warnings in some order, without the names of loops, which differ."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = fh.gather(eval(code, {"n": module, "x": x, "written": written}))
        except ValueError as problem:
            result = type(problem)
        session.sync()
    texts = {f"{warning.category.__name__}: {str(warning.message).split(' in ')[0].rstrip('.')}" for warning in seen}
    return sorted(text for text in texts if not text.startswith("DeprecationWarning")), result


@pytest.mark.parametrize("array, expression", list(cases()))
def test_warnings_are_numpys(cluster, array, expression):
    code = compile(expression, expression, "eval")
    expected, local = told(code, np, ARRAYS[array](), cluster.session)
    warned, remote = told(code, fh, fh.scatter(ARRAYS[array]()), cluster.session)
    assert warned == expected
    if isinstance(local, type):
        assert issubclass(remote, ValueError)
    else:
        with np.errstate(all="ignore"):
            same(np.asarray(remote), np.asarray(local), 1e-9)


def test_the_errstate_of_the_call_counts(cluster):
    x = fh.scatter(np.array([1.0, 0.0, -1.0]))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="divide"):
        fh.gather(1 / x)
    with np.errstate(divide="ignore"):
        fh.gather(1 / x)
    calls = []
    with np.errstate(divide="call", call=lambda kind, flag: calls.append(kind)):
        fh.gather(1 / x)
    assert calls == ["divide by zero"]


def test_warnings_name_the_line_that_called(cluster):
    x = fh.scatter(np.full((2, 3), np.nan))
    for call in (lambda: np.nanmean(x), lambda: fh.nanmax(x, axis=0), lambda: np.nanstd(x), lambda: np.mean(fh.zeros(0))):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            fh.gather(call())
            cluster.session.sync()
        assert any(warning.filename == __file__ for warning in seen)
