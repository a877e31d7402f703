"""Reductions over every axis are NumPy's, and no array bytes travel for them."""
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import DTYPES, arrays_with_axis, make, nep50, same

import farhand as fh

REDUCTIONS = ["sum", "prod", "min", "max", "any", "all", "mean", "var", "std", "argmin", "argmax", "ptp"]
ROUNDED = {"float16": 5e-2, "float32": 1e-4, "float64": 1e-10, "complex64": 1e-4, "complex128": 1e-10}


def numpy_says(local, name, **keywords):
    with nep50(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nothing
        try:
            function = np.ptp if name == "ptp" else getattr(type(local), name)  # NumPy 2 has no method ptp
            return np.asarray(function(local, **keywords))
        except (TypeError, ValueError) as problem:
            return problem


def compare(local, remote, name, **keywords):
    expected = numpy_says(local, name, **keywords)
    if isinstance(expected, Exception):
        with pytest.raises((TypeError, ValueError, NotImplementedError)):
            fh.gather(getattr(remote, name)(**keywords))
        return
    exact = name in ("min", "max", "any", "all", "argmin", "argmax", "ptp") or expected.dtype.kind in "biu"
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nothing, as above
        found = fh.gather(getattr(remote, name)(**keywords))
    same(found, expected, 0.0 if exact else ROUNDED[expected.dtype.name])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REDUCTIONS)
@np.errstate(all="ignore")
def test_reduction_is_numpys(cluster, name, dtype):
    local = make((5, 4, 3), dtype, 2, small=True)
    for cut in (0, 1, 2, None):
        remote = fh.scatter(local, axis=cut)
        for axis in (None, 0, 1, -1) if name.startswith("arg") else (None, 0, 1, -1, (0, 2), (0, 1, 2), ()):
            compare(local, remote, name, axis=axis)


@given(case=arrays_with_axis(), data=st.data())
def test_reduction_of_any_array_is_numpys(clusters, case, data):
    local, cut = case
    name = data.draw(st.sampled_from(REDUCTIONS))
    axis = data.draw(st.one_of(st.none(), st.integers(-local.ndim, local.ndim - 1)))
    keywords = {"axis": axis}
    if data.draw(st.booleans()):
        keywords["keepdims"] = True
    if name == "ptp" and local.dtype == bool:
        return
    compare(local, fh.scatter(local, axis=cut), name, **keywords)


def test_sum_of_two_d_plus_one_moves_no_array_bytes(cluster):
    local = np.arange(200_000.0).reshape(400, 500)
    remote = fh.scatter(local)
    remote.wait()
    before = cluster.session.stats()
    result = (2 * remote + 1).sum(axis=0)
    result.wait()
    after = cluster.session.stats()
    for counter in ("array_bytes_received", "array_bytes_sent", "shared_bytes"):
        assert after[counter] == before[counter], counter
    same(fh.gather(result), (2 * local + 1).sum(axis=0), 1e-12)
    fetched = cluster.session.stats()["array_bytes_received"] - after["array_bytes_received"]
    assert fetched == 500 * 8


def test_full_reduction_is_a_zero_dimensional_remote_array(cluster):
    total = fh.scatter(np.arange(10.0)).sum()
    assert isinstance(total, fh.RemoteArray) and total.shape == ()
    assert float(total) == 45.0 and total == 45.0 and f"{total:.1f}" == "45.0" and str(total) == "45.0"


def test_dtype_out_initial_and_where(clusters):
    local = make((5, 4), "int16", small=True)
    remote = fh.scatter(local)
    mask = local > 0
    same(fh.gather(remote.sum(axis=0, dtype="f4")), local.sum(axis=0, dtype="f4"), 1e-6)
    out = fh.scatter(np.zeros(4))
    assert remote.sum(axis=0, out=out) is out
    same(fh.gather(out), local.sum(axis=0).astype(float))
    same(fh.gather(remote.sum(axis=1, initial=100)), local.sum(axis=1, initial=100))
    same(fh.gather(remote.sum(axis=1, where=mask)), local.sum(axis=1, where=mask))
    same(fh.gather(remote.max(axis=1, where=fh.scatter(mask), initial=-5)), local.max(axis=1, where=mask, initial=-5))
    with pytest.raises(ValueError):
        remote.max(where=mask)


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "min", "max", "any", "all", "nansum", "nanmax", "median"])
def test_results_go_into_outputs_of_any_dtype(cluster, name):
    local = np.arange(12.0).reshape(4, 3) + 1.5
    out, expected = fh.zeros(3, int), np.zeros(3, int)
    getattr(np, name)(local, axis=0, out=expected)
    assert getattr(np, name)(fh.scatter(local), axis=0, out=out) is out
    same(fh.gather(out), expected)
    gathered = np.zeros(3, int)
    getattr(np, name)(fh.scatter(local), axis=0, out=gathered)
    same(gathered, expected)


def test_axes_are_integers_and_tuples_of_them(cluster):
    x = fh.scatter(np.arange(12.0).reshape(4, 3))
    for call in (lambda: x.sum([0]), lambda: x.sum(True), lambda: x.cumsum(True), lambda: x.argmax(axis=False), lambda: x.argsort(True),
                 lambda: x.sum(0, keepdims="x")):
        with pytest.raises(TypeError):
            call()
    for name in ("mean", "var", "std"):
        with pytest.raises(IndexError, match="axis 0 is out of bounds"):
            getattr(x[0, 0], name)(0)
    same(fh.gather(x[0, 0].sum(0)), np.float64(0))


def test_ddof(cluster):
    local = make((6, 4), "float64")
    same(fh.gather(fh.scatter(local).var(axis=0, ddof=1)), local.var(axis=0, ddof=1), 1e-12)
    same(fh.gather(np.std(fh.scatter(local), ddof=2)), np.std(local, ddof=2), 1e-12)


def test_reduction_of_nothing(clusters):
    remote = fh.scatter(np.zeros((0, 3)))
    same(fh.gather(remote.sum(axis=0)), np.zeros(3))
    assert float(remote.sum()) == 0 and float(remote.prod()) == 1
    for name in ("min", "max", "argmin", "argmax"):
        with pytest.raises(ValueError):
            fh.gather(getattr(remote, name)(axis=0))


def test_nan_wins(clusters):
    local = np.array([1.0, np.nan, 3.0, -1.0])
    remote = fh.scatter(local)
    assert np.isnan(float(remote.max())) and np.isnan(float(remote.min())) and np.isnan(float(remote.sum()))
    assert int(remote.argmax()) == int(local.argmax())
    assert float(np.nansum(remote)) == 3.0 and float(np.nanmean(remote)) == 1.0
    assert float(np.nanmin(remote)) == -1.0 and float(np.nanmax(remote)) == 3.0 and float(np.nanprod(remote)) == -3.0


def test_functions_that_pass_over_nan(clusters):
    local = make((6, 5), "float64")
    local[1, 2] = local[3, :] = local[:5, 0] = np.nan
    remote = fh.scatter(local)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for function in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd):
            for axis in (None, 0, 1, (0, 1)):
                same(fh.gather(function(remote, axis=axis)), function(local, axis=axis), 1e-12)
        same(fh.gather(np.nanvar(remote, axis=0, ddof=1, keepdims=True)), np.nanvar(local, axis=0, ddof=1, keepdims=True), 1e-12)
        for axis in (None, 0, 1):
            same(fh.gather(np.nanmin(remote, axis=axis)), np.nanmin(local, axis=axis))
            same(fh.gather(np.nanmax(remote, axis=axis)), np.nanmax(local, axis=axis))
    same(fh.gather(np.nanstd(fh.scatter(np.arange(6)))), np.nanstd(np.arange(6)), 1e-12)


def test_axis_out_of_bounds_is_an_axis_error(cluster):
    remote = fh.scatter(np.zeros((2, 2)))
    with pytest.raises(IndexError, match="axis"):
        remote.sum(axis=2)
    with pytest.raises(ValueError, match="twice"):
        remote.sum(axis=(0, 0))


def test_numpy_functions_dispatch(clusters):
    local = make((4, 6), "float64")
    remote = fh.scatter(local)
    for function in (np.sum, np.prod, np.amin, np.amax, np.mean, np.std, np.var, np.argmin, np.argmax, np.any, np.all, np.ptp,
                     np.count_nonzero, np.average):
        for axis in (None, 0, 1):
            same(fh.gather(function(remote, axis=axis)), function(local, axis=axis), 1e-12)


def test_same_bits_whatever_the_number_of_engines():
    local = np.random.default_rng(5).normal(size=100_003).astype(np.float32)
    sums = set()
    for engines in (1, 2, 3):
        with fh.Cluster(engines):
            sums.add(fh.gather(fh.scatter(local, axis=None).sum()).tobytes())
    assert len(sums) == 1


@pytest.mark.parametrize("name", ["mean", "var", "std"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16", "bool", "complex128"])
def test_where_of_means_and_variances_is_numpys(cluster, name, dtype):
    local, mask = make((6, 5), dtype, 1, small=True), make((6, 5), "bool", 2)
    mask[0], mask[:, 0] = True, True
    remote = fh.scatter(local)
    tolerance = {"float16": 2e-2, "float32": 1e-5}.get(dtype, 1e-12)
    for where, far in ((mask, fh.scatter(mask, axis=1)), (mask[0], mask[0]), (mask, mask)):
        for axis in (0, 1, None):
            for keywords in ({}, {"keepdims": True}, {"dtype": "complex128" if dtype == "complex128" else "float64"}):
                expected = getattr(local, name)(axis, where=where, **keywords)
                same(fh.gather(getattr(remote, name)(axis, where=far, **keywords)), expected, tolerance)
    same(fh.gather(remote.var(1, ddof=1, where=mask)), local.var(1, ddof=1, where=mask), tolerance)


def test_where_with_a_local_output(cluster):
    local, mask = make((4, 3), "float64"), make((4, 3), "bool", 2)
    out = np.full((4, 3), 7.0)
    assert np.add(fh.scatter(local), 1, out=out, where=mask) is out
    same(out, np.where(mask, local + 1, 7.0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "complex128"])
def test_variances_without_nan_have_numpys_dtype(cluster, dtype):
    local = make((5, 4), dtype)
    local[1, 2] = np.nan
    for function in (np.nanvar, np.nanstd):
        for axis in (None, 0, 1):
            got, want = fh.gather(function(fh.scatter(local), axis=axis)), np.asarray(function(local, axis=axis))
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=2e-2 if dtype == "float16" else 1e-5)


def test_means_without_nan_are_no_integers(cluster):
    x = fh.scatter(np.array([1.0, np.nan, 2.0]))
    for function in (np.nanmean, np.nanvar, np.nanstd):
        with pytest.raises(TypeError, match="inexact"):
            function(x, dtype=int)
        with pytest.raises(TypeError, match="inexact"):
            function(x, out=fh.zeros((), int))
