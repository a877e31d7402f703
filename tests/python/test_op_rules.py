"""codecs/op.h against NumPy: every operation with every combination of dtypes, reductions, promotion, casting.

The C files are built into a library of the test's own and called through ctypes.  Arrays with arrays are compared with what the
installed NumPy does; weak scalars with NEP 50 written out below, since NumPy before 2.0 does not follow it.
"""
import ctypes
import itertools
import os
import pathlib
import shutil
import subprocess
import warnings

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["codecs/op.c", "codecs/dtype.c", "codecs/dtype_other.c", "codecs/dtype_fields.c", "codecs/utf8.c",
           "base/err.c", "base/status.c"]
CHARS = "?bBhHiIlLefdFD"  # in the order of dtypes.def, codes from 1
CODE = {char: code for code, char in enumerate(CHARS, 1)}
CASTING = {"no": 0, "safe": 1, "same_kind": 2, "unsafe": 3}
WEAK = {int: 1, float: 2, complex: 3}
NUMPY_2 = int(np.__version__.split(".")[0]) >= 2
FLOAT_BEFORE_2 = {"floor", "ceil", "trunc"}  # gave float64 for integers before NumPy 2.1
NOT_NUMPY = {"real", "imag", "clip", "where", "cast"}  # no ufuncs there


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
    target = tmp_path_factory.mktemp("codecs") / "codecs.so"
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", f"-I{ROOT}", "-Wl,-z,defs", "-o", str(target)]
                   + [str(ROOT / source) for source in SOURCES], check=True)
    library = ctypes.CDLL(str(target))
    library.op_at.restype = library.op_find.restype = ctypes.POINTER(Op)
    library.op_find.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    library.dtype_can_cast.restype = ctypes.c_bool
    return library


def all_ops(lib):
    return [lib.op_at(i).contents for i in itertools.takewhile(lambda i: bool(lib.op_at(i)), itertools.count())]


def resolve(lib, op, inputs, dtype=None, casting="same_kind"):
    """The loop's characters as 'dd->d', or None where op_resolve says WRONG_TYPE.  Inputs: characters or Python scalar types."""
    array = (Input * 3)(*[Input(CODE[i], 0) if isinstance(i, str) else Input(0, WEAK[i]) for i in inputs])
    loop = Loop()
    status = lib.op_resolve(ctypes.byref(op), array, CODE[dtype] if dtype else 0, CASTING[casting], ctypes.byref(loop), None)
    if status == 4:
        return None
    assert status == 0
    return "".join(CHARS[c - 1] for c in loop.in_[:op.nin]) + "->" + "".join(CHARS[c - 1] for c in loop.out[:op.nout])


def numpy_outputs(name, inputs, **options):
    """The characters of NumPy's results, or None where it raises TypeError."""
    arrays = [np.ones(1, char) for char in inputs]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = getattr(np, name)(*arrays, **options)
        except TypeError:
            return None
    results = result if isinstance(result, tuple) else (result,)
    return "".join({"q": "l", "Q": "L"}.get(r.dtype.char, r.dtype.char) for r in results)


def test_ops_all_dtypes_as_numpy(lib):
    wrong = []
    for op in all_ops(lib):
        name = op.name.decode()
        if name in NOT_NUMPY or not hasattr(np, name):
            continue
        for inputs in itertools.product(CHARS, repeat=op.nin):
            if not NUMPY_2 and name in FLOAT_BEFORE_2 and inputs[0] in "?bBhHiIlL":
                continue
            ours = resolve(lib, op, inputs)
            ours = ours and ours.split("->")[1]
            theirs = numpy_outputs(name, inputs)
            if ours != theirs:
                wrong.append((name, inputs, ours, theirs))
    assert not wrong, wrong[:20]


def test_ops_with_dtype_as_numpy(lib):
    wrong = []
    names = ["add", "subtract", "true_divide", "power", "equal", "sin", "negative", "logical_and", "bitwise_and", "floor_divide"]
    for name in names:
        op = lib.op_find(name.encode(), len(name)).contents
        for inputs in itertools.product(CHARS, repeat=op.nin):
            for dtype in CHARS:
                ours = resolve(lib, op, inputs, dtype=dtype)
                theirs = numpy_outputs(name, inputs, dtype=dtype)
                if (ours and ours.split("->")[1]) != theirs:
                    wrong.append((name, inputs, dtype, ours, theirs))
    assert not wrong, (len(wrong), wrong[:20])


def test_casting_limits_as_numpy(lib):
    wrong = []
    op = lib.op_find(b"add", 3).contents
    for a, b, casting in itertools.product(CHARS, CHARS, ["no", "safe", "same_kind", "unsafe"]):
        ours = resolve(lib, op, (a, b), casting=casting)
        theirs = numpy_outputs("add", (a, b), casting=casting)
        if (ours and ours.split("->")[1]) != theirs:
            wrong.append((a, b, casting, ours, theirs))
    assert not wrong, wrong[:20]


def test_exact_comparison_of_mixed_64_bit_integers(lib):
    for name in [b"equal", b"not_equal", b"less", b"less_equal", b"greater", b"greater_equal"]:
        op = lib.op_find(name, len(name)).contents
        assert resolve(lib, op, "lL") == "lL->?"
        assert resolve(lib, op, "Lb") == "Ll->?"


WEAK_TABLE = [  # NEP 50: array dtype, scalar -> result dtype of add
    ("?", int, "l"), ("?", float, "d"), ("?", complex, "D"),
    ("b", int, "b"), ("B", int, "B"), ("h", int, "h"), ("H", int, "H"), ("i", int, "i"), ("I", int, "I"), ("l", int, "l"),
    ("L", int, "L"), ("e", int, "e"), ("f", int, "f"), ("d", int, "d"), ("F", int, "F"), ("D", int, "D"),
    ("b", float, "d"), ("B", float, "d"), ("h", float, "d"), ("H", float, "d"), ("i", float, "d"), ("I", float, "d"),
    ("l", float, "d"), ("L", float, "d"), ("e", float, "e"), ("f", float, "f"), ("d", float, "d"), ("F", float, "F"),
    ("D", float, "D"),
    ("b", complex, "D"), ("B", complex, "D"), ("h", complex, "D"), ("H", complex, "D"), ("i", complex, "D"), ("I", complex, "D"),
    ("l", complex, "D"), ("L", complex, "D"), ("e", complex, "F"), ("f", complex, "F"), ("d", complex, "D"), ("F", complex, "F"),
    ("D", complex, "D"),
]


@pytest.mark.parametrize("array, scalar, result", WEAK_TABLE)
def test_weak_scalar_follows_nep_50(lib, array, scalar, result):
    op = lib.op_find(b"add", 3).contents
    assert resolve(lib, op, (array, scalar)) == f"{result}{result}->{result}"
    assert resolve(lib, op, (scalar, array)) == f"{result}{result}->{result}"
    if NUMPY_2:
        assert np.add(np.ones(1, array), scalar(1)).dtype.char == result


WEAK_CASES = [
    ("ldexp", ("e", int), "el->e"), ("ldexp", ("?", int), "el->e"), ("true_divide", ("b", int), "dd->d"),
    ("arctan2", ("b", float), "dd->d"), ("arctan2", ("f", complex), None), ("float_power", ("e", int), "dd->d"),
    ("left_shift", ("?", int), "ll->l"), ("floor_divide", ("?", int), "ll->l"), ("power", ("?", int), "ll->l"),
    ("where", ("?", "f", float), "?ff->f"), ("where", ("?", int, float), "?dd->d"), ("where", ("l", "b", "H"), None),
    ("clip", ("b", int, int), "bbb->b"), ("clip", ("f", float, "d"), "ddd->d"), ("sin", (int,), "d->d"),
    ("add", (int, float), "dd->d"), ("add", (int, int), "ll->l"), ("equal", ("L", int), "LL->?"),
]


@pytest.mark.parametrize("name, inputs, expected", WEAK_CASES)
def test_weak_scalar_in_other_ops(lib, name, inputs, expected):
    assert resolve(lib, lib.op_find(name.encode(), len(name)).contents, inputs) == expected


def test_promotion_as_numpy(lib):
    for a, b in itertools.product(CHARS, repeat=2):
        assert CHARS[lib.dtype_promote(CODE[a], CODE[b]) - 1] == np.promote_types(a, b).char, (a, b)


def test_casting_as_numpy(lib):
    for a, b, casting in itertools.product(CHARS, CHARS, CASTING):
        assert lib.dtype_can_cast(CODE[a], CODE[b], CASTING[casting]) == np.can_cast(a, b, casting), (a, b, casting)


REDUCTIONS = {"sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max, "any": np.any, "all": np.all, "argmin": np.argmin,
              "argmax": np.argmax, "bitwise_and": np.bitwise_and.reduce, "bitwise_or": np.bitwise_or.reduce,
              "bitwise_xor": np.bitwise_xor.reduce, "count_nonzero": lambda a: np.asarray(np.count_nonzero(a))}


def test_reductions_all_dtypes_as_numpy(lib):
    for name, function in REDUCTIONS.items():
        for char in CHARS:
            result = ctypes.c_int()
            status = lib.reduce_resolve(lib.reduce_find(name.encode(), len(name)), CODE[char], 0, ctypes.byref(result), None)
            try:
                theirs = function(np.ones(1, char)).dtype.char
            except TypeError:
                theirs = None
            ours = CHARS[result.value - 1] if status == 0 else None
            assert ours == theirs, (name, char)


def test_reductions_with_dtype_as_numpy(lib):
    for name, char, dtype in itertools.product(["sum", "prod"], CHARS, CHARS):
        result = ctypes.c_int()
        status = lib.reduce_resolve(lib.reduce_find(name.encode(), len(name)), CODE[char], CODE[dtype], ctypes.byref(result), None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert status == 0 and CHARS[result.value - 1] == REDUCTIONS[name](np.ones(1, char), dtype=dtype).dtype.char


def test_names_and_aliases_are_found(lib):
    for op in all_ops(lib):
        assert lib.op_find(op.name, len(op.name)).contents.code == op.code
    for alias, name in [(b"abs", b"absolute"), (b"divide", b"true_divide"), (b"mod", b"remainder"), (b"acos", b"arccos"),
                        (b"bitwise_invert", b"invert"), (b"pow", b"power")]:
        assert lib.op_find(alias, len(alias)).contents.name == name
    assert not lib.op_find(b"ad", 2) and not lib.op_find(b"adds", 4) and not lib.op_find(b"", 0)
