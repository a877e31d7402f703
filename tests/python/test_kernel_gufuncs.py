"""Generalized ufuncs: core dimensions, broadcast loops, NumPy's loops, Numba's guvectorize."""
import numpy as np
import pytest
from hypothesis import given, strategies as st
from kernel_support import c, numba_or_skip
from oracle import make, same, seeds

import farhand as fh

MATMUL = """
#include <farhand_kernel.h>
void matmul(fh_array *args, int32_t nargs)
{
    const fh_array *a = &args[0], *b = &args[1], *c = &args[2];
    for (int64_t i = 0; i < a->shape[0]; i++)
        for (int64_t j = 0; j < b->shape[1]; j++) {
            double sum = 0;
            for (int64_t k = 0; k < a->shape[1]; k++)
                sum += *(double *)fh_at2(a, i, k) * *(double *)fh_at2(b, k, j);
            *(double *)fh_at2(c, i, j) = sum;
        }
}
"""
DOT_LOOP = """
void dot(char **args, const int64_t *dims, const int64_t *steps, void *data)
{
    for (int64_t i = 0; i < dims[0]; i++) {
        const char *a = args[0] + i * steps[0], *b = args[1] + i * steps[1];
        double sum = 0;
        for (int64_t k = 0; k < dims[1]; k++)
            sum += *(double *)(a + k * steps[3]) * *(double *)(b + k * steps[4]);
        *(double *)(args[2] + i * steps[2]) = sum;
    }
}
"""
SPREAD = """
#include <farhand_kernel.h>
void spread(fh_array *args, int32_t nargs)
{
    const fh_array *x = &args[0];
    double low = *(double *)fh_at1(x, 0), high = low;
    for (int64_t i = 1; i < x->shape[0]; i++) {
        double v = *(double *)fh_at1(x, i);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    *(double *)args[1].data = low;
    *(double *)args[2].data = high;
}
"""


def matmul():
    return c(MATMUL, layout="(m,k),(k,n)->(m,n)", signature="void(float64[:,:], float64[:,:], float64[:,:])")


@given(loops=st.lists(st.integers(0, 4), max_size=2).map(tuple), m=st.integers(1, 3), k=st.integers(0, 4), n=st.integers(1, 3),
       axis=st.integers(0, 3), right=st.sampled_from(["same", "one", "none", "remote"]), seed=seeds)
def test_matmul_broadcasts(clusters, loops, m, k, n, axis, right, seed):
    a = make((*loops, m, k), "float64", seed).round()
    b = make({"same": loops, "one": (1,) * len(loops)}.get(right, ()) + (k, n), "float64", seed + 1).round()
    remote = fh.scatter(a, axis=axis % a.ndim)
    same(fh.gather(matmul()(remote, fh.scatter(b, axis=None) if right == "remote" else b)), a @ b)


def test_the_result_is_cut_along_a_loop_dimension(clusters):
    a, b = make((9, 2, 3), "float64", 1), make((3, 2), "float64", 2)
    kernel = matmul()
    assert kernel.kind == "gufunc" and kernel.layout.replace(" ", "") == "(m,k),(k,n)->(m,n)" and (kernel.nin, kernel.nout) == (2, 1)
    d = fh.scatter(a)
    result = kernel(d, b)
    assert result.bounds == d.bounds
    same(fh.gather(result), a @ b, 1e-15)
    same(fh.gather(kernel(a, b)), a @ b, 1e-15)
    same(fh.gather(kernel(fh.scatter(a)[::-2], b)), a[::-2] @ b, 1e-15)
    same(fh.gather(kernel(fh.scatter(a.astype("float32")), b)), a.astype("float32").astype("float64") @ b, 1e-15)


def test_out_of_gufuncs(clusters):
    a, b = make((9, 2, 3), "float64", 1), make((3, 2), "float64", 2)
    out = fh.scatter(np.zeros((9, 2, 2)))
    assert matmul()(fh.scatter(a), b, out=out) is out
    same(fh.gather(out), a @ b, 1e-15)


def test_numpy_loops(clusters):
    dot = c(DOT_LOOP, kind="gufunc", layout="(n),(n)->()", signature="float64(float64, float64)")
    a, b = make((5, 4, 6), "float64", 1), make((4, 6), "float64", 2)
    same(fh.gather(dot(fh.scatter(a), b)), (a * b).sum(axis=-1), 1e-14)
    same(fh.gather(dot(fh.scatter(a, axis=2), b)), (a * b).sum(axis=-1), 1e-14)
    same(fh.gather(dot(fh.scatter(a)[:, ::-1, ::2], b[::-1, ::2])), (a[:, ::-1, ::2] * b[::-1, ::2]).sum(axis=-1), 1e-14)


def test_several_outputs(clusters):
    spread = c(SPREAD, layout="(n)->(),()", signature="void(float64[:], float64, float64)")
    a = make((11, 7), "float64", 1)
    low, high = spread(fh.scatter(a))
    same(fh.gather(low), a.min(axis=1))
    same(fh.gather(high), a.max(axis=1))
    low, high = spread(fh.scatter(a, axis=1))
    same(fh.gather(high), a.max(axis=1))


def test_wrong_shapes_and_arguments(cluster):
    kernel = matmul()
    d = fh.scatter(np.zeros((4, 2, 3)))
    with pytest.raises(ValueError):
        kernel(d, np.zeros((2, 2)))  # core dimensions that differ
    with pytest.raises(ValueError):
        kernel(d, np.zeros(3))  # one too few
    with pytest.raises(ValueError):
        kernel(d, np.zeros((3, 3, 2)))  # loops that do not broadcast
    with pytest.raises((ValueError, TypeError)):
        kernel(d)
    with pytest.raises(TypeError):
        kernel(d, np.zeros((3, 2)), where=np.ones(4, bool))
    with pytest.raises(TypeError):
        kernel(d, np.zeros((3, 2), complex))
    with pytest.raises(TypeError):
        kernel.map(d, np.zeros((3, 2)))
    with pytest.raises(fh.Error):
        c(MATMUL, layout="(m,k),(k,n)")
    with pytest.raises(fh.Error):
        c(MATMUL, layout="(m,k),(k,n)->(m,n", signature="void(float64[:,:], float64[:,:], float64[:,:])")


def test_guvectorize(clusters):
    numba = numba_or_skip()

    @numba.guvectorize(["void(float64[:,:], float64[:,:], float64[:,:])"], "(m,k),(k,n)->(m,n)")
    def product(a, b, c):
        for i in range(a.shape[0]):
            for j in range(b.shape[1]):
                c[i, j] = 0.0
                for k in range(a.shape[1]):
                    c[i, j] += a[i, k] * b[k, j]

    kernel = fh.kernel(product)
    assert kernel.kind == "gufunc" and kernel.layout.replace(" ", "") == "(m,k),(k,n)->(m,n)"
    a, b = make((7, 3, 2), "float64", 1).round(), make((2, 4), "float64", 2).round()
    same(fh.gather(kernel(fh.scatter(a), b)), product(a, b))
    same(fh.gather(kernel(fh.scatter(a)[:, ::-1], b[:, ::-1])), product(a[:, ::-1], b[:, ::-1]))


def test_guvectorize_with_numbers(clusters):
    numba = numba_or_skip()

    @numba.guvectorize(["void(int64[:], int64, int64[:])", "void(float32[:], float32, float32[:])"], "(n),()->()")
    def weighted(x, w, total):
        total[0] = 0
        for i in range(x.shape[0]):
            total[0] += x[i] * w

    with pytest.raises(TypeError, match="signature"):
        fh.kernel(weighted)
    kernel = fh.kernel(weighted, signature="void(int64[:], int64, int64[:])")
    x, w = make((6, 5), "int64", 1, True), make(6, "int64", 2, True)
    same(fh.gather(kernel(fh.scatter(x), w)), weighted(x, w))
    same(fh.gather(kernel(fh.scatter(x), 3)), weighted(x, 3))
