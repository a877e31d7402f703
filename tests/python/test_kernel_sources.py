"""Where kernels come from: Numba's objects, files, C, Rust and Fortran; what producers refuse."""
import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from kernel_support import c, clang_or_skip, numba_or_skip
from oracle import make, same

import farhand as fh

RUST = """
#[no_mangle]
pub extern "C" fn length(x: f64, y: f64) -> f64 { (x * x + y * y).sqrt() }
"""
FORTRAN = """
function length(x, y) bind(c) result(r)
  use iso_c_binding
  real(c_double), value :: x, y
  real(c_double) :: r
  r = sqrt(x * x + y * y)
end function length
"""


# ---- Numba's objects

def test_vectorize_with_several_signatures(clusters):
    numba = numba_or_skip()

    @numba.vectorize(["float64(float64, float64)", "float32(float32, float32)"])
    def hypotenuse(x, y):
        return math.sqrt(x * x + y * y)

    with pytest.raises(TypeError, match="signature"):
        fh.kernel(hypotenuse)
    a, b = make((6, 4), "float64", 1), make(4, "float64", 2)
    for dtype in ("float64", "float32"):
        kernel = fh.kernel(hypotenuse, signature=f"{dtype}({dtype}, {dtype})")
        assert kernel.kind == "ufunc" and kernel.signature == f"{dtype}({dtype}, {dtype})"
        same(fh.gather(kernel(fh.scatter(a.astype(dtype)), b.astype(dtype))), hypotenuse(a, b).astype(dtype), 1e-6)


def test_vectorize_with_one_signature_or_none(cluster):
    numba = numba_or_skip()
    one = numba.vectorize(["int64(int64, int64)"])(lambda x, y: x * y + 1)
    same(fh.gather(fh.kernel(one)(np.arange(5), 3)), np.arange(5) * 3 + 1)
    lazy = numba.vectorize(lambda x: x + 1)
    with pytest.raises(TypeError, match="no types yet"):
        fh.kernel(lazy)
    same(fh.gather(fh.kernel(lazy, signature="float64(float64)")(np.arange(5.0))), np.arange(5.0) + 1)


def test_njit_takes_its_signatures_and_keeps_its_errors(clusters):
    numba = numba_or_skip()
    inverse = numba.njit(lambda x: 1 / x)
    assert inverse(4.0) == 0.25  # compiled for float64 by this call
    kernel = fh.kernel(inverse)
    a = np.arange(1.0, 30.0)
    same(fh.gather(kernel(fh.scatter(a))), 1 / a)
    a[17] = 0
    d = fh.scatter(a)
    start = max(start for start, _ in d.bounds if start <= 17)
    with pytest.raises(fh.KernelError, match=rf"element \({17 - start},\)"):
        fh.gather(kernel(d))
    same(fh.gather(kernel(fh.scatter(a), where=a != 0)), np.divide(1, a, out=np.zeros(29), where=a != 0))
    quiet = fh.kernel(numba.njit("float64(float64)", error_model="numpy")(lambda x: 1 / x))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert np.isinf(fh.gather(quiet(fh.scatter(a)))[17])
    inverse(np.float32(4))
    with pytest.raises(TypeError, match="signature"):
        fh.kernel(inverse)


def test_elements_that_raise_are_named(clusters):
    numba = numba_or_skip()

    @numba.njit
    def checked(x, y):
        if x > y:
            raise ValueError("too large")
        return y - x

    kernel = fh.kernel(checked, signature="float64(float64, float64)")
    a = np.zeros((50, 40))
    same(fh.gather(kernel(fh.scatter(a), 1.0)), a + 1)
    a[33, 7] = 5
    with pytest.raises(fh.KernelError, match=r"\(33, 7\)") as caught:
        fh.gather(kernel(fh.scatter(a, axis=None), 1.0))
    assert "checked" in str(caught.value) and caught.value.diagnostic


def test_cfunc_and_functions_that_call_others(clusters):
    numba = numba_or_skip()

    @numba.njit
    def square(x):
        return x * x

    @numba.cfunc("float64(float64, float64)")
    def length(x, y):
        return math.sqrt(square(x) + square(y))

    a = make((9, 2), "float64", 1)
    kernel = fh.kernel(length)
    same(fh.gather(kernel(fh.scatter(a), 2.0)), np.sqrt(a * a + 4), 1e-15)
    assert kernel.py_func(3.0, 4.0) == 5.0


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "uint64", "float32", "float64", "complex64", "complex128"])
def test_numba_dtypes(cluster, dtype):
    numba_or_skip()
    kernel = fh.kernel(lambda a, flag, b: a if flag else b, signature=f"{dtype}({dtype}, bool, {dtype})")
    a, b, flags = make((7, 3), dtype, 1, True), make(3, dtype, 2, True), make((7, 1), "bool", 3)
    same(fh.gather(kernel(fh.scatter(a), flags, b)), np.where(flags, a, b))


def test_signatures_in_numpys_and_numbas_words(cluster):
    numba = numba_or_skip()
    for signature in ("f8(f8, i4)", "double(double, intc)", "float64(float64, int32)", numba.float64(numba.float64, numba.int32),
                      (numba.float64, numba.int32), "(float64, int32)"):
        kernel = fh.kernel(lambda x, n: x * n, signature=signature)
        assert kernel.signature == "float64(float64, int32)"
    for wrong in ("float64", "float64(", "float64(nonsense)", "float64(float64[)", 5):
        with pytest.raises((ValueError, TypeError)):
            fh.kernel(lambda x: x, signature=wrong)


def test_what_numba_cannot_compile_is_a_kernel_error(cluster):
    numba = numba_or_skip()
    with pytest.raises(fh.KernelError, match="Numba") as caught:
        fh.kernel(lambda x: x.no_such_attribute, signature="float64(float64)")
    assert caught.value.diagnostic
    with pytest.raises(fh.KernelError):
        fh.kernel(lambda x, y: x, signature="float64(float64)")
    with pytest.raises(fh.KernelError, match="allocate"):
        fh.kernel(lambda x, out: out.fill(np.zeros(3).sum()), signature="void(float64[:], float64[:])")
    parallel = numba.vectorize(["float64(float64)"], target="parallel")(lambda x: x)
    with pytest.raises((fh.NotSupported, TypeError)):
        fh.kernel(parallel)


def test_python_code_has_one_hash_in_all_processes(cluster):
    numba_or_skip()
    program = ("import math, sys\nfrom farhand.producers.numba import compile_function\nimport hashlib\n"
               "def f(x, y):\n    if x < y:\n        raise ValueError('no')\n    return math.sin(x) / y\n"
               "print(hashlib.sha256(compile_function(f, 'float64(float64, float64)').code).hexdigest())")
    path = os.pathsep.join(sys.path)
    seen = {subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}, check=True,
                           capture_output=True, text=True, timeout=120).stdout for seed in ("1", "2")}
    assert len(seen) == 1


def test_numba_kernels_pickle(cluster):
    numba_or_skip()
    kernel = fh.kernel(lambda x: 2 * x, signature="float64(float64)", exact=True)
    twin = pickle.loads(pickle.dumps(kernel))
    assert twin.hash == kernel.hash and float(twin(4.0)) == 8.0


# ---- files and compilers

def test_files_by_their_suffix(cluster, tmp_path):
    clang_or_skip()
    (tmp_path / "factor.h").write_text("#define FACTOR 3\n")
    path = tmp_path / "scale.c"
    path.write_text('#include "factor.h"\ndouble scale(double x) { return FACTOR * x; }\n')
    kernel = fh.kernel(path)
    assert kernel.entry == "scale" and float(kernel(2.0)) == 6.0
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="UTF-8"):
        fh.kernel(path)


def test_annotations_of_c_say_dtypes(cluster):
    kernel = c('#include <farhand_kernel.h>\nFH_SIGNATURE("uint16(uint16)") unsigned short f(unsigned short x) { return x + 1; }')
    assert kernel.signature == "uint16(uint16)"
    same(fh.gather(kernel(np.array([65535, 1], "uint16"))), np.array([0, 2], "uint16"))


def test_rust(cluster):
    from farhand.producers.rust import compile_rust

    try:
        compile_rust(RUST)
    except fh.KernelError as problem:
        pytest.skip(f"no Rust for these engines: {problem}")
    kernel = fh.kernel.from_rust(RUST, "length")
    assert "rust" in kernel.producer
    same(fh.gather(kernel(fh.scatter(np.arange(5.0)), 2)), np.hypot(np.arange(5.0), 2), 1e-15)
    piece = fh.kernel.from_rust("""
        #[no_mangle]
        pub unsafe extern "C" fn running(x: *const f64, out: *mut f64, n: i64) {
            let (x, out) = (std::slice::from_raw_parts(x, n as usize), std::slice::from_raw_parts_mut(out, n as usize));
            let mut sum = 0.0;
            for i in 0..x.len() { sum += x[i]; out[i] = sum; }
        }""")
    d = fh.scatter(np.arange(9.0))
    same(fh.gather(piece.map(d)), np.concatenate([np.cumsum(np.arange(9.0)[a:b]) for a, b in d.bounds]))
    beyond = fh.kernel.from_rust("""
        #[no_mangle]
        pub unsafe extern "C" fn beyond(x: *const f64, out: *mut f64, n: i64) {
            let (x, out) = (std::slice::from_raw_parts(x, n as usize), std::slice::from_raw_parts_mut(out, n as usize));
            for i in 0..x.len() { out[i] = x[i + 1]; }
        }""")
    with pytest.raises(fh.KernelFault):
        fh.gather(beyond.map(d))
    with pytest.raises(fh.KernelError, match="error"):
        fh.kernel.from_rust("fn f( {")


def test_fortran(cluster):
    from farhand.producers.fortran import compile_fortran

    try:
        compile_fortran(FORTRAN)
    except fh.KernelError as problem:
        pytest.skip(f"no Fortran for these engines: {problem}")
    kernel = fh.kernel.from_fortran(FORTRAN, "length")
    assert kernel.signature == "float64(float64, float64)"
    same(fh.gather(kernel(fh.scatter(np.arange(5.0)), 2)), np.hypot(np.arange(5.0), 2), 1e-15)
    piece = fh.kernel.from_fortran("""
subroutine twice(x, out, n) bind(c)
  use iso_c_binding
  integer(c_int64_t), value :: n
  real(c_float), intent(in) :: x(n)
  real(c_float), intent(out) :: out(n)
  integer(c_int64_t) :: i
  do i = 1, n
    out(i) = 2 * x(i)
  end do
end subroutine twice
""")
    assert piece.kind == "piece"
    same(fh.gather(piece.map(fh.scatter(np.arange(9, dtype="f4")))), np.arange(9, dtype="f4") * 2)
    with pytest.raises(fh.KernelError, match="error"):
        fh.kernel.from_fortran("subroutine f(x\nend")


@pytest.mark.parametrize("make_kernel, variable, program", [
    (lambda: fh.kernel.from_c("int f(int x) { return x; }"), "FARHAND_CLANG", "clang"),
    (lambda: fh.kernel.from_rust(RUST), "FARHAND_RUSTC", "rustc"),
    (lambda: fh.kernel.from_fortran(FORTRAN), "FARHAND_FLANG", "flang"),
])
def test_missing_compilers_say_what_to_install(cluster, monkeypatch, tmp_path, make_kernel, variable, program):
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("farhand.producers.tools._CARGO", str(tmp_path))
    with pytest.raises(fh.KernelError, match=f"install.*{variable}") as caught:
        make_kernel()
    assert program in str(caught.value)
    monkeypatch.setenv(variable, str(tmp_path / "no such program"))
    with pytest.raises(fh.KernelError, match="no such program"):
        make_kernel()


@pytest.mark.parametrize("text, expected", [
    ('#[no_mangle]\npub extern "C" fn f(x: f64, n: u32) -> i8 { 0 }', "int8(float64, uint32)"),
    ('pub unsafe extern "C" fn f(x: *const f32, out: *mut bool, n: i64) { }', "void(float32*, bool*, int64)"),
    ('pub extern "C" fn f(x: &f64) -> f64 { *x }', None),
    ("pub fn f(x: f64) -> f64 { x }", None),
    ('pub extern "C" fn f(x: f64) -> f64 { x } pub extern "C" fn g(x: f64) -> f64 { x }', None),
])
def test_signature_is_read_from_rust(text, expected):
    from farhand.producers.rust import rust_signature

    assert rust_signature(text) == expected


@pytest.mark.parametrize("text, expected", [
    (FORTRAN, "float64(float64, float64)"),
    ("subroutine s(a, b, n) bind(c)\n integer(c_int64_t), value :: n\n real(kind=c_float), intent(in) :: a(n)\n"
     " integer(c_int), intent(out) :: b(n) ! here\nend subroutine", "void(float32*, int32*, int64)"),
    ("function f(x) bind(c)\n complex(c_double_complex), value :: x\n complex(c_double_complex) :: f\n f = x\nend function",
     "complex128(complex128)"),
    ("function f(x) bind(c)\n type(thing), value :: x\n real(c_double) :: f\nend function", None),
])
def test_signature_is_read_from_fortran(text, expected):
    from farhand.producers.fortran import fortran_signature

    assert fortran_signature(text) == expected
