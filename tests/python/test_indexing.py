"""Basic indexing, read and write, is NumPy's."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle import arrays_with_axis, make, same

import farhand as fh

INDICES = [
    0, -1, 2, slice(None), slice(1, 4), slice(None, None, -1), slice(5, 1, -2), slice(10, 20), slice(0, 0), ..., None,
    (1, 2), (slice(1, 3), 0), (0, slice(None, None, 2)), (..., 1), (None, 1), (1, None), (slice(None), None, 2),
    (slice(None), slice(1, 3)), (2, ..., None), (slice(4, None), slice(None, 2)), (), (1, 1, 1),
    (slice(None), 1, slice(None, None, -1)),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_index_is_numpys(clusters, index):
    local = make((6, 4, 3), "int32")
    for axis in (0, 1, 2, None):
        same(fh.gather(fh.scatter(local, axis=axis)[index]), local[index])


@given(case=arrays_with_axis(), data=st.data())
def test_any_basic_index_is_numpys(cluster, case, data):
    local, axis = case
    index = data.draw(hnp.basic_indices(local.shape, allow_newaxis=True, allow_ellipsis=True))
    same(fh.gather(fh.scatter(local, axis=axis)[index]), np.asarray(local[index]))


@given(case=arrays_with_axis(), data=st.data())
def test_assignment_to_any_basic_index_is_numpys(cluster, case, data):
    local, axis = case
    local = np.ascontiguousarray(local.astype(local.dtype.newbyteorder("=")))
    remote = fh.scatter(local, axis=axis)
    local = local.copy()
    index = data.draw(hnp.basic_indices(local.shape, allow_newaxis=True, allow_ellipsis=True))
    value = make(np.shape(local[index]), local.dtype, 3, True)
    if data.draw(st.booleans()):
        remote[index] = fh.scatter(value)
    else:
        remote[index] = value
    local[index] = value
    same(fh.gather(remote), local)


def test_assignment_casts_and_broadcasts(clusters):
    local = np.zeros((5, 4), np.int32)
    remote = fh.scatter(local)
    remote[1:3] = 7
    local[1:3] = 7
    remote[:, 1] = np.arange(5) + 0.5
    local[:, 1] = np.arange(5) + 0.5
    remote[0] = [9, 8, 7, 6]
    local[0] = [9, 8, 7, 6]
    remote[4, 3] += 5
    local[4, 3] += 5
    remote[..., 2:] *= 2
    local[..., 2:] *= 2
    same(fh.gather(remote), local)
    with pytest.raises(ValueError):
        remote[0] = np.zeros(5)


def test_view_shares_memory(clusters):
    remote = fh.scatter(np.arange(10))
    view = remote[2:8:2]
    view[...] = -1
    expected = np.arange(10)
    expected[2:8:2] = -1
    same(fh.gather(remote), expected)


def test_overlapping_assignment_is_numpys(clusters):
    local = np.arange(10)
    remote = fh.scatter(local)
    remote[1:] = remote[:-1]
    local[1:] = local[:-1].copy()
    same(fh.gather(remote), local)


def test_one_element_is_a_zero_dimensional_array(cluster):
    remote = fh.scatter(np.arange(12).reshape(3, 4))
    element = remote[2, 3]
    assert isinstance(element, fh.RemoteArray) and element.shape == () and int(element) == 11


def test_index_on_one_engine_is_a_remote_array(cluster):
    remote = fh.scatter(np.arange(12).reshape(4, 3))
    assert isinstance(remote[0], fh.RemoteArray)
    assert isinstance(remote[:, 0], fh.DistArray)


@pytest.mark.parametrize("index", [6, -7, (0, 4), (0, 0, 0, 0), (..., ...), "a", 1.5, (slice(None, None, 0),), object()], ids=str)
def test_bad_index_is_an_index_error(cluster, index):
    remote = fh.scatter(np.zeros((6, 4, 3)))
    with pytest.raises((IndexError, ValueError)):
        fh.gather(remote[index])


def test_integer_like_indices_work(cluster):
    remote = fh.scatter(np.arange(6))
    assert int(remote[np.int8(2)]) == 2
    assert int(remote[np.array(3)]) == 3
    assert int(remote[remote[4]]) == 4
    same(fh.gather(remote[np.int64(1):np.int64(3)]), np.arange(1, 3))


def test_transposes_of_views_of_views(clusters):
    local = make((6, 5, 4), "float64")
    remote = fh.scatter(local, axis=1)
    same(fh.gather(remote.T[1:, ::-2][..., 3]), local.T[1:, ::-2][..., 3])
    same(fh.gather(remote.transpose(2, 0, 1)[::2].swapaxes(0, 1)), local.transpose(2, 0, 1)[::2].swapaxes(0, 1))
