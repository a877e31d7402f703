"""The pieces of an array lie in one segment: gathered by one map along any axis, whatever becomes of the engines."""
import gc
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import farhand as fh
from oracle import same

MIB = 1 << 20


def make(shape=(512, 64, 8), dtype="float64", seed=5):
    return np.random.default_rng(seed).integers(1, 100, shape).astype(dtype)


def gathered(remote):
    """A gathered array that is mapped whole."""
    session = fh.session.current()
    before = session.stats()["mapped_bytes"]
    local = fh.gather(remote)
    assert session.stats()["mapped_bytes"] - before == local.nbytes > 0
    return local


def stats(cluster, engine):
    values = cluster.session.call(engine, "stats")
    return dict(zip(values[::2], values[1::2]))


def total(cluster, name):
    return sum(stats(cluster, engine.number)[name] for engine in cluster.engines if engine.state == "ready")


def home_of(cluster, size):
    """Which engine has so many bytes of arrays; the others have less than that."""
    homes = [engine.number for engine in cluster.engines if stats(cluster, engine.number)["used"] >= size]
    assert len(homes) == 1
    return homes[0]


def settle(cluster):
    gc.collect()
    fh.scatter(np.zeros(4)).wait()
    cluster.session.sync()


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)  # until the deadline


def leave(cluster):
    """Nothing of the session is left."""
    settle(cluster)
    wait_for(lambda: total(cluster, "used") == 0 and total(cluster, "objects") == 0)


@st.composite
def large(draw):
    dtype = np.dtype(draw(st.sampled_from(["float64", "int8", "float32", "complex128"])))
    shape = list(draw(st.sampled_from([(1, 1), (7, 3), (2, 5, 3), (4, 1, 2, 3), (64, 64)])))
    axis = draw(st.integers(0, len(shape) - 1))
    grown = draw(st.integers(0, len(shape) - 1))
    others = int(np.prod(shape)) // shape[grown] * dtype.itemsize
    shape[grown] = -(-MIB // others) + draw(st.integers(0, 1000))
    options = draw(st.sampled_from([{}, {"blocksize": -(-shape[axis] // 7)}]))
    order = draw(st.sampled_from("CF"))
    return np.asarray(make(shape, dtype, draw(st.integers(0, 9))), order=order), axis, options


@given(case=large())
@settings(max_examples=25)
def test_any_array_comes_back_by_map(clusters, case):
    local, axis, options = case
    remote = fh.scatter(local, axis=axis, **options)
    before = gathered(remote)
    same(before, local)
    same(fh.gather(remote, copy=True), local)
    same(fh.gather(remote.sum(axis=0)), local.sum(axis=0))
    same(fh.gather(remote[::3, -5:] + 1), local[::3, -5:] + 1)
    same(fh.gather(remote.T), local.T)
    remote *= 2
    same(fh.gather(remote), local * 2)
    same(before, local)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_empty_arrays_are_laid_out_like_scattered_ones(clusters, axis):
    local = make()
    remote = fh.empty(local.shape, axis=axis)
    remote[...] = local
    got = gathered(remote)
    same(got, local)
    same(gathered(fh.zeros(local.shape, axis=axis)), np.zeros(local.shape))
    same(gathered(fh.full(local.shape, 3.5, axis=axis)), np.full(local.shape, 3.5))
    remote += 1
    same(got, local)
    same(fh.gather(remote), local + 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_pieces_that_are_written_leave_the_others_alone(cluster, axis):
    local = make((1024, 512))
    remote = fh.scatter(local, axis=axis)
    first = gathered(remote)
    half = [slice(None), slice(None)]
    half[axis] = slice(0, 300)
    remote[tuple(half)] = -1
    changed = local.copy()
    changed[tuple(half)] = -1
    second = fh.gather(remote)
    remote += 1
    third = fh.gather(remote)
    same(first, local)
    same(second, changed)
    same(third, changed + 1)


def test_values_stay_while_engines_write_free_and_recycle(cluster):
    rng = np.random.default_rng(11)
    kept = []
    for turn in range(60):
        local = make((256, 64, int(rng.integers(8, 12))), seed=turn)
        remote = fh.scatter(local, axis=int(rng.integers(3)))
        value = local.copy()
        kept.append((gathered(remote), value.copy()))
        for _ in range(int(rng.integers(4))):
            kept.append((fh.gather(remote), value.copy()))
            if rng.random() < 0.7:
                remote += 1
                value += 1
        if len(kept) > 12:
            del kept[int(rng.integers(len(kept)))]
            del kept[int(rng.integers(len(kept)))]
    for got, value in kept:
        same(got, value)
    del kept, got, value, remote
    leave(cluster)


def large_maps(pid):
    """How many files of memory of a MiB and more a process has mapped."""
    with open(f"/proc/{pid}/maps") as file:
        lines = [line.split() for line in file if "(deleted)" in line]
    bounds = [[int(end, 16) for end in line[0].split("-")] for line in lines]
    return sum(stop - start >= MIB for start, stop in bounds)


def test_nothing_is_left_of_many(own_cluster):
    def there():
        own_cluster.session.sync()
        return [large_maps(engine.pid) for engine in own_cluster.engines]

    before = there()
    local = make()
    other = fh.connect(own_cluster.connection_file)
    for turn in range(90):
        got = fh.gather(fh.scatter(local, axis=turn % 3))
        assert got[turn, 3, 2] == local[turn, 3, 2]
    del got
    assert all(0 < now < 20 for now in there())
    other.close()
    fh.session.set_default(own_cluster.session)
    # The memory that clients have written goes with their session.
    wait_for(lambda: there() == before, 30)
    assert total(own_cluster, "used") == 0


def test_pieces_live_on_when_the_home_is_killed(own_cluster):
    local = make((1024, 512))
    remote = fh.scatter(local, axis=1)
    got = gathered(remote)
    home = home_of(own_cluster, local.nbytes)
    mine = [remote[:, start:stop] for number, (start, stop) in zip((0, 1), remote.bounds) if number != home]
    start, stop = remote.bounds[1 - home]
    own_cluster.kill_engine(home)
    with pytest.raises(fh.EngineLost):
        fh.gather(remote)
    same(fh.gather(mine[0]), local[:, start:stop])
    mine[0] += 1
    same(fh.gather(mine[0]), local[:, start:stop] + 1)
    same(got, local)
    del mine, remote
    settle(own_cluster)
    wait_for(lambda: stats(own_cluster, 1 - home)["objects"] == 1)  # what shows `got`
    same(got, local)


def test_home_lives_on_when_a_borrower_is_killed(own_cluster):
    local = make((1024, 512))
    remote = fh.scatter(local, axis=1)
    got = gathered(remote)
    home = home_of(own_cluster, local.nbytes)
    start, stop = remote.bounds[home]
    mine = remote[:, start:stop]
    own_cluster.kill_engine(1 - home)
    same(fh.gather(mine), local[:, start:stop])
    del remote, mine
    wait_for(lambda: [engine.number for engine in own_cluster.engines if engine.state == "ready"] == [home])
    for turn in range(10):  # what has been lent to the dead is not used again
        other = fh.scatter(np.full_like(local, turn), axis=None)
        other += 1
    same(got, local)
    del other, got
    settle(own_cluster)
    wait_for(lambda: stats(own_cluster, home)["used"] == 0)


@pytest.mark.parametrize("axis", [0, 1])
def test_published_pieces_outlive_their_session(cluster, axis):
    local = make((1024, 512))
    other = fh.connect(cluster.connection_file)
    try:
        fh.scatter(local, axis=axis).publish(f"whole-{axis}")
    finally:
        other.close()
        fh.session.set_default(cluster.session)
    remote = fh.get(f"whole-{axis}")
    got = gathered(remote)
    same(got, local)
    remote += 1
    same(got, local)
    same(fh.gather(remote), local + 1)
    fh.unpublish(f"whole-{axis}")
    del remote, got
    leave(cluster)


def test_ended_sessions_leave_nothing(cluster):
    leave(cluster)
    local = make()
    other = fh.connect(cluster.connection_file)
    try:
        arrays = [fh.scatter(local, axis=axis) for axis in range(3)]
        got = gathered(arrays[1])
    finally:
        other.close()
        fh.session.set_default(cluster.session)
    same(got, local)
    wait_for(lambda: total(cluster, "used") == 0)
    for turn in range(10):
        remote = fh.scatter(np.full_like(local, turn), axis=1)
    same(got, local)
    del remote


def test_pieces_are_made_apart_where_no_engine_has_room_for_all():
    with fh.Cluster(2, memory=8 * MIB) as small:
        local = make((1024, 1280))  # 10 MiB
        remote = fh.scatter(local, axis=1)
        same(fh.gather(remote), local)
        assert all(0 < stats(small, engine.number)["used"] < 8 * MIB for engine in small.engines)
        with pytest.raises(MemoryError):
            fh.gather(fh.scatter(local, axis=1))
        del remote
        settle(small)
        same(fh.gather(fh.scatter(local, axis=1)), local)


def test_a_gigantic_write_of_what_is_mapped_is_refused_and_changes_nothing():
    with fh.Cluster(2, memory=16 * MIB) as small:
        local = make((1024, 1280))
        remote = fh.scatter(local, axis=1)
        got = gathered(remote)
        with pytest.raises(MemoryError, match="mapped"):
            remote += 1
            fh.gather(remote)
            small.session.sync()
        same(got, local)
