"""Dask distributed: LocalCluster with two worker processes of one thread; actors for calls, scatter and gather for arrays."""
import functools
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # an engine has one thread

import dask
import distributed
import numpy as np

from compare import two_hosts
from compare.inputs import FORMULAS, MATHS, applied, chosen_from, formula
from compare.objects import Counter, checked_squares, square
from compare.timing import latencies, median_of, proportional_bytes, seconds_of

VERSION = distributed.__version__
CALLS_AT_MOST, ARRAYS_AT_MOST, MAPPED_AT_MOST = 500, 10000, 2000


class _Thing:
    def nop(self):
        pass


def _cluster(engines):
    return distributed.LocalCluster(n_workers=engines, threads_per_worker=1, processes=True, dashboard_address=None)


def _fused(a, b, c):
    return float((a * b + c).sum())


def _chain(a, b, c):
    return a * b + c


def _rows(x):
    return x[:len(x) // 1000 * 1000].reshape(-1, 1000)


def _row_sums(x):
    return x.sum(axis=0)


def _choose(x, mask):
    return x[mask]


class Contestant:
    def __init__(self):
        dask.config.set({"distributed.scheduler.worker-ttl": None})  # it is stopped between its turns
        self._cluster = _cluster(2)
        self._client = distributed.Client(self._cluster)
        self._thing = self._client.submit(_Thing, actor=True).result()

    def close(self):
        self._client.close()
        self._cluster.close()

    def start(self, engines):
        made = []

        def start():
            made.append(_cluster(engines))
            made.append(distributed.Client(made[0], set_as_default=False))
            made[1].run(os.getpid)

        seconds = seconds_of(start)
        made[1].close()
        made[0].close()
        return {"ready": seconds}

    def noop(self, calls):
        return latencies(lambda: self._thing.nop().result(), min(calls, 200))

    def pipelined(self, calls):
        calls = min(calls, CALLS_AT_MOST)
        return {"rate": calls / median_of(1, lambda: [call.result() for call in [self._thing.nop() for _ in range(calls)]])}

    def methods(self, calls):
        counter = self._client.submit(Counter, actor=True).result()
        return latencies(lambda: counter.add(1).result(), min(calls, 200))

    def together(self, calls):
        calls, counter = min(calls, CALLS_AT_MOST), self._client.submit(Counter, actor=True).result()
        return {"rate": calls / median_of(1, lambda: [call.result() for call in [counter.add(1) for _ in range(calls)]])}

    def mapped(self, calls):
        calls = min(calls, MAPPED_AT_MOST)

        def run():
            checked_squares(self._client.gather(self._client.map(square, range(calls), pure=False)), calls)

        return {"rate": calls / median_of(1, run)}

    def _scatter(self, pieces):
        workers = list(self._client.scheduler_info()["workers"])
        return [self._client.scatter(piece, workers=[workers[i % len(workers)]], hash=False) for i, piece in enumerate(pieces)]

    def _moves(self, a, axis):
        times, kept = 3 if a.nbytes < 1 << 26 else 1, []

        def scatter():
            kept[:] = []
            kept[:] = self._scatter(np.array_split(a, 2, axis=axis))

        def gather():
            return np.concatenate(self._client.gather(kept), axis=axis)

        there = median_of(times, scatter) if a.nbytes < 1 << 26 else seconds_of(scatter)
        back = median_of(times, gather) if a.nbytes < 1 << 26 else seconds_of(gather)
        return {"scatter": a.nbytes / there, "gather": back, "read": back + seconds_of(a.sum)}

    def axis0(self, size):
        return self._moves(np.ones(size // 8), 0)

    def axis1(self, size):
        rows = int((size // 8) ** 0.5)
        return self._moves(np.ones((rows, size // 8 // rows)), 1)

    def arrays(self, count):
        arrays = [np.full(1000, 1.0) for _ in range(min(count, ARRAYS_AT_MOST))]
        return {"rate": len(arrays) / seconds_of(lambda: self._client.scatter(arrays, hash=False))}

    def _pieces(self, n, *values):
        """Made on the workers, each array's first half on the first."""
        workers = list(self._client.scheduler_info()["workers"])
        pieces = [[self._client.submit(np.full, n // 2, value, workers=[worker], pure=False) for worker in workers] for value in values]
        distributed.wait(sum(pieces, []))
        return pieces

    def _total(self, function, *pieces):
        return sum(self._client.gather([self._client.submit(function, *part, pure=False) for part in zip(*pieces)]))

    def sums(self, n):
        x = self._pieces(n, 1.0)
        return {"sum": median_of(3, lambda: self._total(np.sum, *x)), "mean": median_of(3, lambda: self._total(np.sum, *x) / n)}

    def fused(self, n):
        pieces = self._pieces(n, 1.0, 2.0, 3.0)
        return {"fused": median_of(3, lambda: self._total(_fused, *pieces))}

    def _run(self, function, parts):
        distributed.wait([self._client.submit(function, part, pure=False) for part in parts])

    def maths(self, n):
        """Results stay on the workers."""
        [x] = self._pieces(n, 0.5)
        return {name: median_of(3, lambda: self._run(functools.partial(applied, np, name), x)) for name in MATHS}

    def formulas(self, n):
        """Results stay on the workers."""
        [x] = self._pieces(n, 0.5)
        return {name: median_of(3, lambda: self._run(functools.partial(formula, name), x)) for name in FORMULAS}

    def arithmetic(self, n):
        """The chain's result stays on the workers, the means come back."""
        pieces = self._pieces(n, 1.0, 2.0, 3.0)
        rows = [self._client.submit(_rows, part, pure=False) for part in self._pieces(n, 1.0)[0]]
        distributed.wait(rows)
        count = n // 2 // 1000 * len(rows)
        return {"chain": median_of(3, lambda: distributed.wait([self._client.submit(_chain, *part, pure=False) for part in zip(*pieces)])),
                "means": median_of(3, lambda: self._total(_row_sums, rows) / count)}

    def chosen(self, n):
        """What is chosen stays on the workers."""
        x, mask, _ = chosen_from(n)
        pieces = [self._scatter(np.array_split(a, 2)) for a in (x, mask)]
        return {"mask": median_of(3, lambda: distributed.wait([self._client.submit(_choose, *part, pure=False) for part in zip(*pieces)]))}

    def matmul(self, n):
        """Rows of the one by the whole of the other, which lies on both workers."""
        a, b = (np.random.default_rng(seed).random((n, n)) for seed in (1, 2))
        pieces = [self._scatter(np.array_split(a, 2)), self._scatter([b, b])]
        return {"time": median_of(1, lambda: distributed.wait([self._client.submit(np.matmul, *part, pure=False) for part in zip(*pieces)]))}

    def objects(self, count):
        """Actors."""
        kept = []

        def create():
            kept.extend(distributed.wait([self._client.submit(_Thing, actor=True, pure=False) for _ in range(count)]).done)

        def delete():
            kept.clear()
            self._client.run(os.getpid)

        made = seconds_of(create)
        return {"create": count / made, "delete": count / seconds_of(delete)}

    def memory(self, _):
        workers = self._client.run(os.getpid)
        return {"worker": proportional_bytes(list(workers.values())[:1]), "controller": proportional_bytes([os.getpid()])}

    def apart(self, size):
        return two_hosts.measure("dask", size)
