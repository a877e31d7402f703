"""Results along inner axes lie in one segment, whatever has made them, and so do gathered ones; along the first axis they lie at
their place in a page."""
import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_support import c, numba_or_skip
from oracle import same
from test_kernel_arrays import STENCIL, stencil

import farhand as fh

ROWS, COLUMNS = 512, 1024
DOUBLE = b"define double @twice(double %x) { %y = fadd double %x, %x ret double %y }"


def make(shape=(ROWS, COLUMNS), seed=7):
    return np.random.default_rng(seed).integers(0, 1000, shape).astype("f8")


def gathered(remote):
    """What is gathered, and how much of it was mapped."""
    session = fh.session.current()
    before = session.stats()["mapped_bytes"]
    local = fh.gather(remote)
    return local, session.stats()["mapped_bytes"] - before


@pytest.fixture(scope="module")
def mapper(two_engines):
    """A session that has wanted to map what lay apart: from then on results of some MiB lie together."""
    apart = fh.gather(fh.sort(fh.scatter(make(), axis=1), axis=0))
    same(apart, np.sort(make(), axis=0))
    return two_engines.session


def running(x):
    numba_or_skip()
    total = fh.kernel.reduction(step=lambda most, value: max(most, value), signature="float64(float64)")
    return total.accumulate(x, axis=0)


def twice_all(x):
    numba_or_skip()

    @fh.kernel("void(float64[:,:], float64[:,:])")
    def twice(values, result):
        for i in range(values.shape[0]):
            for k in range(values.shape[1]):
                result[i, k] = values[i, k] + values[i, k]

    return twice.map(x)


INDEX = np.arange(ROWS)[::-1].copy()
MASK = make() > 500
MAKERS = {
    "ufunc kernel": (lambda x: fh.kernel(DOUBLE)(x), lambda a: a + a),
    "ufunc kernel, masked": (lambda x: fh.kernel(DOUBLE)(x, where=MASK), lambda a: np.where(MASK, a + a, 0)),
    "array kernel": (twice_all, lambda a: a + a),
    "running kernel": (running, lambda a: np.maximum.accumulate(a, axis=0)),
    "sort": (lambda x: fh.sort(x, axis=0), lambda a: np.sort(a, axis=0)),
    "sort along the cut": (lambda x: fh.sort(x, axis=1), lambda a: np.sort(a, axis=1)),
    "argsort": (lambda x: fh.argsort(x, axis=0, kind="stable"), lambda a: np.argsort(a, axis=0, kind="stable")),
    "cumsum": (lambda x: fh.cumsum(x, axis=0), lambda a: np.cumsum(a, axis=0)),
    "cumsum along the cut": (lambda x: fh.cumsum(x, axis=1), lambda a: np.cumsum(a, axis=1)),
    "take": (lambda x: fh.take(x, INDEX, axis=0), lambda a: a[INDEX]),
    "where": (lambda x: fh.where(x > 500, x, 0), lambda a: np.where(a > 500, a, 0)),
    "round": (lambda x: fh.round(x / 3, 1), lambda a: np.round(a / 3, 1)),
    "clip": (lambda x: fh.clip(x, 100, 200), lambda a: np.clip(a, 100, 200)),
    "concatenate": (lambda x: fh.concatenate([x, x + 1]), lambda a: np.concatenate([a, a + 1])),
    "stack": (lambda x: fh.stack([x, x]), lambda a: np.stack([a, a])),
    "interp": (lambda x: fh.interp(x, [0, 1000], [5, 7]), lambda a: np.interp(a, [0, 1000], [5, 7])),
    "searchsorted": (lambda x: fh.searchsorted(fh.scatter(np.arange(0.0, 1000, 7)), x),
                     lambda a: np.searchsorted(np.arange(0.0, 1000, 7), a)),
    "product": (lambda x: fh.scatter(make((ROWS, ROWS), 8), axis=None) @ x, lambda a: make((ROWS, ROWS), 8) @ a),
    "turned": (lambda x: fh.scatter(make().T.copy(), axis=0).T.copy(), lambda a: a),
    "zeros": (lambda x: fh.zeros((ROWS, COLUMNS), axis=1), lambda a: np.zeros_like(a)),
    "full": (lambda x: fh.full((ROWS, COLUMNS), 3.0, axis=1), lambda a: np.full_like(a, 3)),
    "random": (lambda x: fh.random.default_rng(3).random((ROWS, COLUMNS), axis=1),
               lambda a: np.random.Generator(np.random.Philox(3)).random(a.shape)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_made_is_mapped(mapper, name):
    remote, local = MAKERS[name]
    result, mapped = gathered(remote(fh.scatter(make(), axis=1)))
    same(result, local(make()))
    assert mapped == result.nbytes


@pytest.mark.parametrize("width", [1, 3])
def test_stencils(mapper, width):
    """Their ends are computed when the neighbours' elements have come."""
    local = make().round()
    result, mapped = gathered(c(STENCIL % width).map(fh.scatter(local, axis=1), halo=(width, width)))
    same(result, stencil(local, width))
    assert mapped == result.nbytes


@pytest.mark.parametrize("reduce", ["sum", "max", "prod", "mean", "any"])
def test_reductions_of_other_axes(mapper, reduce):
    local = make((3, ROWS, COLUMNS)) % 5
    x = fh.scatter(local, axis=2)
    for keepdims in (False, True):
        result, mapped = gathered(getattr(fh, reduce)(x, axis=0, keepdims=keepdims))
        same(result, getattr(np, reduce)(local, axis=0, keepdims=keepdims))
        assert mapped == (result.nbytes if result.nbytes > 2 << 20 else 0)
    result, mapped = gathered((x + 1).sum(axis=0))  # one message with the operation before it
    same(result, (local + 1).sum(axis=0))
    assert mapped == result.nbytes


def test_results_go_on_being_used(mapper):
    x = fh.scatter(make(), axis=1)
    result = fh.sort(x, axis=0)
    view = result[10:20, 3:900]
    same(fh.gather(view), np.sort(make(), axis=0)[10:20, 3:900])
    view += 1
    expected = np.sort(make(), axis=0)
    expected[10:20, 3:900] += 1
    same(fh.gather(result), expected)
    same(fh.gather(fh.sort(result, axis=0).sum(axis=1)), np.sort(expected, axis=0).sum(axis=1))
    same(fh.gather(result @ fh.scatter(make((COLUMNS, 3), 9), axis=None)), expected @ make((COLUMNS, 3), 9))


@pytest.mark.parametrize("name", ["sum", "sum of an operation", "array kernel", "reduction kernel"])
def test_results_along_the_first_axis_have_their_place_in_a_page(mapper, name):
    local = make((2, 1001, 1003))
    x = fh.scatter(local, axis=1)
    if name == "sum":
        result, expected = x.sum(axis=0), local.sum(axis=0)
    elif name == "sum of an operation":
        result, expected = (x + 1).sum(axis=0), (local + 1).sum(axis=0)
    elif name == "array kernel":
        numba_or_skip()
        result, expected = twice_all(fh.scatter(local[0])), 2 * local[0]
    else:
        numba_or_skip()
        most = fh.kernel.reduction(step=lambda most, value: max(most, value), signature="float64(float64)")
        result, expected = most.reduce(x, axis=0), local.max(axis=0)
    assert result.axis == 0
    values, mapped = gathered(result)
    same(values, expected)
    assert mapped == values.nbytes


@settings(max_examples=15)
@given(shape=st.tuples(st.integers(1, 5), st.integers(200, 700), st.integers(600, 900)), axis=st.sampled_from([1, 2]),
       along=st.integers(0, 2), name=st.sampled_from(["sort", "cumsum", "cumprod"]), dtype=st.sampled_from(["f8", "i8", "f4"]))
def test_any_shape(mapper, shape, axis, along, name, dtype):
    local = (make(shape) % 3).astype(dtype)
    result, mapped = gathered(getattr(fh, name)(fh.scatter(local, axis=axis), axis=along))
    same(result, getattr(np, name)(local, axis=along))
    if along != axis and local.nbytes >= 4 << 20 and shape[0] > 1:
        assert mapped == result.nbytes
    del result
    gc.collect()
