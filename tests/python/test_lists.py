"""Lists of arrays are scattered together: packed, sent in one piece, cut up on the engine."""
import numpy as np
import pytest

import farhand as fh
from oracle import DTYPES, LAYOUTS, laid_out, make, same


def test_dtypes_shapes_and_layouts(cluster):
    shapes = [(), (0,), (1,), (7,), (3, 4), (2, 0, 3), (2, 3, 4)]
    locals_ = [make(shape, dtype, seed) for seed, (shape, dtype) in
               enumerate((shape, dtype) for shape in shapes for dtype in DTYPES)]
    remotes = fh.scatter(locals_)
    assert type(remotes) is list and len(remotes) == len(locals_)
    for remote, local in zip(remotes, locals_):
        assert type(remote) is fh.RemoteArray and remote.dtype == local.dtype and remote.shape == local.shape
        same(fh.gather(remote), local)
    # They are arrays like others.
    same(fh.gather(remotes[-1][0] * 2), locals_[-1][0] * 2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_of_any_kind(cluster, layout):
    locals_ = [laid_out(make((5, 6), "int32", seed), layout) for seed in range(3)]
    for remote, local in zip(fh.scatter(tuple(locals_)), locals_):
        same(fh.gather(remote), np.ascontiguousarray(local.astype(local.dtype.newbyteorder("="))))


def test_many_and_large_ones(cluster, rng):
    sizes = [*rng.integers(0, 300, 1500), 40000, 100000, 3, 70000]
    locals_ = [np.full(size, i, np.int64) for i, size in enumerate(sizes)]
    remotes = fh.scatter(locals_)
    for remote, local in zip(fh.gather(remotes), locals_):
        same(remote, local)
    numbers = [remote.engine for remote in remotes]
    assert all(a != b for a, b in zip(numbers, numbers[1:]))
    assert {remote.engine for remote in fh.scatter(locals_[:5], engines=[1])} == {1}


def test_one_that_stays_keeps_its_values(cluster):
    remotes = fh.scatter([np.full(1000, i) for i in range(300)])
    kept = remotes[123]
    del remotes
    others = fh.scatter([np.full(1000, -1) for _ in range(300)])  # into the memory that was given back
    same(fh.gather(kept), np.full(1000, 123))
    kept += 1
    same(fh.gather(kept), np.full(1000, 124))
    same(fh.gather(others[122]), np.full(1000, -1))


def test_lists_of_everything(cluster):
    inner = [np.arange(3.0), None, {"a": 1}, (np.arange(2), [5, "text"])]
    back = fh.gather(fh.scatter(inner))
    same(back[0], inner[0])
    assert back[1] is None and back[2] == {"a": 1} and back[3][1][1] == "text"
    assert fh.scatter([]) == [] and fh.scatter(()) == ()


def test_what_cannot_be_remote_is_refused_before_anything_is_sent(cluster):
    with pytest.raises(fh.NotSupported):
        fh.scatter([np.arange(3), np.array(["text"])])
