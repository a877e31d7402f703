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
        fh.scatter([np.arange(3), np.array([{}])])


def test_lists_come_back_together(cluster, rng):
    locals_ = [np.full(1000, i) for i in range(700)] + [np.arange(3, dtype="<i2"), np.float64(4), np.zeros((0, 5)), np.ones(40000),
                                                       np.ones((2, 3)), np.ones((2, 3), "f4")]
    mixed = [locals_[i] for i in rng.permutation(len(locals_))]
    remotes = fh.scatter(mixed)
    for got, local in zip(fh.gather(remotes), mixed):
        same(got, np.asarray(local))
        assert type(got) is np.ndarray and (got.flags.writeable and got.flags.c_contiguous)
    for got, local in zip(fh.gather(tuple(remote[...] for remote in remotes)), mixed):
        same(got, np.asarray(local))
    strided = [remote[::-2] if remote.ndim else remote for remote in remotes]
    for got, local in zip(fh.gather(strided), mixed):
        same(got, np.asarray(local)[::-2] if np.ndim(local) else np.asarray(local))


def test_few_messages_bring_a_list(cluster):
    remotes = fh.scatter([np.full(100, i) for i in range(2000)])
    remotes[-1].wait()
    native = cluster.session._native
    before = native.stats()["messages_sent"]
    fh.gather(remotes)
    assert native.stats()["messages_sent"] - before < 60


def test_what_was_gathered_can_be_written(cluster):
    remotes = fh.scatter([np.zeros(1000) for _ in range(1500)])
    got = fh.gather(remotes)
    got[3] += 1
    assert got[3].sum() == 1000 and got[2].sum() == got[4].sum() == 0 and fh.gather(remotes[3]).sum() == 0


def test_gathered_lists_of_everything(cluster):
    small, cut = fh.scatter(np.arange(5.0), None), fh.scatter(np.arange(300_000.0))
    back = fh.gather([small, cut, 7, [small, "text"], small, small + 1])
    same(back[0], np.arange(5.0))
    same(back[1], np.arange(300_000.0))
    assert back[2] == 7 and back[3][1] == "text"
    same(back[3][0], np.arange(5.0))
    same(back[5], np.arange(5.0) + 1)
    here = [np.ones(3), 4]
    assert fh.gather(here) is here and fh.gather([]) == []


def test_an_error_of_one_comes_up(cluster):
    arrays = fh.scatter([np.arange(4.0) for _ in range(10)])
    bad = fh.empty(1 << 44, axis=None)[:4]
    with pytest.raises(fh.LimitExceeded):
        fh.gather([*arrays, bad])
    for got in fh.gather(arrays):
        same(got, np.arange(4.0))


def _mixed(rng, count):
    """Arrays of many sizes, some of which do not lie in C order or have another byte order."""
    made = []
    for i, size in enumerate(rng.integers(0, 4000, count)):
        array = rng.integers(0, 100, size)
        made.append((array, array[::-3], array.astype(">i8"), np.asfortranarray(array[:size // 4 * 4].reshape(4, -1)))[i % 4])
    return made


@pytest.mark.parametrize(("shared", "small_pages"), [(True, "0"), (True, "1"), (False, "0")])
def test_in_memory_and_in_messages(shared, small_pages, rng, monkeypatch):
    monkeypatch.setattr(fh.config, "shared_memory", shared)
    monkeypatch.setenv("FARHAND_SMALL_PAGES", small_pages)
    locals_ = _mixed(rng, 4000)  # several chunks for each engine
    with fh.Cluster(2) as running:
        native = running.session._native
        for _ in range(2):  # into fresh memory, then into memory that was used
            remotes = fh.scatter(locals_)
            for got, local in zip(fh.gather(remotes), locals_):
                same(got, np.ascontiguousarray(local.astype(local.dtype.newbyteorder("="))))
            del remotes
        assert (native.stats()["shared_bytes"] > 0) == shared


def test_warnings_of_what_is_gathered(cluster):
    zero, one = fh.scatter([np.zeros(3), np.ones(3)])
    with np.errstate(divide="warn"), pytest.warns(RuntimeWarning, match="divide"):
        fh.gather([one / zero, one])
