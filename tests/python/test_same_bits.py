"""Reductions of floating-point numbers give the same bits however an array is cut, and are as accurate as pairwise sums."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import farhand as fh
from farhand.session import set_default

NAMES = ["sum", "prod", "mean", "var", "std", "min", "max"]
DTYPES = ["float16", "float32", "float64", "complex64", "complex128"]


@pytest.fixture(scope="module")
def four():
    with fh.Cluster(4, threads=2) as running:
        set_default(running.session)
        yield running


def numbers(shape, dtype, seed):
    """Numbers whose sums and products are rounded, with zeros of both signs."""
    random = np.random.default_rng(seed)
    values = random.standard_normal(shape) * 10.0 ** random.integers(-2, 3, shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * random.standard_normal(shape)
    values = values.astype(dtype)
    values[random.random(shape) < 0.05] *= -0.0
    return values


def bits(array):
    value = np.ascontiguousarray(fh.gather(array))
    value[value != value] = np.nan  # one NaN is as good as another,
    value[value == 0] = 0  # and one zero
    return value.dtype, value.shape, value.tobytes()


def check(local, name, axes, layouts):
    expected = bits(getattr(fh.scatter(local, axis=None), name)(axis=axes))
    for axis, blocksize, engines in layouts:
        remote = fh.scatter(local, axis=axis, blocksize=blocksize, engines=engines)
        assert bits(getattr(remote, name)(axis=axes)) == expected, (axis, blocksize, engines)


@st.composite
def cases(draw):
    ndim = draw(st.integers(1, 3))
    longest = {1: 70_000, 2: 700, 3: 60}[ndim]
    shape = tuple(draw(st.one_of(st.integers(1, longest), st.sampled_from([1, 3, 8, 31, 32, 33, longest]))) for _ in range(ndim))
    layouts = []
    for _ in range(3):
        axis = draw(st.integers(0, ndim - 1))
        blocksize = draw(st.one_of(st.none(), st.integers(max(1, shape[axis] // 7), shape[axis])))
        layouts.append((axis, blocksize, list(range(draw(st.integers(1, 4))))))
    axes = draw(st.one_of(st.none(), st.sets(st.integers(0, ndim - 1), min_size=1).map(lambda one: tuple(sorted(one)))))
    return shape, axes, layouts


@given(case=cases(), name=st.sampled_from(NAMES), dtype=st.sampled_from(DTYPES), seed=st.integers(0, 99))
@settings(max_examples=80)
def test_bits_do_not_depend_on_pieces(four, case, name, dtype, seed):
    shape, axes, layouts = case
    with np.errstate(all="ignore"):
        check(numbers(shape, dtype, seed), name, axes, layouts)


def test_bits_do_not_depend_on_order_in_memory(four):
    local = numbers((300, 40, 7), "float64", 1)
    for axes in (None, 0, 1, (0, 2), (1, 2)):
        wanted = bits(fh.scatter(local, axis=None).sum(axis=axes))
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
            stored = np.ascontiguousarray(local.transpose(order))
            back = np.argsort(order)
            for axis in (None, 0, 1):
                remote = fh.scatter(stored, axis=axis).transpose(tuple(back))
                assert bits(remote.sum(axis=axes)) == wanted, (axes, order, axis)


def test_large_sums_are_the_same_and_accurate(four):
    local = numbers(3_000_017, "float64", 2)
    exact = math.fsum(local)
    check(local, "sum", None, [(0, None, [0, 1]), (0, None, [0, 1, 2, 3]), (0, 999_999, [0, 1, 2])])
    bound = (math.log2(local.size) + 6) * 2.0 ** -53 * math.fsum(abs(local))
    assert abs(float(fh.scatter(local).sum()) - exact) <= bound
    single = local.astype("float32")
    exact = math.fsum(single.tolist())
    ours = abs(float(fh.scatter(single).sum()) - exact)
    assert ours <= (math.log2(local.size) + 6) * 2.0 ** -24 * math.fsum(abs(single.astype("float64")))
