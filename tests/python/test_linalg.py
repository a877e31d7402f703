"""numpy.linalg by the engines' own LAPACK: against NumPy, with stacks and single matrices, and without Python on the engines."""
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import make

import farhand as fh

SQUARE = ["inv", "det", "slogdet", "eigvals", "eig", "cond", "matrix_rank", "pinv"]
HERMITIAN = ["cholesky", "eigh", "eigvalsh"]
ANY = ["svd", "pinv", "matrix_rank", "cond", "qr"]
SHAPES = [(1, 1), (5, 5), (3, 2, 2), (4, 3, 3), (2, 3, 4, 4)]


def spread(shape, dtype, seed=0):
    """Matrices that are far from singular: values and vectors are well determined."""
    a = make(shape, dtype, seed, small=True) / np.dtype(dtype).type(8)
    return (a + 3 * np.diag(np.arange(1, shape[-1] + 1))).astype(dtype) if shape[-1] == shape[-2] else a.astype(dtype)


def definite(shape, dtype, seed=0):
    a = spread(shape, dtype, seed)
    return (a @ a.conj().swapaxes(-1, -2)).astype(dtype)


def close(actual, expected):
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected):
            close(one, other)
        return
    expected, actual = np.asarray(expected), np.asarray(fh.gather(actual))
    tolerance = 1e-4 if expected.dtype.char in "fF" else 1e-9
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def everywhere(a):
    return [fh.scatter(a, axis=axis) for axis in (None, *range(a.ndim))]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int16", "bool"])
@pytest.mark.parametrize("shape", SHAPES)
def test_square_matrices(clusters, shape, dtype):
    a = spread(shape, "int16", 1).astype(dtype) if dtype in ("int16", "bool") else spread(shape, dtype, 1)
    h = definite(shape, "float64" if dtype in ("int16", "bool") else dtype, 2)
    for name in SQUARE:
        if name in ("inv", "cond") and dtype == "bool" or name in ("eig", "eigvals") and dtype in ("bool", "int16"):
            continue  # singular, or of multiple eigenvalues
        expected = getattr(np.linalg, name)(a)
        for x in everywhere(a):
            close(getattr(np.linalg, name)(x), expected)
    for name in HERMITIAN:
        for x in everywhere(h):
            close(getattr(np.linalg, name)(x), getattr(np.linalg, name)(h))
    close(np.linalg.eigvalsh(fh.scatter(a), "U"), np.linalg.eigvalsh(a, "U"))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 3, 2), (3, 2, 5), (2, 0, 3), (0, 3, 2), (3, 0)])
def test_matrices_of_any_shape(clusters, shape):
    for dtype in ("float64", "complex64"):
        a = make(shape, dtype, 3)
        for x in everywhere(a):
            for full in (True, False):
                u, s, vh = np.linalg.svd(x, full_matrices=full)
                wanted = np.linalg.svd(a, full_matrices=full)
                close(s, wanted[1])
                k = s.shape[-1]
                close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a)
                close(u.conj().swapaxes(-1, -2) @ u, np.broadcast_to(np.eye(u.shape[-1], dtype=dtype), u.shape[:-2] + (u.shape[-1],) * 2))
            q, r = np.linalg.qr(x)
            close(q @ r, a)
            if x.npieces == 1 or a.ndim > 2:
                close((q, r), tuple(np.linalg.qr(a)))
            close(tuple(np.linalg.qr(x, "complete")), tuple(np.linalg.qr(a, "complete")))
            close(tuple(np.linalg.qr(x, "raw")), tuple(np.linalg.qr(a, "raw")))
            if a.size:
                close(np.linalg.pinv(x), np.linalg.pinv(a))
                close(np.linalg.cond(x), np.linalg.cond(a))
                close(np.linalg.matrix_rank(x), np.linalg.matrix_rank(a))


@pytest.mark.parametrize("left, right", [((4, 4), (4, 2)), ((3, 4, 4), (1, 4, 2)), ((4, 4), (3, 4, 2)), ((3, 1, 2, 2), (1, 2, 2, 5)),
                                         ((0, 0), (0, 3)), ((0, 3, 3), (1, 3, 2))])
@pytest.mark.parametrize("dtypes", [("float64", "float64"), ("float32", "complex64"), ("int8", "float32")])
def test_systems_of_equations(clusters, left, right, dtypes):
    a, b = spread(left, dtypes[0], 1), make(right, dtypes[1], 2, small=True)
    expected = np.linalg.solve(a, b)
    for x in everywhere(a):
        for y in (b, *everywhere(b)):
            close(np.linalg.solve(x, y), expected)
    close(np.linalg.solve(a, fh.scatter(b)), expected)


def test_one_vector(clusters):
    a, b = spread((4, 4), "float64"), make((4,), "float64", 1)
    close(np.linalg.solve(fh.scatter(a), b), np.linalg.solve(a, b))
    c = make((2, 3, 2, 3), "float64", 3).reshape(2, 3, 6)
    close(np.linalg.tensorsolve(fh.scatter(c), make((2, 3), "float64", 4)), np.linalg.tensorsolve(c, make((2, 3), "float64", 4)))
    close(np.linalg.tensorinv(fh.scatter(c)), np.linalg.tensorinv(c))


@pytest.mark.parametrize("rows, columns", [(40, 3), (3, 40), (6, 6), (5, 4)])
def test_least_squares(clusters, rows, columns):
    for dtype in ("float64", "complex128"):
        a, b = make((rows, columns), dtype, 1), make((rows, 2), dtype, 2)
        dependent = a.copy()
        dependent[:, -1] = dependent[:, 0]
        dependent[-1] = dependent[0]
        for matrix in (a, dependent):
            for right in (b, b[:, 0]):
                for x in everywhere(matrix):
                    close(tuple(np.linalg.lstsq(x, right, rcond=1e-10)), np.linalg.lstsq(matrix, right, rcond=1e-10))


def test_real_matrices_with_real_and_complex_values(clusters):
    turn, scale = np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([[2.0, 1.0], [0.0, 3.0]])
    for matrices in (turn, scale, np.stack([scale, turn, scale]), np.stack([scale] * 3)):
        for x in everywhere(matrices):
            close(np.linalg.eigvals(x), np.linalg.eigvals(matrices))
            close(tuple(np.linalg.eig(x)), tuple(np.linalg.eig(matrices)))


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_matrices(clusters, order):
    a = make((4, 3, 5), "float64", 1)
    for x in everywhere(a):
        for axis in ((0, 1), (2, 0), (-1, 1)):
            for keepdims in (False, True):
                close(np.linalg.norm(x, order, axis, keepdims), np.linalg.norm(a, order, axis, keepdims))
    for x in everywhere(a[0]):
        close(np.linalg.norm(x, order), np.linalg.norm(a[0], order))


def test_norms_of_what_does_not_lie_close(clusters):
    a = make((12, 10), "complex128", 4)
    for view in (lambda x: x, lambda x: x[::2, ::3], lambda x: x[:, 1], lambda x: x[0, ::2], lambda x: x.T, lambda x: x.astype("F"), lambda x: x[:0]):
        for cut in (None, 0, 1):
            close(np.linalg.norm(view(fh.scatter(a, axis=cut))), np.linalg.norm(view(a)))


@pytest.mark.parametrize("order", [None, 0, 1, -1, 2, 3, 0.5, np.inf, -np.inf])
def test_norms_of_vectors(clusters, order):
    a = make((4, 3), "complex128", 1)
    for x in everywhere(a):
        close(np.linalg.norm(x, order, 0), np.linalg.norm(a, order, 0))
        close(np.linalg.norm(x, order, 1, True), np.linalg.norm(a, order, 1, True))
        close(np.linalg.norm(x), np.linalg.norm(a))
    close(np.linalg.norm(fh.scatter(a[0]), order), np.linalg.norm(a[0], order))
    close(np.linalg.norm(fh.scatter(np.arange(9))), np.linalg.norm(np.arange(9)))


def test_condition_numbers(clusters):
    a = np.stack([spread((3, 3), "float64"), np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((3, 3))])
    for p in (None, 1, -1, np.inf, "fro"):
        use = a[:2] if p is None else a
        with np.errstate(all="ignore"):
            close(np.linalg.cond(fh.scatter(use), p), np.linalg.cond(use, p))


@pytest.mark.parametrize("shape", [(4, 2, 0), (4, 0, 1), (0, 4, 2), (0, 0, 0), (3, 2, 2)])
def test_least_squares_of_nothing(clusters, shape):
    m, n, r = shape
    a, b = make((m, n), "float64", 1), make((m, r), "float64", 2)
    close(np.linalg.lstsq(fh.scatter(a), fh.scatter(b), rcond=None), np.linalg.lstsq(a, b, rcond=None))


@pytest.mark.skipif(np.__version__ >= "2", reason="NumPy 1 warns")
def test_least_squares_without_a_limit_warn(two_engines):
    a = np.vander(np.linspace(0, 1, 40), 25)
    for options in ({}, {"rcond": -1}, {"rcond": None}):
        with warnings.catch_warnings(record=True) as expected:
            warnings.simplefilter("always")
            rank = np.linalg.lstsq(a, a[:, 0], **options)[2]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert np.linalg.lstsq(fh.scatter(a, None), fh.scatter(a[:, 0], None), **options)[2] == rank
        assert [(one.category, str(one.message)[:30]) for one in told] == [(one.category, str(one.message)[:30]) for one in expected]


def test_old_names_of_modes(two_engines):
    a = make((7, 3), "float64", 3)
    for mode, now in (("full", "reduced"), ("f", "reduced"), ("economic", "raw"), ("e", "raw")):
        with pytest.warns(DeprecationWarning):
            found = np.linalg.qr(fh.scatter(a, None), mode)
        expected = np.linalg.qr(a, now)
        close(found, expected[0].T if now == "raw" else tuple(expected))


def test_systems_of_no_equations(two_engines):
    for left, right in (((2, 0, 2, 0), (2, 0)), ((3, 0, 0, 3), (3, 0))):
        a, b = np.zeros(left), np.zeros(right)
        close(np.linalg.tensorsolve(fh.scatter(a), fh.scatter(b)), np.zeros(left[2:]))


def test_the_class_of_errors_is_numpys():
    assert fh.linalg.LinAlgError is np.linalg.LinAlgError
    with pytest.raises(AttributeError):
        fh.linalg.nothing


@pytest.mark.parametrize("call, text", [
    (lambda x: np.linalg.cholesky(-x), "Matrix is not positive definite"),
    (lambda x: np.linalg.inv(x * 0), "Singular matrix"),
    (lambda x: np.linalg.solve(x * 0, x), "Singular matrix"),
    (lambda x: np.linalg.eig(x / 0), "Array must not contain infs or NaNs"),
    (lambda x: np.linalg.svd(x * np.nan), "SVD did not converge"),
    (lambda x: np.linalg.det(x[0]), "1-dimensional array given. Array must be at least two-dimensional"),
    (lambda x: np.linalg.inv(x[:2]), "Last 2 dimensions of the array must be square"),
    (lambda x: np.linalg.lstsq(x, x[:2], rcond=None), "Incompatible dimensions"),
])
def test_what_numpy_raises(clusters, call, text):
    with np.errstate(all="ignore"), pytest.raises(np.linalg.LinAlgError, match=f"^{text}"):
        call(fh.scatter(np.eye(3) + 1))
    with pytest.raises(np.linalg.LinAlgError):
        with np.errstate(all="ignore"):
            call(fh.scatter(np.eye(3) + 1))


def test_one_bad_matrix_of_a_stack(clusters):
    a = np.stack([np.eye(3)] * 7)
    a[5, 1, 1] = 0
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        np.linalg.inv(fh.scatter(a))
    close(np.linalg.det(fh.scatter(a)), np.linalg.det(a))


def test_what_is_no_matrix_of_numbers(clusters):
    with pytest.raises(TypeError, match="array type float16 is unsupported in linalg"):
        np.linalg.inv(fh.scatter(np.eye(3, dtype="float16")))
    with pytest.raises(ValueError, match="UPLO"):
        np.linalg.eigh(fh.scatter(np.eye(3)), "x")
    with pytest.raises(ValueError, match="Unrecognized mode"):
        np.linalg.qr(fh.scatter(np.eye(3)), "x")
    with pytest.raises(ValueError, match="mismatch"):
        np.linalg.solve(fh.scatter(np.eye(3)), fh.scatter(np.ones((2, 2))))


@given(data=st.data())
def test_any_stack(two_engines, data):
    from farhand.session import set_default

    set_default(two_engines.session)
    stack = data.draw(st.lists(st.integers(0, 4), max_size=2))
    m, n = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    dtype = data.draw(st.sampled_from(["float64", "complex128"]))
    a = make((*stack, m, n), dtype, data.draw(st.integers(0, 99)))
    x = fh.scatter(a, axis=data.draw(st.sampled_from([None, *range(a.ndim)])))
    x = x[..., ::-1] if data.draw(st.booleans()) else x
    a = x.gather()
    close(np.linalg.svd(x, compute_uv=False), np.linalg.svd(a, compute_uv=False))
    q, r = np.linalg.qr(x)
    close(q @ r, a)
    if m == n:
        eye = np.broadcast_to(np.eye(n, dtype=dtype), a.shape)
        close(np.linalg.inv(x) @ x, eye)
        close(np.linalg.det(x), np.linalg.det(a))


def test_engines_without_python():
    from farhand.session import set_default

    with fh.Cluster(2, python=False) as running:
        set_default(running.session)
        a = spread((6, 6), "float64")
        x = fh.scatter(a)
        close(np.linalg.inv(x), np.linalg.inv(a))
        close(np.linalg.svd(x, compute_uv=False), np.linalg.svd(a, compute_uv=False))
        close(np.linalg.norm(x, "nuc"), np.linalg.norm(a, "nuc"))


# ---- one matrix over several engines

@pytest.fixture(scope="module")
def at_once(some_engines):
    """A session whose matrices are factorised by all engines from 512 rows on."""
    from farhand.session import set_default

    before = fh.config.linalg_rows
    try:
        fh.config.linalg_rows = 512
        session = fh.connect(some_engines.connection_file)
    finally:
        fh.config.linalg_rows = before
    set_default(None)
    yield session
    session.close()


@pytest.fixture
def together(at_once):
    from farhand.session import set_default

    set_default(at_once)
    return at_once


def across(n, dtype, seed=0):
    a = make((n, n), dtype, seed)
    return a, (a @ a.conj().T / n + np.eye(n)).astype(dtype)


def solves(a, x, b):
    """Of a system that is as it comes: the residual is small beside what was multiplied."""
    a, x, b = (np.asarray(fh.gather(value)) for value in (a, x, b))
    scale = abs(a).sum(1).max() * max(1, abs(x).max())
    assert x.shape == a.shape[:1] + b.shape[1:]
    assert abs(a @ x - b).max() <= scale * a.shape[0] * np.finfo(a.dtype).eps


@pytest.mark.parametrize("n, dtype", [(512, "float64"), (523, "complex128"), (601, "float32"), (777, "float64"), (520, "int16")])
@pytest.mark.parametrize("axis", [0, 1])
def test_one_matrix_over_engines(together, n, dtype, axis):
    a, h = across(n, "float64" if dtype == "int16" else dtype, n)
    a = make((n, n), dtype, n, small=True) if dtype == "int16" else a
    x, y = fh.scatter(a, axis=axis), fh.scatter(h, axis=axis)
    lower = np.linalg.cholesky(y)
    assert lower.axis == y.axis and lower.npieces == y.npieces
    close(lower, np.linalg.cholesky(h))
    wide = np.asarray(a, np.float64) if dtype in ("int16", "float32") else a
    for columns in (None, 1, 7, 65, 130):
        b = make((n,) if columns is None else (n, columns), dtype, 2, small=True)
        for right in (b, fh.scatter(b), fh.scatter(b, axis=b.ndim - 1)):
            found = np.linalg.solve(x, right)
            if dtype == "float32":
                close(found, np.linalg.solve(a, b))
            else:
                solves(wide, found, np.asarray(b, wide.dtype))
    inverse = np.linalg.inv(x)
    assert inverse.axis == x.axis and inverse.dtype == np.linalg.inv(a).dtype
    if dtype != "float32":
        solves(wide, inverse, np.eye(n, dtype=wide.dtype))
    assert np.array_equal(x.gather(), a) and np.array_equal(y.gather(), h)


def test_views_and_pieces_of_any_size(together):
    a, h = across(540, "float64", 5)
    whole = fh.scatter(np.pad(h, ((3, 5), (2, 4))), blocksize=101)
    close(np.linalg.cholesky(whole[3:-5, 2:-4]), np.linalg.cholesky(h))
    turned = fh.scatter(a, blocksize=77)[::-1, ::-1]
    b = make((540,), "float64", 6)
    solves(a[::-1, ::-1], np.linalg.solve(turned, b), b)
    solves(a.T, np.linalg.solve(fh.scatter(a).T, b), b)


def test_pivots_where_there_is_no_diagonal(together):
    n = 530
    order = np.random.default_rng(7).permutation(n)
    a = np.zeros((n, n))
    a[np.arange(n), order] = np.arange(1, n + 1)
    b = np.arange(n, dtype=float)
    close(np.linalg.solve(fh.scatter(a), b), np.linalg.solve(a, b))
    close(np.linalg.inv(fh.scatter(a)), np.linalg.inv(a))


@pytest.mark.parametrize("where", [0, 1, 300, 529])
def test_large_matrices_that_cannot_be_factorised(together, where):
    a = np.diag(np.arange(1.0, 531.0))
    a[where, where] = 0
    x = fh.scatter(a)
    with pytest.raises(np.linalg.LinAlgError, match="^Singular matrix"):
        np.linalg.inv(x)
    with pytest.raises(np.linalg.LinAlgError, match="^Singular matrix"):
        np.linalg.solve(x, np.ones(530))
    with pytest.raises(np.linalg.LinAlgError, match="^Matrix is not positive definite"):
        np.linalg.cholesky(x)
    close(x.sum(), a.sum())  # the session goes on, and nothing was written
    close(np.linalg.solve(x + np.eye(530), np.ones(530)), np.linalg.solve(a + np.eye(530), np.ones(530)))


@pytest.mark.parametrize("n, dtype", [(512, "float64"), (523, "complex128"), (601, "float32"), (520, "int16")])
def test_determinants_of_one_matrix_over_engines(together, n, dtype):
    a = make((n, n), dtype, n, small=True)
    for axis in (0, 1):
        x = fh.scatter(a, axis=axis)
        for local, remote in ((a, x), (a[::-1], x[::-1])):  # another sign, for odd numbers of pairs of rows
            sign, log = np.linalg.slogdet(remote)
            expected = np.linalg.slogdet(local)
            assert sign.dtype == expected[0].dtype and log.dtype == expected[1].dtype and sign.shape == log.shape == ()
            close(sign, expected[0])
            close(log, expected[1])
    small = (a / 1000).astype(a.dtype) if dtype != "int16" else a // 1000  # the determinant itself is no number otherwise
    with np.errstate(all="ignore"):
        close(np.linalg.det(fh.scatter(np.eye(n, dtype=a.dtype) + small)), np.linalg.det(np.eye(n, dtype=a.dtype) + small))


def test_determinants_of_orders_and_of_singular_matrices(together):
    n = 530
    order = np.random.default_rng(8).permutation(n)
    a = np.eye(n)[order]
    assert float(np.linalg.det(fh.scatter(a))) == np.linalg.det(a)
    a[7] = 0
    assert float(np.linalg.det(fh.scatter(a))) == 0
    assert [float(value) for value in np.linalg.slogdet(fh.scatter(a))] == [0, -np.inf]
