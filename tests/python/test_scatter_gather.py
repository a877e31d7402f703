"""scatter and gather: every dtype, axis and memory layout comes back as it went."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import DTYPES, LAYOUTS, arrays_with_axis, laid_out, make, same

import farhand as fh


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_gather_gives_back_what_was_scattered(clusters, dtype, layout):
    local = laid_out(make((5, 4, 3), dtype), layout)
    for axis in (0, 1, 2, -1, None):
        same(fh.gather(fh.scatter(local, axis=axis)), local)


@given(case=arrays_with_axis(small=False))
def test_gather_gives_back_any_array(clusters, case):
    local, axis = case
    same(fh.gather(fh.scatter(local, axis=axis)), local)


def test_gathered_array_is_writable_and_own(cluster):
    local = np.arange(10.0)
    remote = fh.scatter(local)
    first = fh.gather(remote)
    first[:] = -1
    local[:] = 7
    same(fh.gather(remote), np.arange(10.0))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 10])
def test_pieces_have_the_sizes_of_array_split(clusters, n):
    remote = fh.scatter(np.arange(n))
    expected = [len(part) for part in np.array_split(np.arange(n), len(clusters.engines))]
    lengths = [stop - start for start, stop in remote.bounds]
    assert lengths == ([length for length in expected if length] or [0])


def test_blocksize_sets_the_pieces(cluster):
    remote = fh.scatter(np.arange(10), blocksize=3)
    assert remote.bounds == ((0, 3), (3, 6), (6, 9), (9, 10))
    same(fh.gather(remote), np.arange(10))


def test_axis_none_gives_one_remote_array(cluster):
    remote = fh.scatter(np.arange(10), axis=None)
    assert isinstance(remote, fh.RemoteArray) and remote.axis is None and remote.npieces == 1


def test_zero_dimensions_give_a_remote_array(cluster):
    remote = fh.scatter(np.float32(2.5))
    assert isinstance(remote, fh.RemoteArray) and remote.shape == () and remote.dtype == np.float32
    assert float(remote) == 2.5


def test_engines_given_by_number_are_not_asked_for_at_the_broker(cluster):
    numbers = [engine.number for engine in cluster.engines]
    session = cluster.session
    fh.empty(10, engines=numbers)
    before = session.stats()["waits"]
    made = [fh.empty(10, engines=number) for number in numbers for _ in range(20)]
    assert session.stats()["waits"] == before  # nothing was waited for
    assert [x.engines[0] for x in made[::20]] == numbers
    for wrong in (len(numbers) + 1000, -1, 2**40):
        with pytest.raises(ValueError, match=r"there is no engine .*; there are \[0, 1\]"):
            fh.empty(10, engines=[wrong])


def test_engines_are_chosen_in_order(cluster):
    first, second = cluster.engines
    assert fh.scatter(np.arange(4), engines=[second, first]).engines == (second.number, first.number)
    assert set(fh.scatter(np.arange(4), engines=[first.number]).engines) == {first.number}
    with pytest.raises(ValueError, match="no engine 99"):
        fh.scatter(np.arange(4), engines=[99])


def test_list_becomes_a_list_of_proxies_round_robin(cluster):
    proxies = fh.scatter([np.arange(3), np.arange(4), np.arange(5)])
    assert type(proxies) is list and [len(p) for p in proxies] == [3, 4, 5]
    assert len({p.engine for p in proxies}) == 2
    back = fh.gather(tuple(proxies))
    assert type(back) is tuple
    same(back[2], np.arange(5))


def test_gather_leaves_local_values_alone():
    for value in (1, "text", None, [1, 2], {"a": 1}):
        assert fh.gather(value) is value


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("to", [0, 1, None])
def test_reshard_keeps_the_values(cluster, axis, to):
    local = make((6, 5), "float64")
    before = cluster.session.stats()
    remote = fh.scatter(local, axis=axis)
    moved = remote.reshard(to)
    moved.wait()
    after = cluster.session.stats()
    assert moved.axis == to
    assert after["array_bytes_received"] == before["array_bytes_received"]
    same(fh.gather(moved), local)
    same(fh.gather(fh.scatter(remote, axis=to)), local)


def test_scatter_of_a_proxy_in_its_layout_is_itself(cluster):
    remote = fh.scatter(np.arange(4))
    assert fh.scatter(remote) is remote


@pytest.mark.parametrize("dtype", ["V0", [("a", "O")], object, np.longdouble])
def test_scatter_of_other_dtypes_says_so(cluster, dtype):
    with pytest.raises(fh.NotSupported, match="dtype"):
        fh.scatter(np.zeros(3, dtype))


def test_axis_out_of_bounds_is_an_error(cluster):
    for axis in (2, -3):
        with pytest.raises((ValueError, IndexError), match="axis"):
            fh.scatter(np.zeros((2, 2)), axis=axis)


def test_buffers_without_numpy_can_be_scattered(cluster):
    same(fh.gather(fh.scatter(memoryview(b"abcd"))), np.frombuffer(b"abcd", np.uint8))


@given(data=st.data())
def test_empty_then_assigned_is_what_was_assigned(cluster, data):
    local, axis = data.draw(arrays_with_axis())
    remote = fh.empty(local.shape, local.dtype, axis=axis)
    remote[...] = local
    same(fh.gather(remote), local)


def test_large_array_survives_in_many_frames(cluster):
    local = np.arange(3_000_000, dtype=np.float64)
    same(fh.gather(fh.scatter(local)), local)
    matrix = local.reshape(1000, 3000)
    same(fh.gather(fh.scatter(matrix, axis=1)), matrix)
    same(fh.gather(fh.scatter(matrix[::-1, ::-1], axis=1)), matrix[::-1, ::-1])
