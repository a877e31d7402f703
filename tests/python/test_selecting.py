"""take, put, repeat, diagonal and their kin are NumPy's."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import make, same

import farhand as fh

A = make((6, 5), "float64", 1)
I = np.random.default_rng(2).integers(0, 5, (6, 5))
V = np.array([3, 0, 2, 0, 0, 7, 1])
C = make((3, 4, 2), "int16", 3)


def _results(value):
    return value if isinstance(value, tuple) else (value,)


def _gathered(value):
    return tuple(fh.gather(x) if isinstance(x, fh.Array) else np.asarray(x) for x in _results(value))


READS = {
    "take": lambda x, r: np.take(x, r(V[:3])),
    "take rows": lambda x, r: np.take(x, [[0, -1], [2, 2]], 0),
    "take columns": lambda x, r: np.take(x, r(np.array([4, 0, 1])), axis=1),
    "take scalar": lambda x, r: np.take(x, 3, axis=1),
    "take wrap": lambda x, r: np.take(x, [70, -40], mode="wrap"),
    "take clip": lambda x, r: np.take(x, r(np.array([70, -40, 3])), 0, mode="clip"),
    "method take": lambda x, r: x.take([1, 2], axis=-1),
    "take_along 0": lambda x, r: np.take_along_axis(x, r(I), 0),
    "take_along 1": lambda x, r: np.take_along_axis(x, r(I), 1),
    "take_along few": lambda x, r: np.take_along_axis(x, r(I[:, :2]), 1),
    "take_along broadcast": lambda x, r: np.take_along_axis(x, r(I[:1]), 1),
    "take_along flat": lambda x, r: np.take_along_axis(x, r(I.ravel()), None),
    "nonzero": lambda x, r: np.nonzero(x > 0),
    "method nonzero": lambda x, r: (x > 0).nonzero(),
    "where": lambda x, r: np.where(x > 0),
    "argwhere": lambda x, r: np.argwhere(x > 0),
    "flatnonzero": lambda x, r: np.flatnonzero(x > 0),
    "compress": lambda x, r: np.compress([True, False, True], x, axis=0),
    "compress columns": lambda x, r: np.compress(r(np.array([0, 1, 0, 2, 0])), x, axis=1),
    "compress flat": lambda x, r: np.compress([False, True, True], x),
    "extract": lambda x, r: np.extract(x > 0, x),
    "extract by rows": lambda x, r: np.extract(r(np.array([1, 0, 1])), x),
    "choose": lambda x, r: np.choose(r(I % 3), [x, 10, r(A[0])]),
    "choose wrap": lambda x, r: np.choose(r(I - 3), [x, -x], mode="wrap"),
    "repeat": lambda x, r: np.repeat(x, 3),
    "repeat rows": lambda x, r: np.repeat(x, 2, axis=0),
    "repeat columns": lambda x, r: x.repeat([1, 0, 2, 3, 1], axis=1),
    "delete": lambda x, r: np.delete(x, 2, 0),
    "delete many": lambda x, r: np.delete(x, [1, -1, 1], axis=1),
    "delete slice": lambda x, r: np.delete(x, slice(None, None, 2), axis=0),
    "delete flat": lambda x, r: np.delete(x, np.arange(30) % 2 == 0),
    "delete all": lambda x, r: np.delete(x, slice(None), 0),
    "delete none": lambda x, r: np.delete(x, [], 0),
    "insert": lambda x, r: np.insert(x, 2, 9, axis=0),
    "insert row": lambda x, r: np.insert(x, -1, r(A[0]), axis=0),
    "insert rows": lambda x, r: np.insert(x, [1], r(A[:2]), axis=0),
    "insert columns": lambda x, r: np.insert(x, [0, 5, 2], [[1.0], [2], [3], [4], [5], [6]], axis=1),
    "insert flat": lambda x, r: np.insert(x, [1, 1, 30], [7, 8, 9]),
    "diagonal": lambda x, r: np.diagonal(x),
    "diagonal below": lambda x, r: np.diagonal(x, -2),
    "diagonal beyond": lambda x, r: x.diagonal(9),
    "trace": lambda x, r: np.trace(x, 1),
    "diag": lambda x, r: np.diag(x, 1),
    "diag of vector": lambda x, r: np.diag(x[1], -1),
    "diagflat": lambda x, r: np.diagflat(x[:2, :2], 1),
    "tril": lambda x, r: np.tril(x, -1),
    "triu": lambda x, r: np.triu(x),
    "tril of vector": lambda x, r: np.tril(x[0]),
    "tril_indices_from": lambda x, r: np.tril_indices_from(x, 1),
    "triu_indices_from": lambda x, r: np.triu_indices_from(x),
    "diag_indices_from": lambda x, r: np.diag_indices_from(x[:5]),
    "trim_zeros": lambda x, r: np.trim_zeros(r(np.array([0, 0, 3, 0, 1, 0]))),
    "ix_": lambda x, r: x[np.ix_(r(np.array([3, 1])), r(np.array([True, False, False, True, True])))],
    "unravel_index": lambda x, r: np.unravel_index(r(V), (3, 4)),
    "unravel_index F": lambda x, r: np.unravel_index(r(V), (3, 4), "F"),
    "ravel_multi_index": lambda x, r: np.ravel_multi_index((r(V), r(V)), (8, 9)),
    "ravel_multi_index modes": lambda x, r: np.ravel_multi_index((r(V), r(V - 5)), (4, 3), ("clip", "wrap"), order="F"),
    "flat": lambda x, r: x.flat[[3, 9, 9]],
}


@pytest.mark.parametrize("name", READS)
def test_reading_is_numpys(clusters, name):
    expected = _gathered(READS[name](A, lambda local: local))
    for axis in (0, 1, None):
        found = READS[name](fh.scatter(A, axis=axis), fh.scatter)
        assert len(_results(found)) == len(expected)
        assert all(isinstance(result, fh.Array) for result in _results(found))
        for actual, wanted in zip(_gathered(found), expected):
            same(actual, wanted)


WRITES = {
    "put": lambda x, r: np.put(x, r(V), r(V * 1.5)),
    "put repeats": lambda x, r: np.put(x, [0, -1, 7, 8], [5, 6]),
    "put scalar": lambda x, r: x.put([1, 2, 1], 4),
    "put wrap": lambda x, r: np.put(x, r(V * 9), 4, mode="wrap"),
    "put clip": lambda x, r: np.put(x, [99, -99], [4, 3], mode="clip"),
    "put_along 0": lambda x, r: np.put_along_axis(x, r(I[:2]), r(A[1:3]), 0),
    "put_along 1": lambda x, r: np.put_along_axis(x, r(I[:, :2]), 7, 1),
    "put_along flat": lambda x, r: np.put_along_axis(x, np.array([1, 3]), 7, None),
    "place": lambda x, r: np.place(x, r(A > 0), [1, 2, 3]),
    "place all": lambda x, r: np.place(x, r(A > 0), r(A)),
    "place one": lambda x, r: np.place(x, A > 0, 5),
    "putmask": lambda x, r: np.putmask(x, r(A > 0), [1, 2, 3]),
    "putmask same": lambda x, r: np.putmask(x, r(A < 0), r(A * 2)),
    "copyto": lambda x, r: np.copyto(x, r(A * 2), where=r(A < 0)),
    "fill_diagonal": lambda x, r: np.fill_diagonal(x, 9),
    "fill_diagonal many": lambda x, r: np.fill_diagonal(x, [1, 2]),
    "fill_diagonal wrap": lambda x, r: np.fill_diagonal(x.T if isinstance(x, np.ndarray) else x.T, 3, wrap=True),
    "fill_diagonal tall": lambda x, r: np.fill_diagonal(x[:, :2], 3, wrap=True),
    **({"itemset": lambda x, r: x.itemset((1, 2), 8)} if hasattr(np.empty(0), "itemset") else {}),
    "flat": lambda x, r: x.flat.__setitem__([1, 29], 8),
}


@pytest.mark.parametrize("name", WRITES)
def test_writing_is_numpys(clusters, name):
    expected = A.copy()
    WRITES[name](expected, lambda local: local)
    for axis in (0, 1, None):
        x = fh.scatter(A, axis=axis)
        WRITES[name](x, fh.scatter)
        same(fh.gather(x), expected)


WRONG = {
    "take": lambda x, r: fh.gather(np.take(x, [30])),
    "take mode": lambda x, r: np.take(x, [0], mode="no"),
    "take of floats": lambda x, r: np.take(x, r(np.array([0.5]))),
    "take from nothing": lambda x, r: np.take(x[:0], [0], 0),
    "take_along": lambda x, r: np.take_along_axis(x, r(I[0]), 0),
    "take_along of floats": lambda x, r: np.take_along_axis(x, r(A), 0),
    "choose": lambda x, r: np.choose(r(I), [x, x]),
    "compress": lambda x, r: np.compress([0] * 6 + [1], x, axis=0),
    "compress matrix": lambda x, r: np.compress(r(A > 0), x, axis=0),
    "repeat": lambda x, r: np.repeat(x, [1, 2], 0),
    "repeat negative": lambda x, r: np.repeat(x, -1, 0),
    "delete": lambda x, r: np.delete(x, 6, 0),
    "insert": lambda x, r: np.insert(x, 8, 1, 0),
    "diagonal": lambda x, r: np.diagonal(x[0]),
    "diagonal axes": lambda x, r: np.diagonal(x, 0, 1, 1),
    "diag": lambda x, r: np.diag(r(C)),
    "fill_diagonal": lambda x, r: np.fill_diagonal(r(C.copy()), 1),
    "put": lambda x, r: np.put(x, r(np.array([0, 30])), 1),
    "place": lambda x, r: np.place(x, r(A > 0), []),
    "place size": lambda x, r: np.place(x, r(A[0] > 0), [1]),
    "putmask": lambda x, r: np.putmask(x, r(A[0] > 0), [1]),
    "unravel_index": lambda x, r: np.unravel_index(r(V), (2, 2)),
    "ravel_multi_index": lambda x, r: np.ravel_multi_index((r(V), r(V)), (3, 3)),
    "ix_": lambda x, r: np.ix_(x, x),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_raises_as_numpy_does(cluster, name):
    with pytest.raises(Exception) as expected:
        WRONG[name](A.copy(), lambda local: local)
    x = fh.scatter(A)
    with pytest.raises(expected.type):
        WRONG[name](x, fh.scatter)
    same(fh.gather(x), A)


@given(data=st.data())
def test_take_along_any_axis_of_three(cluster, data):
    axis, cut = data.draw(st.integers(0, 2)), data.draw(st.sampled_from([None, 0, 1, 2]))
    shape = list(C.shape)
    shape[axis] = data.draw(st.integers(0, 4))
    index = np.random.default_rng(data.draw(st.integers(0, 99))).integers(-C.shape[axis], C.shape[axis], shape)
    x = fh.scatter(C, axis=cut)
    remote = fh.scatter(index, axis=data.draw(st.integers(0, 2)))
    same(fh.gather(np.take_along_axis(x, remote, axis)), np.take_along_axis(C, index, axis))
    expected = C.copy()
    np.put_along_axis(expected, index, 5, axis)
    np.put_along_axis(x, remote, 5, axis)
    same(fh.gather(x), expected)


def test_more_dimensions(clusters):
    for axis in (None, 0, 1, 2):
        x = fh.scatter(C, axis=axis)
        same(fh.gather(np.take(x, [[1, 0], [0, 2]], axis=1)), np.take(C, [[1, 0], [0, 2]], axis=1))
        same(fh.gather(np.diagonal(x, 1, 2, 0)), np.diagonal(C, 1, 2, 0))
        same(fh.gather(np.triu(x, 1)), np.triu(C, 1))
        for actual, expected in zip(np.nonzero(x > 0), np.nonzero(C > 0)):
            same(fh.gather(actual), expected)


def test_what_is_no_index_is_refused(cluster):
    x = fh.scatter(np.arange(4))
    for bad in (np.array([1.0, 2.0]), np.array([]), fh.scatter(np.array([1.5])), [0.5]):
        with pytest.raises(IndexError):
            np.insert(x, bad, 9)
        with pytest.raises(IndexError):
            np.delete(x, bad)
    assert fh.gather(np.insert(x, [], [])).tolist() == fh.gather(np.delete(x, [])).tolist() == [0, 1, 2, 3]


def test_records_are_inserted(clusters):
    local = np.array([(1, b"a"), (2, b"b"), (3, b"c")], dtype=[("foo", "i4"), ("bar", "S1")])
    for places, values in ((0, (4, b"d")), ([0, 2], [(4, b"d")] * 2)):
        assert fh.gather(np.insert(fh.scatter(local), places, values)).tolist() == np.insert(local, places, values).tolist()
