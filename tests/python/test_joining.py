"""Joining, splitting and reshaping are NumPy's."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import arrays_with_axis, make, same

import farhand as fh


def both(shapes, cuts, dtype="float64"):
    local = [make(shape, dtype, i) for i, shape in enumerate(shapes)]
    return local, [fh.scatter(x, axis=cut) for x, cut in zip(local, cuts)]


@pytest.mark.parametrize("cuts", [(0, 0), (1, 1), (0, 1), (None, 0), (None, None)])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_concatenate(clusters, axis, cuts):
    local, remote = both([(4, 6), (4, 6)], cuts)
    same(fh.gather(fh.concatenate(remote, axis=axis)), np.concatenate(local, axis=axis))
    same(fh.gather(np.concatenate([remote[0], local[1]], axis=axis)), np.concatenate(local, axis=axis))


def test_concatenate_along_the_distributed_axis_moves_nothing(cluster):
    local, remote = both([(4, 3), (5, 3)], (0, 0))
    for x in remote:
        x.wait()
    before = cluster.session.stats()
    joined = fh.concatenate(remote, axis=0)
    joined.wait()
    after = cluster.session.stats()
    for counter in ("array_bytes_sent", "array_bytes_received", "shared_bytes", "engine_bytes"):
        assert after[counter] == before[counter], counter
    same(fh.gather(joined), np.concatenate(local))


@pytest.mark.parametrize("function", ["stack", "vstack", "hstack", "dstack", "column_stack"])
@pytest.mark.parametrize("shape", [(5,), (4, 3), (4, 3, 2)])
def test_stacks(clusters, function, shape):
    if function == "column_stack" and len(shape) == 3:
        shape = (4, 3)
    local, remote = both([shape, shape, shape], (0, None, -1))
    same(fh.gather(getattr(fh, function)(remote)), getattr(np, function)(local))
    if function == "stack":
        for axis in range(-len(shape) - 1, len(shape) + 1):
            same(fh.gather(fh.stack(remote, axis=axis)), np.stack(local, axis=axis))


def test_joined_dtypes_promote(cluster):
    local = [np.arange(3, dtype=np.int8), np.arange(3, dtype=np.float32)]
    same(fh.gather(fh.concatenate([fh.scatter(x) for x in local])), np.concatenate(local))


@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
@pytest.mark.parametrize("dtype", ["c16", "f4", "f8", "i8", "S4"])
def test_joined_into_another_dtype(cluster, dtype, casting):
    local, remote = both([(4, 3), (2, 3)], (0, 0))
    for function, inputs, theirs in ((fh.concatenate, remote, np.concatenate(local)), (fh.stack, [remote[0]] * 2, np.stack([local[0]] * 2))):
        out = fh.empty(theirs.shape, dtype)
        if np.can_cast(float, dtype, casting):
            assert function(inputs, out=out, casting=casting) is out
            same(fh.gather(out), theirs.astype(dtype))
            same(fh.gather(function(inputs, dtype=dtype, casting=casting)), theirs.astype(dtype))
        else:
            with pytest.raises(TypeError):
                function(inputs, out=out, casting=casting)
            with pytest.raises(TypeError):
                function(inputs, dtype=dtype, casting=casting)
        with pytest.raises(TypeError, match="both"):
            function(inputs, out=out, dtype=dtype)


def test_orders_are_said_in_many_ways(cluster):
    local = make((2, 3, 4), "float64")
    remote = fh.scatter(local, axis=1)
    for order in "cfFakCAK":
        same(fh.gather(remote.flatten(order)), local.flatten(order))
    with pytest.raises(TypeError, match="order must be str, not int"):
        remote.reshape((24,), order=3)
    with pytest.raises(ValueError, match="order must be one of"):
        remote.copy("Z")


def test_join_mismatches_are_errors(cluster):
    a, b = fh.scatter(np.zeros((3, 4))), fh.scatter(np.zeros((3, 5)))
    for joined in (lambda: fh.concatenate([a, b]), lambda: fh.stack([a, b]), lambda: fh.concatenate([a, a[0]]),
                   lambda: fh.concatenate([a[0, 0], a[0, 0]])):
        with pytest.raises(ValueError):
            joined()
    with pytest.raises(IndexError):
        fh.concatenate([a, a], axis=2)


def test_all_local_stays_local():
    assert type(fh.concatenate([np.zeros(2), np.zeros(3)])) is np.ndarray
    assert type(fh.sum(np.arange(3))) is np.int64


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_splits(clusters, axis):
    local = make((6, 6, 6), "int16")
    remote = fh.scatter(local, axis=0)
    for mine, numpys in ((fh.split(remote, 3, axis), np.split(local, 3, axis)),
                         (fh.array_split(remote, 4, axis), np.array_split(local, 4, axis)),
                         (fh.split(remote, [1, 4], axis), np.split(local, [1, 4], axis))):
        assert len(mine) == len(numpys)
        for a, b in zip(mine, numpys):
            same(fh.gather(a), b)
    function = ("vsplit", "hsplit", "dsplit")[axis]
    for a, b in zip(getattr(fh, function)(remote, 2), getattr(np, function)(local, 2)):
        same(fh.gather(a), b)
    with pytest.raises(ValueError):
        fh.split(remote, 4, axis)


@given(case=arrays_with_axis(), data=st.data())
def test_axes_can_be_moved(cluster, case, data):
    local, cut = case
    remote = fh.scatter(local, axis=cut)
    order = data.draw(st.permutations(range(local.ndim)))
    one, other = (data.draw(st.integers(-local.ndim, local.ndim - 1)) for _ in range(2))
    same(fh.gather(fh.transpose(remote, order)), np.transpose(local, order))
    same(fh.gather(fh.moveaxis(remote, one, other)), np.moveaxis(local, one, other))
    same(fh.gather(fh.rollaxis(remote, one, other)), np.rollaxis(local, one, other))
    same(fh.gather(fh.swapaxes(remote, one, other)), np.swapaxes(local, one, other))
    same(fh.gather(fh.expand_dims(remote, one)), np.expand_dims(local, one))
    same(fh.gather(fh.expand_dims(remote, (0, -1))), np.expand_dims(local, (0, -1)))
    same(fh.gather(fh.flip(remote, one)), np.flip(local, one))
    same(fh.gather(remote.T), local.T)
    axes = range(local.ndim - 1, -1, -1)
    same(fh.gather(fh.transpose(remote, axes)), local.T)
    same(fh.gather(fh.moveaxis(remote, axes, range(local.ndim))), local.T)
    same(fh.gather(fh.flip(remote, axes)), np.flip(local, axes))


@given(case=arrays_with_axis(), data=st.data())
def test_reshape_is_numpys(cluster, case, data):
    local, cut = case
    remote = fh.scatter(local, axis=cut)
    same(fh.gather(remote.ravel()), local.ravel())
    same(fh.gather(remote.reshape(local.shape + (1,))), local.reshape(local.shape + (1,)))
    same(fh.gather(remote.reshape(local.shape[::-1])), local.reshape(local.shape[::-1]))
    same(fh.gather(remote.ravel(order="F")), local.ravel(order="F"))
    if local.size:
        same(fh.gather(remote.reshape(-1, local.shape[-1])), local.reshape(-1, local.shape[-1]))


def test_reshape_mismatch_is_an_error(cluster):
    remote = fh.scatter(np.arange(6))
    for shape in ((4,), (-1, 4), (-1, -1), (7, 0)):
        with pytest.raises(ValueError):
            remote.reshape(shape)


def test_squeeze(cluster):
    local = np.zeros((1, 3, 1, 2))
    remote = fh.scatter(local, axis=1)
    assert fh.squeeze(remote).shape == (3, 2) and fh.squeeze(remote, 0).shape == (3, 1, 2)
    with pytest.raises(ValueError):
        remote.squeeze(1)


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4), (3, 1, 5, 4)])
def test_broadcast_to(clusters, shape):
    local = make((5, 4), "float32")
    same(fh.gather(fh.broadcast_to(fh.scatter(local), shape)), np.broadcast_to(local, shape))
    same(fh.gather(fh.broadcast_to(fh.scatter(local[:1]), shape)), np.broadcast_to(local[:1], shape))


def test_broadcast_arrays(cluster):
    local = [make((5, 1), "float64"), make((4,), "float64"), make((), "float64")]
    mine = fh.broadcast_arrays(*(fh.scatter(x) for x in local))
    for a, b in zip(mine, np.broadcast_arrays(*local)):
        same(fh.gather(a), b)
    with pytest.raises(ValueError):
        fh.broadcast_to(fh.scatter(np.zeros(3)), (4,))


def test_other_arrangements(clusters):
    local = make((5, 4), "int32")
    remote = fh.scatter(local)
    for function in (np.fliplr, np.flipud, np.rot90, lambda x: np.rot90(x, 3), lambda x: np.roll(x, 2),
                     lambda x: np.roll(x, -1, 1),
                     lambda x: np.roll(x, (1, 2), (0, 1)), lambda x: np.append(x, x, 0), lambda x: np.append(x, 5), np.diff,
                     lambda x: np.diff(x, 2, 0), np.atleast_3d, lambda x: np.atleast_2d(x[0]), lambda x: np.tile(x, 2),
                     lambda x: np.tile(x, (2, 1, 3)), lambda x: np.tile(x, (0, 2)),
                     lambda x: np.pad(x, 1), lambda x: np.pad(x, ((0, 2), (1, 0)), constant_values=7)):
        same(fh.gather(function(remote)), function(local))


def test_result_of_an_operation_after_joining_is_right(clusters):
    local, remote = both([(4, 3), (3, 3), (0, 3)], (0, 1, 0))
    joined, expected = fh.concatenate(remote), np.concatenate(local)
    same(fh.gather((joined * 2 + 1).sum(axis=0)), (expected * 2 + 1).sum(axis=0), 1e-12)
    same(fh.gather(joined.T + joined.T), expected.T * 2)


def test_dtypes_of_joints(cluster):
    """Native byte order is kept; what engines do not hold is refused."""
    x = fh.scatter(np.arange(3.0))
    for join in (lambda dtype: np.concatenate([x, x], dtype=dtype), lambda dtype: np.stack([x, x], dtype=dtype)):
        assert join(">f8").dtype == np.float64 and fh.gather(join(">f8")).ravel().tolist() == [0, 1, 2, 0, 1, 2]
        with pytest.raises(fh.NotSupported, match="object"):
            join(object)
