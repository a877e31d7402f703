"""What kernels say of themselves: faults with their places, checks, progress, cancelling, statistics, poisoned kernels."""
import os
import signal
import time

import numpy as np
import pytest
from interrupt_support import interrupt
from kernel_support import c, numba_or_skip
from oracle import CRASH, SPIN, same, wait_for

import farhand as fh

TWICE = b"define double @twice(double %x) {\n %y = fadd double %x, %x\n ret double %y\n}\n"
AT_777 = """double f(double x)
{
    double *nowhere = (double *)8;
    if (x == 777)
        *nowhere = x;
    return x;
}
"""
SLOW = """
#include <farhand_kernel.h>
int32_t slow(fh_array *args, int32_t nargs)
{
    volatile double x = 0;
    int64_t rounds = *(int64_t *)args[1].data;
    for (int64_t i = 0; i < rounds; i++) {
        for (int k = 0; k < 100000; k++)
            x = x + 1;
        farhand_progress((double)i / (double)rounds);
    }
    *(double *)fh_at1(&args[2], 0) = x;
    return 0;
}
"""


def test_faults_say_where(clusters):
    kernel = c(AT_777)
    a = np.arange(5000.0)
    d = fh.scatter(a, blocksize=1000)
    with pytest.raises(fh.KernelFault) as caught:
        fh.gather(kernel(d))
    fault, text = caught.value, str(caught.value)
    assert fault.signal == signal.SIGSEGV and fault.address == 8
    assert "SIGSEGV" in text and "kernel f (kernel.c:5)" in text and "piece 0" in text and "elements" in text
    assert fault.engine in d.engines
    same(fh.gather(kernel(d, where=a != 777)), np.where(a != 777, a, 0))


def test_faults_name_the_piece(clusters):
    kernel = c(AT_777.replace("777", "3500"))
    with pytest.raises(fh.KernelFault, match="piece 3"):
        fh.gather(kernel(fh.scatter(np.arange(5000.0), blocksize=1000)))


def test_debug_finds_an_access_past_the_end(cluster):
    kernel = c("void f(const double *x, double *out, int64_t n)\n{\n for (int64_t i = 0; i < n; i++)\n  out[i] = x[i + 1];\n}\n").debug()
    with pytest.raises(fh.KernelFault, match=r"kernel\.c:4") as caught:
        fh.gather(kernel.map(fh.scatter(np.arange(100.0), axis=None)))
    assert "the end of argument 0 (float64[100])" in str(caught.value)


def test_debug_finds_the_nan_that_was_made(cluster):
    root = c("#include <math.h>\ndouble f(double x)\n{\n    return sqrt(x) + 1;\n}\n")
    a = np.array([1.0, 4.0, np.nan, 9.0])
    same(fh.gather(root.debug()(fh.scatter(a))), np.sqrt(a) + 1)
    a[3] = -1
    with pytest.warns(RuntimeWarning, match="invalid value encountered in f"):
        assert np.isnan(fh.gather(root(fh.scatter(a)))[3])
    with pytest.raises(fh.KernelFault, match="NaN"):
        fh.gather(root.debug()(fh.scatter(a)))


def test_debug_of_numba_functions(cluster):
    numba_or_skip()

    @fh.kernel("float64(float64, float64)")
    def ratio(x, y):
        return x / y

    a = np.array([1.0, 0.0, 3.0])
    with pytest.warns(RuntimeWarning, match="invalid value encountered in ratio"):
        assert np.isnan(fh.gather(ratio(fh.scatter(a), a))[1])
    checked = ratio.debug()
    same(fh.gather(checked(fh.scatter(a), 2.0)), a / 2)
    with pytest.raises(fh.KernelFault, match="NaN"):
        fh.gather(checked(fh.scatter(a), a))


def test_debug_does_not_poison(cluster):
    kernel = c("double f(double x) { return x - x / x * x; }", debug=True)
    for _ in range(5):
        with pytest.raises(fh.KernelFault):
            fh.gather(kernel(fh.scatter(np.zeros(3))))
    same(fh.gather(kernel(fh.scatter(np.ones(3)))), np.zeros(3))


def test_stats_count(own_cluster):
    kernel = c("double f(double x) { return x + 0.125; }")
    assert kernel.stats()["calls"] == 0
    d = fh.scatter(np.zeros(1000))
    for _ in range(3):
        kernel(d).wait()
    stats = kernel.stats()
    assert stats["calls"] == 3 * d.npieces and stats["elements"] == 3000 and stats["engines"] == d.npieces
    assert stats["seconds"] > 0 and stats["faults"] == 0 and stats["compile_seconds"] >= 0 and stats["bytes"] > 0
    crash = fh.kernel(CRASH)
    with pytest.raises(fh.KernelFault):
        fh.gather(crash(fh.scatter(np.zeros(1))))
    assert crash.stats()["faults"] == 1


def test_a_kernel_that_kills_is_refused_until_forced(own_cluster):
    crash = fh.kernel(CRASH)
    d = fh.scatter(np.zeros(4), axis=None)
    for _ in range(3):
        with pytest.raises(fh.KernelFault):
            fh.gather(crash(d))
    with pytest.raises(fh.KernelPoisoned, match="force"):
        fh.gather(crash(d))
    with pytest.raises(fh.KernelFault):
        fh.gather(fh.kernel(CRASH, force=True)(d))


def test_progress_of_a_long_kernel(own_cluster):
    kernel = c(SLOW)
    d = fh.scatter(np.zeros(2))
    wait_for(lambda: fh.progress() == [])
    kernel.map(d, np.int64(1), out="float64").wait()
    long = kernel.map(d, np.int64(10**7), out="float64", timeout=120)
    behind = kernel.map(d, np.int64(1), out="float64")
    future = long.future()
    seen = wait_for(lambda: [x for x in fh.progress() if x.kernel == "slow" and 0 < x.fraction < 1] or None)
    assert seen[0].engine in d.engines and seen[0].seconds > 0 and seen[0].total > 0
    assert wait_for(lambda: [x for x in fh.progress() if x.queued] or None)
    own_cluster.session.cancel()
    with pytest.raises(fh.Cancelled):
        future.result(timeout=20)
    for result in (long, behind):
        with pytest.raises(fh.Cancelled):
            fh.gather(result)
    wait_for(lambda: fh.progress() == [])


def seconds_to_end(end, remote):
    start = time.monotonic()
    end()
    with pytest.raises(fh.Cancelled):
        fh.gather(remote)
    return time.monotonic() - start


def test_cancelled_kernels_end_soon(own_cluster):
    """Both a kernel that can be asked to end, and one that never looks."""
    d = fh.zeros(16_000_000)
    patient = c("double f(double x) { volatile double y = x; for (int i = 0; i < 300; i++) y = y + 1; return y; }")
    spin, twice = fh.kernel(SPIN), fh.kernel(TWICE)
    for kernel in (patient, spin):
        times = []
        for _ in range(3):
            fh.gather(twice(fh.scatter(np.ones(4))))
            result = kernel(d, timeout=60)
            wait_for(lambda: [x for x in fh.progress() if x.kernel] or None)
            times.append(seconds_to_end(own_cluster.session.cancel, result))
        # A tenth of a second where nothing else runs: half of that passes before a runner that does not listen is killed.
        assert min(times) < 0.5, f"seconds {times}"
        same(fh.gather(twice(fh.scatter(np.ones(4)))), np.full(4, 2.0))


def test_cancelling_keeps_what_was_loaded(own_cluster):
    """A load comes back when one engine is done; the others' may still wait in their lanes."""
    d = fh.scatter(np.ones(10_000))
    pid = own_cluster.engines[1].pid
    for i in range(3):
        codes = [TWICE.replace(b"fadd double %x, %x", b"%s double %%x, %d.0" % (what, i)) for what in (b"fadd", b"fsub")]
        os.kill(pid, signal.SIGSTOP)
        try:
            add, less = map(fh.kernel, codes)
            own_cluster.session.cancel()
        finally:
            os.kill(pid, signal.SIGCONT)
        same(fh.gather(add(d)), np.full(10_000, 1.0 + i))
        same(fh.gather(less(d)), np.full(10_000, 1.0 - i))


def test_ctrl_c_ends_the_kernel_that_is_waited_for(own_cluster):
    spin, twice = fh.kernel(SPIN), fh.kernel(TWICE)
    result = spin(fh.scatter(np.zeros(4)), timeout=60)
    wait_for(lambda: [x for x in fh.progress() if x.kernel] or None)
    took = interrupt(lambda: fh.gather(result), 0.2)
    assert took is not None and took < 1
    with pytest.raises(fh.Cancelled):
        fh.gather(result)
    same(fh.gather(twice(fh.scatter(np.ones(4)))), np.full(4, 2.0))


def test_inspection_is_short_until_it_is_printed(cluster):
    made = c("double f(double x) { return x * 3; }").inspect()
    assert len(repr(made)) < 200 and "f" in repr(made)
    assert "fmul" in made.ir and "mul" in made.assembly and made.assembly in str(made)


def test_a_line_shows_progress_where_somebody_sees_it():
    import io

    from farhand.progress import Line, Progress

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    seen, unseen = Terminal(), io.StringIO()
    records = [Progress(0, "slow", 50, 100, 1.5, 2), Progress(1, "", 0, 0, 0.0, 1)]
    for stream in (seen, unseen):
        line = Line(stream)
        line.show(records)
        line.end()
    assert "slow:  50%" in seen.getvalue() and seen.getvalue().endswith("\r") and not unseen.getvalue()
