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


def _mapping_of(array):
    """The memory that a value is a view of."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array


def test_long_lists_are_packed_and_mapped(cluster, rng):
    dtypes = ["f8", "i4", "c16", "?", "f2"]
    locals_ = [rng.integers(0, 2, size).astype(dtypes[i % 5]) for i, size in enumerate(rng.integers(0, 3000, 3000))]
    locals_ += [np.array(7.5), np.ones((2, 3, 4)), np.zeros((0, 4), "i8")]
    remotes = fh.scatter(locals_)
    before = cluster.session.stats()["mapped_bytes"]
    got = fh.gather([3, *remotes, "text"])
    assert cluster.session.stats()["mapped_bytes"] - before >= sum(array.nbytes for array in locals_)
    assert got[0] == 3 and got[-1] == "text"
    for value, local in zip(got[1:], locals_):
        same(value, local)
        assert type(value) is np.ndarray and value.flags.writeable and value.flags.aligned
        assert memoryview(_mapping_of(value)).nbytes <= 2 << 20  # what one that is kept keeps
        value[...] = 0
    before = cluster.session.stats()["mapped_bytes"]
    for value, local in zip(fh.gather(remotes, copy=True), locals_):  # what was written to the values is not seen
        same(value, local)
    assert cluster.session.stats()["mapped_bytes"] == before


def test_mapped_lists_stay_as_they_were(cluster):
    remotes = fh.scatter([np.full(1000, i) for i in range(1000)])
    got = fh.gather(remotes)
    for remote in remotes[:10]:
        remote += 1
    same(fh.gather(remotes[3]), np.full(1000, 4))
    del remotes
    other = fh.scatter([np.full(1000, -1) for _ in range(2000)])  # into the memory that was given back
    other[-1].wait()
    for i, value in enumerate(got):
        same(value, np.full(1000, i))


def test_lists_that_have_no_room_to_be_packed_come_in_messages():
    with fh.Cluster(1, memory=32 << 20) as running:
        remotes = fh.scatter([np.full(1000, i) for i in range(2500)])  # 20 MB: no room for all of it twice
        got = fh.gather(remotes)
        assert running.session.stats()["mapped_bytes"] < sum(value.nbytes for value in got)
        for i, value in enumerate(got):
            same(value, np.full(1000, i))
        del got, value
        same(fh.gather(remotes[7] + 1), np.full(1000, 8))


def test_an_error_in_a_long_list_comes_up_once(cluster):
    remotes = fh.scatter([np.full(1000, i) for i in range(1000)])
    bad = fh.empty(1 << 44, axis=None)[:4]
    with pytest.raises(fh.LimitExceeded):
        fh.gather([*remotes, bad])
    for i, value in enumerate(fh.gather(remotes)):
        same(value, np.full(1000, i))


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
