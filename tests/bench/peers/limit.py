"""What the machine can do: loops of two threads in C, memory that two processes share, processes that do nothing."""
import contextlib
import ctypes
import mmap
import os
import pathlib
import subprocess

import numpy as np

from compare import two_hosts
from compare.inputs import chosen_from
from compare.timing import latencies, median_of, seconds_of

VERSION = "C"

_library = ctypes.CDLL(str(pathlib.Path(os.environ["FARHAND_BUILD"]) / "bench/lib/limits.so"))
_library.limits_copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
_library.limits_sum.argtypes = [ctypes.c_void_p, ctypes.c_int64]
_library.limits_fused.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
_library.limits_sum.restype = _library.limits_fused.restype = ctypes.c_double
_library.limits_choose.argtypes = _library.limits_take.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int64]
_library.limits_choose.restype, _library.limits_take.restype = ctypes.c_int64, None
_library.limits_calls.argtypes = [ctypes.c_int64]
_library.limits_calls_stop.restype = None


def _checked(status):
    if status:
        raise RuntimeError("the process that bounces messages does not answer")


@contextlib.contextmanager
def _bouncing():
    """The other process spins, so it is there for calls only."""
    _checked(_library.limits_calls_start())
    try:
        yield
    finally:
        _library.limits_calls_stop()


class Contestant:
    def close(self):
        _library.limits_calls_stop()

    def start(self, engines):
        """Processes that do nothing, started and ended: a broker and the engines."""
        return {"ready": seconds_of(lambda: [subprocess.run(["true"], check=True) for _ in range(engines + 1)])}

    def noop(self, calls):
        with _bouncing():
            return latencies(lambda: _checked(_library.limits_calls(1)), calls)

    def pipelined(self, calls):
        many = calls * 20  # it is done before the clock has moved much
        with _bouncing():
            return {"rate": many / median_of(5, lambda: _checked(_library.limits_calls(many)))}

    def axis0(self, size):
        """Copied into memory that is warm; memory of a file mapped; that, and read as local memory is."""
        source, target = np.ones(size // 8), np.ones(size // 8)
        times = 5 if size < 1 << 26 else 3
        copy = median_of(times, lambda: _library.limits_copy(target.ctypes.data, source.ctypes.data, size))
        file = os.memfd_create("limit")
        try:
            os.truncate(file, size)
            with_mapping = median_of(times, lambda: mmap.mmap(file, size, flags=mmap.MAP_PRIVATE))
        finally:
            os.close(file)
        return {"scatter": size / copy, "gather": with_mapping, "read": with_mapping + median_of(times, source.sum)}

    axis1 = axis0

    def arrays(self, count):
        sources, target = [np.full(1000, 1.0) for _ in range(count)], np.ones((count, 1000))

        def copy():
            for row, source in zip(target, sources):
                row[:] = source

        return {"rate": count / median_of(3, copy)}

    def sums(self, n):
        x = np.ones(n)
        seconds = median_of(5, lambda: _library.limits_sum(x.ctypes.data, n))
        return {"sum": seconds, "mean": seconds}

    def chosen(self, n):
        """Into memory that is warm."""
        x, mask, indices = chosen_from(n)
        to = np.zeros(n)
        return {"mask": median_of(3, lambda: _library.limits_choose(to.ctypes.data, x.ctypes.data, mask.ctypes.data, n)),
                "take": median_of(5, lambda: _library.limits_take(to.ctypes.data, x.ctypes.data, indices.ctypes.data, len(indices)))}

    def fused(self, n):
        a, b, c = np.ones(n), np.full(n, 2.0), np.full(n, 3.0)
        return {"fused": median_of(5, lambda: _library.limits_fused(a.ctypes.data, b.ctypes.data, c.ctypes.data, n))}

    def apart(self, size):
        return two_hosts.measure("limit", size)
