"""What NumPy has since 2.0, on every NumPy: functions by their definition, and rules as the NumPy beside them has them."""
import numpy as np
import pytest

import farhand as fh
from oracle import same

NUMPY = int(np.__version__.partition(".")[0])


@pytest.fixture
def cut(cluster):
    local = np.arange(24.0).reshape(2, 4, 3) % 7
    return local, fh.scatter(local, axis=1)


@pytest.fixture
def newer(cluster):
    """The name of a function -> farhand's, and NumPy's for remote arrays where NumPy has it: both are to do the same."""
    def functions(name):
        found = [fh]
        if NUMPY >= 2:
            found.append(np)
        for part in name.split("."):
            found = [getattr(module, part) for module in found]
        return found

    return functions


def test_functions_are_what_they_are_made_of(cut, newer):
    local, remote = cut
    vector = np.arange(3.0) + 1
    for name, arguments, expected in [
        ("cumulative_sum", {"axis": 1}, np.cumsum(local, 1)),
        ("cumulative_sum", {"axis": 1, "include_initial": True}, np.concatenate([np.zeros((2, 1, 3)), np.cumsum(local, 1)], 1)),
        ("cumulative_prod", {"axis": 0, "include_initial": True}, np.concatenate([np.ones((1, 4, 3)), np.cumprod(local, 0)])),
        ("matrix_transpose", {}, local.swapaxes(-1, -2)),
        ("permute_dims", {"axes": (2, 0, 1)}, local.transpose(2, 0, 1)),
        ("linalg.matrix_norm", {}, np.linalg.norm(local, axis=(-2, -1))),
        ("linalg.vector_norm", {"axis": 1}, np.linalg.norm(local, axis=1)),
        ("linalg.matrix_transpose", {}, local.swapaxes(-1, -2)),
        ("linalg.svdvals", {}, np.linalg.svd(local, compute_uv=False)),
        ("linalg.trace", {}, np.trace(local, axis1=-2, axis2=-1)),
        ("linalg.diagonal", {}, np.diagonal(local, axis1=-2, axis2=-1)),
    ]:
        for function in newer(name):
            same(fh.gather(function(remote, **arguments)), expected, 1e-12)
    for tensordot in newer("linalg.tensordot"):
        same(fh.gather(tensordot(remote, fh.scatter(vector), axes=1)), np.tensordot(local, vector, 1))
    for name, arguments, expected in [
        ("matvec", (remote, vector), local @ vector),
        ("vecmat", (np.arange(4.0), remote), np.arange(4.0) @ local),
        ("vecdot", (remote, vector), (local * vector).sum(-1)),
        ("linalg.vecdot", (remote, vector), (local * vector).sum(-1)),
        ("linalg.matmul", (remote, local.swapaxes(1, 2)), local @ local.swapaxes(1, 2)),
        ("linalg.cross", (remote, vector), np.cross(local, vector)),
        ("linalg.outer", (fh.scatter(vector), np.arange(2.0)), np.outer(vector, np.arange(2.0))),
    ]:
        for function in newer(name):
            same(fh.gather(function(*arguments)), expected, 1e-12)
    for unstack in newer("unstack"):
        parts = unstack(remote, axis=1)
        assert type(parts) is tuple and len(parts) == 4
        for i, part in enumerate(parts):
            same(fh.gather(part), local[:, i])
    for astype in newer("astype"):
        same(fh.gather(astype(remote, np.float32)), local.astype(np.float32))
        with pytest.raises((TypeError, AttributeError)):
            astype([1.0], np.float32)
    for bitwise_count in newer("bitwise_count"):
        same(fh.gather(bitwise_count(fh.scatter(np.array([0, 1, 3, -8])))), np.array([0, 1, 2, 1], np.uint8))
    for isdtype in newer("isdtype"):
        assert isdtype(remote.dtype, "real floating") and isdtype(np.dtype("int8"), ("bool", "signed integer"))
        assert isdtype(remote.dtype, np.dtype("float64")) and not isdtype(remote.dtype, "integral")
        with pytest.raises((ValueError, TypeError)):
            isdtype(remote.dtype, "whole")


@pytest.mark.parametrize("shape", [(12,), (3, 4), (2, 0), ()])
def test_inverse_indices_have_the_shape_that_numpy_gives_them(cluster, shape):
    local = np.arange(int(np.prod(shape))).reshape(shape) % 5
    remote = fh.scatter(local, axis=0 if shape else None)
    for wanted in ({"return_inverse": True}, {"return_index": True, "return_inverse": True, "return_counts": True}):
        for ours, numpys in zip(np.unique(remote, **wanted), np.unique(local, **wanted)):
            same(fh.gather(ours), numpys)
    if local.ndim == 2 and local.size:
        for axis in (0, 1):
            for ours, numpys in zip(np.unique(remote, axis=axis, return_inverse=True), np.unique(local, axis=axis, return_inverse=True)):
                same(fh.gather(ours), numpys)
    everything = fh.unique_all(remote)
    assert everything.inverse_indices.shape == fh.unique_inverse(remote).inverse_indices.shape == shape
    same(fh.gather(everything.values[everything.inverse_indices]), local)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.3.0", reason="this NumPy's unique values are always sorted")
def test_unique_values_may_be_asked_for_in_any_order(cluster):
    same(np.sort(fh.gather(np.unique(fh.scatter(np.array([3, 1, 3, 2])), sorted=False))), np.array([1, 2, 3]))


def test_copies_are_made_as_numpy_is_asked_to(cluster):
    small, large = fh.scatter(np.arange(6.0)), fh.ones(1 << 18)
    same(np.asarray(small, dtype=np.float32), np.arange(6, dtype=np.float32))
    for copied in (np.array(small), np.array(small, copy=True), small.__array__(), small.__array__(copy=True)):
        copied[0] = 9
    assert float(small[0]) == 0
    with pytest.raises(ValueError, match="without a copy"):
        small.__array__(copy=False)
    with pytest.raises(ValueError, match="without a copy"):
        large.__array__(np.float32, copy=False)
    same(large.__array__(copy=False), np.ones(1 << 18))
    if NUMPY >= 2:
        for ask in (np.array, np.asarray):
            with pytest.raises(ValueError, match="without a copy"):
                ask(small, copy=False)
            same(ask(small, copy=None), np.arange(6.0))
            same(ask(large, copy=False), np.ones(1 << 18))
    else:
        same(np.array(small, copy=False), np.arange(6.0))  # there it says: only if need be
    assert fh.asarray(small, copy=False) is small
    with pytest.raises(ValueError, match="without a copy"):
        fh.asarray(np.arange(3.0), copy=False)


@pytest.mark.skipif(not hasattr(getattr(np, "dtypes", None), "StringDType"), reason="this NumPy has no text of any length")
def test_text_of_any_length_stays_here(cluster):
    text = np.array(["a", "bcd"], np.dtypes.StringDType())
    with pytest.raises(fh.NotSupported, match="StringDType.*str of a fixed size"):
        fh.scatter(text)
    for made in (fh.asarray(text), fh.empty(3, "T"), fh.scatter(np.array(["a", "bcd"])).astype("T")):
        assert type(made) is np.ndarray and made.dtype == text.dtype
    same(fh.gather(fh.scatter(text.astype("U3"))), np.array(["a", "bcd"]))


@pytest.mark.skipif(not hasattr(np, "strings"), reason="this NumPy has no numpy.strings")
def test_functions_of_text(cluster):
    local = np.array(["some", "text ", "of six"])
    remote = fh.scatter(local)
    for name, *rest in [("upper",), ("strip",), ("find", "e"), ("str_len",), ("startswith", "t"), ("replace", "o", "u"), ("add", "!"), ("isalpha",)]:
        same(fh.gather(getattr(np.strings, name)(remote, *rest)), getattr(np.strings, name)(local, *rest))


def test_numbers_print_as_numbers(cluster):
    """Values of one element print as what they hold, on every NumPy; NumPy 2's own scalars say their type in lists."""
    x = fh.scatter(np.arange(3.0))
    assert repr(x[1]) == "1.0" and str(x.sum()) == "3.0" and f"{x.sum():.2f}" == "3.00" and repr((x.max(), x.argmax())) == "(2.0, 2)"
    assert repr(fh.gather(x)[1]) == repr(np.float64(1)) and repr(list(x)) == repr(list(np.arange(3.0)))
    assert repr(x.tolist()) == "[0.0, 1.0, 2.0]" and repr(x.sum().item()) == "3.0" and repr(x.sum() > 1) == "True"
    assert repr(fh.gather(x)) == "array([0., 1., 2.])"


def test_python_numbers_are_weak_on_every_numpy(cluster):
    small = fh.scatter(np.arange(3, dtype=np.uint8))
    narrow = small.astype(np.float32)
    assert (small + 1).dtype == np.uint8 and (small + np.int64(1)).dtype == np.int64 and (small + 1.0).dtype == np.float64
    assert (narrow + 3.0).dtype == np.float32 and (narrow + np.float64(3)).dtype == np.float64
    assert (narrow + fh.scatter(np.float64(3))).dtype == np.float64
    for ask in (lambda: small + 300, lambda: np.add(small, 300), lambda: small - -1, lambda: fh.clip(small, 0, 300),
                lambda: small.__setitem__(0, 300)):
        with pytest.raises(OverflowError, match="out of bounds for uint8"):
            ask()
    same(fh.gather(small == 300), np.zeros(3, bool))
    same(fh.gather(small > -1), np.ones(3, bool))
    assert fh.where(small > 1, narrow, 3.0).dtype == np.float32
