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
    with pytest.raises(ValueError):
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
