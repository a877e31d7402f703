"""Sorting, searching, running results, sets, counting and statistics are NumPy's, for any layout and number of engines."""
import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import DTYPES, arrays_with_axis, make, nep50, same

import farhand as fh

ROUNDED = {"float16": 5e-2, "float32": 1e-4, "complex64": 1e-4}
METHODS = ["inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
           "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest"]
if np.percentile(np.arange(4), 37.5, method="closest_observation") == 0:
    METHODS.remove("closest_observation")  # of an older NumPy: it took the odd ones


def rounded(dtype):
    return ROUNDED.get(np.dtype(dtype).name, 1e-10)


def results(values):
    return [np.asarray(x.gather() if isinstance(x, fh.Array) else x)
            for x in (values if isinstance(values, (tuple, list)) else [values])]


def scattered(x, cut):
    return fh.scatter(x, axis=cut if isinstance(x, np.ndarray) and x.ndim else None) if isinstance(x, np.ndarray) else x


def compare(function, *arguments, cut=0, rtol=0.0, promotion=nep50, **keywords):
    """The function does to remote arrays what it does to local ones, errors included."""
    with promotion(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = function(*arguments, **keywords)
        except (TypeError, ValueError, IndexError) as problem:
            with pytest.raises((TypeError, ValueError, IndexError) if isinstance(problem, IndexError) else type(problem)):
                results(function(*(scattered(x, cut) for x in arguments), **keywords))
            return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = results(function(*(scattered(x, cut) for x in arguments), **keywords))
    expected = expected if isinstance(expected, (tuple, list)) else [expected]
    assert len(found) == len(expected)
    for actual, wanted in zip(found, expected):
        same(actual, wanted, rtol)


class as_it_is:
    """NumPy's own promotion: of what it decides by Python numbers that it was given."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False


def awkward(n, dtype, seed=5):
    """Many equal elements, and what is special in floating point."""
    x = make((n,), dtype, seed, small=True)
    if x.dtype.kind in "fc" and n > 20:
        x[::17] = np.nan
        x[1::19] = -0.0
        x[2::23] = np.inf
        x[3::29] = -np.inf
    if x.dtype.kind == "c" and n > 20:
        x[5::31] = complex(np.nan, 1)
        x[6::37] = complex(1, np.nan)
    return x


@pytest.mark.parametrize("dtype", DTYPES)
def test_sort_and_argsort_of_vectors(clusters, dtype):
    for n in (0, 1, 2, 100, 70_000 if np.dtype(dtype).itemsize > 8 else 300_000):
        local = awkward(n, dtype)
        for remote in (fh.scatter(local), fh.scatter(local, axis=None)):
            same(fh.gather(np.sort(remote)), np.sort(local, kind="stable"))  # NumPy 2.4's default one misplaces subnormal float16
            same(fh.gather(np.argsort(remote)), np.argsort(local, kind="stable"))


def test_sort_keeps_the_layout_and_has_the_same_bits_everywhere(clusters):
    local = awkward(200_001, "float64")
    bits = np.concatenate([np.sort(local[local != 0]), []])
    for engines, blocksize in ((None, None), (None, 30_000), ([0], None)):
        remote = fh.scatter(local, engines=engines, blocksize=blocksize)
        found = np.sort(remote)
        assert found.bounds == remote.bounds and found.engines == remote.engines
        values = fh.gather(found)
        zeros = values[values == 0]
        assert (np.signbit(zeros) == np.sort(~np.signbit(zeros))[::1] ^ True).all()
        same(values[values != 0], bits)


@given(case=arrays_with_axis(), data=st.data())
def test_sorts_along_any_axis(clusters, case, data):
    local, cut = case
    axis = data.draw(st.one_of(st.none(), st.integers(-local.ndim, local.ndim - 1)))
    compare(np.sort, local, cut=cut, axis=axis)
    compare(np.argsort, local, cut=cut, axis=axis, kind="stable")


def test_sort_of_large_matrices_along_the_distributed_axis(clusters):
    local = make((1500, 200), "float64")
    remote = fh.scatter(local)
    same(fh.gather(np.sort(remote, axis=0)), np.sort(local, axis=0))
    same(fh.gather(np.argsort(remote, axis=0)), np.argsort(local, axis=0, kind="stable"))
    tall = make((200_000, 1), "int64")
    same(fh.gather(np.sort(fh.scatter(tall), axis=0)), np.sort(tall, axis=0))


def test_sort_in_place_and_its_errors(cluster):
    local = make((40, 5), "int32")
    remote = fh.scatter(local)
    remote.sort(axis=0)
    local.sort(axis=0)
    same(fh.gather(remote), local)
    with pytest.raises(ValueError, match="kind"):
        np.sort(remote, kind="bogo")
    with pytest.raises(IndexError):
        np.sort(remote, axis=2)
    same(fh.gather(np.partition(remote, 2, axis=0))[2], local[2])
    with pytest.raises(ValueError):
        np.partition(remote, 40, axis=0)
    assert fh.gather(np.argpartition(remote, 3, axis=0)).shape == local.shape
    keys = [make((200,), "int8", seed, small=True) for seed in range(3)]
    same(fh.gather(np.lexsort([fh.scatter(key) for key in keys])), np.lexsort(keys))


@given(case=arrays_with_axis(), data=st.data())
def test_running_results_have_numpys_bits(clusters, case, data):
    local, cut = case
    axis = data.draw(st.one_of(st.none(), st.integers(-local.ndim, local.ndim - 1)))
    compare(np.cumsum, local, cut=cut, axis=axis)
    compare(np.nancumsum, local, cut=cut, axis=axis)
    compare(np.cumprod, local, cut=cut, axis=axis, rtol=1e-4 if local.dtype.kind == "c" else 0.0)
    if axis is not None:
        for ufunc in (np.maximum, np.fmin, np.logical_or, np.bitwise_xor, np.hypot):
            compare(ufunc.accumulate, local, cut=cut, axis=axis, rtol=rounded(local.dtype) if ufunc is np.hypot else 0.0)


def test_long_running_sums(clusters):
    local = make((300_000,), "float64")
    same(fh.gather(np.cumsum(fh.scatter(local))), np.cumsum(local))
    whole = make((300_000,), "int32")
    same(fh.gather(np.cumsum(fh.scatter(whole))), np.cumsum(whole))
    out = fh.scatter(np.zeros(300_000))
    assert np.cumsum(fh.scatter(local), out=out) is out
    same(fh.gather(out), np.cumsum(local))


@pytest.mark.parametrize("dtype", DTYPES)
def test_searches(cluster, dtype):
    table, wanted = np.sort(awkward(60, dtype)), awkward(50, dtype, 9).reshape(10, 5)
    for cut in (0, 1, None):
        for side in ("left", "right"):
            remote = fh.scatter(wanted, axis=cut)
            same(fh.gather(np.searchsorted(fh.scatter(table), remote, side)), np.searchsorted(table, wanted, side))
        same(fh.gather(np.isin(remote, fh.scatter(table[:9]))), np.isin(wanted, table[:9]))
        same(fh.gather(np.isin(remote, table[:9], invert=True)), np.isin(wanted, table[:9], invert=True))
    mixed = awkward(60, dtype, 4)
    compare(lambda a, v, s: np.searchsorted(a, v, sorter=s), mixed, wanted, np.argsort(mixed, kind="stable"))
    for right in (False, True):
        for bins in ([-3, 0, 2, 5], [5, 2, 1, -3], [1]):
            compare(lambda x: np.digitize(x, bins, right), mixed)
    compare(lambda x: np.digitize(x, [1, 3, 2]), mixed)


def test_few_values_are_searched_in_a_large_vector_where_it_lies(clusters):
    table = np.sort(make((100_000,), "float64"))
    remote, values = fh.scatter(table), np.array([-5.0, 0.1, 3.0])
    remote.wait()
    before = fh.current_session().stats()["engine_bytes"] if hasattr(fh, "current_session") else None
    same(fh.gather(np.searchsorted(remote, values)), np.searchsorted(table, values))
    assert int(np.searchsorted(remote, 0.25)) == np.searchsorted(table, 0.25)
    if before is not None:
        assert fh.current_session().stats()["engine_bytes"] - before < 10_000


@pytest.mark.parametrize("dtype", DTYPES)
def test_sets(clusters, dtype):
    a, b = awkward(90, dtype), awkward(40, dtype, 8)
    compare(lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True), a)
    compare(np.unique, a.reshape(9, 10), cut=1)
    for function in (np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, *([np.in1d] if hasattr(np, "in1d") else [])):
        compare(function, np.nan_to_num(a) if a.dtype.kind in "fc" else a, np.nan_to_num(b) if b.dtype.kind in "fc" else b)
    compare(lambda x, y: np.intersect1d(x, y, return_indices=True), make((50,), dtype, 1, small=True), make((50,), dtype, 2, small=True))


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name[0] != "c"])
def test_quantiles(cluster, dtype):
    local = make((9, 14), dtype, 3, small=True)
    for cut in (0, 1):
        for axis in (None, 0, 1):
            for method in METHODS if axis == 0 else ["linear"]:
                compare(np.percentile, local, [0, 10, 33.3, 50, 99, 100], cut=cut, axis=axis, method=method, rtol=rounded(dtype))
            compare(np.quantile, local, [0.4], cut=cut, axis=axis, keepdims=True, rtol=rounded(dtype))
            compare(np.median, local, cut=cut, axis=axis, rtol=rounded(dtype))
    if local.dtype.kind == "f":
        local[2, 3] = local[:, 5] = np.nan
        for axis in (None, 0, 1):
            if axis is not None or dtype == "float64":  # NumPy's NaN for all of a smaller float is of that dtype, numbers are not
                compare(np.percentile, local, [30], axis=axis, rtol=rounded(dtype))
            compare(np.nanmedian, local, axis=axis, rtol=rounded(dtype))
            compare(np.nanpercentile, local, [20, 70], axis=axis, rtol=rounded(dtype))
            compare(np.nanargmin, local, axis=axis)
            compare(np.nanargmax, local[:, :5], axis=axis)
    compare(np.percentile, local, 101)
    compare(np.percentile, local, 50, method="none")


def test_numbers_of_python_leave_quantiles_their_dtype(cluster):
    """As NEP 50 has it, whatever the version of NumPy."""
    for dtype in ("float16", "float32", "float64"):
        local = make((9, 14), dtype, 3, small=True)
        for q in (0, 0.4, 1.0):
            found = np.quantile(fh.scatter(local), q, axis=0)
            assert found.dtype == dtype
            np.testing.assert_allclose(fh.gather(found), np.quantile(local.astype("f8"), q, axis=0), 2e-3 if dtype == "float16" else 1e-6, 1e-3)
    assert np.percentile(fh.scatter(np.arange(4)), 50).dtype == "float64"


@pytest.mark.parametrize("dtype", DTYPES)
def test_counts(clusters, dtype):
    local = make((11, 30), dtype, 4, small=True)
    rtol = max(rounded(dtype), 1e-6) if dtype != "float16" else 2e-2
    for cut in (0, 1) if local.dtype.kind != "c" else ():
        compare(np.histogram, local, cut=cut, rtol=rtol, promotion=as_it_is)
        compare(np.histogram, local, cut=cut, bins=7, range=(-3, 5), density=True, rtol=rtol, promotion=as_it_is)
        compare(np.histogram, local, cut=cut, bins=[-5, -1, 0, 0.5, 7], promotion=as_it_is)
    for cut in (0, 1):
        compare(lambda x, w: np.histogram(x, 5, weights=w), np.arange(330.0).reshape(11, 30), local, cut=cut, rtol=rtol, promotion=as_it_is)
    compare(lambda x: np.histogram(x, 0), local)
    compare(lambda x: np.histogram(x, [2, 1]), local)
    flat = np.abs(local.ravel()) if local.dtype.kind in "iu" else local.ravel()
    compare(np.bincount, flat)
    compare(lambda x, w: np.bincount(x, w, 40), flat, make((330,), "float64"))
    if local.dtype.kind == "i":
        compare(np.bincount, local.ravel())


def test_bins_are_estimated_as_by_numpy(cluster):
    local = make((2000,), "float64")
    for name in ("sqrt", "sturges", "rice", "scott", "doane", "fd", "auto"):
        compare(np.histogram, local, bins=name, rtol=1e-9, promotion=as_it_is)
    compare(np.histogram_bin_edges, local, bins="fd", range=(-2, 3), rtol=1e-9, promotion=as_it_is)
    few = np.hstack((np.linspace(-10, -1, 20), np.linspace(1, 10, 30), np.linspace(-100, -50, 50)))
    for ends in ((-20, 20), (-90, 20)):
        compare(np.histogram_bin_edges, few, bins="stone", range=ends, rtol=1e-9, promotion=as_it_is)
    compare(np.histogram, local, bins="no such")


@pytest.mark.parametrize("dtype", DTYPES)
def test_correlations_and_interpolation(clusters, dtype):
    a, v = make((600,), dtype, 1, small=True), make((23,), dtype, 2, small=True)
    rtol = 20 * rounded(dtype)
    for mode in ("valid", "same", "full"):
        compare(np.correlate, a, v, mode=mode, rtol=rtol)
        compare(np.correlate, v, a, mode=mode, rtol=rtol)
        compare(np.convolve, a, v, mode=mode, rtol=rtol)
        compare(np.convolve, a[:2], v[:1], mode=mode, rtol=rtol)
    if a.dtype.kind != "c":
        compare(lambda x: np.interp(x, [3, 0, 2, 5], [1, 2, 4, 8j], period=4), a, rtol=1e-12)
    compare(lambda x: np.interp(x, [-3, 0, 2, 5], [1, 2, 4, 8]), a.reshape(20, 30), cut=1, rtol=1e-12)
    compare(np.cov, make((6, 40), dtype, small=True), rtol=rounded(dtype))
    compare(np.cov, make((6, 40), dtype, small=True), cut=1, fweights=np.arange(40), ddof=0, rtol=rounded(dtype))
    compare(np.corrcoef, make((6, 40), dtype, small=True), rtol=rounded(dtype))


def test_covariances_have_the_dtype_that_was_asked_for(cluster):
    local = np.array([[0.0, 1, 2], [2, 1, 0]])
    for dtype in ("float16", "float32", "float64"):
        for function in (np.cov, np.corrcoef):
            got, want = fh.gather(function(fh.scatter(local.astype(dtype)), dtype=dtype)), function(local.astype(dtype), dtype=dtype)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-3)
    if "ddof" in inspect.signature(np.corrcoef).parameters:
        with pytest.warns(DeprecationWarning, match="bias and ddof"):
            np.corrcoef(fh.scatter(local), ddof=1)
    for bad in (np.array([1.5, 1, 1]), [0.5, 1, 1]):
        with pytest.raises(TypeError):
            np.cov(fh.scatter(local), fweights=bad)


def test_infinite_parts_of_complex_numbers_leave_the_others(cluster):
    x = np.array([0.5, 1.5])
    y = np.array([1 + 1j, complex(2, np.inf), complex(np.inf, 3)])
    got, want = fh.gather(np.interp(fh.scatter(x), [0, 1, 2], y)), np.interp(x, [0, 1, 2], y)
    np.testing.assert_array_equal(got.view(float), want.view(float))
    big = np.array([complex(np.nan, 1), complex(2, np.inf)])
    got, want = fh.gather(np.nan_to_num(fh.scatter(big), posinf=np.inf)), np.nan_to_num(big, posinf=np.inf)
    np.testing.assert_array_equal(got.view(float), want.view(float))


@given(case=arrays_with_axis(), data=st.data())
def test_differences_are_numpys(clusters, case, data):
    local, cut = case
    axis = data.draw(st.integers(-local.ndim, local.ndim - 1))
    order = data.draw(st.sampled_from([1, 2]))
    compare(np.gradient, local, cut=cut, axis=axis, edge_order=order, rtol=rounded(local.dtype))
    compare(np.gradient, local, 2.5, cut=cut, axis=axis, rtol=rounded(local.dtype))
    compare(np.ediff1d, local, cut=cut, rtol=rounded(local.dtype))
    if local.dtype.kind in "iuf":
        compare(np.unwrap, local, cut=cut, axis=axis, rtol=rounded(local.dtype))


def test_nothing_is_fetched(cluster):
    remote = fh.scatter(make((100_000,), "float64"))
    remote.wait()
    before = cluster.session.stats()
    for result in (np.sort(remote), np.argsort(remote), np.cumsum(remote), np.unique(remote), np.median(remote), np.histogram(remote)[0]):
        result.wait()
    after = cluster.session.stats()
    assert after["array_bytes_received"] + after["shared_bytes"] - before["array_bytes_received"] - before["shared_bytes"] < 200_000


@pytest.mark.parametrize("kind", ["q", "quick", "QUICKSORT", "m", "s", "stab", "heap"])
def test_kinds_are_known_by_their_first_letter(cluster, kind):
    x = make((50,), "float64")
    same(fh.gather(np.sort(fh.scatter(x), kind=kind)), np.sort(x))
    same(fh.gather(fh.scatter(x).argsort(kind=kind)), np.argsort(x, kind=kind))


def test_other_kinds_are_errors(cluster):
    for n, x in ((np, np.arange(3)), (fh, fh.arange(3))):
        for function in (n.sort, n.argsort, lambda x, kind: n.partition(x, 1, kind=kind)):
            with pytest.raises(TypeError):
                function(x, kind=1)
            with pytest.raises(ValueError):
                function(x, kind="x")


def test_partitions_and_orders_of_little(cluster):
    for shape, axis in (((0,), -1), ((3, 0), 1), ((0, 3), 0), ((0, 3), 1)):
        x = np.empty(shape)
        same(fh.gather(np.partition(fh.scatter(x), 0, axis=axis)), x)
        same(fh.gather(np.argpartition(fh.scatter(x), 0, axis=axis)), np.argpartition(x, 0, axis=axis))
    assert int(np.lexsort(fh.arange(10))) == np.lexsort(np.arange(10))
    with pytest.raises(IndexError):
        np.lexsort(fh.arange(3), axis=2)
    if hasattr(np, "msort"):
        same(fh.gather(fh.msort(fh.scatter(make((5, 4), "float64")))), np.sort(make((5, 4), "float64"), 0))
