"""Floating-point exceptions of kernels follow numpy.errstate, under the kernel's name."""
import warnings

import numpy as np
import pytest
from kernel_support import c

import farhand as fh

RATIO = b"define double @ratio(double %a, double %b) {\n  %c = fdiv double %a, %b\n  ret double %c\n}\n"
# Divides everything, and picks: no division by zero that anybody wrote.
GUARDED = b"""
define double @guarded(double %a, double %b) {
  %c = fdiv double %a, %b
  %no = fcmp oeq double %b, 0.0
  %d = select i1 %no, double 0.0, double %c
  ret double %d
}
"""
ROOTS = """
#include <math.h>
void roots(const double *in, double *out, int64_t n) { for (int64_t i = 0; i < n; i++) out[i] = sqrt(in[i]); }
"""
NORM = """
#include <math.h>
double norm_init(void) { return 0; }
double norm_step(double s, double x) { return s + x * x; }
double norm_combine(double a, double b) { return a + b; }
double norm_finish(double s) { return sqrt(s); }
"""
MEAN = """
typedef struct { double n, mean; } state_t;
const int64_t mean_state_bytes = sizeof(state_t);
void mean_init(state_t *s) { s->n = s->mean = 0; }
void mean_step(state_t *s, double x) { s->n += 1; s->mean += (x - s->mean) / s->n; }
void mean_combine(state_t *a, const state_t *b)
{
    double n = a->n + b->n;
    a->mean = n == 0 ? 0 : a->mean + (b->mean - a->mean) * b->n / n;
    a->n = n;
}
double mean_finish(const state_t *s) { return s->mean; }
"""


def told(function):
    """The kinds that it raises, its value read."""
    found = set()
    with np.errstate(divide="call", over="call", invalid="call", under="ignore", call=lambda kind, flag: found.add(kind)):
        fh.gather(function())
    return sorted(found)


@pytest.mark.parametrize("n", [1, 1000, 300_000])
def test_ufunc(clusters, n):
    kernel = fh.kernel(RATIO)
    ones, x = np.ones(n), np.arange(1.0, n + 1)
    x[n // 2] = 0
    for axis in (0, None):
        a, b = fh.scatter(ones, axis=axis), fh.scatter(x, axis=axis)
        assert told(lambda: kernel(a, b)) == ["divide by zero"]
        assert told(lambda: kernel(b, b)) == ["invalid value"]
        assert told(lambda: kernel(b, a)) == []
        assert told(lambda: kernel(a, b, where=b != 0)) == []
        assert told(lambda: kernel(np.inf, b)) == []  # as C says: no flag, though the result is infinite


def test_warning_names_the_kernel_and_the_line(cluster):
    x = fh.scatter(np.array([1.0, 0.0]))
    kernel = fh.kernel(RATIO)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        y = kernel(1.0, x)
        assert not found
        fh.gather(y)
    assert [(str(w.message), w.category, w.filename) for w in found] == [("divide by zero encountered in ratio", RuntimeWarning, __file__)]


def test_raise_and_ignore(cluster):
    x = fh.scatter(np.array([1.0, 0.0]))
    kernel = fh.kernel(RATIO)
    with np.errstate(divide="raise"):
        y = kernel(1.0, x)
    with pytest.raises(FloatingPointError, match="divide by zero encountered in ratio, called in .*test_errstate_kernels.py"):
        fh.gather(y)
    with np.errstate(all="ignore"):
        y = kernel(1.0, x)
    with np.errstate(all="raise"):
        assert np.isinf(fh.gather(y)[1])


def test_what_results_do_not_show_is_not_told(clusters):
    kernel = fh.kernel(GUARDED)
    for n in (3, 5000):
        x = fh.scatter(np.arange(float(n)), axis=0)
        assert told(lambda: kernel(1.0, x)) == []
        assert told(lambda: kernel(0.0, x)) == []


def test_long_names_are_cut(cluster):
    name = "a_kernel_whose_name_goes_on_and_on_and_on"
    kernel = fh.kernel(RATIO.replace(b"ratio", name.encode()))
    with pytest.warns(RuntimeWarning, match=f"divide by zero encountered in {name[:32]}$"):
        fh.gather(kernel(1.0, fh.scatter(np.zeros(3))))


def test_flags_travel_with_arrays(cluster):
    """What another engine has computed is told of where it is read."""
    x = fh.scatter(np.array([1.0, 0.0]), axis=None, engines=[0])
    y = fh.kernel(RATIO)(1.0, x)
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in ratio"):
        assert fh.gather(y.reshard(None, engines=[1])).tolist() == [1.0, np.inf]


def test_piece_kernels_and_reductions(clusters):
    x = np.arange(5000.0)
    x[4321] = -1
    roots, norm, mean = c(ROOTS, "roots"), c(NORM, "norm", signature="float64(float64)"), c(MEAN, "mean", signature="float64(float64)")
    for axis in (0, None):
        remote = fh.scatter(x, axis=axis)
        assert told(lambda: roots.map(remote, out_dtype="float64")) == ["invalid value"]
        assert told(lambda: norm.reduce(remote)) == []
        assert told(lambda: mean.reduce(remote)) == []
        assert told(lambda: norm.reduce(fh.scatter(x * 1e306, axis=axis))) == ["overflow"]


def test_results_in_place(cluster):
    x = fh.scatter(np.array([1.0, 0.0]))
    assert told(lambda: fh.kernel(RATIO)(1.0, x, out=x)) == ["divide by zero"]
