"""ufuncs called as NumPy's functions: the short way for remote arrays and numbers, and what must not take it."""
import numpy as np
import pytest

import farhand as fh
from farhand import _native

LOCAL = np.linspace(0.5, 4, 60).reshape(5, 12)


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.power, np.less, np.arctan2, np.exp, np.negative, np.sign, np.isfinite])
def test_values_and_dtypes(cluster, ufunc, pieces):
    axis = 0 if pieces == 2 else None
    for values in ([LOCAL, LOCAL.T.reshape(5, 12).copy()], [LOCAL, 2], [2.5, LOCAL], [LOCAL.astype("f4"), 1]):
        values = values[:ufunc.nin]
        if not any(isinstance(v, np.ndarray) for v in values):
            continue
        remote = [fh.scatter(v, axis) if isinstance(v, np.ndarray) else v for v in values]
        result, wanted = ufunc(*remote), ufunc(*values)
        assert isinstance(result, fh.Array)
        assert result.dtype == wanted.dtype and result.shape == wanted.shape
        np.testing.assert_allclose(np.asarray(result), wanted, rtol=1e-6)


def test_what_is_not_simple_goes_the_long_way(cluster):
    x = fh.scatter(LOCAL)
    days = fh.scatter(np.array(["2026-01-01", "2026-02-03"], "M8[D]"))
    for operands in ((LOCAL, x), (x, np.float32(1)), (x, [1] * 12), (days, days), (1, 2)):
        assert _native.simple_ufunc("add", *operands) is NotImplemented
    np.testing.assert_array_equal(np.asarray(np.add(x, LOCAL)), LOCAL + LOCAL)
    np.testing.assert_array_equal(np.asarray(np.add(x, np.float32(1))), LOCAL + np.float32(1))
    np.testing.assert_array_equal(np.asarray(np.subtract(days, days)), np.zeros(2, "m8[D]"))
    np.testing.assert_array_equal(np.asarray(np.add(x, 1, where=LOCAL > 9, out=fh.scatter(LOCAL))), LOCAL)
    assert np.add(x, 1, dtype="f4").dtype == np.float32
    assert np.divmod(x, 2)[1].shape == LOCAL.shape


def test_errors_are_those_of_the_long_way(cluster):
    x = fh.scatter(LOCAL)
    with pytest.raises(ValueError):
        np.add(x, fh.scatter(np.zeros(7)))
    with pytest.raises(TypeError):
        np.add(x, object())
    with pytest.raises(TypeError):
        _native.simple_ufunc("add")
    with pytest.raises(TypeError):
        _native.simple_ufunc(1, x)
    with pytest.warns(RuntimeWarning, match="divide"):
        np.asarray(np.true_divide(x, 0))
