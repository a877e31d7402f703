"""Operators between remote arrays and numbers go a short way; everything else keeps Python's and NumPy's rules."""
import operator

import numpy as np
import pytest

import farhand as fh
from farhand.session import set_default
from oracle import nep50, same

BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "le", "eq", "ne", "gt", "ge"]
BITS = ["and_", "or_", "xor", "lshift", "rshift"]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("number", [3, -2.5, 2 + 1j])
def test_numbers_on_either_side(cluster, name, number):
    op = getattr(operator, name)
    if isinstance(number, complex) and name not in ("add", "sub", "mul", "truediv", "eq", "ne"):
        pytest.skip("complex numbers have no order and no remainder")
    for local in (np.arange(1.0, 7.0), np.arange(1, 7, dtype=np.int16).reshape(2, 3)):
        remote = fh.scatter(local)
        with nep50():
            same(fh.gather(op(remote, number)), op(local, number))
            same(fh.gather(op(number, remote)), op(number, local))


@pytest.mark.parametrize("name", BITS)
def test_bits(cluster, name):
    op = getattr(operator, name)
    local = np.arange(1, 7)
    remote = fh.scatter(local)
    same(fh.gather(op(remote, 2)), op(local, 2))
    same(fh.gather(op(2, remote)), op(2, local))
    same(fh.gather(op(remote, remote)), op(local, local))
    same(fh.gather(~remote), ~local)


def test_unary_and_layouts(cluster):
    local = np.arange(-4.0, 8.0).reshape(4, 3)
    for remote in (fh.scatter(local), fh.scatter(local, axis=1), fh.scatter(local, axis=None)):
        result = -remote
        assert type(result) is type(remote) and result.shape == (4, 3) and result.dtype == np.float64
        assert result.axis == remote.axis and result.npieces == remote.npieces
        for op in (operator.neg, operator.pos, abs):
            same(fh.gather(op(remote)), op(local))
        same(fh.gather(remote * remote[:, :1]), local * local[:, :1])


class Foreign:
    """Knows remote arrays; they do not know it."""

    def __radd__(self, other):
        return "reflected"

    __array_ufunc__ = None


def test_others_get_their_turn(cluster):
    remote = fh.scatter(np.arange(3.0), axis=None)
    assert remote + Foreign() == "reflected"
    with pytest.raises(TypeError):
        remote + "text"
    with pytest.raises(TypeError):
        remote < object()
    for other in (np.float32(2), np.arange(3.0), [1, 2, 3], True, np.array(5)):
        same(fh.gather(remote + other), np.arange(3.0) + other)
        same(fh.gather(other + remote), other + np.arange(3.0))


def test_subclasses_of_numbers_are_not_numbers_here(cluster):
    class Money(int):
        def __radd__(self, other):
            return "money"

    remote = fh.scatter(np.arange(3), axis=None)
    same(fh.gather(remote + Money(2)), np.arange(3) + 2)


def test_errors_are_the_same_both_ways(cluster):
    remote = fh.scatter(np.arange(3, dtype=np.uint8), axis=None)
    with pytest.raises(OverflowError):
        remote + 256
    with pytest.raises(OverflowError):
        remote + (-1 << 70)
    with pytest.raises(ValueError):
        remote + fh.scatter(np.arange(4), axis=None)
    with pytest.raises(TypeError):
        remote.__add__()
    with pytest.raises(TypeError):
        remote.__neg__(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(remote)


def test_sessions_do_not_mix_and_closed_ones_say_so(cluster):
    other = fh.connect(cluster.connection_file)
    theirs = fh.scatter(np.arange(3.0), axis=None)
    set_default(cluster.session)
    ours = fh.scatter(np.arange(3.0), axis=None)
    with pytest.raises(fh.Error):
        ours + theirs
    other.close()
    with pytest.raises(fh.StaleHandle):
        theirs + 1
    with pytest.raises(fh.StaleHandle):
        -theirs
    same(fh.gather(ours + 1), np.arange(3.0) + 1)


IN_PLACE = ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod"]


@pytest.mark.parametrize("name", IN_PLACE + ["iand", "ior", "ixor", "ilshift", "irshift"])
def test_in_place(cluster, name):
    op = getattr(operator, name)
    for dtype in ("float64", "int32") if name in IN_PLACE else ("int32",):
        if name == "itruediv" and dtype == "int32":
            continue
        local, other = np.arange(1, 7, dtype=dtype).reshape(2, 3), np.arange(2, 5, dtype=dtype)
        for right in (2, other):
            mine = local.copy()
            remote = fh.scatter(mine)
            seen = remote[1]
            written = op(remote, right if np.isscalar(right) else fh.scatter(right))
            op(mine, right)
            assert written is remote
            same(fh.gather(remote), mine)
            same(fh.gather(seen), mine[1])


def test_in_place_errors_leave_the_array(cluster):
    x = fh.scatter(np.arange(4))
    with pytest.raises(TypeError, match="cannot cast the output of true_divide from float64 to int64"):
        x /= 2
    with pytest.raises(TypeError):
        x += 1.5
    with pytest.raises(ValueError):
        x += fh.scatter(np.ones((2, 4), dtype=int))
    with pytest.raises(TypeError):
        x += "text"
    x += x
    same(fh.gather(x), np.arange(4) * 2)


@pytest.mark.parametrize("char", "efdFDil")
def test_powers_by_numbers_are_what_numpys_operator_makes_them(cluster, char):
    """Squares, roots and reciprocals, also of infinities and zeros, where the function power differs."""
    local = np.array([4, 9, 1, 2], char) if char in "ilFD" else np.array([4, 9, -0.0, -np.inf, np.inf, 2], char)
    remote = fh.scatter(local)
    for number in (2, 1, 2.0, 1.0, -1.0, 0.5):
        with np.errstate(all="ignore"):
            ours, theirs = fh.gather(remote ** number), local ** number
        assert ours.dtype == theirs.dtype and np.allclose(ours, theirs, rtol=1e-6 if char != "e" else 1e-2, equal_nan=True), number
        if char in "fd":
            assert np.array_equal(np.signbit(ours)[:3], np.signbit(theirs)[:3])
