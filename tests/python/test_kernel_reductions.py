"""Reduction kernels: states by value and behind a pointer; the same bits however the arrays lie."""
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from kernel_support import c, numba_or_skip
from oracle import make, same, seeds

import farhand as fh

# Variance in one pass (Welford; Chan's formula to combine).
WELFORD = """
#include <farhand_kernel.h>
typedef struct { double n, mean, m2; } state_t;
FH_STATE(variance, state_t);
void variance_init(state_t *s) { s->n = s->mean = s->m2 = 0; }
void variance_step(state_t *s, double x)
{
    s->n += 1;
    double d = x - s->mean;
    s->mean += d / s->n;
    s->m2 += d * (x - s->mean);
}
void variance_combine(state_t *a, const state_t *b)
{
    double n = a->n + b->n, d = b->mean - a->mean;
    if (b->n == 0)
        return;
    a->mean += d * b->n / n;
    a->m2 += b->m2 + d * d * a->n * b->n / n;
    a->n = n;
}
double variance_finish(const state_t *s) { return s->m2 / s->n; }
"""
NORM = """
#include <math.h>
double norm_init(void) { return 0; }
double norm_step(double s, double x) { return s + x * x; }
double norm_combine(double a, double b) { return a + b; }
double norm_finish(double s) { return sqrt(s); }
"""
WEIGHTED = """
typedef struct { double sum, weight; } state_t;
const int64_t mean_state_bytes = sizeof(state_t);
void mean_init(state_t *s) { s->sum = s->weight = 0; }
void mean_step(state_t *s, double x, float w) { s->sum += x * w; s->weight += w; }
void mean_combine(state_t *a, const state_t *b) { a->sum += b->sum; a->weight += b->weight; }
double mean_finish(const state_t *s) { return s->sum / s->weight; }
"""
axes_of_three = st.sampled_from([0, 1, 2, -1, None, (0, 1), (0, 2), (1, 2), (0, 1, 2), ()])


def variance():
    return c(WELFORD, "variance", signature="float64(float64)")


@given(shape=st.tuples(*[st.integers(1, 5)] * 3), axis=axes_of_three, keepdims=st.booleans(), layout=st.sampled_from([0, 1, 2, None]),
       seed=seeds)
def test_variance_over_any_axes(clusters, shape, axis, keepdims, layout, seed):
    a = make(shape, "float64", seed)
    result = variance().reduce(fh.scatter(a, axis=layout), axis=axis, keepdims=keepdims)
    same(fh.gather(result), np.var(a, axis=axis, keepdims=keepdims), 1e-12)


@given(size=st.integers(0, 40), blocksize=st.sampled_from([None, 1, 3, 7]), seed=seeds)
def test_variance_of_few(clusters, size, blocksize, seed):
    a = make(size, "float64", seed)
    with np.errstate(invalid="ignore"):  # of none
        got = float(variance().reduce(fh.scatter(a, blocksize=blocksize)))
    assert math.isnan(got) if size == 0 else np.isclose(got, a.var(), rtol=1e-12, atol=1e-12)


BITS = {}


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 5000, 100_003])
def test_the_same_bits_for_any_engines_and_pieces(clusters, size):
    rng = np.random.default_rng(size)
    a = rng.normal(size=size) * 10.0 ** rng.integers(-9, 9, size)
    ways = [fh.scatter(a), fh.scatter(a, axis=None), fh.scatter(a, blocksize=777) if size < 20_000 else fh.scatter(a, blocksize=7777),
            fh.scatter(np.repeat(a, 2))[::2]]
    for name, kernel in (("variance", variance()), ("norm", c(NORM, "norm"))):
        bits = {float(kernel.reduce(way)).hex() for way in ways}
        bits.add(BITS.setdefault((name, size), min(bits)))  # those of the clusters before, too
        assert len(bits) == 1, f"{name} of {size}: {bits}"


def test_the_same_bits_along_an_axis_of_any_layout(clusters):
    rng = np.random.default_rng(5)
    a = rng.normal(size=(2100, 6)) * 10.0 ** rng.integers(-9, 9, (2100, 6))
    for axis in (0, 1, None):
        results = [fh.gather(variance().reduce(fh.scatter(a, axis=layout), axis=axis)) for layout in (0, 1, None)]
        for other in (*results[1:], BITS.setdefault(("layouts", axis), results[0])):
            same(other, results[0])


def test_state_by_value(clusters):
    norm = c(NORM, "norm")
    assert norm.kind == "reduction" and norm.entry == "norm"
    a = make((60, 7), "float64", 3)
    same(fh.gather(norm.reduce(fh.scatter(a), axis=0)), np.sqrt((a * a).sum(axis=0)), 1e-14)
    same(fh.gather(norm.reduce(fh.scatter(a), axis=None)), np.sqrt((a * a).sum()), 1e-14)
    same(fh.gather(norm.reduce(fh.scatter(np.zeros((0, 2))))), np.zeros(2))


def test_several_inputs(clusters):
    mean = c(WEIGHTED, "mean", signature="float64(float64, float32)")
    a, w = make((30, 4), "float64", 1), np.abs(make((30, 4), "float32", 2)) + 1
    for axis in (0, 1, None):
        same(fh.gather(mean.reduce(fh.scatter(a), fh.scatter(w, axis=1), axis=axis)), np.average(a, axis=axis, weights=w), 1e-6)
    same(fh.gather(mean.reduce(fh.scatter(a), w)), np.average(a, axis=0, weights=w), 1e-6)
    with pytest.raises(ValueError):
        mean.reduce(fh.scatter(a), fh.scatter(w[:, :2]))
    with pytest.raises((ValueError, TypeError)):
        mean.reduce(fh.scatter(a))


@given(shape=st.tuples(st.integers(0, 30), st.integers(1, 4)), axis=st.sampled_from([0, 1]), layout=st.sampled_from([0, 1, None]), seed=seeds)
def test_accumulate_runs_from_the_first_to_the_last(clusters, shape, axis, layout, seed):
    a = make(shape, "float64", seed)
    norm = c(NORM, "norm")
    expected = np.sqrt(np.add.accumulate(a * a, axis=axis))
    same(fh.gather(norm.accumulate(fh.scatter(a, axis=layout), axis=axis)), expected, 1e-14)
    running = np.array([[a[:i + 1, j].var() if axis == 0 else a[i, :j + 1].var() for j in range(shape[1])] for i in range(shape[0])])
    same(fh.gather(variance().accumulate(fh.scatter(a, axis=layout), axis=axis)), running.reshape(shape), 1e-11)


def test_numba_reductions(clusters):
    numba_or_skip()

    def init(s):
        s[0] = s[1] = s[2] = 0.0

    def step(s, x):
        s[0] += 1
        d = x - s[1]
        s[1] += d / s[0]
        s[2] += d * (x - s[1])

    def combine(s, other):
        n = s[0] + other[0]
        d = other[1] - s[1]
        if other[0] > 0:
            s[1] += d * other[0] / n
            s[2] += other[2] + d * d * s[0] * other[0] / n
            s[0] = n

    welford = fh.kernel.reduction(init, step, combine, lambda s: s[2] / s[0], signature="float64(float64)", state="float64[3]")
    assert welford.kind == "reduction"
    a = make((500, 3), "float64", 8)
    for axis in (0, 1, None):
        same(fh.gather(welford.reduce(fh.scatter(a), axis=axis)), a.var(axis=axis), 1e-12)
    spread = fh.kernel.reduction(init=-1.0, step=lambda s, x: max(s, abs(x)), signature="float64(float64)")
    same(fh.gather(spread.reduce(fh.scatter(a))), np.abs(a).max(axis=0))
    assert float(spread.reduce(fh.scatter(np.zeros(0)))) == -1.0
    count = fh.kernel.reduction(init=0, step=lambda s, x: s + (x > 0), combine=lambda s, t: s + t, signature="int64(float64)")
    same(fh.gather(count.reduce(fh.scatter(a))), (a > 0).sum(axis=0))
    same(fh.gather(count.accumulate(fh.scatter(a))), (a > 0).cumsum(axis=0))
    longest = fh.kernel.reduction(step=lambda s, x: x if abs(x) > abs(s) else s, signature="float64(float64)")
    same(fh.gather(longest.reduce(fh.scatter(a))), a[np.abs(a).argmax(axis=0), np.arange(3)])
    with pytest.raises(ValueError):
        longest.reduce(fh.scatter(np.zeros(0)))


def test_what_a_reduction_cannot_be(cluster):
    numba_or_skip()
    with pytest.raises(TypeError):
        fh.kernel.reduction(init=0.0, signature="float64(float64)")
    with pytest.raises(ValueError):
        fh.kernel.reduction(step=lambda s, x: s + x, signature="(float64)")
    with pytest.raises(ValueError, match="state"):
        fh.kernel.reduction(step=lambda s, x: s + x, signature="float64(float64)", state="float64[0]")
    with pytest.raises(TypeError):
        fh.kernel.reduction(init=0.0, step=lambda s, x: None, signature="float64(float64)", state="float64[2]")
    norm = c(NORM, "norm")
    with pytest.raises(TypeError):
        norm(fh.scatter(np.arange(3.0)))
    with pytest.raises(TypeError):
        norm.reduce(fh.scatter(np.arange(3) * 1j))
