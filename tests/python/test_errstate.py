"""Floating-point exceptions of native operations follow numpy.errstate, as NumPy's own do."""
import inspect
import io
import itertools
import threading
import warnings

import numpy as np
import pytest

import farhand as fh
from farhand import _native

FLAG = {"divide by zero": 1, "overflow": 2, "underflow": 4, "invalid value": 8}


def here():
    return inspect.currentframe().f_back.f_lineno


def kinds(function, *arrays):
    """What it raises but underflow, the value read."""
    found = set()
    with np.errstate(all="call", call=lambda kind, flag: found.add(kind)):
        result = function(*arrays)
        for x in result if isinstance(result, tuple) else (result,):
            if isinstance(x, fh.Array):
                fh.gather(x)
    return found - {"underflow"}


# ---- which ---------------------------------------------------------------------------------------------------------------------

def special(char):
    dtype = np.dtype(char)
    if dtype.kind == "f":
        largest = float(np.finfo(dtype).max)
        return [0.0, -0.0, 1.0, -1.0, 2.5, largest, np.inf, -np.inf, np.nan, 1000.0]
    if dtype.kind == "c":
        return [0, 1, -1, 2 + 1j, float(np.finfo(dtype).max), complex(np.inf, 0), complex(np.nan, 0)]
    limits = np.iinfo(dtype)
    return [0, 1, 7, limits.max, limits.min] + ([-1] if dtype.kind == "i" else [])


ARITHMETIC = {"add", "subtract", "multiply", "square", "conjugate", "negative", "reciprocal"}


def is_comparable(name, char, values):
    """NumPy's own loops differ by version and processor for powers of infinities; of complex numbers only arithmetic of finite ones
    is as C says."""
    if np.dtype(char).kind == "c":
        return name in ARITHMETIC and np.isfinite(values).all()
    return name not in ("power", "float_power") or np.isfinite(values).all()


@pytest.mark.parametrize("char", "efdFbilBQ")
def test_every_operation_raises_what_numpys_does(cluster, char):
    for name, nin, nout in _native.ops():
        ufunc = getattr(np, name, None)
        if not isinstance(ufunc, np.ufunc) or nin > 2:
            continue
        try:
            with np.errstate(all="ignore"):
                ufunc(*[np.ones(1, char)] * nin)
        except TypeError:
            continue  # not for this dtype
        for values in itertools.product(special(char), repeat=nin):
            arrays = [np.ones(21, char) for _ in values]
            for array, value in zip(arrays, values):
                array[11] = value
            try:
                want = kinds(ufunc, *arrays)
            except ValueError:  # integers to negative powers
                continue
            if is_comparable(name, char, values):
                assert kinds(ufunc, *map(fh.scatter, arrays)) == want, (name, values)


@pytest.mark.parametrize("values, source, target", [([1e300], "d", "f"), ([1e6], "d", "e"), ([np.nan, 1], "d", "l"), ([np.inf], "f", "i"),
                                                    ([1e30], "d", "l"), ([2.5], "d", "l"), ([300], "l", "b"), ([1e300, np.inf], "d", "F")])
def test_casts(cluster, values, source, target):
    local = np.array(values, source)
    assert kinds(lambda x: x.astype(target), fh.scatter(local)) == kinds(lambda x: x.astype(target), local)


def test_sums_products_and_running_results(cluster):
    big = np.full(100, 1e307)
    remote, cut = fh.scatter(big), fh.scatter(big, axis=0)
    for x in (remote, cut):
        for function in (np.sum, np.prod, np.cumsum, np.cumprod):
            assert kinds(function, x) == kinds(function, big) == {"overflow"}
    with pytest.warns(RuntimeWarning, match="overflow encountered in reduce"):
        float(cut.sum())
    with pytest.warns(RuntimeWarning, match="overflow encountered in accumulate"):
        fh.gather(np.cumsum(remote))
    with pytest.warns(RuntimeWarning, match="overflow encountered in matmul"):
        fh.gather(np.matmul(fh.scatter(np.full((2, 2), 1e200)), fh.scatter(np.full((2, 2), 1e200))))


def test_comparisons_and_choices_of_nan_are_silent(cluster):
    x = fh.scatter(np.array([np.nan, 1.0, np.inf, 0.0]))
    with np.errstate(all="raise"):
        results = [x < 1, x >= x, np.maximum(x, 0), np.fmin(x, 1), np.sign(x), np.floor(x), np.isnan(x), np.clip(x, 0, 1), x.max(), x.argmin(),
                   np.where(x > 0, x, 0), np.sort(x), np.nanmax(x), np.isclose(x, x), np.tanh(x), np.exp(-x), np.nan_to_num(x)]
        for result in results:
            fh.gather(result)


# ---- where and when ------------------------------------------------------------------------------------------------------------

def test_warning_points_at_the_line_of_the_operation(cluster):
    x = fh.scatter(np.array([1.0, 0.0]))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        y = 1 / x
        line = here() - 1
        z = np.log(x)
        assert not told
        fh.gather(y), fh.gather(z)
    assert [(str(w.message), w.category, w.filename, w.lineno) for w in told] == [
        ("divide by zero encountered in divide", RuntimeWarning, __file__, line),
        ("divide by zero encountered in log", RuntimeWarning, __file__, line + 2)]


def test_each_of_many_lines_tells(cluster):
    """Also where many lines follow between an operation and its value: none takes another's place."""
    x = fh.scatter(np.zeros(3))
    for turn in range(20):
        names = [f"line {turn}.{i}" for i in range(40)]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            results = [eval(compile("1 / x", name, "eval"), {"x": x}) for name in names]
            for result in results:
                fh.gather(result)
        assert {w.filename for w in told} == set(names)


def test_steps_of_one_expression_are_told_apart(cluster):
    x = fh.scatter(np.linspace(-1, 1, 5000))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fh.gather(np.sqrt(x) + 1 / (x - x[0]))
    assert sorted(str(w.message) for w in told) == ["divide by zero encountered in divide", "invalid value encountered in sqrt"]


def test_reduced_expression(cluster):
    x = fh.scatter(np.full(1000, 1e307), axis=0)
    for expression, text in ((lambda: (x + 1).sum(), "overflow encountered in reduce"), (lambda: (x * 1e10).sum(), "overflow encountered in multiply")):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            float(expression())
        assert text in [str(w.message) for w in told]


def test_raise_comes_at_the_next_value(cluster):
    x = fh.scatter(np.array([1.0, 0.0]))
    with np.errstate(divide="raise"):
        y = 1 / x
        line = here() - 1
    with pytest.raises(FloatingPointError, match=rf"divide by zero encountered in divide, called in .*{line}$"):
        fh.gather(y)
    assert fh.gather(y).tolist() == [1.0, np.inf]  # it was told of


def test_errstate_is_that_of_the_call(cluster):
    x = fh.scatter(np.array([1.0, 0.0]))
    with np.errstate(all="ignore"):
        y = 1 / x
    with np.errstate(all="raise"):
        fh.gather(y)
        with np.errstate(all="ignore"):
            z = x / x
        assert bool(np.isnan(fh.gather(z)[1]))


def test_waiting_and_reading_on_another_engine_tell(cluster):
    whole = np.ones(4000)
    whole[1] = 0  # on the first engine; the result of the sum is read where it lies
    whole[-1] = 0
    x = fh.scatter(whole, axis=0)
    for read in (lambda: float((1 / x).sum()), lambda: (1 / x).wait(), lambda: fh.gather((1 / x)[2000:])):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            read()


def test_call_and_log(cluster):
    x = fh.scatter(np.array([0.0]))
    told, log = [], io.StringIO()
    with np.errstate(all="call", call=lambda kind, flag: told.append((kind, flag))):
        y = x / x
    fh.gather(y)
    assert told == [("invalid value", FLAG["invalid value"])]
    with np.errstate(all="log", call=log):
        y = 1 / x
    fh.gather(y)
    assert log.getvalue() == "Warning: divide by zero encountered in divide\n"


def test_print(cluster, capsys):
    with np.errstate(all="print"):
        y = 1 / fh.scatter(np.array([0.0]))
    fh.gather(y)
    assert capsys.readouterr().err == "Warning: divide by zero encountered in divide\n"


def test_each_thread_has_its_own_errstate(cluster):
    x = fh.scatter(np.array([0.0]))
    told = []

    def quiet():
        with np.errstate(all="ignore"):
            fh.gather(1 / x)

    with np.errstate(all="call", call=lambda kind, flag: told.append(kind)):
        thread = threading.Thread(target=quiet)
        thread.start()
        thread.join(30)
        assert not told
        fh.gather(1 / x)
    assert told == ["divide by zero"]


def test_underflow_is_told_when_it_is_asked_for(cluster):
    x = fh.scatter(np.array([1e-300]))
    with np.errstate(under="raise"):
        y = x * x
        z = np.exp(x * -1e303)
    with pytest.raises(FloatingPointError, match="underflow encountered in multiply"):
        fh.gather(y), fh.gather(z)
    with np.errstate(all="raise", under="ignore"):
        fh.gather(x * x)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_quotients_of_complex_numbers_tell_only_what_happened(cluster, dtype):
    for n in (1, 2, 3, 8, 1000):
        local = (np.arange(n) - 3 + 2j).astype(dtype)
        for by in (3, 3j, 1 + 2j, 2 - 1j):
            for divisor in (np.full(n, by, dtype), dtype == "complex64" and np.complex64(by) or by):
                far = fh.scatter(divisor) if isinstance(divisor, np.ndarray) else divisor
                assert kinds(lambda: fh.scatter(local) / far) == set()
                np.testing.assert_allclose(fh.gather(fh.scatter(local) / far), local / divisor, rtol=1e-6)
        with_zero = local.copy()
        with_zero[n // 2] = 0
        assert kinds(lambda: fh.scatter(local) / fh.scatter(with_zero)) == kinds(lambda: local / with_zero)
        assert kinds(lambda: fh.scatter(with_zero) / fh.scatter(with_zero)) == kinds(lambda: with_zero / with_zero)
