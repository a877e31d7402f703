"""Factors of tall matrices in pieces of rows, and transforms along cut axes: NumPy's, and no engine gets the whole array."""
import numpy as np
import pytest
from oracle import make, same

import farhand as fh

TRANSFORMS = ["fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn", "irfft2", "irfftn"]


def close(actual, expected, rtol=1e-9):
    expected = np.asarray(expected)
    actual = np.asarray(fh.gather(actual))
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int32"])
def test_tall_matrices(clusters, dtype):
    a, b = make((61, 4), dtype, 1, small=True), make((61, 2), dtype, 2, small=True)
    x = fh.scatter(a)
    q, r = np.linalg.qr(x)
    if x.npieces > 1:
        assert q.axis == 0 and q.npieces == x.npieces
    close(q @ r, np.asarray(a, q.dtype))
    close(q.conj().T @ q, np.eye(4, dtype=q.dtype))
    close(abs(r), abs(np.linalg.qr(a)[1]))
    close(abs(np.linalg.qr(x, "r")), abs(np.linalg.qr(a, "r")))
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    close(s, np.linalg.svd(a, compute_uv=False))
    close((u * s) @ vh, np.asarray(a, u.dtype))
    close(np.linalg.svd(x, compute_uv=False), np.linalg.svd(a, compute_uv=False))
    close(np.linalg.pinv(x), np.linalg.pinv(a))
    close(np.linalg.cond(x), np.linalg.cond(a))
    for right in (b, b[:, 0]):
        expected = np.linalg.lstsq(a, right, rcond=None)
        for given in (fh.scatter(right), right):
            for one, other in zip(np.linalg.lstsq(x, given, rcond=None), expected):
                close(one, other)


def test_least_squares_of_dependent_columns(clusters):
    a = make((40, 3), "float64", 1)
    a[:, 2] = a[:, 0] + a[:, 1]
    b = make((40,), "float64", 2)
    for one, other in zip(np.linalg.lstsq(fh.scatter(a), b, rcond=1e-10), np.linalg.lstsq(a, b, rcond=1e-10)):
        close(one, other)


def test_what_is_not_tall_goes_to_one_engine(clusters):
    for shape in ((5, 5), (3, 8), (6, 4)):
        a = make(shape, "float64", 1)
        for cut in (0, 1):
            for one, other in zip(np.linalg.qr(fh.scatter(a, axis=cut)), np.linalg.qr(a)):
                close(abs(one), abs(other))
    assert np.linalg.qr(fh.scatter(make((9, 2), "float64", 1)), "complete")[0].shape == (9, 9)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_along_several_axes(clusters, name):
    local = make((6, 5, 4), "float64" if "rfft" in name and "i" not in name else "complex128", 1)
    function = getattr(np.fft, name)
    for cut in (None, 0, 1, 2):
        x = fh.scatter(local, axis=cut)
        close(function(x), function(local))
        close(function(x, axes=(0, 2)), function(local, axes=(0, 2)))
        close(function(x, (3, 7), axes=(2, 1), norm="ortho"), function(local, (3, 7), axes=(2, 1), norm="ortho"))
    with pytest.raises((ValueError, IndexError)):
        function(fh.scatter(local), (3, 4, 5), axes=(0, 1))


def test_shifts_and_frequencies(clusters):
    local = make((5, 4), "float64", 1)
    for axes in (None, 0, (1,), (0, 1)):
        for cut in (0, 1, None):
            for name in ("fftshift", "ifftshift"):
                same(fh.gather(getattr(np.fft, name)(fh.scatter(local, axis=cut), axes)), getattr(np.fft, name)(local, axes))
    for n in (1, 7, 8):
        same(fh.gather(fh.fft.fftfreq(n, 0.1)), np.fft.fftfreq(n, 0.1))
        same(fh.gather(fh.fft.rfftfreq(n, d=0.3)), np.fft.rfftfreq(n, d=0.3))
    with pytest.raises(ValueError):
        fh.fft.fftfreq(1.5)
