"""engine/compute against NumPy: every loop of every operation over edge cases and random numbers.

The C files are built into a library of the test's own (baseline loops only: the wide ones are the same code) and called through
ctypes.  Integers and bools must be equal; floating results within a few units in the last place, since libm is not NumPy's.
"""
import ctypes
import itertools
import operator
import os
import pathlib
import shutil
import subprocess
import warnings

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHARS = "?bBhHiIlLefdFD"  # in the order of dtypes.def, codes from 1
CODE = {char: code for code, char in enumerate(CHARS, 1)}
NUMPY_2 = int(np.__version__.split(".")[0]) >= 2
SEED = int(os.environ.get("FARHAND_TEST_SEED", "20260101"))
COUNT = 300


class Shape(ctypes.Structure):
    _fields_ = [("ndim", ctypes.c_int), ("extent", ctypes.c_int64 * 32)]


class Nd(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int), ("shape", Shape), ("stride", ctypes.c_int64 * 32)]

    @classmethod
    def of(cls, array):
        self = cls(array.__array_interface__["data"][0], CODE[array.dtype.char])
        self.shape.ndim = array.ndim
        for i in range(array.ndim):
            self.shape.extent[i], self.stride[i] = array.shape[i], array.strides[i]
        return self


class Op(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("code", ctypes.c_int), ("nin", ctypes.c_int), ("nout", ctypes.c_int),
                ("doc", ctypes.c_char_p), ("reduce", ctypes.c_int)]


class Input(ctypes.Structure):
    _fields_ = [("dtype", ctypes.c_int), ("weak", ctypes.c_int)]


class Loop(ctypes.Structure):
    _fields_ = [("in_", ctypes.c_int * 3), ("out", ctypes.c_int * 2)]


@pytest.fixture(scope="session")
def lib(tmp_path_factory):
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    target = tmp_path_factory.mktemp("compute") / "compute.so"
    sources = [path for path in (ROOT / "engine/compute").glob("*.c") if "strip_registers.h" not in path.read_text()]  # of wide vectors only
    codecs = ("op", "reduction", "dtype", "dtype_other", "dtype_fields", "order", "utf8", "shape", "index", "strided")
    sources += [ROOT / "codecs" / f"{name}.c" for name in codecs]
    sources += [ROOT / "base/err.c", ROOT / "base/status.c", ROOT / "base/stream_copy.c"]
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", "-DFH_LOOPS_VARIANT=baseline", "-shared", "-fPIC", "-O1",
                    "-fno-strict-aliasing", "-ffp-contract=off", f"-I{ROOT}", "-o", str(target), *map(str, sources), "-lm", "-lsleef",
                    "-lpthread"], check=True)
    library = ctypes.CDLL(str(target))
    library.op_at.restype = library.op_find.restype = ctypes.POINTER(Op)
    library.op_find.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return library


@pytest.fixture(scope="session")
def crew(lib):
    made = ctypes.c_void_p()
    assert lib.crew_new(ctypes.byref(made), 2, None) == 0
    yield made
    lib.crew_destroy(ctypes.byref(made))


def ufunc(lib, crew, op, inputs):
    """The results as arrays; None where op_resolve knows no loop."""
    loop = Loop()
    kinds = (Input * 3)(*[Input(CODE[array.dtype.char], 0) for array in inputs])
    if lib.op_resolve(op, kinds, 0, 2, ctypes.byref(loop), None) != 0:
        return None
    row = op.contents
    outs = [np.empty(inputs[0].shape, CHARS[loop.out[k] - 1]) for k in range(row.nout)]
    status = lib.compute_ufunc(crew, op, ctypes.byref(loop), (Nd * 3)(*map(Nd.of, inputs)), row.nin, (Nd * 2)(*map(Nd.of, outs)),
                               row.nout, None, None)
    assert status == 0, (row.name, [array.dtype for array in inputs])
    return outs


EDGES = [0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 0.5, 2, -3.7, 1e-3, 700, -700, 2.5, 3.5, -2.5]


def numbers(rng, char):
    kind = np.dtype(char).kind
    if kind == "b":
        return rng.random(COUNT) > 0.5
    if kind in "iu":
        limits = np.iinfo(char)
        array = rng.integers(limits.min, limits.max, COUNT, dtype=char, endpoint=True)
        array[:8] = [0, 1, limits.max, limits.min, 2, 3, limits.max - 1, 7]
        array[8:COUNT // 2] = (rng.integers(0, 12, COUNT // 2 - 8) - (5 if kind == "i" else 0)).astype(char)
        return rng.permutation(array)
    if kind == "c":
        return (numbers(rng, "d") + 0j).astype(char) + np.array([complex(0, x) for x in numbers(rng, "d")]).astype(char)
    array = (rng.standard_normal(COUNT) * 4).astype(char)
    array[:len(EDGES)] = EDGES
    return rng.permutation(array)


def operands(rng, name, chars):
    inputs = [numbers(rng, char) for char in chars]
    if name in ("left_shift", "right_shift", "ldexp") and chars[1] != "?":
        inputs[1] = rng.integers(0, 20, COUNT).astype(chars[1])
    if name in ("power", "float_power") and np.dtype(chars[1]).kind == "i":
        inputs[1] = np.abs(inputs[1] % 9)  # negative exponents of integers are an error
    if name in ("power", "float_power") and np.result_type(*chars).kind == "c":
        inputs = [np.where(np.isfinite(x) & (x != 0), x, x.dtype.type(2)) for x in inputs]  # C libraries differ at infinity
    if name == "clip" and chars[1] not in "FD":
        inputs[1], inputs[2] = np.minimum(inputs[1], inputs[2]), np.maximum(inputs[1], inputs[2])
    if name == "clip" and chars[1] in "FD":
        inputs = [np.nan_to_num(x) for x in inputs]
    return inputs


EPS = {"e": 2e-3, "f": 4e-6, "d": 2e-13, "F": 2e-5, "D": 2e-12}


def near(a, b, relative, absolute=0.0):
    """Equal, both NaN, or finite and this close."""
    with np.errstate(all="ignore"):
        gap = np.abs(a.astype("d") - b.astype("d")) <= np.maximum(relative * np.abs(b.astype("d")), absolute)
    return (a == b) | (np.isnan(a) & np.isnan(b)) | (np.isfinite(a) & np.isfinite(b) & gap)


def wrong_at(ours, theirs, signs):
    if ours.dtype.kind in "biu":
        return ours != theirs
    eps = EPS[ours.dtype.char]
    if ours.dtype.kind == "c":
        size = np.where(np.isfinite(theirs), np.abs(theirs), 0) + 1  # a part may be what is left of larger ones
        return ~(near(ours.real, theirs.real, eps, eps * size) & near(ours.imag, theirs.imag, eps, eps * size))
    right = near(ours, theirs, eps)
    if signs:
        right &= (np.signbit(ours) == np.signbit(theirs)) | np.isnan(theirs)
    return ~right


COMPARISONS = {"equal": operator.eq, "not_equal": operator.ne, "less": operator.lt, "less_equal": operator.le,
               "greater": operator.gt, "greater_equal": operator.ge}
NUMPY_NAMES = {"where": np.where, "clip": np.clip, "real": np.real, "imag": np.imag,
               "cast": np.array}
WITHOUT_ZERO_SIGNS = {"maximum", "minimum", "fmax", "fmin", "clip"}  # either zero may win
CHANGED_IN_2 = {("sign", "F"), ("sign", "D")}


def reference(name, inputs):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = NUMPY_NAMES.get(name, getattr(np, name, None))(*inputs)
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]


def dtype_choices(op):
    if op.nin == 1:
        return [(a,) for a in CHARS]
    if op.nin == 2:
        return [(a, b) for a, b in itertools.product(CHARS, repeat=2) if a == b or {a, b} & set("iLed")]
    return [("?" if op.name == b"where" else a, a, a) for a in CHARS]


def op_names():
    text = (ROOT / "codecs/ops.def").read_text()
    return [line.split('"')[1] for line in text.splitlines() if line.startswith("OP(")]


@pytest.mark.parametrize("name", op_names())
def test_loops_give_what_numpy_gives(lib, crew, name):
    rng = np.random.default_rng(SEED)
    op = lib.op_find(name.encode(), len(name))
    wrong, compared = [], 0
    for chars in dtype_choices(op.contents):
        inputs = operands(rng, name, chars)
        results = ufunc(lib, crew, op, inputs)
        if results is None or (not NUMPY_2 and (name, chars[0]) in CHANGED_IN_2):
            continue
        for ours, theirs in zip(results, reference(name, inputs)):
            if name in ("floor", "ceil", "trunc") and ours.dtype.kind in "biu":
                theirs = inputs[0]  # NumPy before 2.1 rounds integers by way of float64
            assert ours.dtype == theirs.dtype, (chars, ours.dtype, theirs.dtype)
            if name in COMPARISONS and "L" in chars and set(chars) & set("bhil") and not NUMPY_2:
                continue  # compared in float64 there; exactly below
            bad = np.flatnonzero(wrong_at(ours, theirs, name not in WITHOUT_ZERO_SIGNS))
            compared += 1
            if len(bad):
                i = bad[0]
                wrong.append((chars, len(bad), [x[i] for x in inputs], ours[i], theirs[i]))
    assert compared > 0
    assert not wrong, wrong[:10]


@pytest.mark.parametrize("name", sorted(COMPARISONS))
def test_mixed_64_bit_comparisons_are_exact(lib, crew, name):
    signed = np.array([-1, 0, 2**63 - 1, 2**53 + 1, -2**63, 5], "l")
    unsigned = np.array([2**64 - 1, 0, 2**63, 2**53, 2**63, 5], "L")
    op = lib.op_find(name.encode(), len(name))
    compare = COMPARISONS[name]
    assert ufunc(lib, crew, op, [signed, unsigned])[0].tolist() == [compare(int(a), int(b)) for a, b in zip(signed, unsigned)]
    assert ufunc(lib, crew, op, [unsigned, signed])[0].tolist() == [compare(int(b), int(a)) for a, b in zip(signed, unsigned)]


@pytest.mark.parametrize("source, target", itertools.product(CHARS, CHARS))
def test_casts_give_what_numpy_gives(lib, crew, source, target):
    rng = np.random.default_rng(SEED)
    array = numbers(rng, source)
    if array.dtype.kind in "fc" and np.dtype(target).kind in "iu":
        limit = min(np.iinfo(target).max, 30000)  # C leaves the rest open
        array = np.nan_to_num(array, nan=3, posinf=5, neginf=7)
        array = np.where((array.real > limit) | (array.real < (0 if target.isupper() else -limit)), array.dtype.type(9), array)
    out = np.empty(COUNT, target)
    assert lib.compute_assign(crew, ctypes.byref(Nd.of(out)), ctypes.byref(Nd.of(array)), None) == 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        assert np.array_equal(out, array.astype(target), equal_nan=np.dtype(target).kind in "fc")
