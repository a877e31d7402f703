"""What begins on the engines as numbers at equal distances is NumPy's, bit for bit, however it is cut."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import same

import farhand as fh

LAYOUTS = [{}, {"axis": None}, {"blocksize": 3}, {"engines": [0]}]


def check(remote, expected, rtol=0.0):
    same(fh.gather(remote), expected, rtol)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_arange(clusters, layout):
    for arguments in ((7,), (2, 9), (2.5, 9), (0, 1, 0.1), (5, -3, -1), (5, 5), (3, 1), (0.1, 3.3, 0.7), (1e16, 1e16 + 9, 1.0), (0, 200_001),
                      (-3, 4, 2), (4.0,)):
        check(fh.arange(*arguments, **layout), np.arange(*arguments))
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64", "complex64",
                  "complex128"):
        check(fh.arange(1, 100, 3, dtype=dtype, **layout), np.arange(1, 100, 3, dtype=dtype))
    check(fh.arange(2, dtype=bool, **layout), np.arange(2, dtype=bool))


@given(data=st.data())
def test_any_arange(clusters, data):
    dtype = data.draw(st.sampled_from([None, "float32", "float16", "int32"]))
    number = st.floats(-50, 50, allow_nan=False, width=32) if dtype != "int32" else st.integers(-50, 50)
    start, stop, step = data.draw(number), data.draw(number), data.draw(number)
    if abs(step) < 1e-2:
        step = 1
    with np.errstate(all="ignore"):
        check(fh.arange(start, stop, step, dtype=dtype), np.arange(start, stop, step, dtype=dtype))


@pytest.mark.parametrize("layout", [{}, {"axis": None}, {"blocksize": 3}], ids=str)
def test_linspace(clusters, layout):
    for num in (0, 1, 2, 7, 50):
        for endpoint in (True, False):
            for start, stop in ((0, 1), (2.5, -3.5), (1, 1), (0, 5e-324), (1 + 2j, 3 - 1j)):
                check(fh.linspace(start, stop, num, endpoint, **layout), np.linspace(start, stop, num, endpoint))
    check(fh.linspace(-3, 7, 13, dtype=int, **layout), np.linspace(-3, 7, 13, dtype=int))
    check(fh.linspace(0, 1, 5, dtype="float32", **layout), np.linspace(0, 1, 5, dtype="float32"))
    remote, step = fh.linspace(0, 2, 5, retstep=True, **layout)
    expected, same_step = np.linspace(0, 2, 5, retstep=True)
    check(remote, expected)
    assert step == same_step


def test_linspace_between_arrays(clusters):
    start, stop = np.arange(6.0).reshape(2, 3), np.ones(3)
    for axis in (0, 1, -1):
        check(fh.linspace(start, stop, 4, axis=axis), np.linspace(start, stop, 4, axis=axis))
    check(fh.linspace(fh.scatter(start), stop, 4), np.linspace(start, stop, 4))


def test_sequences_of_powers(clusters):
    check(fh.logspace(0, 3, 10), np.logspace(0, 3, 10), 1e-14)
    check(fh.logspace(0, 3, 10, endpoint=False, base=2), np.logspace(0, 3, 10, endpoint=False, base=2), 1e-14)
    for start, stop in ((1, 1000), (-2, -50), (1j, 1000j), (1 + 1j, 5), (7, 2)):
        check(fh.geomspace(start, stop, 7), np.geomspace(start, stop, 7), 1e-13)
    check(fh.geomspace(1, 256, 9, dtype=int), np.geomspace(1, 256, 9, dtype=int))
    check(fh.geomspace(np.array([1.0, 2]), 9, 4, axis=1), np.geomspace(np.array([1.0, 2]), 9, 4, axis=1), 1e-13)
    with pytest.raises(ValueError):
        fh.geomspace(0, 1)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_matrices(clusters, axis):
    for n, m in ((5, None), (3, 7), (7, 3), (0, 4), (1, 1)):
        for k in (0, 2, -1, 9):
            check(fh.eye(n, m, k, axis=axis), np.eye(n, m, k))
            check(fh.tri(n, m, k, axis=axis), np.tri(n, m, k))
    check(fh.identity(4, dtype=int, axis=axis), np.identity(4, dtype=int))
    if axis is not None:
        assert fh.eye(8, axis=axis).axis in (axis % 2, None)
    with pytest.raises(ValueError):
        fh.eye(-1)


def test_vander(clusters):
    for dtype in ("float64", "int32", "complex128"):
        x = (np.arange(7) - 3).astype(dtype)
        for n in (None, 0, 1, 4):
            for increasing in (False, True):
                check(np.vander(fh.scatter(x), n, increasing), np.vander(x, n, increasing))
    with pytest.raises(ValueError):
        np.vander(fh.zeros((2, 2)))


def test_grids(clusters):
    for shape in ((4, 3), (5,), (2, 3, 4), (0, 3)):
        check(fh.indices(shape), np.indices(shape))
        check(fh.indices(shape, dtype=float, axis=0), np.indices(shape, dtype=float))
        for ours, theirs in zip(fh.indices(shape, sparse=True), np.indices(shape, sparse=True)):
            check(ours, theirs)
    check(fh.fromfunction(lambda i, j: i * 10 + j, (6, 3)), np.fromfunction(lambda i, j: i * 10 + j, (6, 3)))
    vectors = [np.arange(4.0), np.arange(3), np.arange(2)]
    for n in (1, 2, 3):
        for indexing in ("xy", "ij"):
            for sparse in (False, True):
                for copy in (True, False):
                    keywords = {"indexing": indexing, "sparse": sparse, "copy": copy}
                    ours = fh.meshgrid(*(fh.scatter(x) for x in vectors[:n]), **keywords)
                    for one, other in zip(ours, np.meshgrid(*vectors[:n], **keywords)):
                        check(one, other)


def test_layouts_are_those_of_scatter(clusters):
    count = len(clusters.engines)
    for x in (fh.arange(100), fh.linspace(0, 1, 100), fh.eye(100), fh.tri(100)):
        assert x.npieces == count
    assert fh.arange(100, axis=None).npieces == 1
    assert fh.arange(10, blocksize=4).npieces == 3
    with pytest.raises(ZeroDivisionError):
        fh.arange(0, 1, 0)
    with pytest.raises(ValueError):
        fh.linspace(0, 1, -1)


def test_ranges_at_their_ends_are_numpys(cluster):
    for n in (fh, np):
        for arguments, keywords in [((0, 1, np.inf), {}), ((0, 1, -np.inf), {}), ((0, 5e-324, 5), {}), ((), {"stop": 3}), ((1,), {"stop": 4})]:
            assert len(n.arange(*arguments, **keywords)) == len(np.arange(*arguments, **keywords)), (arguments, keywords)
        for bad in (lambda: n.arange(0, np.inf), lambda: n.arange(0, 1, np.nan), lambda: n.arange(2**64), lambda: n.arange(3, dtype="M8[D]"),
                    lambda: n.zeros(2**64)):
            with pytest.raises(ValueError, match="arange|size exceeded|dimension exceeded"):
                bad()
        for bad in (lambda: n.arange(), lambda: n.arange(2, dtype="S3"), lambda: n.arange("a", "b")):
            with pytest.raises(TypeError):
                bad()
    for arguments in ((0, 4), (5, 8)):
        check(fh.arange(*arguments, dtype="M8[D]"), np.arange(*arguments, dtype="M8[D]"))
        check(fh.arange(*arguments, dtype="m8[s]"), np.arange(*arguments, dtype="m8[s]"))
    check(fh.arange(3, dtype="m8[s]"), np.arange(3, dtype="m8[s]"))
