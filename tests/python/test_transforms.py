"""numpy.fft by the engines: NumPy's results at odd lengths, cuts and arguments, and the same bits from any number of engines."""
import numpy as np
import pytest
from oracle import make

import farhand as fh

SHAPES = [(6, 5, 4), (64, 40), (97,), (1000,), (1, 7), (0, 3), (3, 1), (2, 1, 9)]
COMPLEX, REAL = ["fft", "ifft", "hfft", "irfft"], ["rfft", "ihfft"]
ARGUMENTS = [{}, {"n": 7, "norm": "ortho"}, {"n": 70, "norm": "forward"}, {"n": 1}, {"n": 2, "norm": "backward"}, {"n": 37}]


def close(actual, expected):
    actual, expected = np.asarray(fh.gather(actual)), np.asarray(expected)
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    size = abs(expected).max() if expected.size else 1
    single = expected.dtype.char in "fF"
    np.testing.assert_allclose(actual, expected, rtol=2e-5 if single else 1e-11, atol=max(size, 1) * (2e-6 if single else 1e-13))


@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32", "complex64", "int16", "bool"])
@pytest.mark.parametrize("shape", SHAPES)
def test_lines_along_any_axis(clusters, shape, dtype):
    local = make(shape, dtype, 1, small=True)
    for cut in (None, *range(len(shape))):
        remote = fh.scatter(local, axis=cut)
        for axis in range(len(shape)):
            for name in COMPLEX + (REAL if local.dtype.kind != "c" else []):
                for arguments in ARGUMENTS:
                    if "n" in arguments or shape[axis] > (name in ("hfft", "irfft")):
                        function = getattr(np.fft, name)
                        close(function(remote, axis=axis, **arguments), function(local, axis=axis, **arguments))


@pytest.mark.parametrize("cut", [None, 0, 1])
def test_views_are_read_where_they_lie(clusters, cut):
    local = make((12, 18), "complex128", 2)
    remote = fh.scatter(local, axis=cut)
    for view in (lambda x: x[::2, ::3], lambda x: x[::-1, ::-1], lambda x: x.T, lambda x: x.real[:, 1:], lambda x: np.broadcast_to(x[:, :1], (12, 5))):
        for axis in (0, 1):
            close(np.fft.fft(view(remote), axis=axis), np.fft.fft(view(local), axis=axis))
            close(np.fft.rfft(view(remote).imag, axis=axis), np.fft.rfft(view(local).imag, axis=axis))


def test_all_engines_give_the_same_bits():
    local = make((30, 64, 22), "float64", 3)
    found = {}
    for engines, threads in ((1, 1), (1, 2), (2, 1), (3, 1)):
        with fh.Cluster(engines, threads=threads):
            for cut in (0, 1, 2):
                remote = fh.scatter(local, axis=cut)
                for name in ("fft2", "fftn", "ifftn", "rfftn"):
                    bits = fh.gather(getattr(fh.fft, name)(remote)).tobytes()
                    assert found.setdefault(name, bits) == bits
            line = fh.scatter(np.resize(local, 1 << 15))
            for name, x in (("fft", line), ("rfft", line), ("irfft", line), ("prime", line[:32003])):
                bits = fh.gather(getattr(fh.fft, name.replace("prime", "fft"))(x)).tobytes()
                assert found.setdefault(f"line {name}", bits) == bits


def test_results_go_where_out_says(clusters):
    local = make((6, 8), "complex128", 4)
    out = fh.zeros((6, 8), complex)
    assert fh.fft.fft(fh.scatter(local)).dtype == np.fft.fft(local).dtype
    from farhand import transforms

    assert transforms.fftn(fh.scatter(local), out=out) is out
    close(out, np.fft.fftn(local))


@pytest.mark.parametrize("call", [
    lambda n, x: n.fft(x, n=0), lambda n, x: n.fft(x, n=-1), lambda n, x: n.fft(x, n=2.5), lambda n, x: n.fft(x, axis=5), lambda n, x: n.fft(x, 4, axis=5),
    lambda n, x: n.fft(x, axis=1.0), lambda n, x: n.fft(x, norm="x"), lambda n, x: n.fft(x, norm=1), lambda n, x: n.hfft(x, norm="x"), lambda n, x: n.irfft(x[:, :1]),
    lambda n, x: n.fftn(x, s=(2,), axes=(0, 1)), lambda n, x: n.fft2(x[0]), lambda n, x: n.rfftn(x, axes=()), lambda n, x: n.fftn(x, s=(0, 2)),
    lambda n, x: n.fft(x[0, 0])])
def test_what_numpy_refuses(two_engines, call):
    local = make((3, 4), "float64", 5)
    with pytest.raises(Exception) as expected:
        call(np.fft, local)
    with pytest.raises(Exception) as found:
        call(np.fft, fh.scatter(local))
    assert issubclass(found.type, tuple(kind for kind in (ValueError, TypeError, IndexError) if issubclass(expected.type, kind)))

