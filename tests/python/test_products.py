"""Products of vectors, matrices and stacks are NumPy's, however the operands are cut."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import DTYPES, LAYOUTS, laid_out, make, nep50, same

import farhand as fh

ROUNDED = {"float16": 2e-2, "float32": 1e-4, "complex64": 1e-4}
SHAPES = [((7, 5), (5, 6)), ((7,), (7,)), ((7, 5), (5,)), ((5,), (5, 8)), ((4, 7, 5), (5, 6)), ((4, 7, 5), (4, 5, 6)),
          ((2, 1, 7, 5), (4, 5, 6)), ((0, 5), (5, 3)), ((3, 0), (0, 4)), ((1, 1), (1, 1))]


def tolerance(dtype):
    return 0.0 if np.dtype(dtype).kind in "biu" else ROUNDED.get(np.dtype(dtype).name, 1e-10)


def cuts(ndim):
    return [None, *range(ndim)]


def check(expected, remote):
    same(fh.gather(remote), np.asarray(expected), tolerance(np.asarray(expected).dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_matmul_of_any_cut(clusters, dtype):
    for i, (first, second) in enumerate(SHAPES):
        a, b = make(first, dtype, i, small=True), make(second, dtype, i + 1, small=True)
        with np.errstate(all="ignore"):
            expected = a @ b
        for cut in cuts(a.ndim):
            for other in cuts(b.ndim):
                check(expected, fh.scatter(a, axis=cut) @ fh.scatter(b, axis=other))
            check(expected, fh.scatter(a, axis=cut) @ b)
        for other in cuts(b.ndim):
            check(expected, a @ fh.scatter(b, axis=other))


@given(data=st.data())
def test_matmul_of_any_matrices(clusters, data):
    n, k, m = (data.draw(st.integers(0, 40)) for _ in range(3))
    kinds = st.sampled_from(DTYPES)
    a = laid_out(make((n, k), data.draw(kinds), 1, small=True), data.draw(st.sampled_from(LAYOUTS)))
    b = laid_out(make((k, m), data.draw(kinds), 2, small=True), data.draw(st.sampled_from(LAYOUTS)))
    cut, other = (data.draw(st.sampled_from([None, 0, 1])) for _ in range(2))
    block, turned = data.draw(st.sampled_from([None, 1, 3, 7])), data.draw(st.booleans())
    with nep50(), np.errstate(all="ignore"):
        expected = np.matmul(a, b)
    x = fh.scatter(a.T, axis=cut, blocksize=block if cut is not None else None).T if turned else fh.scatter(a, axis=cut)
    check(expected, x @ fh.scatter(b, axis=other, blocksize=block if other is not None else None))


def test_large_blocks_meet_where_they_are(clusters):
    """Operands large enough to travel in the blocks in which they lie, and partial products that are cut again."""
    a, b = make((900, 800), "float64", 1), make((800, 700), "float64", 2)
    for cut in (0, 1):
        for other in (0, 1):
            check(a @ b, fh.scatter(a, axis=cut) @ fh.scatter(b, axis=other))
    tall = fh.scatter(make((5000, 30), "float64", 3))
    check(fh.gather(tall).T @ fh.gather(tall), tall.T @ tall)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int32"])
def test_one_row_or_one_column(clusters, dtype):
    m, v = make((40, 30), dtype, 1, small=True), make((80,), dtype, 2, small=True)
    rows = [lambda x: x[:40], lambda x: x[::2], lambda x: x[79:39:-1], lambda x: x.reshape(2, 40)[1:], lambda x: x.reshape(40, 2).T[:1]]
    matrices = [lambda x: x, lambda x: x.reshape(30, 40).T, lambda x: x[:, ::3], lambda x: x[::-1], lambda x: x[:, :1]]
    for cut in (None, 0):
        for other in (None, 0, 1):
            for row in rows:
                for matrix in matrices:
                    check(row(v) @ matrix(m), row(fh.scatter(v, axis=cut)) @ matrix(fh.scatter(m, axis=other)))
                    check(matrix(m).T @ row(v).T, matrix(fh.scatter(m, axis=other)).T @ row(fh.scatter(v, axis=cut)).T)


def test_what_does_not_fit_is_refused_as_numpy_does(cluster):
    x = fh.scatter(np.ones((3, 4)))
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        x @ x
    with pytest.raises(ValueError, match="does not have enough dimensions"):
        np.matmul(x, 2.0)
    with pytest.raises(ValueError, match="not aligned"):
        np.dot(x, x)
    with pytest.raises(ValueError, match="shape-mismatch"):
        np.tensordot(x, x, 1)
    with pytest.raises(TypeError):
        np.matmul(x, x.T, dtype="int8")
    with pytest.raises(NotImplementedError):
        np.matmul(x, x.T, axes=[(0, 1), (0, 1), (0, 1)])


def test_matmul_into_an_array(cluster):
    a, b = make((4, 3), "float64", 1), make((3, 3), "float64", 2)
    x, out = fh.scatter(a), fh.zeros((4, 3))
    assert np.matmul(x, b, out=out) is out
    check(a @ b, out)
    x @= b
    check(a @ b, x)
    check((a @ b).astype("complex128"), np.matmul(out, np.eye(3), dtype="complex128"))


PRODUCTS = {
    "dot": [((), (3,)), ((3,), (3,)), ((4, 3), (3,)), ((4, 3), (3, 5)), ((2, 4, 3), (3,)), ((2, 4, 3), (3, 5)), ((4, 3), (2, 3, 5))],
    "vdot": [((3, 4), (4, 3)), ((6,), (6,))],
    "inner": [((), (3,)), ((4,), (4,)), ((2, 3, 4), (5, 4))],
    "outer": [((3,), (4,)), ((2, 3), (4,)), ((), (4,))],
    "kron": [((), (3,)), ((0, 2), (3, 4)), ((3,), (4,)), ((2, 3), (4, 5)), ((3,), (2, 2)), ((2, 1, 3), (2, 2))],
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_numpy(clusters, name):
    for i, (first, second) in enumerate(PRODUCTS[name]):
        for dtype in ("float64", "complex128", "int32"):
            a, b = make(first, dtype, i, small=True), make(second, dtype, i + 1, small=True)
            for cut in cuts(a.ndim):
                check(getattr(np, name)(a, b), getattr(np, name)(fh.scatter(a, axis=cut), b))
            for other in cuts(b.ndim):
                check(getattr(np, name)(a, b), getattr(np, name)(fh.scatter(a, axis=0 if a.ndim else None), fh.scatter(b, axis=other)))


@pytest.mark.parametrize("axes", [0, 1, 2, ([1], [0]), ([0, 1], [1, 0]), (-1, 0)])
def test_tensordot(clusters, axes):
    a, b = make((3, 4, 4, 3), "float64", 1), make((4, 3, 4) if axes in (([0, 1], [1, 0]), 0) else (4, 3, 5), "float64", 2)
    if axes in (1, (-1, 0)):
        b = make((3, 5), "float64", 2)
    expected = np.tensordot(a, b, axes)
    for cut in cuts(4):
        check(expected, np.tensordot(fh.scatter(a, axis=cut), b, axes))
    for other in cuts(b.ndim):
        check(expected, np.tensordot(fh.scatter(a), fh.scatter(b, axis=other), axes))


EINSUMS = [("ij,jk", (4, 3), (3, 5)), ("ij,jk->ki", (4, 3), (3, 5)), ("ii", (4, 4)), ("ii->i", (4, 4)), ("ij->ji", (4, 3)),
           ("ij->", (4, 3)), ("ij->j", (4, 3)), ("i,i", (5,), (5,)), ("i,j->ij", (5,), (4,)), ("bij,bjk->bik", (2, 4, 3), (2, 3, 5)),
           ("...ij,...jk->...ik", (2, 4, 3), (3, 5)), ("ij,ij->ij", (4, 3), (4, 3)), ("ijk,jl,kl->il", (4, 3, 2), (3, 5), (2, 5)),
           ("ij,jk,kl->il", (4, 3), (3, 5), (5, 2)), ("iij->j", (3, 3, 4)), ("ij,kj->ik", (4, 3), (5, 3)), ("ijk,ilj->ikl", (2, 3, 4), (2, 5, 3)),
           ("i...->...", (3, 4, 2)), ("ij,j->ij", (4, 3), (1,)), ("aab,b->a", (3, 3, 4), (4,)), ("ba,b", (5, 4), (5,)), ("fff->f", (3, 3, 3)), ("bbb,b", (3, 3, 3), (3,)), ("bbab->ab", (2, 2, 4, 2)),
           ("fff,fae,bef,def->abd", (5, 5, 5), (5, 2, 4), (3, 4, 5), (2, 4, 5))]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
def test_einsum(clusters, case):
    subscripts, *shapes = case
    for dtype in ("float64", "int64", "complex128"):
        arrays = [make(shape, dtype, i, small=True) for i, shape in enumerate(shapes)]
        expected = np.einsum(subscripts, *arrays)
        for cut in cuts(arrays[0].ndim):
            for other in ([None, 0] if len(arrays) > 1 else [None]):
                operands = [fh.scatter(arrays[0], axis=cut), *(fh.scatter(x, axis=other) for x in arrays[1:])]
                check(expected, np.einsum(subscripts, *operands))
    check(expected, np.einsum(subscripts, *operands, optimize=True))


def test_einsum_by_lists_and_what_it_refuses(cluster):
    a, b = make((4, 3), "float64", 1), make((3, 5), "float64", 2)
    check(np.einsum(a, [0, 1], b, [1, 2], [2, 0]), np.einsum(fh.scatter(a), [0, 1], b, [1, 2], [2, 0]))
    for subscripts in ("ij,jk,kl", "ijk,jk", "ij,jk->ii", "ij,jk->z", "ij,ik"):
        with pytest.raises(ValueError):
            np.einsum(subscripts, fh.scatter(a), b)
    with pytest.raises(ValueError, match="range"):
        np.einsum(fh.scatter(a), [0, 52], b, [52, 2], [0, 2])
    out = fh.zeros((4, 5), int)
    with pytest.raises(TypeError):
        np.einsum("ij,jk", fh.scatter(a), b, out=out)
    assert np.einsum("ij,jk", fh.scatter(a), b, out=out, casting="unsafe") is out
    check((a @ b).astype(int), out)


def test_chains_and_powers(clusters):
    arrays = [make(shape, "float64", i) for i, shape in enumerate([(6,), (6, 9), (9, 2), (2, 7)])]
    for first in (0, 1):
        check(np.linalg.multi_dot(arrays[first:]), np.linalg.multi_dot([fh.scatter(x) for x in arrays[first:]]))
    square = make((3, 5, 5), "float64", 9)
    for cut in cuts(3):
        for n in (0, 1, 2, 3, 7):
            check(np.linalg.matrix_power(square, n), np.linalg.matrix_power(fh.scatter(square, axis=cut), n))
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.matrix_power(fh.scatter(np.ones((2, 3))), 2)


def test_powers_that_no_integer_of_an_engine_is(two_engines):
    turn = np.roll(np.eye(5, dtype=int), 1, axis=0)
    check(np.linalg.matrix_power(turn, 2 ** 100 + 1), np.linalg.matrix_power(fh.scatter(turn), 2 ** 100 + 1))


def test_stacks_of_vectors(clusters):
    a, b, m = make((3, 4), "complex128", 1), make((3, 4), "complex128", 2), make((3, 5, 4), "complex128", 3)
    for cut in cuts(2):
        x, y = fh.scatter(a, axis=cut), fh.scatter(b, axis=cut)
        check((a.conj() * b).sum(-1), fh.vecdot(x, y))
        check((a.conj() * b).sum(0), fh.vecdot(x, y, axis=0))
        check(np.einsum("ijk,ik->ij", m, a), fh.matvec(m, x))
        check(np.einsum("ij,ijk->ik", a.conj(), m.transpose(0, 2, 1)), fh.vecmat(x, m.transpose(0, 2, 1)))
