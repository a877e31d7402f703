"""Methods whose arguments are simple: the short way gives what NumPy gives, and what is not simple takes the long one."""
import inspect

import numpy as np
import pytest

import farhand as fh
from farhand import _native
from farhand.long_ways import LongWays

LOCAL = np.linspace(-2, 4, 60).reshape(5, 12)
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def values_of(dtype):
    return (LOCAL * 3).astype(dtype) if dtype not in ("u1", "u2", "u4", "u8") else (abs(LOCAL) * 3).astype(dtype)


@pytest.fixture
def long_calls(monkeypatch):
    """What was called the long way, by name."""
    called = []

    class Noting(LongWays):
        __slots__ = ()

    def noting(name):
        def method(self, *arguments, **keywords):
            called.append(name)
            return getattr(LongWays, name)(self, *arguments, **keywords)

        return method

    for name, method in vars(LongWays).items():
        if inspect.isfunction(method):
            setattr(Noting, name, noting(name))
    _native.use_shortcuts(Noting)
    yield called
    _native.use_shortcuts(LongWays)


def assert_same(result, wanted):
    assert isinstance(result, fh.Array) and result.shape == wanted.shape and result.dtype == wanted.dtype
    np.testing.assert_allclose(np.asarray(result), wanted, rtol=1e-3 if wanted.dtype == np.float16 else 1e-6)


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_elements_are_pythons_numbers(cluster, long_calls, dtype, axis):
    local = values_of(dtype)
    x = fh.scatter(local, axis)
    for index in [(0, 0), (4, 11), (-1, 3)]:
        found, wanted = x[index].item(), local[index].item()
        assert type(found) is type(wanted) and found == wanted
        assert bool(x[index]) is bool(local[index])
        if local.dtype.kind != "c":
            assert float(x[index]) == float(local[index]) and int(x[index]) == int(local[index])
    assert set(long_calls) <= ({"item", "__float__", "__int__", "__bool__"} if dtype == "f2" else set())


@pytest.mark.parametrize("pieces", [None, 0, 1])
@pytest.mark.parametrize("name", ["sum", "prod", "min", "max", "any", "all", "mean"])
def test_reductions(cluster, long_calls, name, pieces):
    for dtype in ("f8", "f4", "i4", "?"):
        local = values_of(dtype)
        x, method = fh.scatter(local, pieces), getattr(local, name)
        assert_same(getattr(x, name)(), np.asarray(method()))
        for axis in (0, 1, -1):
            assert_same(getattr(x, name)(axis), method(axis))
            assert_same(getattr(x, name)(axis=axis), method(axis=axis))
            assert_same(getattr(np, name)(x, axis), method(axis))
        assert_same(getattr(np, name)(x), np.asarray(method()))
        assert_same(getattr(x, name)(None), np.asarray(method()))
    assert not long_calls
    assert_same(getattr(x, name)(axis=(0, 1)), np.asarray(method()))
    assert_same(getattr(x, name)(keepdims=True), method(keepdims=True))
    assert_same(getattr(x, name)(0, keepdims=True), method(0, keepdims=True))
    assert long_calls == [name] * 3


@pytest.mark.parametrize("pieces", [None, 0, 1])
def test_views(cluster, long_calls, pieces):
    x = fh.scatter(LOCAL, pieces)
    for key in [3, -1, (slice(1, 3), 2), slice(None), slice(None, None, -1), slice(4, 0, -2), (..., 1), (None, 2), np.s_[:, 1:9:3], (),
                ..., np.s_[-100:100], np.s_[2:1]]:
        assert_same(x[key], np.asarray(LOCAL[key]))
    for shape in [(60,), (-1,), (10, 6), (10, -1), (3, 4, 5), (1, -1)]:
        assert_same(x.reshape(shape), LOCAL.reshape(shape))
        assert_same(x.reshape(*shape), LOCAL.reshape(shape))
    assert not long_calls
    for key in [np.int64(3), [1, 2], LOCAL > 0, np.array([0, 2]), np.s_[np.int64(1):3], True]:
        assert_same(x[key], LOCAL[key])
    assert long_calls == ["__getitem__"] * 6
    assert_same(x.reshape(6, 10, order="F"), LOCAL.reshape(6, 10, order="F"))
    assert_same(x.reshape(np.int64(60)), LOCAL.reshape(60))


def test_an_element_is_a_copy_and_a_slice_a_view(cluster):
    x = fh.scatter(np.arange(6.0), None)
    x[0], x[5] = x[5], x[0]
    x[1:3].fill(7)
    np.testing.assert_array_equal(np.asarray(x), [5, 7, 7, 3, 4, 0])


def test_errors_are_numpys(cluster):
    x, empty = fh.scatter(LOCAL), fh.scatter(np.empty((0, 3)))
    for wrong, kind in [(lambda: x[5], IndexError), (lambda: x[0, 0, 0], IndexError), (lambda: x["a"], IndexError), (lambda: x[1 << 70], IndexError),
                        (lambda: x[1.5], IndexError), (lambda: x[::0], ValueError), (lambda: x.sum(2), ValueError), (lambda: x.sum(axis=-3), ValueError),
                        (lambda: x.sum(nothing=1), TypeError), (lambda: x.sum(1 << 70), ValueError), (lambda: empty.max(), ValueError),
                        (lambda: empty.min(0), ValueError), (lambda: x.reshape(7), ValueError), (lambda: x.reshape(-1, -1), ValueError),
                        (lambda: x.reshape(7, -1), ValueError), (lambda: x.reshape(1 << 62, 4), ValueError), (lambda: float(x), TypeError),
                        (lambda: bool(x), ValueError), (lambda: int(x), TypeError), (lambda: x.item(), ValueError), (lambda: x.reshape(), ValueError),
                        (lambda: int(fh.scatter(np.array(np.nan), None)), ValueError), (lambda: float(fh.scatter(np.array(1j), None)), TypeError)]:
        with pytest.raises(kind):
            wrong()
    assert empty.sum().item() == 0 and empty.sum(0).shape == (3,) and empty.reshape(3, 0).shape == (3, 0)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        assert np.isnan(float(empty.mean()))


def test_what_holds_no_numbers(cluster):
    days = fh.scatter(np.array(["2026-01-01", "2026-02-03"], "M8[D]"))
    assert days.max().item() == np.datetime64("2026-02-03").item() and days[0].shape == ()
    records = fh.scatter(np.array([(1, 2.0), (3, 4.0)], [("a", "i4"), ("b", "f8")]), None)
    assert records[0]["a"].item() == 1 and records["b"].sum().item() == 6.0


def test_warnings_come_with_the_value(cluster):
    x = fh.scatter(np.array([1e308, 1e308]), None)
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert float(x.sum()) == np.inf


@pytest.mark.parametrize("pieces", [None, 0])
def test_where_of_three_operands(cluster, pieces):
    x = fh.scatter(LOCAL, pieces)
    for choices in [(x, 0), (0.5, x), (x, x), (1, 2), (x, LOCAL), (x, [0] * 12)]:
        local = [LOCAL if c is x else c for c in choices]
        assert_same(np.where(x > 0.5, *choices), np.where(LOCAL > 0.5, *local))


def test_functions_of_arrays_that_are_not_simple(cluster):
    x = fh.scatter(LOCAL)
    assert _native.are_simple((x, 1, None, x)) and _native.are_simple((2.5, x))
    days = fh.scatter(np.array(["2026-01-01", "2026-02-03"], "M8[D]"))
    for values in [(), (1,), (x, LOCAL), (x, "a"), (x, [1]), (days,), (x, True)]:
        assert not _native.are_simple(values)
    assert not _native.are_simple([x])
    np.testing.assert_array_equal(np.asarray(np.sort(days)), np.sort(np.asarray(days)))


def test_signatures_can_be_seen():
    for name in ("sum", "prod", "min", "max", "any", "all", "mean", "reshape", "item"):
        native, plain = (inspect.signature(getattr(kind, name)).parameters.values() for kind in (fh.Array, LongWays))
        assert [(p.name, p.default) for p in native] == [(p.name, p.default) for p in plain]
