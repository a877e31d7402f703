"""fh.polynomial: NumPy's series, evaluated at remote points."""
import numpy as np
import pytest

import farhand as fh

STEMS = {"chebyshev": "cheb", "hermite": "herm", "hermite_e": "herme", "laguerre": "lag", "legendre": "leg", "polynomial": "poly"}
POINTS, TABLE = np.linspace(-1, 1, 5), np.arange(15.0).reshape(3, 5)


def both(name, function, *arguments):
    """What it gives of remote points, beside NumPy's of local ones."""
    ours, numpys = getattr(fh.polynomial, name), getattr(np.polynomial, name)
    got = function(ours, *(fh.scatter(x) if isinstance(x, np.ndarray) else x for x in arguments))
    want = function(numpys, *arguments)
    np.testing.assert_allclose(fh.gather(got), want, rtol=1e-12, atol=1e-12)
    assert np.shape(got) == want.shape
    return got


@pytest.mark.parametrize("name", STEMS)
def test_series_of_several_coefficients_at_remote_points(clusters, name):
    stem = STEMS[name]
    assert isinstance(both(name, lambda module, x: getattr(module, f"{stem}val")(x, TABLE), POINTS), fh.Array)
    both(name, lambda module, x, c: getattr(module, f"{stem}val")(x, c), POINTS, TABLE)
    both(name, lambda module, x: getattr(module, f"{stem}val")(x, TABLE, tensor=False), POINTS)
    both(name, lambda module, x: getattr(module, f"{stem}val")(x, [1, 2, 3]), POINTS)
    both(name, lambda module, x: getattr(module, f"{stem}val")(x, 2.0), POINTS)
    both(name, lambda module, x, y: getattr(module, f"{stem}grid2d")(x, y, TABLE), POINTS, POINTS[:3])
    both(name, lambda module, x, y, z: getattr(module, f"{stem}grid3d")(x, y, z, TABLE[..., None] * [1, 2.0]), POINTS[:2], POINTS, POINTS[:3])


def test_values_from_roots(clusters):
    both("polynomial", lambda module, x: module.polyvalfromroots(x, [1.0, 2, 3]), POINTS)
    both("polynomial", lambda module, x: module.polyvalfromroots(x, TABLE), POINTS)
    both("polynomial", lambda module, x: module.polyvalfromroots(x, TABLE, tensor=False), POINTS)
    with pytest.raises(ValueError, match="tensor"):
        fh.polynomial.polynomial.polyvalfromroots(fh.scatter(POINTS), [1.0, 2], tensor=False)


def test_all_else_is_numpys(cluster):
    assert fh.polynomial.Polynomial is np.polynomial.Polynomial
    assert fh.polynomial.chebyshev.chebfit is np.polynomial.chebyshev.chebfit
    assert fh.polynomial.polynomial.polyval(2.0, [1, 2]) == 5.0 and "Legendre" in dir(fh.polynomial)
    np.testing.assert_allclose(fh.gather(fh.polynomial.Polynomial([1, 2, 3])(fh.scatter(POINTS))), np.polynomial.Polynomial([1, 2, 3])(POINTS))
