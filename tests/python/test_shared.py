"""fh.shared: local arrays in memory that engines work on, too."""
import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import farhand as fh
from oracle import same
from test_wholes import leave, settle, stats, total, wait_for


def filled(shape, dtype="float64"):
    local = fh.shared(shape, dtype)
    local[...] = np.arange(local.size).reshape(shape)
    return local


@pytest.mark.parametrize("axis", [0, 1, None])
def test_both_see_each_others_writes_and_nothing_is_copied(clusters, axis):
    local = filled((300, 700))
    before = fh.session.current().stats()
    remote = fh.scatter(local, axis=axis)
    after = fh.session.current().stats()
    assert after["shared_bytes"] == before["shared_bytes"] and after["array_bytes_sent"] == before["array_bytes_sent"]
    expected = np.arange(300.0 * 700).reshape(300, 700)
    same(fh.gather(remote.sum(axis=1)), expected.sum(axis=1))
    local[7] = -1
    expected[7] = -1
    same(fh.gather(remote, copy=True), expected)
    remote += 1
    remote.wait()
    same(np.array(local), expected + 1)


def test_gathered_values_are_copies(cluster):
    local = filled((1024, 512))
    remote = fh.scatter(local, axis=1)
    got = fh.gather(remote)
    before = got.copy()
    local[...] = 0
    remote += 5
    remote.wait()
    same(got, before)
    same(np.array(local), np.full_like(before, 5))


@st.composite
def views(draw):
    ndim = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(1, 9)) for _ in range(ndim))
    cut = tuple(slice(draw(st.sampled_from([None, 1, -3])), draw(st.sampled_from([None, -1, 7])),
                      draw(st.sampled_from([None, 2, -1]))) for _ in shape)
    order = draw(st.permutations(range(ndim)))
    return shape, cut, order, draw(st.integers(0, ndim - 1)), draw(st.sampled_from(["int8", "float32", "complex128"]))


@given(case=views())
@settings(max_examples=40)
def test_views_are_scattered_as_they_lie(clusters, case):
    shape, cut, order, axis, dtype = case
    local = filled(shape, dtype)
    view = local[cut].transpose(order)
    remote = fh.scatter(view, axis=axis)
    same(fh.gather(remote), np.array(view))
    expected = np.array(local)
    expected[cut] += 1
    remote += 1
    remote.wait()
    if view.size:
        same(np.array(local), expected)


def test_what_has_no_places_of_its_own_is_copied(cluster):
    local = filled((8, 8))
    for view in (np.broadcast_to(local[0], (4, 8)), np.lib.stride_tricks.sliding_window_view(local[0], 3),
                 local.view("int64"), local.astype("float32"), local.view(local.dtype.newbyteorder())):
        remote = fh.scatter(view)
        before = np.array(view)
        same(fh.gather(remote), before.astype(before.dtype.newbyteorder("=")))
        remote += 1
        remote.wait()
        assert np.array_equal(view, before)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (5,)])
def test_small_and_empty_arrays(cluster, shape):
    local = fh.zeros(shape, "int32", shared=True)
    same(np.array(local), np.zeros(shape, "int32"))
    same(fh.gather(fh.scatter(local)), np.zeros(shape, "int32"))
    assert fh.empty(shape, shared=True).shape == shape


def test_memory_goes_back_when_all_have_let_go(cluster):
    leave(cluster)
    local = filled((1024, 1024))
    assert total(cluster, "used") == local.nbytes
    remote = fh.scatter(local, axis=1)
    del local
    settle(cluster)
    assert total(cluster, "used") == 8 << 20
    same(fh.gather(remote[0, :5]), np.arange(5.0))
    del remote
    leave(cluster)


def test_memory_stays_when_the_session_and_engines_end(own_cluster):
    other = fh.connect(own_cluster.connection_file)
    local = filled((1024, 512))
    remote = fh.scatter(local, axis=1)
    remote += 1
    remote.wait()
    before = np.array(local)
    other.close()
    fh.session.set_default(own_cluster.session)
    wait_for(lambda: total(own_cluster, "used") == 0)
    for turn in range(10):
        fh.scatter(np.full_like(before, turn), axis=None).wait()
    same(np.array(local), before)
    for engine in list(own_cluster.engines):
        own_cluster.kill_engine(engine.number)
    local *= 2
    same(np.array(local), before * 2)
    del local, remote
    gc.collect()


def test_there_is_an_error_where_memory_cannot_be_shared():
    with fh.Cluster(2, memory=8 << 20) as small:
        with pytest.raises(MemoryError):
            fh.shared((2048, 1024))
        assert fh.shared(10).shape == (10,)
        fh.config.shared_memory = False
        try:
            with fh.connect(small.connection_file):
                with pytest.raises(fh.NotSupported):
                    fh.shared(10)
        finally:
            fh.config.shared_memory = True
        settle_all = [stats(small, engine.number)["used"] for engine in small.engines]
        assert sum(settle_all) < 1 << 20
