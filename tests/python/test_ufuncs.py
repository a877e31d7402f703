"""Elementwise operations give NumPy's values and NEP 50's dtypes."""
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import DTYPES, arrays, dtypes, laid_out, make, nep50, same, seeds, shapes

import farhand as fh
from farhand import _native

BINARY = ["add", "subtract", "multiply", "true_divide", "floor_divide", "remainder", "power", "maximum", "minimum", "fmax",
          "fmin", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
          "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "hypot", "arctan2",
          "copysign", "fmod", "gcd", "lcm"]
UNARY = ["negative", "positive", "absolute", "sign", "square", "reciprocal", "conjugate", "rint", "floor", "ceil", "trunc",
         "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos",
         "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh", "degrees", "radians", "isfinite", "isinf", "isnan",
         "signbit", "logical_not", "invert"]
TOLERANCE = {"float16": 2e-3, "complex64": 2e-5, "float32": 1e-5}


@pytest.fixture(autouse=True)
def silence():
    """What values raise is test_errstate's."""
    with np.errstate(all="ignore"):
        yield


def tolerance(expected):
    if expected.dtype.kind not in "fc":
        return 0.0
    return TOLERANCE.get(expected.dtype.name, 1e-12)


def numpy_says(ufunc, *inputs, **keywords):
    """NumPy's result, or the TypeError that it raises."""
    with nep50(), np.errstate(all="ignore"):
        try:
            return ufunc(*inputs, **keywords)
        except (TypeError, ValueError) as problem:
            return problem


def newer_numpy_says(ufunc, local):
    """Where NumPy has changed what a ufunc gives, farhand follows the newest; None elsewhere."""
    if ufunc in (np.floor, np.ceil, np.trunc) and local.dtype.kind in "biu":
        return local
    if ufunc is np.sign and local.dtype.kind == "c":
        return local / np.abs(local)
    return None


def compare(ufunc, *local, remote):
    expected = newer_numpy_says(ufunc, local[0])
    if expected is None:
        expected = numpy_says(ufunc, *local)
    if isinstance(expected, Exception):
        with pytest.raises((TypeError, ValueError, fh.Error)):
            fh.gather(ufunc(*remote))
        return
    same(fh.gather(ufunc(*remote)), expected, tolerance(np.asarray(expected)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_unary_ufunc_is_numpys(cluster, name, dtype):
    local = make((7, 3), dtype, 3, small=True)
    compare(getattr(np, name), local, remote=(fh.scatter(local),))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_binary_ufunc_is_numpys(cluster, name, dtype):
    a, b = make((7, 3), dtype, 3, small=True), make((7, 3), dtype, 4, small=True)
    if name in ("left_shift", "right_shift", "power") and a.dtype.kind in "iu":
        b = np.abs(b) % np.array(5, b.dtype)
    compare(getattr(np, name), a, b, remote=(fh.scatter(a), fh.scatter(b)))


@given(shape=shapes, one=dtypes, other=dtypes, seed=seeds)
def test_mixed_dtypes_promote_as_numpy(cluster, shape, one, other, seed):
    a, b = make(shape, one, seed, True), make(shape, other, seed + 1, True)
    compare(np.add, a, b, remote=(fh.scatter(a), fh.scatter(b)))
    compare(np.multiply, a, b, remote=(fh.scatter(a, axis=None), b))


@pytest.mark.parametrize("scalar", [3, -3, 2.5, 1j, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_python_scalars_are_weak(cluster, dtype, scalar):
    local = make((5,), dtype, small=True)
    if np.dtype(dtype).kind == "u" and scalar == -3:
        with pytest.raises(OverflowError):
            fh.gather(fh.scatter(local) + scalar)
        return
    with nep50():
        expected = local + scalar, scalar * local
    same(fh.gather(fh.scatter(local) + scalar), expected[0], tolerance(expected[0]))
    same(fh.gather(scalar * fh.scatter(local)), expected[1], tolerance(expected[1]))


def test_numpy_scalars_are_strong(cluster):
    remote = fh.scatter(np.arange(4, dtype=np.float32))
    assert (remote + np.float64(1)).dtype == np.float64
    assert (np.float64(1) + remote).dtype == np.float64
    assert (remote + 1.0).dtype == np.float32


@given(data=st.data())
def test_operands_in_any_layout_give_the_same(cluster, data):
    a = data.draw(arrays(dtype=st.sampled_from(["int32", "float64"])))
    axes = st.one_of(st.none(), st.integers(0, a.ndim - 1))
    b = make(a.shape, "float64", 9)
    with np.errstate(all="ignore"):
        expected = a + b
    same(fh.gather(fh.scatter(a, axis=data.draw(axes)) + fh.scatter(b, axis=data.draw(axes))), expected)


@pytest.mark.parametrize("shapes", [((6, 4), (4,)), ((6, 4), (6, 1)), ((6, 1), (1, 4)), ((6, 4), ()), ((2, 6, 4), (6, 4)),
                                    ((6,), (5, 6)), ((1,), (6,)), ((0, 4), (1, 4))])
def test_operands_broadcast(clusters, shapes):
    a, b = (make(shape, "float64", i) for i, shape in enumerate(shapes))
    expected = a * b
    for x in (fh.scatter(a), fh.scatter(a, axis=-1 if a.ndim else None), fh.scatter(a, axis=None)):
        for y in (b, fh.scatter(b), fh.scatter(b, axis=None)):
            same(fh.gather(x * y), expected)
            same(fh.gather(y * x), b * a)


def test_shapes_that_do_not_broadcast_are_an_error(cluster):
    with pytest.raises(ValueError):
        fh.scatter(np.zeros((3, 4))) + np.zeros((3, 5))


@pytest.mark.parametrize("name", "add sub mul truediv floordiv mod pow and_ or_ xor lshift rshift eq ne lt le gt ge".split())
def test_operators_are_the_ufuncs(cluster, name):
    op = getattr(operator, name)
    a, b = np.arange(1, 9), np.arange(8) % 3
    with np.errstate(all="ignore"):
        same(fh.gather(op(fh.scatter(a), fh.scatter(b))), op(a, b))
        same(fh.gather(op(a, fh.scatter(b))), op(a, b))
        same(fh.gather(op(fh.scatter(a), 2)), op(a, 2))
        same(fh.gather(op(2, fh.scatter(b))), op(2, b))


@pytest.mark.parametrize("name", "iadd isub imul ifloordiv imod ipow iand ior ixor ilshift irshift".split())
def test_in_place_operators_write_the_array(cluster, name):
    op = getattr(operator, name)
    local, other = np.arange(1, 9), np.arange(8) % 3 + 1
    remote = fh.scatter(local)
    alias = remote[...]
    assert op(remote, other) is remote
    op(local, other)
    same(fh.gather(remote), local)
    same(fh.gather(alias), local)


def test_in_place_refuses_what_cannot_be_cast(cluster):
    remote = fh.scatter(np.arange(4))
    with pytest.raises(TypeError):
        remote += 1.5
    same(fh.gather(remote), np.arange(4))


def test_unary_operators(cluster):
    local = np.array([-2, 0, 3])
    remote = fh.scatter(local)
    for op in (operator.neg, operator.pos, operator.abs, operator.invert):
        same(fh.gather(op(remote)), op(local))
    quotient, remainder = divmod(remote, 2)
    same(fh.gather(quotient), local // 2)
    same(fh.gather(remainder), local % 2)


def test_out_and_where_are_honoured(clusters):
    a, b = np.arange(12.0).reshape(4, 3), np.ones((4, 3))
    mask = a % 2 == 0
    out = fh.scatter(np.full((4, 3), -1.0))
    assert np.add(fh.scatter(a), b, out=out, where=fh.scatter(mask)) is out
    same(fh.gather(out), np.add(a, b, out=np.full((4, 3), -1.0), where=mask))
    np.multiply(fh.scatter(a), 2, out=out, where=mask)
    listed = fh.scatter(a)
    np.negative(listed, out=listed, where=[1, 0, 2])
    same(fh.gather(listed), np.where([True, False, True], -a, a))
    with pytest.raises(TypeError, match="bool"):
        np.negative(listed, where=np.array([1, 0, 2]))
    same(fh.gather(out), np.multiply(a, 2, out=np.add(a, b, out=np.full((4, 3), -1.0), where=mask), where=mask))


def test_local_out_is_written(cluster):
    local = np.zeros(4)
    assert np.add(fh.scatter(np.arange(4.0)), 1, out=local) is local
    same(local, np.arange(4.0) + 1)
    local += fh.scatter(np.arange(4.0))
    same(local, 2 * np.arange(4.0) + 1)


def test_dtype_and_casting_are_honoured(cluster):
    local = np.arange(4, dtype=np.int32)
    same(fh.gather(np.add(fh.scatter(local), 1, dtype="f4")), np.add(local, 1, dtype="f4"))
    same(fh.gather(np.add(fh.scatter(local), 1.5, dtype="i8", casting="unsafe")),
         np.add(local, 1.5, dtype="i8", casting="unsafe"))
    with pytest.raises(TypeError):
        np.add(fh.scatter(local), fh.scatter(np.ones(4)), dtype="i4")


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or, np.bitwise_and,
                                   np.bitwise_or, np.bitwise_xor])
def test_ufunc_reduce_is_numpys(clusters, ufunc):
    local = make((6, 5), "int32", small=True)
    for axis in (0, 1, None, (0, 1)):
        same(fh.gather(ufunc.reduce(fh.scatter(local), axis=axis)), ufunc.reduce(local, axis=axis))
    same(fh.gather(ufunc.reduce(fh.scatter(local))), ufunc.reduce(local))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("cut", [0, 1])
def test_other_ufunc_methods_are_numpys(clusters, cut, axis):
    local = make((6, 5), "int32", small=True)
    remote = fh.scatter(local, axis=cut)
    for ufunc in (np.add, np.multiply, np.maximum, np.subtract):
        same(fh.gather(ufunc.accumulate(remote, axis=axis)), ufunc.accumulate(local, axis=axis))
        same(fh.gather(ufunc.reduceat(remote, [0, 2, 1], axis=axis)), ufunc.reduceat(local, [0, 2, 1], axis=axis))
        same(fh.gather(ufunc.reduce(remote, axis=axis)), ufunc.reduce(local, axis=axis))
    np.add.at(remote, ([0, 0, 3], [1, 1, 2]), 7)
    np.add.at(local, ([0, 0, 3], [1, 1, 2]), 7)
    same(fh.gather(remote), local)
    out = fh.zeros((6, 5), np.int64)
    assert np.add.accumulate(remote, axis=axis, out=out) is out
    same(fh.gather(out), np.add.accumulate(local, axis=axis))


def test_ufunc_outer_is_numpys(clusters):
    a, b = make((3, 2), "float64", 1), make((4,), "float64", 2)
    same(fh.gather(np.multiply.outer(fh.scatter(a), fh.scatter(b))), np.multiply.outer(a, b))
    same(fh.gather(np.subtract.outer(b, fh.scatter(a))), np.subtract.outer(b, a))
    same(fh.gather(np.add.outer(fh.scatter(a), 2)), np.add.outer(a, 2))


def test_operand_of_another_class_gets_its_turn(cluster):
    class Other:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "mine"

    assert fh.scatter(np.arange(3)) + Other() == "mine"
    with pytest.raises(TypeError):
        fh.scatter(np.arange(3)) + "text"
    assert (fh.scatter(np.arange(3)) == "text") is False


def test_every_operation_of_the_table_is_numpys_by_name():
    names = {name for name, _, _ in _native.ops()}
    assert {"add", "sin", "where", "clip"} <= names
    for name in names - {"real", "imag", "clip", "where", "cast"}:
        assert isinstance(getattr(np, name), np.ufunc), name


@pytest.mark.parametrize("signature", ["dd->d", ("f4", "f4", "f4"), (None, None, "f8"), ("i8", None, None)], ids=str)
def test_signatures_choose_the_loop(clusters, signature):
    a, b = make((4, 3), "int32", small=True), make((3,), "int64", small=True)
    expected = np.add(a, b, signature=signature, casting="unsafe")
    same(fh.gather(np.add(fh.scatter(a), b, signature=signature, casting="unsafe")), expected)
    same(fh.gather(np.multiply(fh.scatter(a), 2, sig=signature, casting="unsafe")), np.multiply(a, 2, sig=signature, casting="unsafe"))


def test_signatures_that_no_loop_has(cluster):
    x = fh.scatter(np.arange(3.0))
    for signature in ("dd->q", ("i8", None, None)):
        with pytest.raises(TypeError):
            np.add(x, x, signature=signature)
    for signature in ("zz", "d->d", ("f8", "f8")):
        with pytest.raises(ValueError):
            np.add(x, x, signature=signature)
    with pytest.raises(TypeError, match="both"):
        np.add(x, x, signature="dd->d", dtype="f8")


def test_local_outputs_are_no_smaller_than_results(cluster):
    x = fh.scatter(np.arange(1.0, 4))
    for of, shape in ((x[:1], ()), (x[:2], (1,)), (x, (1, 1))):
        with pytest.raises(ValueError):
            np.negative(of, out=np.zeros(shape))
    same(np.negative(x, out=np.zeros((2, 3))), np.negative(np.arange(1.0, 4), out=np.zeros((2, 3))))


def test_where_and_clip(clusters):
    local = make((5, 4), "float64")
    remote = fh.scatter(local)
    same(fh.gather(np.where(remote > 0, remote, 0.0)), np.where(local > 0, local, 0.0))
    same(fh.gather(np.where(local > 0, remote, -remote)), np.where(local > 0, local, -local))
    same(fh.gather(np.clip(remote, -1, 1)), np.clip(local, -1, 1))
    same(fh.gather(remote.clip(max=1)), local.clip(max=1))
    same(fh.gather(remote.clip(0)), local.clip(0))


def test_chain_of_calls_does_not_wait(cluster):
    remote = fh.scatter(np.arange(1000.0))
    remote.wait()
    before = cluster.session.stats()["waits"]
    result = remote
    for _ in range(50):
        result = result * 1.5 - result
    assert cluster.session.stats()["waits"] == before
    with np.errstate(all="ignore"):
        expected = np.arange(1000.0)
        for _ in range(50):
            expected = expected * 1.5 - expected
    same(fh.gather(result), expected)


def test_same_values_for_swapped_and_strided_operands(cluster):
    local = make((6, 4), "float32")
    for layout in ("swapped", "strided", "reversed", "F"):
        same(fh.gather(fh.scatter(local) + laid_out(local, layout)), local + local)


def test_matmul_operators_are_numpys(cluster):
    a, b = make((4, 3), "float64", 1), make((3, 4), "float64", 2)
    far_a, far_b = fh.scatter(a), fh.scatter(b)
    for mine, numpys in ((far_a @ far_b, a @ b), (far_a @ b, a @ b), (a @ far_b, a @ b), (np.matmul(far_a, far_b), a @ b)):
        same(fh.gather(mine), numpys, 1e-13)
    square = make((3, 3), "float64", 3)
    far_a @= square
    same(fh.gather(far_a), a @ square, 1e-13)
