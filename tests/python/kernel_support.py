"""Kernels that several tests need, and skips where their compilers are missing."""
import functools

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


@functools.cache
def _compiled(text, entry, signature):
    from farhand.producers.c import compile_c

    return compile_c(text, entry, signature)


def c(text, entry=None, **options):
    """A kernel from C, compiled once for all tests; the test is skipped where there is no clang."""
    clang_or_skip()
    product = _compiled(text, entry, options.get("signature"))
    if "kind" not in options and "layout" not in options:
        options.setdefault("signature", product.signature)
    return fh.kernel(product.code, entry, **options)
