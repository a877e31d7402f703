"""Kernels from C, IR and Numba; what is refused, what crashes, what does not end."""
import pickle
import signal

import numpy as np
import pytest
from oracle import CRASH, SPIN, same

import farhand as fh
from farhand.session import set_default

TWICE = b"define double @twice(double %x) {\n %y = fadd double %x, %x\n ret double %y\n}\n"
HYPOT = "#include <math.h>\ndouble length(double x, double y) { return sqrt(x * x + y * y); }"
SMOOTH = """
void smooth(const double *x, double *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (x[i > 0 ? i - 1 : i] + x[i] + x[i < n - 1 ? i + 1 : i]) / 3;
}
"""


def clang_or_skip():
    from farhand.producers.c import find_clang

    try:
        find_clang(22)
    except fh.KernelError:
        pytest.skip("no clang here")


def test_ir_kernel_is_a_ufunc(clusters):
    twice = fh.kernel(TWICE)
    assert twice.kind == "ufunc" and twice.entry == "twice" and twice.signature == "float64(float64)" and len(twice.hash) == 64
    local = np.arange(12.0).reshape(4, 3)
    for axis in (0, 1, None):
        same(fh.gather(twice(fh.scatter(local, axis=axis))), local * 2)
    same(fh.gather(twice(local)), local * 2)
    same(fh.gather(twice(fh.scatter(local)[::2, ::-1])), local[::2, ::-1] * 2)
    assert float(twice(4.0)) == 8.0
    assert twice.stats()["calls"] >= 5


def test_c_kernel_broadcasts_and_casts(clusters):
    clang_or_skip()
    length = fh.kernel.from_c(HYPOT, "length")
    a, b = np.arange(12.0).reshape(4, 3), np.arange(3)
    same(fh.gather(length(fh.scatter(a), fh.scatter(b))), np.hypot(a, b), 1e-15)
    same(fh.gather(length(fh.scatter(a), 2)), np.hypot(a, 2), 1e-15)
    same(fh.gather(length(fh.scatter(a, axis=1), b)), np.hypot(a, b), 1e-15)
    same(fh.gather(length(2.0, fh.scatter(a))), np.hypot(2.0, a), 1e-15)


def test_out_is_written(cluster):
    twice = fh.kernel(TWICE)
    out = fh.scatter(np.zeros(5))
    assert twice(fh.scatter(np.arange(5.0)), out=out) is out
    same(fh.gather(out), np.arange(5.0) * 2)


def test_piece_kernel_runs_once_over_each_piece(clusters):
    clang_or_skip()
    smooth = fh.kernel.from_c(SMOOTH, "smooth")
    assert smooth.kind == "piece"
    local = np.arange(20.0) ** 2
    remote = fh.scatter(local)
    result = smooth.map(remote)
    assert result.bounds == remote.bounds
    expected = np.concatenate([
        (part[np.r_[0, :len(part) - 1]] + part + part[np.r_[1:len(part), len(part) - 1]]) / 3
        for part in (local[start:stop] for start, stop in remote.bounds)])
    same(fh.gather(result), expected, 1e-14)


def test_numba_function_is_a_kernel(clusters):
    pytest.importorskip("numba")

    @fh.kernel("float64(float64, float64)")
    def f(x, y):
        """Documented."""
        if x > 1:
            return np.sin(x) * y
        return x / (y + 1)

    a, b = np.linspace(0, 3, 12).reshape(4, 3), np.linspace(1, 2, 3)
    expected = np.where(a > 1, np.sin(a) * b, a / (b + 1))
    same(fh.gather(f(fh.scatter(a), b)), expected, 1e-14)
    assert f.py_func(2.0, 3.0) == np.sin(2.0) * 3 and f.__doc__ == "Documented."


def test_numba_piece_kernel(cluster):
    pytest.importorskip("numba")

    @fh.kernel("void(float64*, float64*, int64)")
    def running(x, out, n):
        total = 0.0
        for i in range(n):
            total += x[i]
            out[i] = total

    local = np.arange(10.0)
    remote = fh.scatter(local)
    expected = np.concatenate([np.cumsum(local[start:stop]) for start, stop in remote.bounds])
    same(fh.gather(running.map(remote)), expected)


def test_numba_code_is_not_tuned_to_this_machine():
    pytest.importorskip("numba")
    import llvmlite.binding as llvm

    from farhand.producers.numba import compile_function

    code = compile_function(lambda x: np.exp(x) + 1, "float64(float64)").code
    assert "x double>" not in str(llvm.parse_bitcode(code))


def test_inspect_shows_ir_and_assembly(cluster):
    made = fh.kernel(TWICE).inspect()
    assert "double" in made.ir and "ret" in made.assembly
    assert made.ir in str(made)


@pytest.mark.parametrize("source, local, expected", [
    ("uint8_t f(uint8_t a) { return a + 250; }", np.arange(8, dtype="u1"), np.arange(8, dtype="u1") + np.uint8(250)),
    ("_Bool f(double a) { return a > 0; }", np.linspace(-1, 1, 8), np.linspace(-1, 1, 8) > 0),
    ("float f(float a) { return a / 3; }", np.arange(8, dtype="f4"), np.arange(8, dtype="f4") / np.float32(3)),
    ("float f(float a) { return a / 4; }", np.arange(8.0), np.arange(8, dtype="f4") / np.float32(4)),
    ("double f(double a) { return a / 3; }", np.arange(8), np.arange(8) / 3),
    ("uint32_t f(uint32_t a) { return ~a; }", np.arange(8, dtype="u4"), ~np.arange(8, dtype="u4")),
], ids=lambda x: x if isinstance(x, str) else "")
def test_types_of_c_are_dtypes(cluster, source, local, expected):
    clang_or_skip()
    same(fh.gather(fh.kernel.from_c(source)(fh.scatter(local))), expected)


def test_arguments_that_cannot_be_cast_are_type_errors(cluster):
    clang_or_skip()
    with pytest.raises(TypeError):
        fh.kernel.from_c("int f(int a) { return a; }")(fh.scatter(np.arange(8.0)))


def test_bool_arguments_of_numba(cluster):
    pytest.importorskip("numba")
    choose = fh.kernel(lambda b, x: x if b else -x, signature="float32(bool, float32)")
    local = np.arange(-3, 3, dtype="f4")
    same(fh.gather(choose(fh.scatter(local > 0), fh.scatter(local))), np.abs(local))


def test_kernel_can_be_pickled(cluster):
    twin = pickle.loads(pickle.dumps(fh.kernel(TWICE)))
    assert float(twin(4.0)) == 8.0 and twin.hash == fh.kernel(TWICE).hash


def test_same_code_is_the_same_kernel(cluster):
    assert fh.kernel(TWICE).hash == fh.kernel(TWICE).hash


def test_kernel_from_a_file(cluster, tmp_path):
    path = tmp_path / "twice.ll"
    path.write_bytes(TWICE)
    assert float(fh.kernel(path)(3.0)) == 6.0
    assert float(fh.kernel(str(path), "twice")(3.0)) == 6.0
    with pytest.raises(FileNotFoundError):
        fh.kernel(tmp_path / "none.bc")


@pytest.mark.parametrize("code", [b"", b"BC\xc0\xde", b"BC\xc0\xde" + b"\x00" * 4000, b"this is no IR", bytes(range(256)) * 20])
def test_bad_bitcode_is_refused(cluster, code):
    with pytest.raises((fh.BadBitcode, fh.InvalidArgument)):
        fh.kernel(code)
    same(fh.gather(fh.scatter(np.arange(3))), np.arange(3))


def test_kernel_that_calls_the_system_is_refused(cluster):
    bad = b'declare i32 @system(ptr)\ndefine double @f(double %x) {\n %r = call i32 @system(ptr null)\n ret double %x\n}\n'
    with pytest.raises(fh.Error, match="system"):
        fh.kernel(bad)


def test_kernel_that_crashes_is_one_error(cluster):
    crash = fh.kernel(CRASH)
    remote = fh.scatter(np.arange(4.0))
    with pytest.raises(fh.KernelFault) as caught:
        fh.gather(crash(remote))
    assert caught.value.signal == signal.SIGSEGV and caught.value.address == 8 and caught.value.origin
    same(fh.gather(remote), np.arange(4.0))
    same(fh.gather(fh.kernel(TWICE)(remote)), np.arange(4.0) * 2)


def test_kernel_that_does_not_end_is_ended(cluster):
    remote = fh.scatter(np.arange(4.0))
    with pytest.raises(fh.KernelTimeout):
        fh.gather(fh.kernel(SPIN)(remote, timeout=0.3))
    with pytest.raises(TimeoutError):
        fh.gather(fh.kernel(SPIN)(remote, timeout=0.3))
    same(fh.gather(fh.kernel(TWICE)(remote)), np.arange(4.0) * 2)


def test_out_of_a_failed_kernel_is_untouched(cluster):
    out = fh.scatter(np.full(4, 7.0))
    crash = fh.kernel(CRASH.replace(b"@crash", b"@crash_out"))
    crash(fh.scatter(np.arange(4.0)), out=out)
    with pytest.raises(fh.Error):
        fh.gather(out) if fh.gather(out[...]).tolist() != [7.0] * 4 else cluster.session.sync()


def test_wrong_arguments_are_errors(cluster):
    twice = fh.kernel(TWICE)
    with pytest.raises(fh.Error):
        fh.gather(twice(fh.scatter(np.arange(3.0)), 1.0))
    with pytest.raises(TypeError):
        fh.kernel(5)
    with pytest.raises(TypeError, match="signature"):
        fh.kernel(lambda x: x)
    with pytest.raises(TypeError):
        twice.map(np.arange(3.0))
    with pytest.raises(fh.Error):
        fh.kernel(TWICE, "no_such_entry")


def test_c_errors_show_the_diagnostic():
    clang_or_skip()
    with fh.Cluster(1), pytest.raises(fh.KernelError, match="undeclared") as caught:
        fh.kernel.from_c("double f(double x) { return y; }", "f")
    assert "error:" in caught.value.diagnostic


@pytest.mark.parametrize("text, entry, expected", [
    ("double f(double a, double b) { return a; }", "f", "float64(float64, float64)"),
    ("static int g(int x) { return x; }\nunsigned f(unsigned a) { return g(a); }", "f", "uint32(uint32)"),
    ("void f(const float *restrict x, uint8_t *out, int64_t n) { }", "f", "void(float32*, uint8*, int64)"),
    ("/* double f(int) { */ float f(float x) // {\n{ return x; }", "f", "float32(float32)"),
    ("typedef double number; number f(number x) { return x; }", "f", None),
    ("double f(double **x) { return 0; }", "f", None),
    ("static float g(float x) { if (x > 0) { return x; } return -x; }\nint8_t h(float x) { return g(x) > 1; }", None,
     "int8(float32)"),
    ("int f(int x) { return x; } int g(int x) { return x; }", None, None),
])
def test_signature_is_read_from_c(text, entry, expected):
    from farhand.producers.c import c_signature

    assert c_signature(text, entry) == expected


def test_published_kernel_is_got_by_others(cluster):
    twice = fh.kernel(TWICE)
    assert twice.publish("twice, by name") is twice
    try:
        assert "twice, by name" in fh.names()
        with fh.connect(cluster.connection_file) as other:
            again = other.get("twice, by name")
            assert isinstance(again, type(twice)) and again.hash == twice.hash and again.signature == twice.signature
            same(fh.gather(again(fh.scatter(np.arange(5.0)))), np.arange(5.0) * 2)
        set_default(cluster.session)
        same(fh.gather(pickle.loads(pickle.dumps(fh.get("twice, by name")))(np.arange(3.0))), np.arange(3.0) * 2)
        with pytest.raises(fh.NameTaken):
            fh.scatter(np.arange(3)).publish("twice, by name")
    finally:
        set_default(cluster.session)
        fh.unpublish("twice, by name")
    with pytest.raises(fh.NoSuchName):
        fh.get("twice, by name")
