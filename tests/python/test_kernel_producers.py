"""Every producer, every kind of kernel, every dtype: bitcode that the compilers have written, and Numba's, written now.

tests/producers/make writes the bitcode; its sources say what each function does.
"""
import pathlib
import re
import zlib

import numpy as np
import pytest

import farhand as fh

BITCODE = pathlib.Path(__file__).resolve().parent.parent / "producers" / "bitcode"
INTEGERS = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
KINDS = ["ufunc", "piece", "array", "gufunc", "product", "span"]
NO_HALF = ("clang-13", "clang-14", "rustc", "flang", "numba")  # compilers without half precision on x86-64


def dtypes_of(producer, kind):
    """The dtypes that a producer has a function of this kind for."""
    language = producer.split("-")[0]
    names = INTEGERS + FLOATS + ([] if kind == "span" else ["bool"] + COMPLEX)
    if language != "flang":
        names = names + UNSIGNED
    if not producer.startswith(NO_HALF):
        names = names + ["float16"]
    return names


def cases():
    for folder in sorted(BITCODE.iterdir()):
        for kind in KINDS:
            if kind != "span" or folder.name.startswith("clang"):
                for dtype in dtypes_of(folder.name, kind):
                    yield pytest.param(folder.name, kind, dtype, id=f"{folder.name}-{kind}-{dtype}")


def code_of(producer, kind):
    whole = BITCODE / producer / "kernels.bc"
    part = BITCODE / producer / f"{'reduction' if kind in ('product', 'span') else kind}.bc"
    return (whole if whole.exists() else part).read_bytes()


def values(shape, dtype, seed):
    """Small numbers."""
    rng = np.random.default_rng(zlib.crc32(f"{dtype}{seed}".encode()))
    numbers = rng.integers(1, 4, shape)
    if dtype == "bool":
        return numbers > 2
    if dtype.startswith("complex"):
        return (numbers + 1j * rng.integers(0, 3, shape)).astype(dtype)
    return (numbers if dtype.startswith("u") else numbers * rng.choice([-1, 1], shape)).astype(dtype)


def distributed(array):
    return fh.scatter(array, axis=0) if array.ndim else array


def check(result, expected, dtype):
    got = np.asarray(result)
    assert got.dtype == np.dtype(dtype)
    # Long products round, and NumPy multiplies in another order.
    tolerance = 0 if got.dtype.kind in "biu" else 16 * np.finfo(dtype).eps
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(got, expected, rtol=tolerance)


def run_ufunc(code, dtype, entry):
    kernel = fh.kernel(code, entry, signature=f"{dtype}({dtype}, {dtype}, {dtype})")
    a, b, c = values((7, 5), dtype, 1), values((5,), dtype, 2), values((7, 5), dtype, 3)
    expected = (a ^ b) ^ c if dtype == "bool" else (a + b) * c
    check(kernel(distributed(a), b, distributed(c)), expected, dtype)
    check(kernel(distributed(a.T), b[:, None], distributed(c.T)), expected.T, dtype)


def run_piece(code, dtype, entry):
    kernel = fh.kernel(code, entry, signature=f"{dtype}({dtype})", kind="piece")
    a = values((9,), dtype, 1)
    d = distributed(a)
    expected = np.concatenate([difference(np.asarray(piece)) for piece in d.pieces])
    check(kernel.map(d), expected, dtype)


def difference(piece):
    before = np.concatenate([np.zeros(1, piece.dtype), piece[:-1]])
    return piece ^ before if piece.dtype == bool else piece - before


def run_array(code, dtype, entry):
    kernel = fh.kernel(code, entry, kind="array")
    a = values((11, 6), dtype, 1)
    expected = a.copy()
    for here, there in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        expected[here] = expected[here] ^ a[there] if dtype == "bool" else expected[here] + a[there]
    check(kernel.map(distributed(a), halo=(1, 0)), expected, dtype)


def run_gufunc(code, dtype, entry):
    kernel = fh.kernel(code, entry, kind="gufunc", layout="(n),(n)->()", signature=f"void({dtype}[:], {dtype}[:], {dtype})")
    a, b = values((7, 4), dtype, 1), values((4,), dtype, 2)
    expected = (a & b).any(axis=1) if dtype == "bool" else (a * b).sum(axis=1, dtype=dtype)
    check(kernel(distributed(a), b), expected, dtype)


def run_product(code, dtype, entry):
    kernel = fh.kernel(code, entry, kind="reduction", signature=f"{dtype}({dtype})")
    a = values((9, 3), dtype, 1)
    for axis in (0, 1, None):
        with np.errstate(over="ignore"):
            expected = np.logical_xor.reduce(a, axis=axis) if dtype == "bool" else a.prod(axis=axis, dtype=dtype)
        check(kernel.reduce(distributed(a), axis=axis), expected, dtype)
    running = np.logical_xor.accumulate(a) if dtype == "bool" else a.cumprod(axis=0, dtype=dtype)
    check(kernel.accumulate(distributed(a), axis=0), running, dtype)


def run_span(code, dtype, entry):
    kernel = fh.kernel(code, entry, kind="reduction", signature=f"{dtype}({dtype})")
    a = values((8, 5), dtype, 1)
    for axis in (0, 1, None):
        check(kernel.reduce(distributed(a), axis=axis), a.max(axis=axis) - a.min(axis=axis), dtype)


def skip_if_newer(refusal):
    """Engines may be built with an older LLVM than a compiler: then, and only then, they must refuse."""
    compiler, engine = (int(major) for major in re.findall(r"LLVM ?(\d+)", str(refusal))[:2])
    if compiler > engine:
        pytest.skip(f"the compiler has LLVM {compiler}, the engines LLVM {engine}")


RUN = {"ufunc": run_ufunc, "piece": run_piece, "array": run_array, "gufunc": run_gufunc, "product": run_product, "span": run_span}


@pytest.mark.parametrize("producer, kind, dtype", cases())
def test_bitcode_of_each_compiler_computes_what_numpy_does(cluster, producer, kind, dtype):
    try:
        RUN[kind](code_of(producer, kind), dtype, f"{kind}_{dtype}")
    except fh.BitcodeTooNew as refusal:
        skip_if_newer(refusal)
        raise


def test_every_compiler_has_left_its_bitcode():
    producers = {folder.name for folder in BITCODE.iterdir()}
    assert {"clang-13", "clang-14", "clang-15", "clang-16", "clang-19", "clang-22", "rustc", "flang-19"} <= producers
