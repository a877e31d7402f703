"""Kernels that several tests need, and skips where their compilers are missing."""
import pytest

import farhand as fh

CARRAY = {"bool": "_Bool", "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
          "uint32": "uint32_t", "int64": "int64_t", "uint64": "uint64_t", "float32": "float", "float64": "double",
          "complex64": "float _Complex", "complex128": "double _Complex"}


def clang_or_skip():
    from farhand.producers.c import find_clang

    try:
        find_clang(22)
    except fh.KernelError as problem:
        pytest.skip(f"no clang here: {problem}")


def numba_or_skip():
    return pytest.importorskip("numba")


def c(text, entry=None, **options):
    """A kernel from C; the test is skipped where there is no clang."""
    clang_or_skip()
    return fh.kernel.from_c(text, entry, **options)
