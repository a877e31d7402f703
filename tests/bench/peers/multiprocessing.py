"""The standard library: a Manager's proxies for calls and objects, a Pool for work, shared_memory for arrays."""
import functools
import multiprocessing
import multiprocessing.managers
import os
import platform
from multiprocessing import shared_memory

import numpy as np

from compare.objects import Counter, checked_squares, square
from compare.timing import latencies, median_of, proportional_bytes, seconds_of

VERSION = platform.python_version()
ENGINES = 2

_kept = {}  # in a worker: shared memory that it has attached


class _Thing:
    def nop(self):
        pass


class _Manager(multiprocessing.managers.BaseManager):
    pass


_Manager.register("Thing", _Thing)
_Manager.register("Counter", Counter)


def _nop():
    pass


def _attach(name):
    if name not in _kept:
        _kept[name] = shared_memory.SharedMemory(name=name)
    return _kept[name]


def _piece(name, n, index):
    """Elements [n index / 2, n (index + 1) / 2) of the doubles in a block."""
    return np.frombuffer(_attach(name).buf, count=n)[n * index // ENGINES:n * (index + 1) // ENGINES]


def _hold(name, n, index):
    _kept["piece"] = _piece(name, n, index)


def _sum(name, n, index):
    return float(_piece(name, n, index).sum())


def _fused(names, n, index):
    a, b, c = (_piece(name, n, index) for name in names)
    return float((a * b + c).sum())


def _forget(_):
    _kept.pop("piece", None)
    while _kept:
        _kept.popitem()[1].close()


class _Blocks:
    """Shared memory with doubles in it, for as long as a work lasts."""

    def __init__(self, pool, n, *values):
        self._pool, self.blocks, self.n = pool, [shared_memory.SharedMemory(create=True, size=8 * n) for _ in values], n
        for block, value in zip(self.blocks, values):
            np.frombuffer(block.buf, count=n)[:] = value

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._pool.map(_forget, range(ENGINES * 4), chunksize=1)
        for block in self.blocks:
            block.close()
            block.unlink()


class Contestant:
    def __init__(self):
        self._context = multiprocessing.get_context("spawn")
        self._pool = self._context.Pool(ENGINES)
        self._manager = _Manager(ctx=self._context)
        self._manager.start()
        self._thing = self._manager.Thing()

    def close(self):
        self._pool.terminate()
        self._manager.shutdown()

    def start(self, engines):
        """A Pool; processes that are ready to work, without NumPy in them."""
        made = []

        def start():
            made.append(self._context.Pool(engines))
            made[0].map(os.getpgid, [0] * engines)

        seconds = seconds_of(start)
        made[0].terminate()
        return {"ready": seconds}

    def noop(self, calls):
        return latencies(self._thing.nop, calls)

    def pipelined(self, calls):
        return {"rate": calls / median_of(3, lambda: [call.get() for call in [self._pool.apply_async(_nop) for _ in range(calls)]])}

    def methods(self, calls):
        return latencies(functools.partial(self._manager.Counter().add, 1), calls)

    def together(self, calls):
        """A proxy's calls wait for each other."""
        counter = self._manager.Counter()
        return {"rate": calls / median_of(3, lambda: [counter.add(1) for _ in range(calls)])}

    def mapped(self, calls):
        return {"rate": calls / median_of(3, lambda: checked_squares(self._pool.map(square, range(calls)), calls))}

    def axis0(self, size):
        source, times = np.ones(size // 8), 5 if size < 1 << 26 else 3
        with _Blocks(self._pool, size // 8, 0.0) as made:
            name = made.blocks[0].name

            def scatter():
                np.frombuffer(made.blocks[0].buf, count=made.n)[:] = source
                self._pool.starmap(_hold, [(name, made.n, index) for index in range(ENGINES)], chunksize=1)

            def gather(look):
                block = shared_memory.SharedMemory(name=name)
                value = look(np.frombuffer(block.buf, count=made.n))
                block.close()
                return value

            return {"scatter": size / median_of(times, scatter), "gather": median_of(times, lambda: gather(np.size)),
                    "read": median_of(times, lambda: gather(np.sum))}

    axis1 = axis0  # pieces are strides of the one block

    def sums(self, n):
        with _Blocks(self._pool, n, 1.0) as made:
            work = [(made.blocks[0].name, n, index) for index in range(ENGINES)]

            def total():
                return sum(self._pool.starmap(_sum, work, chunksize=1))

            return {"sum": median_of(5, total), "mean": median_of(5, lambda: total() / n)}

    def fused(self, n):
        with _Blocks(self._pool, n, 1.0, 2.0, 3.0) as made:
            work = [([block.name for block in made.blocks], n, index) for index in range(ENGINES)]
            return {"fused": median_of(3, lambda: sum(self._pool.starmap(_fused, work, chunksize=1)))}

    def objects(self, count):
        kept = []
        create = seconds_of(lambda: kept.extend(self._manager.Thing() for _ in range(count)))
        return {"create": count / create, "delete": count / seconds_of(kept.clear)}

    def memory(self, _):
        with self._context.Pool(1) as pool:
            worker = pool.apply(os.getpid)
            return {"worker": proportional_bytes([worker])}
