"""Array kernels: stencils with halos for all ways to cut an array, several outputs, one slice a piece; piece kernels."""
import numpy as np
import pytest
from hypothesis import given, strategies as st
from kernel_support import c, numba_or_skip
from oracle import laid_out, layouts, make, same, seeds

import farhand as fh

# The sum of all elements at most `width` away along each axis, weighted so that no two neighbours are alike.
STENCIL = """
#include <farhand_kernel.h>
static const int64_t WIDTH = %d;
static int64_t low(const fh_array *a, int axis, int64_t i) { int64_t have = i + a->halo[axis][0]; return have < WIDTH ? -have : -WIDTH; }
static int64_t high(const fh_array *a, int axis, int64_t i)
{
    int64_t have = a->shape[axis] - 1 - i + a->halo[axis][1];
    return have < WIDTH ? have : WIDTH;
}
void f(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0], *out = &args[nargs - 1];
    for (int64_t i = 0; i < out->shape[0]; i++)
        for (int64_t j = 0; j < out->shape[1]; j++) {
            double sum = 0;
            for (int64_t y = low(in, 0, i); y <= high(in, 0, i); y++)
                for (int64_t x = low(in, 1, j); x <= high(in, 1, j); x++)
                    sum += *(const double *)fh_at2(in, i + y, j + x) * (double)(10 * y + x + 100);
            *(double *)fh_at2(out, i, j) = sum;
        }
}
"""
WHERE_IT_IS = """
#include <farhand_kernel.h>
int32_t f(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0], *out = &args[1];
    for (int64_t i = 0; i < out->shape[0]; i++)
        *(int64_t *)fh_at1(out, i) = 1000000 * nargs + 10000 * in->whole[0] + 100 * in->ndim + in->offset[0] + i;
    return 0;
}
"""


def stencil(a, width):
    result = np.zeros_like(a)
    rows, columns = a.shape
    for y in range(-width, width + 1):
        for x in range(-width, width + 1):
            to = np.s_[max(-y, 0):max(min(rows - y, rows), 0), max(-x, 0):max(min(columns - x, columns), 0)]
            of = np.s_[max(y, 0):max(min(rows + y, rows), 0), max(x, 0):max(min(columns + x, columns), 0)]
            result[to] += a[of] * float(10 * y + x + 100)
    return result


@given(rows=st.integers(1, 23), columns=st.integers(1, 9), width=st.integers(0, 3), axis=st.sampled_from([0, 1, None]),
       blocksize=st.sampled_from([None, 1, 2, 3, 5]), layout=layouts, seed=seeds)
def test_stencils_for_all_cuts(clusters, rows, columns, width, axis, blocksize, layout, seed):
    a = make((rows, columns), "float64", seed, True).round()
    d = fh.scatter(laid_out(a, layout), axis=axis, blocksize=None if axis is None else blocksize)
    same(fh.gather(c(STENCIL % width).map(d, halo=(width, width))), stencil(a, width))


@pytest.mark.parametrize("axis", [0, 1])
def test_large_stencil(clusters, axis):
    a = make((1031, 257), "float64", 3, True).round()
    kernel = c(STENCIL % 2)
    same(fh.gather(kernel.map(fh.scatter(a, axis=axis), halo=2)), stencil(a, 2))
    d = fh.scatter(a, axis=axis)
    for _ in range(2):
        d = kernel.map(d, halo=(2, 2))
    same(fh.gather(d), stencil(stencil(a, 2), 2))


PICKY = """
#include <farhand_kernel.h>
int32_t f(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0];
    for (int out = 1; out < nargs; out++)
        for (int64_t i = 0; i < args[out].shape[0]; i++)
            for (int64_t j = 0; j < args[out].shape[1]; j++) {
                double value = *(const double *)fh_at2(in, i, j);
                if (value < 0)
                    return (int32_t)-value;
                *(double *)fh_at2(&args[out], i, j) = out * value;
            }
    return 0;
}
"""


@pytest.mark.parametrize("rows,width", [(512, 1), (12, 3), (12, 2), (7, 1)])
def test_large_pieces_begin_before_their_neighbours_edges_are_there(clusters, rows, width):
    a = np.abs(make((rows, (1 << 19) // rows * 4), "float64", 5, True).round())
    d = fh.scatter(a)
    results = c(PICKY).map(d, out=[(a.shape, "float64")] * 2, halo=width)
    for number, result in enumerate(results):
        same(fh.gather(result), (number + 1) * a)


@pytest.mark.parametrize("where", [0, 1, 255, 256, 257, 383, 511])
def test_a_failure_in_the_middle_or_at_an_end_fails_the_whole(clusters, where):
    a = np.ones((512, 2048))
    a[where, 77] = -42
    kernel = c(PICKY)
    d = fh.scatter(a)
    result = kernel.map(d, halo=1)
    with pytest.raises(fh.KernelError, match="returned 42"):
        fh.gather(result)
    with pytest.raises(fh.KernelError, match="returned 42"):
        fh.gather(kernel.map(result, halo=1))
    same(fh.gather(kernel.map(fh.scatter(np.abs(a)), halo=1)), np.abs(a))


def test_stencil_into_an_existing_array_and_into_its_input(clusters):
    a = make((37, 4), "float64", 3, True).round()
    kernel = c(STENCIL % 1)
    d, out = fh.scatter(a), fh.scatter(np.zeros_like(a))
    assert kernel.map(d, out=out, halo=1) is out
    same(fh.gather(out), stencil(a, 1))
    assert kernel.map(d, out=d, halo=1) is d
    same(fh.gather(d), stencil(a, 1))
    d = fh.scatter(a)
    kernel.map(d[:-1], out=d[1:], halo=1)
    same(fh.gather(d), np.concatenate([a[:1], stencil(a[:-1], 1)]))


def test_parts_know_where_they_are(clusters):
    d = fh.scatter(np.zeros(23))
    got = fh.gather(c(WHERE_IT_IS).map(d, out="int64"))
    same(got, 2000000 + 230000 + 100 + np.arange(23))


def test_several_outputs_and_a_slice_from_each_piece(clusters):
    kernel = c("""
        #include <farhand_kernel.h>
        void f(fh_array *args, int32_t nargs)
        {
            const fh_array *x = &args[0], *factor = &args[1], *scaled = &args[2], *counts = &args[3];
            for (int64_t b = 0; b < 3; b++)
                *(int64_t *)fh_at2(counts, 0, b) = 0;
            for (int64_t i = 0; i < x->shape[0]; i++) {
                int32_t v = *(int32_t *)fh_at1(x, i);
                *(float *)fh_at1(scaled, i) = (float)(v * *(double *)factor->data);
                ++*(int64_t *)fh_at2(counts, 0, v);
            }
        }""")
    a = np.random.default_rng(1).integers(0, 3, 29).astype("int32")
    d = fh.scatter(a)
    scaled, counts = kernel.map(d, 0.5, out=["float32", ((d.npieces, 3), "int64")])
    same(fh.gather(scaled), (a * 0.5).astype("float32"))
    same(fh.gather(counts), np.array([np.bincount(a[start:stop], minlength=3) for start, stop in d.bounds]))
    assert scaled.bounds == d.bounds and counts.npieces == d.npieces


def test_inputs_are_cut_alike_or_go_whole(clusters):
    kernel = c("""
        #include <farhand_kernel.h>
        int f(fh_array *args, int32_t nargs)
        {
            const fh_array *x = &args[0], *y = &args[1], *table = &args[2], *out = &args[3];
            if (y->shape[0] != x->shape[0] || table->shape[0] != 4)
                return 7;
            for (int64_t i = 0; i < x->shape[0]; i++)
                *(double *)fh_at1(out, i) = *(double *)fh_at1(x, i) + *(double *)fh_at1(y, i) * *(double *)fh_at1(table, i % 4);
            return 0;
        }""")
    x, y, table = make(21, "float64", 1).round(), make(21, "float64", 2).round(), make(4, "float64", 3).round()
    d = fh.scatter(x)
    at = np.concatenate([np.arange(stop - start) % 4 for start, stop in d.bounds])
    for other in (y, fh.scatter(y), fh.scatter(y, blocksize=4), fh.scatter(y[::-1])[::-1]):
        for small in (table, fh.scatter(table, axis=None), fh.scatter(table)):
            same(fh.gather(kernel.map(d, other, small)), x + y * table[at])


def test_a_result_other_than_0_is_an_error_with_that_number(clusters):
    kernel = c('#include <farhand_kernel.h>\nint32_t f(fh_array *args, int32_t n) { return args[0].shape[0] ? 42 : 0; }')
    d = fh.scatter(np.arange(9.0))
    with pytest.raises(fh.KernelError, match="42"):
        fh.gather(kernel.map(d))
    same(fh.gather(d), np.arange(9.0))


def test_wholly_local_and_undistributed_inputs(cluster):
    a = make((8, 5), "float64", 4, True).round()
    kernel = c(STENCIL % 1)
    same(fh.gather(kernel.map(a, halo=(1, 1))), stencil(a, 1))
    same(fh.gather(kernel.map(fh.scatter(a, axis=None), halo=(1, 1))), stencil(a, 1))
    local = np.zeros_like(a)
    assert kernel.map(a, out=local, halo=1).shape == a.shape


def test_what_map_cannot_take_is_an_error(cluster):
    kernel = c(STENCIL % 1)
    d = fh.scatter(np.zeros((6, 4)))
    for halo in (-1, (1, 1, 1), (-1, 0)):
        with pytest.raises((ValueError, fh.InvalidArgument)):
            kernel.map(d, halo=halo)
    with pytest.raises(TypeError):
        kernel(d)
    with pytest.raises(TypeError):
        kernel.map(d, out=object())
    with pytest.raises(fh.Error):
        kernel.map(d, out=((5, 4), "float64"))
    with pytest.raises(fh.Error):
        kernel.map(d, out=[])
    with pytest.raises(fh.Error):
        kernel.map(d, out="float64", out_dtype="float64")
    with pytest.raises(fh.Error):
        kernel.map()
    same(fh.gather(d), np.zeros((6, 4)))


def test_piece_kernels_of_several_inputs_and_dtypes(clusters):
    kernel = c("void f(const float *x, const int16_t *y, double *out, int64_t n) { for (int64_t i = 0; i < n; i++) out[i] = x[i] * y[n - 1 - i]; }")
    assert kernel.kind == "piece"
    x, y = make(17, "float32", 1), make(17, "int16", 2, True)
    d = fh.scatter(x)
    flipped = np.concatenate([y[start:stop][::-1] for start, stop in d.bounds])
    same(fh.gather(kernel.map(d, fh.scatter(y))), (x * flipped).astype("float64"), 1e-6)
    wide = make((6, 5), "float32", 3)
    d = fh.scatter(wide)[:, ::-1]
    expected = np.concatenate([(part.ravel() * np.ones(part.size)).reshape(part.shape) for part in wide[:, ::-1][None]])
    same(fh.gather(kernel.map(d, fh.scatter(np.ones((6, 5), "int16")))), expected)


def test_numba_functions_of_arrays(clusters):
    numba_or_skip()

    @fh.kernel("void(float64[:,:], float64[:,:])")
    def swap(x, out):
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                out[i, j] = x[i, x.shape[1] - 1 - j]

    assert swap.kind == "array"
    a = make((7, 4), "float64", 1)
    same(fh.gather(swap.map(fh.scatter(a))), a[:, ::-1])
    same(fh.gather(swap.map(fh.scatter(a)[::-1])), a[::-1, ::-1])


def test_numba_stencils_see_their_neighbours(clusters):
    numba_or_skip()

    @fh.kernel("void(float64[:], float64[:])")
    def mean(x, out, halo):
        before = halo[0, 0, 0]  # x begins that much before out
        for i in range(out.shape[0]):
            low, high = max(i + before - 1, 0), min(i + before + 2, x.shape[0])
            out[i] = x[low:high].sum() / (high - low)

    for size in (1, 2, 9, 1000):
        a = make(size, "float64", size)
        expected = np.array([a[max(i - 1, 0):i + 2].mean() for i in range(size)])
        same(fh.gather(mean.map(fh.scatter(a), halo=1)), expected, 1e-14)
