"""nditer and x.flat, as NumPy's: what is written through them is in the array."""
import numpy as np
import pytest

import farhand as fh
from oracle import same


@pytest.fixture
def cluster(two_engines):
    return two_engines


def both(function, *arrays):
    """What it makes of the arrays, here and on the engines."""
    locals_, remotes = [x.copy() for x in arrays], [fh.scatter(x) for x in arrays]
    expected, found = function(np, *locals_), function(fh, *remotes)
    if expected is not None:
        same(np.asarray(fh.gather(found)), np.asarray(expected))
    for local, remote in zip(locals_, remotes):
        same(fh.gather(remote), local)


def doubled(n, x):
    for value in n.nditer(x, op_flags=["readwrite"]):
        value[...] = 2 * value


def left_early(n, x):
    for value in n.nditer(x, op_flags=["readwrite"]):
        value[...] = 7
        if value.shape == ():
            break


def within(n, x, y):
    with n.nditer([x, y], [], [["readonly"], ["writeonly"]]) as it:
        for a, b in it:
            b[...] = a + 1


def stepped(n, x):
    it, places = n.nditer(x, flags=["multi_index"], op_flags=["readwrite"]), []
    while not it.finished:
        it[0] = it[0] - 1
        places.append(it.multi_index)
        it.iternext()
    return np.array(places)


def in_chunks(n, x):
    return np.array([float(chunk.sum()) for chunk in n.nditer(x, flags=["external_loop", "buffered"], order="C", buffersize=5)])


def of_another_dtype(n, x):
    with n.nditer(x, op_flags=["readwrite"], op_dtypes=["f4"], flags=["buffered"], casting="same_kind") as it:
        for value in it:
            value[...] = value * 2


@pytest.mark.parametrize("function", [doubled, left_early, stepped, in_chunks, of_another_dtype])
def test_nditer(cluster, function):
    both(function, np.arange(12.0).reshape(3, 4))


def test_nditer_of_several(cluster):
    both(within, np.arange(6.0), np.zeros(6))
    made = fh.nditer([fh.arange(3.0), None])
    for value, result in made:
        result[...] = value * 2
    same(made.operands[1], np.array([0.0, 2.0, 4.0]))


def test_nditer_writes_once(cluster):
    """What was written to the array after the iteration stays, whatever becomes of the iterator."""
    x = fh.arange(3.0)
    it = fh.nditer(x, op_flags=["readwrite"])
    for value in it:
        value[...] = 7
    x[...] = 5
    assert it.finished
    del it
    same(fh.gather(x), np.full(3, 5.0))
    unused = fh.nditer(x, op_flags=["readwrite"])
    x[...] = 6
    del unused
    same(fh.gather(x), np.full(3, 6.0))


def test_copies_of_nditer_write_too(cluster):
    x = fh.arange(3.0)
    for value in fh.nditer(x, op_flags=["readwrite"]).copy():
        value[...] = 9
    same(fh.gather(x), np.full(3, 9.0))


def test_nditer_that_cannot_be_made_writes_nothing(cluster):
    x = fh.arange(3.0)
    with pytest.raises(ValueError, match="flag"):
        fh.nditer(x, flags=["nonsense"], op_flags=["readwrite"])
    same(fh.gather(x), np.arange(3.0))


def test_flat_is_an_iterator(cluster):
    local = np.arange(6.0).reshape(2, 3)
    remote = fh.scatter(local)
    for flat, array in ((local.flat, local), (remote.flat, remote)):
        assert (float(next(flat)), float(next(flat)), flat.index, flat.coords) == (0.0, 1.0, 2, (0, 2))
        assert flat.base is array and fh.gather(flat.copy()).tolist() == list(range(6))
        assert [float(next(flat)) for _ in range(4)] == [2.0, 3.0, 4.0, 5.0]
        with pytest.raises(StopIteration):
            next(flat)
