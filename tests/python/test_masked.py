"""Masked arrays and matrices beside remote arrays: neither loses its mask or its product."""
import io
import operator

import numpy as np
import pytest

import farhand as fh
from oracle import make, same

MASK = np.array([0, 1, 0, 0, 1, 0], bool)
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.lt,
             operator.ge, operator.eq, operator.ne]
FUNCTIONS = {
    "add": lambda n, x, m: np.add(x, m), "multiply": lambda n, x, m: np.multiply(m, x), "outer": lambda n, x, m: np.add.outer(x, m),
    "where=": lambda n, x, m: np.add(x, m, where=np.asarray(m) > 4)[2:], "trapz": lambda n, x, m: getattr(n, "trapezoid" if hasattr(np, "trapezoid") else "trapz")(m, x), "where": lambda n, x, m: n.where(x > 2, m, x),
    "concatenate": lambda n, x, m: n.concatenate([x, m]), "ma.concatenate": lambda n, x, m: np.ma.concatenate([x, m]), "dot": lambda n, x, m: n.dot(x, m),
    "average": lambda n, x, m: np.ma.average(m, weights=x), "masked_where": lambda n, x, m: np.ma.masked_where(x > 2, x).sum(),
    "mask of remote": lambda n, x, m: np.ma.array(x, mask=x > 2) * x, "reduce": lambda n, x, m: np.add.reduce(np.ma.add(x, m)),
}


def alike(mine, numpys):
    mine = fh.gather(mine)
    assert isinstance(mine, np.ma.MaskedArray) == isinstance(numpys, np.ma.MaskedArray)
    np.testing.assert_array_equal(np.ma.getmaskarray(np.ma.asanyarray(mine)), np.ma.getmaskarray(np.ma.asanyarray(numpys)))
    np.testing.assert_array_equal(np.ma.filled(mine, 0), np.ma.filled(numpys, 0))


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_keep_the_mask(clusters, op):
    local = np.arange(6.0) + 1
    x, m = fh.scatter(local), np.ma.array(local * 2, mask=MASK)
    alike(op(x, m), op(local, m))
    alike(op(m, x), op(m, local))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_keep_the_mask(clusters, name):
    local = np.arange(6.0) + 1
    m = np.ma.array(local * 2, mask=MASK)
    alike(FUNCTIONS[name](fh, fh.scatter(local), m), FUNCTIONS[name](np, local, m))


def test_what_is_written_to_stays_remote(cluster):
    local, m = np.arange(6.0), np.ma.array(np.ones(6), mask=MASK)
    x = same_handle = fh.scatter(local)
    x += m
    assert x is same_handle
    same(fh.gather(x), local + 1)
    assert np.add(m, x, out=x) is x
    x[...] = m
    same(fh.gather(x), np.ones(6))


def test_masks_are_fetched_within_the_limit(cluster, monkeypatch):
    monkeypatch.setattr(fh.config, "implicit_gather_limit", 16)
    with pytest.raises(fh.LimitExceeded, match="fh.gather"):
        fh.ones(6) + np.ma.array(np.ones(6), mask=MASK)


def test_masks_that_were_read_stay(cluster):
    found = fh.genfromtxt(io.StringIO("1,2\n,4\n"), delimiter=",", usemask=True)
    assert isinstance(found, np.ma.MaskedArray) and found.mask.tolist() == [[False, False], [True, False]]
    assert isinstance(fh.genfromtxt(io.StringIO("1,2\n3,4\n"), delimiter=","), fh.DistArray)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_products_with_matrices_are_products(clusters):
    local, matrix = make((2, 2), "int64", small=True), np.matrix([[1, 2], [3, 4]])
    x = fh.scatter(local)
    for op in (operator.mul, operator.matmul, operator.add, operator.sub):
        same(fh.gather(op(x, matrix)), np.asarray(op(local, matrix)))
        same(fh.gather(op(matrix, x)), np.asarray(op(matrix, local)))
    same(fh.gather(np.matrix([[1], [2]]) * fh.scatter(local[0])), np.asarray(np.matrix([[1], [2]]) * local[0]))
    with pytest.raises(ValueError):
        x * np.matrix([1, 2, 3])


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrices_are_made_of_remote_arrays(cluster):
    local = np.arange(4).reshape(2, 2)
    x = fh.scatter(local)
    for made, numpys in ((fh.bmat([x, x + 1]), np.bmat([local, local + 1])), (fh.bmat([[x], [x]]), np.bmat([[local], [local]])), (fh.asmatrix(x), np.asmatrix(local))):
        assert type(made) is np.matrix
    A, B = np.matrix([[1]]), x
    same(np.asarray(fh.bmat("A, A; A, A")), np.ones((2, 2), int))
    same(np.asarray(fh.bmat("C", {"C": B}, {})), local)
    for made, numpys in ((fh.bmat([x, x + 1]), np.bmat([local, local + 1])), (fh.asmatrix(x), np.asmatrix(local))):
        same(np.asarray(made), np.asarray(numpys))
