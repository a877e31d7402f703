"""Remote arrays look like ndarrays: attributes, conversions, iteration, printing, copies, pickles."""
import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from oracle import CRASH, DTYPES, make, same, wait_for

import farhand as fh


@pytest.fixture
def limit():
    before = fh.config.implicit_gather_limit
    yield fh.config
    fh.config.implicit_gather_limit = before


@pytest.mark.parametrize("shape", [(), (3,), (4, 5), (2, 0, 3)])
def test_attributes_come_from_metadata(cluster, shape):
    local = np.zeros(shape, np.complex64)
    remote = fh.scatter(local)
    before = cluster.session.stats()["messages_sent"]
    for name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes"):
        assert getattr(remote, name) == getattr(local, name), name
    assert remote.strides == local.strides or not local.size
    assert cluster.session.stats()["messages_sent"] == before


def test_metadata_cannot_be_overwritten(cluster):
    remote = fh.scatter(np.zeros(3))
    for name in ("ndim", "axis", "npieces", "anything"):
        with pytest.raises(AttributeError):
            setattr(remote, name, (1,))


def test_real_and_imag(cluster):
    local = make((4, 3), "complex128")
    remote = fh.scatter(local)
    same(fh.gather(remote.real), local.real)
    same(fh.gather(remote.imag), local.imag)
    same(fh.gather(remote.conj()), local.conj())
    same(fh.gather(fh.scatter(local.real).imag), local.real.imag)


def test_zero_dimensional_arrays_are_numbers(cluster):
    three = fh.scatter(np.arange(10))[3]
    assert int(three) == 3 and float(three) == 3.0 and complex(three) == 3 and bool(three)
    assert [10, 20, 30, 40][three] == 40
    assert math.sqrt(three) == math.sqrt(3) and round(three) == 3
    assert three == 3 and 2 < three < 4 and f"{three:03d}" == "003"
    assert str(three) == "3" and repr(three) == "3" and three.item() == 3


def test_larger_arrays_are_no_numbers(cluster):
    remote = fh.scatter(np.arange(10))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(remote)
    for kind in (int, float, complex):
        with pytest.raises(TypeError):
            kind(remote)
    with pytest.raises(TypeError):
        [1, 2][remote]
    with pytest.raises(TypeError):
        len(remote[0])
    with pytest.raises(TypeError):
        hash(remote)


def test_iteration_and_membership(clusters):
    local = make((5, 3), "int32")
    remote = fh.scatter(local)
    assert len(remote) == 5
    for row, expected in zip(remote, local):
        same(fh.gather(row), expected)
    assert list(remote[:, 0]) == list(local[:, 0])
    assert local[2, 1] in remote and 10**9 + 7 not in fh.scatter(np.arange(3))
    first, *rest = fh.scatter(np.arange(4))
    assert first == 0 and rest == [1, 2, 3]


def test_conversion_to_local_is_limited(cluster, limit):
    remote = fh.scatter(np.arange(100.0))
    same(np.asarray(remote), np.arange(100.0))
    same(np.array(remote, dtype="f4"), np.arange(100, dtype="f4"))
    limit.implicit_gather_limit = 799
    for conversion in (np.asarray, np.array, remote.__class__.tolist):
        with pytest.raises(fh.LimitExceeded, match="fh.gather"):
            conversion(remote)
    limit.implicit_gather_limit = 801
    with pytest.warns(fh.PerformanceWarning):
        np.asarray(remote)
    same(fh.gather(remote), np.arange(100.0))


def test_array_protocol_of_numpy_2(cluster):
    remote = fh.scatter(np.arange(3))
    with pytest.raises(ValueError):
        remote.__array__(copy=False)
    same(remote.__array__(copy=True), np.arange(3))
    same(remote.__array__(np.dtype("f8")), np.arange(3.0))


def test_a_remote_array_offers_no_buffer(cluster):
    remote = fh.scatter(np.arange(3))
    assert not hasattr(remote, "__array_interface__")
    with pytest.raises(TypeError):
        memoryview(remote)


@pytest.mark.parametrize("shape", [(3,), (5, 4), (2, 3, 4), (2000,), (300, 40), (40, 300), (30, 30, 30), (0, 3), ()])
@pytest.mark.parametrize("dtype", ["float64", "int8", "bool", "complex64"])
def test_printed_as_numpy_prints(cluster, shape, dtype):
    local = make(shape, dtype, small=True)
    remote = fh.scatter(local)
    if shape:
        assert str(remote) == str(local)
        assert repr(remote).startswith(type(remote).__name__ + "(") and f"shape={shape}" in repr(remote)
    else:
        assert str(remote) == str(local.item())
    assert "<table" in remote._repr_html_()


def test_printing_fetches_corners_only(cluster):
    remote = fh.scatter(np.zeros((1000, 1000)))
    remote.wait()
    before = cluster.session.stats()
    text = repr(remote)
    after = cluster.session.stats()
    assert "axis=0" in text and "2 engines" in text
    assert after["array_bytes_received"] - before["array_bytes_received"] <= 36 * 8
    assert after["shared_bytes"] == before["shared_bytes"]


def test_printing_tells_of_trouble_but_does_not_raise(cluster):
    broken = fh.kernel(CRASH)(fh.scatter(np.arange(4.0)))
    assert "<no values" in repr(broken)


def test_copies_are_independent(cluster):
    remote = fh.scatter(np.arange(5))
    for duplicate in (remote.copy(), copy.copy(remote), copy.deepcopy(remote), np.copy(remote)):
        duplicate[0] = 99
        assert int(remote[0]) == 0
    alias = remote.alias()
    alias[0] = 7
    assert int(remote[0]) == 7


@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float32", "complex128"])
def test_astype_is_numpys(cluster, dtype, to):
    local = np.abs(make((6, 2), dtype, small=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = local.astype(to)
    same(fh.gather(fh.scatter(local).astype(to)), expected)


def test_astype_respects_casting(cluster):
    with pytest.raises(TypeError):
        fh.scatter(np.arange(3.0)).astype("i4", casting="safe")
    remote = fh.scatter(np.arange(3.0))
    assert remote.astype("f8", copy=False) is remote


def test_pickle_is_a_handle(cluster):
    remote = fh.scatter(np.arange(1000.0))
    data = pickle.dumps(remote)
    assert len(data) < 2000
    twin = pickle.loads(data)
    same(fh.gather(twin), np.arange(1000.0))
    twin[0] = 5
    assert float(remote[0]) == 5


def test_item_tolist_fill(clusters):
    local = make((4, 3), "int16")
    remote = fh.scatter(local)
    assert remote.item(5) == local.item(5) and remote.item(-1) == local.item(-1)
    assert remote.item((1, 2)) == local.item((1, 2)) == remote.item(1, 2)
    assert remote.tolist() == local.tolist()
    assert bytes(remote) == bytes(local)
    with pytest.raises(IndexError):
        remote.item(12)
    with pytest.raises(ValueError):
        remote.item()
    remote.fill(3)
    same(fh.gather(remote), np.full((4, 3), 3, np.int16))


@pytest.mark.parametrize("decimals", [-1, 0, 1, 3])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "complex128"])
def test_round(cluster, dtype, decimals):
    local = make((20,), dtype, small=True) * np.array(7, dtype)
    same(fh.gather(fh.scatter(local).round(decimals)), local.round(decimals), 1e-6 if dtype == "float32" else 1e-14)


def test_comparing_functions(cluster):
    local = make((5, 4), "float64")
    remote = fh.scatter(local)
    assert np.array_equal(remote, local) and not np.array_equal(remote, local + 1) and not np.array_equal(remote, local[0])
    assert np.allclose(remote, local * (1 + 1e-9)) and not np.allclose(local + 1e-3, remote)
    same(fh.gather(np.isclose(remote, local)), np.isclose(local, local))
    assert np.shape(remote) == (5, 4) and np.ndim(remote) == 2 and np.size(remote, 1) == 4
    assert np.result_type(remote, np.float32) == np.float64 and np.iscomplexobj(remote) is False


def test_functions_of_odd_numbers(clusters):
    local = np.array([1.5, -2.5, np.inf, -np.inf, np.nan, 0.0])
    remote = fh.scatter(local)
    for function in (np.isposinf, np.isneginf, np.fix, np.nan_to_num, np.isreal, np.iscomplex, np.isfinite, np.signbit,
                     lambda x: np.nan_to_num(x, nan=7, posinf=8, neginf=9)):
        same(fh.gather(function(remote)), function(local))


def test_creation_on_the_engines(clusters):
    same(fh.gather(fh.zeros((4, 3), "i4")), np.zeros((4, 3), "i4"))
    same(fh.gather(fh.ones(5)), np.ones(5))
    same(fh.gather(fh.full((2, 3), 7, axis=1)), np.full((2, 3), 7))
    remote = fh.scatter(np.arange(6.0).reshape(2, 3))
    same(fh.gather(np.zeros_like(remote)), np.zeros((2, 3)))
    same(fh.gather(np.full_like(remote, 2, dtype="i2")), np.full((2, 3), 2, "i2"))
    assert np.empty_like(remote).shape == (2, 3)
    for local in (np.arange(3, dtype="i2"), [[1.5, 2], [3, 4]], 7):
        for function, arguments in (("zeros_like", ()), ("ones_like", ()), ("full_like", (5,)), ("zeros_like", ("f4",))):
            made = getattr(fh, function)(local, *arguments)
            assert isinstance(made, fh.Array)
            same(fh.gather(made), getattr(np, function)(local, *arguments))
        assert fh.empty_like(local, shape=(4,)).shape == (4,)
    for function in (fh.empty, fh.zeros, fh.ones):
        assert function(3, None).dtype == function(3, dtype=None, like=remote).dtype == np.float64
    assert fh.full(3, 2, like=remote).dtype == np.int64 and np.zeros(3, like=remote).dtype == np.float64
    same(fh.gather(np.ones(3, like=remote)), np.ones(3))
    same(fh.gather(np.full_like(remote, 0)), np.zeros((2, 3)))


def test_copyto(cluster):
    remote = fh.scatter(np.zeros((3, 2)))
    np.copyto(remote, np.ones(2))
    np.copyto(remote, 5, where=np.array([[True, False]] * 3))
    same(fh.gather(remote), np.array([[5.0, 1.0]] * 3))


def test_in_ipython_a_display_asks_the_engines_nothing_but_values(cluster):
    remote = fh.scatter(np.arange(4))
    before = cluster.session.stats()["messages_sent"]
    for name in ("_ipython_canary_method_should_not_exist_", "_ipython_display_", "_repr_mimebundle_", "__no_such__", "nothing"):
        assert not hasattr(remote, name)
    assert cluster.session.stats()["messages_sent"] == before


def test_arrays_are_not_called_into_being():
    for cls in (fh.RemoteArray, fh.DistArray):
        with pytest.raises(TypeError, match="scatter"):
            cls([1, 2])


def test_dropped_arrays_are_freed(cluster):
    remote = fh.scatter(np.zeros(1_000_000))
    cluster.session.sync()
    ids = set(remote.ids)
    del remote
    cluster.session.sync()
    assert not ids & {ref.id for ref in wait_for(lambda: listed_without(cluster, ids))}

def listed_without(cluster, ids):
    refs = cluster.session.objects()
    return refs if not ids & {ref.id for ref in refs} else None
