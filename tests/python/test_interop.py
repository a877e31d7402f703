"""Other libraries over remote arrays: what stays remote, and that results are the same."""
import copy
import io
import pickle

import numpy as np
import pytest

import farhand as fh
from oracle import make, same


def fetched(cluster, function):
    before = cluster.session.stats()["array_bytes_received"]
    result = function()
    return result, cluster.session.stats()["array_bytes_received"] - before


XARRAY = {
    "mean": lambda d: d.mean("t"), "mean of all": lambda d: d.mean(), "where": lambda d: d.where(d > 0), "sine": np.sin,
    "isel": lambda d: d.isel(t=slice(1, 5)), "isel by numbers": lambda d: d.isel(t=[3, 1]), "sel": lambda d: d.sel(x="c"),
    "groupby": lambda d: d.groupby("month").mean(), "groupby, taken off": lambda d: d.groupby("month") - d.groupby("month").mean(),
    "stack": lambda d: d.stack(z=("t", "x")), "standard deviation": lambda d: d.std("t"), "median": lambda d: d.median("t"),
    "fillna": lambda d: d.fillna(0), "transpose": lambda d: d.transpose("x", "t"), "cumsum": lambda d: d.cumsum("t"),
    "coarsen": lambda d: d.coarsen(t=3).mean(), "shift": lambda d: d.shift(t=1), "clip": lambda d: d.clip(0, 1), "diff": lambda d: d.diff("t"),
    "pad": lambda d: d.pad(t=1), "count": lambda d: d.count("t"), "isnull": lambda d: d.isnull(), "roll": lambda d: d.roll(t=2),
    "argmax": lambda d: d.fillna(0).argmax("t"),
}


@pytest.mark.parametrize("name", XARRAY)
@pytest.mark.parametrize("cut", [0, 1])
def test_xarray_stays_remote(cluster, name, cut):
    xarray = pytest.importorskip("xarray")
    local = make((12, 6), "float64")
    local[2, 3] = np.nan

    def array(data):
        return xarray.DataArray(data, dims=("t", "x"), coords={"x": list("abcdef"), "month": ("t", np.arange(12) % 3)})

    remote = array(fh.scatter(local, axis=cut))
    result, received = fetched(cluster, lambda: XARRAY[name](remote).data)
    assert isinstance(result, fh.Array) and received < 128  # a few numbers of its own, never the array
    same(fh.gather(result), XARRAY[name](array(local)).values, 1e-12)


def test_xarray_concatenates_remotely(cluster):
    xarray = pytest.importorskip("xarray")
    local = make((4, 3), "float64")
    remote = xarray.DataArray(fh.scatter(local), dims=("t", "x"))
    joined, received = fetched(cluster, lambda: xarray.concat([remote, remote], "t").data)
    assert isinstance(joined, fh.Array) and received == 0
    same(fh.gather(joined), np.concatenate([local, local]))


def test_pandas_takes_remote_arrays(cluster):
    pandas = pytest.importorskip("pandas")
    local = make((5, 3), "float64")
    frame = pandas.DataFrame(fh.scatter(local), columns=list("abc"))
    assert frame.equals(pandas.DataFrame(local, columns=list("abc")))
    same(fh.gather(fh.scatter(frame["b"].to_numpy())), local[:, 1])


def test_conversions_to_local_arrays(cluster):
    local = make((4, 3), "float32")
    remote = fh.scatter(local)
    same(np.asarray(remote), local)
    same(np.asarray(remote, "float64"), local.astype("float64"))
    target = np.zeros((4, 3), "float32")
    target[...] = remote
    same(target, local)
    with pytest.raises(ValueError, match="without a copy"):
        remote.__array__(copy=False)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError):
            np.asarray(remote, copy=False)
    with pytest.raises((TypeError, BufferError)):
        memoryview(remote)  # a hidden transfer otherwise
    same(np.frombuffer(memoryview(remote.gather()), "float32").reshape(4, 3), local)


def test_implicit_conversions_have_a_limit(cluster):
    remote = fh.scatter(make((100, 10), "float64"))
    before, fh.config.implicit_gather_limit = fh.config.implicit_gather_limit, 1000
    try:
        for function in (np.asarray, lambda x: x.tolist(), lambda x: x.tobytes(), np.from_dlpack):
            with pytest.raises(fh.LimitExceeded, match="fh.gather"):
                function(remote)
        assert "DistArray" in repr(remote)  # text needs the corners only
    finally:
        fh.config.implicit_gather_limit = before


def test_copies_and_pickles(cluster):
    local = make((4, 3), "float64")
    remote = fh.scatter(local)
    other = pickle.loads(pickle.dumps(remote))
    same(fh.gather(other), local)
    assert other.engines == remote.engines
    for duplicate in (copy.copy(remote), copy.deepcopy(remote), copy.deepcopy([remote])[0]):
        duplicate[0] = 0
        assert float(duplicate[0, 0]) == 0
    same(fh.gather(remote), local)


@pytest.mark.parametrize("shape", [(3, 4), (2000,), (60, 70), (12, 13, 14), (0, 3), (1, 2000)])
@pytest.mark.parametrize("dtype", ["float64", "int32", "bool", "complex128"])
def test_text_is_numpys(cluster, shape, dtype):
    local = make(shape, dtype, small=True)
    remote = fh.scatter(local)
    assert str(remote) == str(local)
    _, received = fetched(cluster, lambda: str(remote))
    assert received <= 7 ** len(shape) * local.itemsize or local.size <= 1000
    assert np.array2string(remote, separator="; ", threshold=5, edgeitems=2) == np.array2string(
        local, separator="; ", threshold=5, edgeitems=2)
    assert "<table>" in remote._repr_html_() and str(shape) in remote._repr_html_()


def test_doctor_tells_what_is_there(cluster):
    text = io.StringIO()
    fh.doctor(text)
    assert np.__version__ in text.getvalue() and "engine 1" in text.getvalue() and "all found" in text.getvalue()
    assert "Python code runs there" in text.getvalue()


def test_what_is_mapped_needs_no_copy(cluster):
    local = make((200000,), "float64")
    remote = fh.scatter(local, axis=0)
    if not cluster.session.stats()["mapped_bytes"]:
        fh.gather(remote)
    if not cluster.session.stats()["mapped_bytes"]:
        pytest.skip("nothing is mapped here")
    before = cluster.session.stats()
    same(remote.__array__(copy=False), local)
    same(remote.__array__("float64", copy=False), local)
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        same(np.asarray(remote, copy=False), local)
        same(np.from_dlpack(remote, copy=False), local)
    else:
        remote.__dlpack__(copy=False)
    after = cluster.session.stats()
    assert after["mapped_bytes"] - before["mapped_bytes"] >= 3 * local.nbytes
    assert after["array_bytes_received"] == before["array_bytes_received"] and after["shared_bytes"] == before["shared_bytes"]
    with pytest.raises(ValueError, match="without a copy"):
        remote.__array__("float32", copy=False)
    for small in (fh.scatter(local[:10]), remote[::2]):
        with pytest.raises(BufferError, match="without a copy"):
            small.__dlpack__(copy=False)


SCIPYS = {
    "one input": lambda s, x: s.gamma(x), "a number": lambda s, x: s.jv(2, x), "a local row": lambda s, x: s.beta(x, np.array([1.0, 2, 3])),
    "both remote": lambda s, x: s.xlogy(x, x), "a remote row": lambda s, x: s.xlogy(x, x[0]), "two results": lambda s, x: s.sici(x)[1],
    "0-d": lambda s, x: s.erf(x.sum()), "dtype": lambda s, x: s.expit(x, dtype="float32"),
}


@pytest.mark.parametrize("name", SCIPYS)
@pytest.mark.parametrize("cut", [None, 0, 1])
def test_ufuncs_of_others_run_beside_the_arrays(cluster, name, cut):
    special = pytest.importorskip("scipy.special")
    local = abs(make((5, 3), "float64")) + 0.5
    remote = fh.scatter(local, axis=cut)
    result, received = fetched(cluster, lambda: SCIPYS[name](special, remote))
    assert isinstance(result, fh.Array) and received == 0
    if cut is not None and name != "0-d":
        assert [piece.engine for piece in result.pieces] == [piece.engine for piece in remote.pieces]
    same(fh.gather(result), np.asarray(SCIPYS[name](special, local)), 1e-12)


def test_ufuncs_of_others_write_where_they_are_told(cluster):
    special = pytest.importorskip("scipy.special")
    local = np.linspace(0.5, 3, 12)
    remote, target, here = fh.scatter(local), fh.scatter(np.zeros(12)), np.zeros(12)
    assert special.gamma(remote, out=target, where=remote > 1) is target
    assert special.gamma(remote, out=here) is here
    want = np.where(local > 1, special.gamma(local), 0)
    same(fh.gather(target), want, 1e-12)
    same(here, special.gamma(local), 1e-12)


def test_ufuncs_of_objects_are_called_here(cluster):
    made = np.frompyfunc(lambda x, y: f"{x} {y}", 2, 1)(fh.arange(3), [4, 5, 6])
    assert type(made) is np.ndarray and made.dtype == object and made.tolist() == ["0 4", "1 5", "2 6"]


def test_numbas_ufuncs_run_beside_the_arrays(cluster):
    numba = pytest.importorskip("numba")
    twice = numba.vectorize(["float64(float64, float64)"])(_plus_twice)
    local = np.arange(6.0)
    same(fh.gather(twice(fh.scatter(local), 3.0)), local + 6)


def _plus_twice(x, y):
    return x + 2 * y


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean", "median", "maximum"])
@pytest.mark.parametrize("cut", [0, 1])
def test_padding(cluster, mode, cut):
    local = make((6, 5), "float64")
    same(fh.gather(np.pad(fh.scatter(local, axis=cut), ((1, 2), (3, 0)), mode)), np.pad(local, ((1, 2), (3, 0)), mode), 1e-12)


def test_sklearn_takes_remote_arrays(cluster):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    local = make((30, 4), "float64")
    same(preprocessing.StandardScaler().fit_transform(fh.scatter(local)), preprocessing.StandardScaler().fit_transform(local), 1e-12)
