"""Masks and integer arrays as indices, read and write, are NumPy's."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from index_support import keys
from oracle import make, same

import farhand as fh

A = np.arange(10)
MATRIX = np.arange(60.0).reshape(10, 6)
KEYS = [
    [1, 3], [-1, 2, 2], ([0, 9], [5, 1]), (slice(None), [1, 4]), (slice(2, 8), [1, 4]), MATRIX > 30, (MATRIX[:, 0] > 20,),
    (slice(None), MATRIX[0] > 2), ([[1], [2]], [0, 3]), (None, [1, 2], slice(None), None), (0, ..., [1, 2]), True, False,
    (MATRIX[:, 0] > 20, 0), (A % 2 == 0, [0, 1, 2, 3, 4]), [], (slice(None, None, -1), np.array([5, 0])), (A > 20,),
    ([0], slice(None), None), np.zeros((10, 6), bool), (True, [1, 2]), (slice(1, 1), [0, 0]), np.array([2], np.uint8),
    range(3), (range(2), range(4, 0, -2)), (slice(None), range(0)),
]


def _remote(key, axis=0):
    """The key with its arrays on the engines."""
    if isinstance(key, tuple):
        return tuple(_remote(part, axis) for part in key)
    return fh.scatter(key, axis=axis) if isinstance(key, np.ndarray) and key.ndim else key


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key).replace("\n", "")[:40])
def test_key_is_numpys(clusters, key):
    for axis in (None, 0, 1):
        x = fh.scatter(MATRIX, axis=axis)
        for at in (key, _remote(key)):
            same(fh.gather(x[at]), MATRIX[key])
            for value in (7, make(MATRIX[key].shape, "int32", 5, True)):
                expected, written = MATRIX.copy(), x.copy()
                expected[key] = value
                written[at] = value
                same(fh.gather(written), expected)


@given(data=st.data())
def test_any_key_is_numpys(cluster, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))
    local = make(shape, data.draw(st.sampled_from(["float64", "int8", "complex128", "bool"])), 3, True)
    key, axis = data.draw(keys(shape)), data.draw(st.one_of(st.none(), st.integers(0, local.ndim - 1)))
    try:
        expected = local[key]
    except IndexError:
        with pytest.raises(IndexError):
            fh.gather(fh.scatter(local, axis=axis)[key])
        return
    remote, at = fh.scatter(local, axis=axis), _remote(key) if data.draw(st.booleans()) else key
    same(fh.gather(remote[at]), expected)
    value = make(expected.shape, local.dtype, 5, True)
    form = data.draw(st.sampled_from(["full", "row", "column", "scalar"]))
    if form == "row" and value.ndim and len(value):
        value = value[0]
    elif form == "column" and value.ndim:
        value = value[..., :1]
    elif form == "scalar" and value.size:
        value = value.ravel()[0]
    local[key] = value
    remote[at] = fh.scatter(value) if value.ndim and data.draw(st.booleans()) else value
    same(fh.gather(remote), local)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("where", [None, 0], ids=["local", "remote"])
def test_many_indices_across_pieces(clusters, axis, where, rng):
    """Enough for results of several parts, each of which comes from all pieces."""
    local = rng.normal(size=(301, 57))
    rows, columns = rng.integers(-301, 301, 20011), rng.integers(0, 57, 20011)
    at_rows, at_columns = (rows, columns) if where is None else (fh.scatter(rows), fh.scatter(columns))
    x = fh.scatter(local, axis=axis)
    same(fh.gather(x[at_rows]), local[rows])
    same(fh.gather(x[at_rows, at_columns]), local[rows, columns])
    same(fh.gather(x[:, at_columns]), local[:, columns])
    values = rng.normal(size=rows.shape)
    local[rows, columns] = values
    x[at_rows, at_columns] = values if where is None else fh.scatter(values)
    same(fh.gather(x), local)
    mask = local > 0.5
    same(fh.gather(x[x > 0.5]), local[mask])
    x[x > 0.5] = fh.scatter(local[mask][::-1].copy())
    local[mask] = local[mask][::-1].copy()
    same(fh.gather(x), local)


def test_in_place_operations(clusters):
    local = MATRIX.copy()
    x = fh.scatter(local)
    x[[1, 1, 9]] += 1
    local[[1, 1, 9]] += 1
    x[x > 50] *= 2
    local[local > 50] *= 2
    x[[0, 3]] = x[[3, 0]]
    local[[0, 3]] = local[[3, 0]]
    x[::2, [0, 1]] = x[1::2, [1, 0]]
    local[::2, [0, 1]] = local[1::2, [1, 0]]
    same(fh.gather(x), local)


def test_last_of_equal_indices_counts(clusters, rng):
    index = rng.integers(0, 50, 30000)
    values = np.arange(30000)
    local = np.zeros(100, int)
    x = fh.scatter(local)
    local[index] = values
    x[fh.scatter(index)] = fh.scatter(values)
    same(fh.gather(x), local)


def test_mask_keeps_pieces_where_they_are(cluster):
    x = fh.scatter(np.arange(100))
    chosen = x[x % 3 == 0]
    assert isinstance(chosen, fh.DistArray) and chosen.engines == x.engines
    assert isinstance(x[x < 10], fh.RemoteArray) and x[x < 10].engine == x.engines[0]
    assert x[x < 0].shape == (0,)


@pytest.mark.parametrize("key, text", [
    ([6], "index 6 is out of bounds for axis 0 with size 6"),
    (([0], [-5]), "index -5 is out of bounds for axis 1 with size 4"),
    (np.ones(5, bool), "boolean index did not match indexed array along dimension 0; dimension is 6 but corresponding "
                       "boolean dimension is 5"),
    (([0, 1], [0, 1, 2]), "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,)"),
    ([0.5], "arrays used as indices must be of integer (or boolean) type"),
    (([0], [0], [0]), "too many indices for array: array is 2-dimensional, but 3 were indexed"),
    ((..., [0], ...), "an index can only have a single ellipsis ('...')"),
], ids=str)
def test_bad_keys_are_index_errors(cluster, key, text):
    x = fh.scatter(np.zeros((6, 4)))
    with pytest.raises(IndexError) as caught:
        x[key]
    assert text in str(caught.value)
    with pytest.raises(IndexError):
        x[key] = 1
    same(fh.gather(x), np.zeros((6, 4)))


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_bad_remote_index_is_an_index_error(clusters, axis):
    x = fh.scatter(np.zeros((6, 4)), axis=axis)
    index = fh.scatter(np.array([0, 7, 1]))
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis 0 with size 6"):
        fh.gather(x[index])
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        x[index] = 1
        fh.current().sync() if hasattr(fh, "current") else fh.gather(x)
    same(fh.gather(x), np.zeros((6, 4)))


def test_values_that_do_not_fit_change_nothing(clusters):
    x = fh.scatter(np.arange(12.0).reshape(6, 2))
    for key, value in [([0, 1], np.zeros((3, 2))), (x[:, 0] > 4, np.zeros((2, 2))), ([0], np.zeros((2, 1, 2)))]:
        with pytest.raises(ValueError):
            x[key] = value
    same(fh.gather(x), np.arange(12.0).reshape(6, 2))


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0), (0, 0)])
def test_masks_without_elements_fit_any_axis(cluster, shape):
    x, mask = np.arange(12.0).reshape(3, 4), np.zeros(shape, bool)
    array = fh.scatter(x)
    assert array[mask].shape == array[fh.scatter(mask)].shape == x[mask].shape
    array[mask] = 5
    np.testing.assert_array_equal(fh.gather(array), x)
    with pytest.raises(IndexError):
        array[np.zeros((2, *shape[1:]), bool)]


def test_what_is_written_by_masks_and_lists_is_converted_as_by_numpy(cluster):
    for n in (np, fh):
        x = n.zeros(4, dtype=int)
        x[[0, 2, 1]] = n.array(["2", "-1", "-3"])
        x[n.array([False, False, False, True])] = "7"
        np.testing.assert_array_equal(np.asarray(x), [2, -3, -1, 7])
        for key in (0, slice(2), np.array([True, False, False, False])):
            if key.__class__ is not np.ndarray:
                with pytest.raises(ValueError, match="NaN"):
                    x[key] = np.float64("nan")
                with pytest.raises(OverflowError):
                    x[key] = np.float32("inf")
            with pytest.warns(getattr(np, "exceptions", np).ComplexWarning):
                x[key] = n.array(1j)
