"""Ufunc kernels against NumPy: any dtypes, shapes, strides, layouts, masks and targets."""
import numpy as np
import pytest
from hypothesis import given, strategies as st
from kernel_support import CARRAY, c, clang_or_skip, numba_or_skip
from oracle import laid_out, layouts, make, same, seeds

import farhand as fh
from farhand.producers.c import compile_c

NUMBERS = [name for name in CARRAY if name != "bool"]
FMA = "double f(double x, double y, double z) { return x * y + z; }"
ADD = "int64_t add(int64_t a, int64_t b) { return a + b; }"
LARGEST = "double largest(double a, double b) { return a > b ? a : b; }"
shapes = st.lists(st.integers(0, 6), min_size=0, max_size=3).map(tuple)


def scattered(array, axis):
    return fh.scatter(array, axis=None if axis is None or not array.ndim else axis % array.ndim)


@st.composite
def operands(draw, count):
    """Arrays that broadcast against each other, some of them remote (an axis, or None), some local (False)."""
    whole = draw(shapes)
    result = []
    for _ in range(count):
        shape = tuple(1 if draw(st.booleans()) and draw(st.booleans()) else n for n in whole)
        shape = shape[draw(st.integers(0, len(shape))):] if draw(st.booleans()) else shape
        array = np.asarray(make(shape, "float64", draw(seeds), True)).round()
        array = laid_out(array, draw(layouts)) if shape else array
        result.append((array, draw(st.sampled_from([0, 1, None, False]))))
    return result


def sent(operand):
    array, axis = operand
    return array if axis is False else scattered(array, axis)


@given(items=operands(3))
def test_any_operands_broadcast(clusters, items):
    fma = c(FMA)
    a, b, z = (array.astype("float64") for array, _ in items)
    same(fh.gather(fma(*(sent(item) for item in items))), a * b + z)


@given(items=operands(3), seed=seeds, mask_axis=st.sampled_from([0, None, False]))
def test_where_chooses_and_out_keeps_the_rest(clusters, items, seed, mask_axis):
    fma = c(FMA)
    a, b, z = (array.astype("float64") for array, _ in items)
    expected = np.asarray(a * b + z)
    chosen = np.asarray(make(expected.shape, "bool", seed))
    mask = chosen if mask_axis is False else scattered(chosen, mask_axis)
    arguments = [sent(item) for item in items]
    same(fh.gather(fma(*arguments, where=mask)), np.where(chosen, expected, 0.0))
    before = np.asarray(make(expected.shape, "float64", seed + 1))
    out = scattered(before, 0)
    assert fma(*arguments, out=out, where=mask) is out
    same(fh.gather(out), np.where(chosen, expected, before))


def test_where_can_be_one_flag_a_row_and_a_number(clusters):
    fma = c(FMA)
    a = make((5, 4), "float64", 1).round()  # with whole numbers it does not matter whether a product is rounded
    rows = np.array([[True], [False], [True], [False], [True]])
    same(fh.gather(fma(fh.scatter(a), 2.0, 1.0, where=rows)), np.where(rows, a * 2.0 + 1.0, 0.0))
    same(fh.gather(fma(fh.scatter(a), 2.0, 1.0, where=False)), np.zeros((5, 4)))
    same(fh.gather(fma(fh.scatter(a), 2.0, 1.0, where=True)), a * 2.0 + 1.0)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_dtype(cluster, dtype):
    kernel = c(f"{CARRAY[dtype]} f({CARRAY[dtype]} a, {CARRAY[dtype]} b) {{ return a * b + a; }}", signature=f"{dtype}({dtype}, {dtype})")
    a, b = make((9, 5), dtype, 3, True), make(5, dtype, 4, True)
    same(fh.gather(kernel(fh.scatter(a, axis=1), b)), (a * b + a).astype(dtype), 1e-6 if dtype[0] in "fc" else 0)
    assert kernel.types == [f"{np.dtype(dtype).char * 2}->{np.dtype(dtype).char}"]


def test_attributes_are_those_of_a_ufunc(cluster):
    fma = c(FMA)
    assert (fma.nin, fma.nout, fma.nargs, fma.ntypes, fma.types) == (3, 1, 4, 1, ["ddd->d"])
    assert fma.signature == "float64(float64, float64, float64)" and fma.layout is None and fma.identity is None
    assert "LLVM" in fma.producer and "ufunc" in repr(fma) and fma.entry == "f"


def test_out_can_be_local_or_an_input(clusters):
    fma = c(FMA)
    a = make((6, 3), "float64", 5).round()
    local = np.full((6, 3), 9.0)
    chosen = a > 0
    assert fma(fh.scatter(a), a, 1.0, out=local, where=chosen) is local
    same(local, np.where(chosen, a * a + 1.0, 9.0))
    d = fh.scatter(a)
    fma(d, d, d, out=d)
    same(fh.gather(d), a * a + a)
    d = fh.scatter(a)
    fma(d[::-1], 2.0, d, out=d)
    same(fh.gather(d), a[::-1] * 2.0 + a)


@given(rows=st.integers(0, 7), columns=st.integers(0, 9), axis=st.sampled_from([0, 1]), layout=st.sampled_from([0, 1, None]), seed=seeds)
def test_reduce_and_accumulate_of_binary_ufuncs(clusters, rows, columns, axis, layout, seed):
    add, largest = c(ADD), c(LARGEST)
    numbers, floats = make((rows, columns), "int64", seed, True), make((rows, columns), "float64", seed)
    same(fh.gather(add.accumulate(scattered(numbers, layout), axis=axis)), np.add.accumulate(numbers, axis=axis))
    if numbers.shape[axis]:
        for keepdims in (False, True):
            same(fh.gather(add.reduce(scattered(numbers, layout), axis=axis, keepdims=keepdims)),
                 np.add.reduce(numbers, axis=axis, keepdims=keepdims))
            same(fh.gather(largest.reduce(scattered(floats, layout), axis=axis, keepdims=keepdims)),
                 np.maximum.reduce(floats, axis=axis, keepdims=keepdims))
    if numbers.size:
        same(fh.gather(add.reduce(scattered(numbers, layout), axis=None)), np.add.reduce(numbers, axis=None))
        same(fh.gather(largest.reduce(scattered(floats, layout), axis=(0, 1))), np.maximum.reduce(floats, axis=(0, 1)))


def test_reduction_of_nothing_needs_a_start(clusters):
    with pytest.raises(fh.InvalidArgument):
        fh.gather(c(ADD).reduce(fh.scatter(np.zeros((0, 3), "int64")), axis=0))
    same(fh.gather(c(ADD).reduce(fh.scatter(np.zeros((0, 3), "int64")), axis=1)), np.zeros(0, "int64"))


def test_long_reductions_have_the_same_bits_however_cut(clusters, rng):
    values = rng.normal(size=70_001) * 10.0 ** rng.integers(-12, 12, 70_001)
    total = c("double total(double a, double b) { return a + b; }")
    whole = float(total.reduce(fh.scatter(values, axis=None)))
    np.testing.assert_allclose(whole, values.sum(), rtol=1e-9, atol=np.abs(values).sum() * 1e-15)
    for blocksize in (None, 1024, 999, 40_000):
        assert float(total.reduce(fh.scatter(values, blocksize=blocksize))) == whole


@given(a=operands(1), b=operands(1))
def test_outer(clusters, a, b):
    less = c("double less(double a, double b) { return a - b; }")
    left, right = a[0][0].astype("float64"), b[0][0].astype("float64")
    same(fh.gather(less.outer(sent(a[0]), sent(b[0]))), np.subtract.outer(left, right))


def test_numbers_and_local_arrays_alone_give_remote_arrays(cluster):
    fma = c(FMA)
    assert isinstance(fma(1.0, 2, 3), fh.RemoteArray) and float(fma(1.0, 2, 3)) == 5.0
    a = np.arange(10.0)
    assert isinstance(fma(a, a, 1), fh.DistArray)
    same(fh.gather(fma(a, a, 1)), a * a + 1)
    same(fh.gather(c(ADD).reduce(np.arange(10))), np.int64(45))
    same(fh.gather(c(ADD).accumulate(np.arange(10))), np.arange(10).cumsum())
    same(fh.gather(c(ADD).outer(np.arange(3), 2)), np.arange(3) + 2)


def test_numpy_loops_are_kernels_too(clusters):
    loop = c("""
        void f(char **args, const int64_t *dims, const int64_t *steps, void *data)
        {
            for (int64_t i = 0; i < dims[0]; i++)
                *(double *)(args[2] + i * steps[2]) = *(double *)(args[0] + i * steps[0]) - *(float *)(args[1] + i * steps[1]);
        }""", "f", signature="float64(float64, float32)", kind="ufunc")
    a, b = make((7, 3), "float64", 1), make(3, "float32", 2)
    same(fh.gather(loop(fh.scatter(a), b)), a - b)
    same(fh.gather(loop(fh.scatter(a)[::-2], b)), a[::-2] - b)


def test_a_second_submission_sends_nothing(cluster):
    clang_or_skip()
    code = compile_c(FMA).code
    first = fh.kernel(code)
    a = fh.scatter(np.arange(8.0))
    fh.gather(first(a, a, a))
    cluster.session.sync()
    before = cluster.session.stats()
    again = fh.kernel(code)
    after = cluster.session.stats()
    assert again.hash == first.hash
    assert after == before
    same(fh.gather(again(a, a, a)), np.arange(8.0) ** 2 + np.arange(8.0))


def test_what_cannot_be_called_says_how(cluster):
    fma, add = c(FMA), c(ADD)
    a = fh.scatter(np.arange(4.0))
    for wrong in (lambda: fma(), lambda: fma(a), lambda: fma(a, a), lambda: fma(a, a, a, a)):
        with pytest.raises((fh.InvalidArgument, TypeError)):
            wrong()
    with pytest.raises(TypeError, match="map|called as"):
        fma.map(a)
    with pytest.raises(TypeError):
        fh.gather(add(a, a))  # float64 to int64 is no cast of the same kind
    with pytest.raises(TypeError, match="bool"):
        fma(a, a, a, where=np.arange(4))
    with pytest.raises(TypeError):
        fma(a, a, a, out=[1.0] * 4)
    with pytest.raises(ValueError):
        fma(a, fh.scatter(np.arange(3.0)), a)
    with pytest.raises(fh.Error):
        fma.reduce(a)
    with pytest.raises(fh.Error):
        fma.outer(a, a)
    with pytest.raises(getattr(np, "exceptions", np).AxisError):
        add.reduce(np.arange(3), axis=1)
    with pytest.raises(getattr(np, "exceptions", np).AxisError):
        add.accumulate(np.arange(3), axis=-2)


def test_exact_is_the_c_library_and_the_default_is_within_4_ulp(cluster, rng):
    text = "#include <math.h>\ndouble f(double x) { return exp(x) * sin(x); }"
    x = rng.normal(size=5000) * 5
    expected = np.exp(x) * np.sin(x)
    for options in ({}, {"exact": True}, {"fastmath": True}):
        got = fh.gather(c(text, **options)(fh.scatter(x)))
        assert np.max(np.abs(got - expected) / np.maximum(np.spacing(np.abs(expected)), 1e-300)) < 20


def test_vector_math_does_not_depend_on_the_place(clusters, rng):
    f = c("#include <math.h>\ndouble f(double x) { return exp(x) + sin(x) * log(x * x + 1); }")
    x = rng.normal(size=777)
    whole = fh.gather(f(fh.scatter(x, axis=None)))
    same(fh.gather(f(fh.scatter(x))), whole)
    same(fh.gather(f(fh.scatter(x)[::-1]))[::-1], whole)
    same(fh.gather(f(fh.scatter(np.repeat(x, 2))[::2])), whole)
    for i in (0, 5, 776):
        assert float(f(float(x[i]))) == whole[i]


def test_numba_ufuncs_call_where_and_out(clusters):
    numba_or_skip()
    clip = fh.kernel(lambda x, low, high: min(max(x, low), high), signature="float64(float64, float64, float64)")
    a = make((8, 3), "float64", 9)
    same(fh.gather(clip(fh.scatter(a), -1.0, 1.0)), np.clip(a, -1.0, 1.0))
    same(fh.gather(clip(fh.scatter(a), -1.0, 1.0, where=a > 0)), np.where(a > 0, np.clip(a, -1.0, 1.0), 0.0))


@pytest.mark.parametrize("dtype, number", [("float64", 1j), ("int32", 2.5), ("bool", 2), ("uint8", 1j)])
def test_python_numbers_that_would_lose_something_are_refused(cluster, dtype, number):
    kernel = c(f"{CARRAY[dtype]} f({CARRAY[dtype]} x, {CARRAY[dtype]} y) {{ return x; }}")
    with pytest.raises(TypeError, match="Python .* cannot be cast"):
        kernel(fh.scatter(np.ones(3, dtype)), number)
