"""Quantiles and partitions of large vectors, of which only a part is sorted, are NumPy's: whatever is in them."""
import numpy as np
import pytest
from oracle import nep50, same

import farhand as fh
from farhand import selection

pytestmark = pytest.mark.usefixtures("cluster")
N = selection.LEAST + 4321
RNG = np.random.default_rng(8)
VECTORS = {
    "normal": RNG.standard_normal(N),
    "sorted": np.sort(RNG.random(N)),
    "backwards": np.arange(N, 0, -1),
    "teeth": np.tile(np.arange(64), N // 64 + 1)[:N],  # the sample sees a single one of them
    "few values": RNG.integers(0, 3, N),
    "one value": np.full(N, 7.0),
    "mostly one value": np.where(RNG.random(N) < 0.001, RNG.standard_normal(N), 0.5),
    "infinite": np.where(RNG.random(N) < 0.4, np.inf, -np.inf),
    "float32": RNG.standard_normal(N).astype("f4"),
    "bytes": RNG.integers(0, 256, N, dtype="u1"),
    "large integers": RNG.integers(-(1 << 63), 1 << 63, N, dtype="i8", endpoint=False),
    "unsigned": RNG.integers(0, 1 << 64, N, dtype="u8", endpoint=False),
    "a NaN": np.where(np.arange(N) == 1000, np.nan, RNG.standard_normal(N)),
}
QUANTILES = [0.0, 0.001, 0.5, 0.9, 1.0]


@pytest.fixture(params=VECTORS, ids=lambda name: name.replace(" ", "-"))
def local(request):
    return VECTORS[request.param]


def alike(remote, expected):
    """But for dtypes, in which versions of NumPy differ and which test_sorting.py compares."""
    found, expected = fh.gather(remote), np.asarray(expected)
    same(found.astype(expected.dtype), expected, 1e-6 if found.dtype == "f4" or expected.dtype == "f4" else 1e-12)


@pytest.mark.parametrize("axis", [None, 0])
def test_quantiles_of_large_vectors(local, axis):
    remote = fh.scatter(local, axis=axis)
    with nep50(), np.errstate(all="ignore"):
        alike(np.median(remote), np.median(local))
        for q in QUANTILES:
            alike(np.quantile(remote, q), np.quantile(local, q))
        alike(np.quantile(remote, QUANTILES[1:4]), np.quantile(local, QUANTILES[1:4]))
        alike(np.percentile(remote, 30, method="nearest"), np.percentile(local, 30, method="nearest"))


@pytest.mark.parametrize("index", [0, 1000, N // 2, N - 1, -5])
def test_partitions_of_large_vectors(local, index):
    remote, wanted = fh.scatter(local), np.sort(local)[index]
    parted, places = fh.gather(np.partition(remote, index)), fh.gather(np.argpartition(remote, index))
    for found in (parted, local[places]):
        index %= N
        same(found[index], wanted)
        assert not (found[:index] > wanted).any() and not (found[index:] < wanted).any()
        same(np.sort(found), np.sort(local))


def test_nan_quantiles_of_large_vectors():
    local = np.where(RNG.random(N) < 0.1, np.nan, VECTORS["normal"])
    remote = fh.scatter(local)
    same(fh.gather(np.nanmedian(remote)), np.nanmedian(local), 1e-12)
    same(fh.gather(np.nanpercentile(remote, 30)), np.nanpercentile(local, 30), 1e-12)
    with pytest.warns(RuntimeWarning, match="All-NaN slice"):
        nothing = np.nanmedian(fh.scatter(np.full(N, np.nan)))
    assert np.isnan(fh.gather(nothing))


def test_a_part_is_all_that_is_sorted(monkeypatch):
    sizes, sort = [], selection.sort
    monkeypatch.setattr(selection, "sort", lambda a, axis: sizes.append(a.shape[0]) or sort(a, axis))
    local = VECTORS["normal"]
    same(fh.gather(np.median(fh.scatter(local))), np.median(local), 1e-12)
    assert len(sizes) == 1 and sizes[0] < N // 4
