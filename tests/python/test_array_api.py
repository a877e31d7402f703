"""farhand.array_api: the names and signatures of the standard, and results that are NumPy's."""
import inspect
import pathlib

import numpy as np
import pytest

import farhand as fh
from farhand import array_api as xp
from farhand.function_table import standard
from oracle import make, nep50, same

SIGNATURES = [line for line in pathlib.Path(__file__).with_name("array_api_signatures.txt").read_text().splitlines()
              if not line.startswith("#")]


def find(name):
    found = xp
    for part in name.split("."):
        found = getattr(found, part)
    return found


def parameters(text):
    return [(p.name, p.kind, p.default) for p in inspect.signature(eval(f"lambda {text}: None")).parameters.values()]


@pytest.mark.parametrize("line", SIGNATURES, ids=lambda line: line.partition("(")[0])
def test_signature_is_the_standards(line):
    name, _, text = line.rstrip(")").partition("(")
    mine = inspect.signature(find(name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in mine] == parameters(text)
    assert name in dir(xp) or name.partition(".")[0] in dir(xp)


def test_table_has_every_name():
    groups = standard()
    listed = {f"{group}." * (group in ("linalg", "fft")) + name for group, names in groups.items() for name in names
              if group not in ("constants", "dtypes")}
    assert listed == {line.partition("(")[0] for line in SIGNATURES}
    assert [sum(name.startswith(prefix) for name in listed) for prefix in ("linalg.", "fft.", "")] == [25, 14, 135 + 25 + 14]
    for name in groups["constants"] + groups["dtypes"]:
        assert hasattr(xp, name), name


def test_namespace_of_an_array(cluster):
    x = xp.asarray([1.0, 2.0])
    assert x.__array_namespace__() is xp and x.__array_namespace__(api_version="2025.12") is xp and xp.__array_api_version__ == "2025.12"
    with pytest.raises(ValueError):
        x.__array_namespace__(api_version="1999.01")
    info = xp.__array_namespace_info__()
    assert info.default_device() is None and isinstance(info.devices(), tuple) and len(info.devices()) == 2
    assert set(info.dtypes(kind=("bool", "signed integer"))) == {"bool", "int8", "int16", "int32", "int64"}
    assert info.default_dtypes()["integral"] == xp.int64 and info.capabilities()["boolean indexing"] is True


def test_devices_are_engines(cluster):
    x = xp.ones(4, device=1)
    assert x.device == 1 and x.device == xp.__array_namespace_info__().devices()[1] and x.to_device(0).device == 0
    spread = fh.scatter(np.arange(6.0))
    assert spread.device == "any" and spread.to_device("any") is spread and spread.to_device(1).engines == (1,)
    assert xp.zeros((1 << 18,)).npieces == 2 and xp.zeros((4,)).npieces == 1
    assert x.device == spread.device and hash(x.device) == hash(spread.device)  # arrays of a session may meet
    assert x.device != 0 and spread.device != 0 and x.device != "any"
    with pytest.raises(TypeError):
        x.to_device("gpu")


def local_and_remote(dtype, shape=(5, 4), seed=0):
    local = make(shape, dtype, seed, small=True)
    return local, fh.scatter(local)


NUMPYS = {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
          "atanh": "arctanh", "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift", "bitwise_invert": "invert",
          "pow": "power", "concat": "concatenate", "permute_dims": "transpose"}


def numpys(name):
    return getattr(np, NUMPYS.get(name, name))


@pytest.mark.parametrize("name", standard()["elementwise"])
@np.errstate(all="ignore")
def test_functions_of_elements_are_numpys(cluster, name):
    function = find(name)
    inputs = len([p for p in inspect.signature(function).parameters.values() if p.default is p.empty])
    for dtype in ("bool", "int32", "float32", "float64", "complex128"):
        if name == "conj" and dtype == "bool":
            continue  # not in the standard; NumPy makes int8 of it
        a, far_a = local_and_remote(dtype, seed=1)
        b, far_b = local_and_remote(dtype, seed=2)
        if name.startswith("bitwise") and "shift" in name or name == "pow":
            b = abs(b).astype(dtype)
            far_b = fh.scatter(b)
        given, far = ((a, b), (far_a, far_b)) if inputs == 2 else ((a,), (far_a,))
        with nep50():
            try:
                expected = numpys(name)(*given) if name != "clip" else a.copy()
                if name == "sign" and dtype == "complex128":
                    expected = a / abs(a)  # as in NumPy 2
            except TypeError:
                continue
            if name in ("ceil", "floor", "trunc", "round") and a.dtype.kind in "biu":
                expected = a
        same(fh.gather(function(*far)), expected, 2e-6 if dtype == "float32" else 1e-12)


@np.errstate(all="ignore")
def test_infinities_are_divided_as_the_standard_says(cluster):
    values = np.array([np.inf, -np.inf, np.inf, 3.0, -3.0, 7.0, np.nan])
    by = np.array([2.0, 2.0, -3.0, -np.inf, np.inf, 2.0, 1.0])
    result = fh.gather(xp.floor_divide(fh.scatter(values), fh.scatter(by)))
    np.testing.assert_array_equal(result, [np.inf, -np.inf, -np.inf, -0.0, -0.0, 3.0, np.nan])
    assert np.signbit(result[3:5]).all()
    assert complex(xp.expm1(xp.asarray(complex(-np.inf, np.inf)))).real == -1
    zero = complex(xp.expm1(xp.asarray(complex(-0.0, -0.0))))
    assert zero == 0 and np.signbit([zero.real, zero.imag]).tolist() == [False, True]


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_tanh_of_infinite_real_parts_keeps_the_sign_of_the_imaginary_part(cluster, dtype):
    values = np.array([complex(re, im) for re in (np.inf, -np.inf) for im in (0.5, -0.5, 2.0, -2.0, 0.0, -0.0)], dtype)
    limits = fh.gather(xp.tanh(fh.scatter(values)))
    np.testing.assert_array_equal(limits, np.sign(values.real))
    np.testing.assert_array_equal(np.signbit(limits.imag), np.signbit(values.imag))
    with np.errstate(invalid="ignore"):
        assert np.isnan(complex(xp.tanh(xp.asarray(complex(np.nan, 1), dtype=np.dtype(dtype)))))
    np.testing.assert_allclose(fh.gather(xp.tanh(fh.scatter(np.array([1 + 2j], dtype)))), np.tanh([1 + 2j]), rtol=1e-6)


@np.errstate(all="ignore")
def test_operators_divide_as_the_standard_says_where_asked_to(cluster, monkeypatch):
    values = np.array([np.inf, -np.inf, np.inf, 3.0, -3.0, 7.0])
    by = np.array([2.0, 2.0, -3.0, -np.inf, np.inf, 2.0])
    standard = np.array([np.inf, -np.inf, -np.inf, -0.0, -0.0, 3.0])
    x, y = fh.scatter(values), fh.scatter(by)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fh.gather(x // y), values // by)
        monkeypatch.setattr(fh.config, "floor_division", "standard")
        results = [fh.gather(x // y), fh.gather(x // by)]
        np.testing.assert_array_equal(fh.gather(3.0 // y)[3:], [-0.0, 0.0, 1.0])
        np.testing.assert_array_equal(fh.gather(x // 2)[:3], [np.inf, -np.inf, np.inf])
        x //= y
        results.append(fh.gather(x))
        for result in results:
            np.testing.assert_array_equal(result, standard)
            assert np.signbit(result[3:5]).all()
        integers = fh.scatter(np.arange(-4, 4))
        np.testing.assert_array_equal(fh.gather(integers // 3), np.arange(-4, 4) // 3)
        with pytest.raises(ValueError, match="standard"):
            fh.config.floor_division = "mine"
        assert fh.config.floor_division == "standard"
        with pytest.raises(TypeError):
            x // "2"
        monkeypatch.undo()
        np.testing.assert_array_equal(fh.gather(y // y)[:3], (by // by)[:3])
        np.testing.assert_array_equal(fh.gather(fh.scatter(values) // y), values // by)


def test_solve_takes_stacks_as_the_standard_says(cluster):
    rng = np.random.default_rng(1)
    a, b = rng.random((5, 3, 3)), rng.random((3, 2))
    stacks = np.stack([np.linalg.solve(one, b) for one in a])
    for right, expected in ((b, stacks), (b[:, 0], stacks[..., 0])):
        np.testing.assert_allclose(fh.gather(xp.linalg.solve(xp.asarray(a), xp.asarray(right))), expected)
    assert xp.linalg.solve(xp.ones((0, 0, 0)), xp.ones((0, 0))).shape == (0, 0, 0)


CASES = {
    "take": lambda xp, x: xp.take(x, xp.asarray([2, 0, 1]), axis=1),
    "take_along_axis": lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=0), axis=0),
    "matmul": lambda xp, x: xp.matmul(x, xp.permute_dims(x, (1, 0))),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=((0,), (0,))),
    "vecdot": lambda xp, x: xp.vecdot(x, x + 1),
    "roll": lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1)),
    "repeat": lambda xp, x: xp.repeat(x, 2, axis=1),
    "tile": lambda xp, x: xp.tile(x, (2, 1)),
    "unstack": lambda xp, x: xp.unstack(x, axis=1)[2],
    "flip": lambda xp, x: xp.flip(x, axis=0),
    "squeeze": lambda xp, x: xp.squeeze(xp.expand_dims(x, (0, 2)), (0, 2)),
    "argmax": lambda xp, x: xp.argmax(x, axis=1, keepdims=True),
    "count_nonzero": lambda xp, x: xp.count_nonzero(x, axis=0),
    "nonzero": lambda xp, x: xp.nonzero(x > 0)[1],
    "searchsorted": lambda xp, x: xp.searchsorted(xp.sort(x[:, 0]), x, side="right"),
    "where": lambda xp, x: xp.where(x > 0, x, 7.0),
    "isin": lambda xp, x: xp.isin(x, x[1, :]),
    "unique_values": lambda xp, x: xp.unique_values(x),
    "unique_inverse": lambda xp, x: xp.unique_inverse(x)[1],
    "sort": lambda xp, x: xp.sort(x, axis=0),
    "cumulative_sum": lambda xp, x: xp.cumulative_sum(x, axis=0, include_initial=True),
    "cumulative_prod": lambda xp, x: xp.cumulative_prod(x, axis=1),
    "diff": lambda xp, x: xp.diff(x, axis=0, n=2),
    "linspace": lambda xp, x: xp.linspace(0.0, 1.0, 7),
    "eye": lambda xp, x: xp.eye(3, 4, k=1),
    "meshgrid": lambda xp, x: xp.meshgrid(x[0, :], x[:, 1], indexing="ij")[1],
    "tril": lambda xp, x: xp.tril(x, k=1),
    "fft.rfft": lambda xp, x: xp.fft.rfft(x, axis=0),
    "fft.fftn": lambda xp, x: xp.fft.fftn(x),
    "fft.fftfreq": lambda xp, x: xp.fft.fftfreq(8, d=0.5),
    "fft.fftshift": lambda xp, x: xp.fft.fftshift(x, axes=(0,)),
    "linalg.svdvals": lambda xp, x: xp.linalg.svdvals(x),
    "linalg.qr": lambda xp, x: xp.linalg.qr(x)[1],
    "linalg.pinv": lambda xp, x: xp.linalg.pinv(x),
    "linalg.vector_norm": lambda xp, x: xp.linalg.vector_norm(x, axis=0, ord=3),
    "linalg.matrix_norm": lambda xp, x: xp.linalg.matrix_norm(x, ord=1),
    "linalg.diagonal": lambda xp, x: xp.linalg.diagonal(x, offset=1),
    "linalg.trace": lambda xp, x: xp.linalg.trace(x),
    "linalg.outer": lambda xp, x: xp.linalg.outer(x[0, :], x[:, 0]),
    "linalg.cross": lambda xp, x: xp.linalg.cross(x[:, :3], x[:, 1:]),
    "linalg.matrix_rank": lambda xp, x: xp.linalg.matrix_rank(x),
    "linalg.eigvalsh": lambda xp, x: xp.linalg.eigvalsh(x[:4, :4]),
    "linalg.slogdet": lambda xp, x: xp.linalg.slogdet(x[:4, :4])[1],
    "linalg.solve": lambda xp, x: xp.linalg.solve(x[:4, :4], x[0, :4]),
    "linalg.matrix_power": lambda xp, x: xp.linalg.matrix_power(x[:4, :4], 3),
}


@pytest.mark.skipif(not hasattr(np, "unique_values"), reason="this NumPy has no array API namespace to compare with")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("cut", [0, 1, None])
def test_other_functions_are_numpys(cluster, name, cut):
    local = make((6, 4), "float64", 5, small=True)
    same(fh.gather(CASES[name](xp, fh.scatter(local, axis=cut))), CASES[name](np, local), 1e-11)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("cut", [0, None])
def test_other_functions_run_on_every_numpy(cluster, name, cut):
    result = CASES[name](xp, fh.scatter(make((6, 4), "float64", 5, small=True), axis=cut))
    assert isinstance(result, fh.Array)
    result.wait()


def test_descending_sorts_are_stable(cluster):
    local = np.array([[3, 1, 3, 2], [0, 0, 5, 5]])
    x = fh.scatter(local)
    np.testing.assert_array_equal(fh.gather(xp.argsort(x, descending=True)), [[0, 2, 3, 1], [2, 3, 0, 1]])
    np.testing.assert_array_equal(fh.gather(xp.sort(x, descending=True)), [[3, 3, 2, 1], [5, 5, 0, 0]])


def test_result_type_takes_python_numbers_by_their_kind():
    assert xp.result_type(xp.float32, 1.0) == xp.float32 and xp.result_type(xp.int8, 1000) == xp.int8
    assert xp.result_type(xp.float32, 1j) == xp.complex64 and xp.result_type(xp.int8, 1.0) == xp.float64
    assert xp.result_type(xp.bool, True) == xp.bool and xp.result_type(xp.bool, 1) == xp.int64


def test_dlpack(cluster):
    local = make((4, 3), "float64")
    remote = fh.scatter(local)
    np.testing.assert_array_equal(np.from_dlpack(remote), local)
    assert remote.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError):
        remote.__dlpack__(copy=False)
    same(fh.gather(xp.from_dlpack(local)), local)
    assert xp.from_dlpack(remote) is remote


def test_functions_beyond_the_standard_are_numpys(cluster):
    local = np.arange(12.0).reshape(4, 3)
    x = fh.scatter(local)
    for name, *arguments in [("pad", 1), ("quantile", 0.5), ("gradient",), ("median", 0), ("transpose", (1, 0)), ("nanmax",)]:
        assert name not in dir(xp)
        for mine, numpys in zip(*(found if isinstance(found, (list, tuple)) else [found] for found in
                                  (getattr(xp, name)(x, *arguments), getattr(np, name)(local, *arguments)))):
            same(fh.gather(mine), numpys, 1e-14)
    same(fh.gather(xp.einsum("ij->j", x)), local.sum(0))
    for name in ("scatter", "no_such_function"):
        with pytest.raises(AttributeError, match=f"farhand.array_api.*{name}"):
            getattr(xp, name)


@pytest.mark.parametrize("k", [-2**63, -4, -3, 2, 3, 4, 2**63 - 1])
def test_diagonals_may_lie_outside(cluster, k):
    near = max(-9, min(k, 9))
    same(fh.gather(xp.eye(3, 4, k=k)), np.eye(3, 4, near))
    same(fh.gather(xp.eye(0, k=k)), np.eye(0))
    same(fh.gather(fh.tri(3, 4, k)), np.tri(3, 4, near))
