"""farhand itself: two engines of one thread on this host."""
import math
import os

import numpy as np

import farhand as fh
from compare import two_hosts
from compare.inputs import FORMULAS, MATHS, applied, arithmetic_from, chosen_from, formula, maths_from
from compare.objects import Counter, checked_squares, square
from compare.timing import Skip, children_of, latencies, median_of, proportional_bytes, seconds_of

VERSION = fh.__version__


def _cluster(engines):
    """What fh.Cluster does, until every engine has answered."""
    cluster = fh.Cluster(engines, threads=1)
    float(fh.scatter(np.zeros(max(engines, 1))).sum())
    return cluster


class Contestant:
    def __init__(self):
        self._cluster = _cluster(2)
        self._small = fh.scatter(np.arange(10.0), axis=None)
        self._functions = 0

    def close(self):
        self._cluster.stop()

    def start(self, engines):
        made = []
        seconds = seconds_of(lambda: made.append(_cluster(engines)))
        made[0].stop()
        return {"ready": seconds}

    def noop(self, calls):
        return latencies(lambda: fh.methodcall(self._small, "nop"), calls)

    def pipelined(self, calls):
        """Additions to ten numbers, each a call with a result that stays on the engine."""
        def add():
            for _ in range(calls):
                result = self._small + 1
            result.wait()

        return {"rate": calls / median_of(3, add)}

    def methods(self, calls):
        counter = fh.scatter(Counter())
        return latencies(lambda: counter.add(1), calls)

    def together(self, calls):
        counter = fh.scatter(Counter())

        def add():
            for future in [counter.add(1, block=False) for _ in range(calls)]:
                future.result()

        return {"rate": calls / median_of(3, add)}

    def mapped(self, calls):
        with fh.Executor() as executor:
            return {"rate": calls / median_of(3, lambda: checked_squares(executor.map(square, range(calls)), calls))}

    def _moves(self, a, axis):
        times = 5 if a.nbytes < 1 << 26 else 3
        kept = [fh.scatter(a, axis=axis)]

        def scatter():
            kept[0] = None  # its memory is used again, as in a loop
            kept[0] = fh.scatter(a, axis=axis)
            kept[0].wait()

        there = median_of(times, scatter)
        back = median_of(times, lambda: fh.gather(kept[0]))
        read = median_of(times, lambda: fh.gather(kept[0]).sum())
        return {"scatter": a.nbytes / there, "gather": back, "read": read}

    def axis0(self, size):
        return self._moves(np.ones(size // 8), 0)

    def axis1(self, size):
        rows = math.isqrt(size // 8)
        return self._moves(np.ones((rows, size // 8 // rows)), 1)

    def arrays(self, count):
        arrays = [np.full(1000, 1.0) for _ in range(count)]

        def scatter():
            kept = fh.scatter(arrays)
            self._cluster.session.sync()  # all of kept are there

            return kept

        return {"rate": count / median_of(1, scatter)}

    def sums(self, n):
        x = fh.scatter(np.ones(n))
        return {"sum": median_of(5, lambda: float(x.sum())), "mean": median_of(5, lambda: float(x.mean()))}

    def chosen(self, n):
        x, mask, indices = map(fh.scatter, chosen_from(n))
        return {"mask": median_of(3, lambda: x[mask].wait()), "take": median_of(5, lambda: x[indices].wait())}

    def fused(self, n):
        a, b, c = (fh.scatter(np.full(n, value)) for value in (1.0, 2.0, 3.0))
        return {"fused": median_of(5, lambda: float((a * b + c).sum()))}

    def sorting(self, n):
        x = fh.scatter(np.random.default_rng(1).normal(size=n))
        np.argsort(x).wait()  # the engines have the memory then
        return {"sort": median_of(3, lambda: np.sort(x).wait()), "argsort": median_of(3, lambda: np.argsort(x).wait()), "running": median_of(3, lambda: np.cumsum(x).wait()),
                "histogram": median_of(3, lambda: np.histogram(x, 100, (-5, 5))[0].wait())}

    def kernel(self, count):
        try:
            import numba  # noqa: F401  (Python functions are compiled by it)
        except ImportError as problem:
            raise Skip(str(problem)) from None
        x = fh.scatter(np.arange(8.0), axis=None)

        def new():
            self._functions += 1
            number = float(self._functions) + os.getpid()
            fh.gather(fh.kernel(lambda x, y: math.sqrt(x * x + y * y) + number, signature="float64(float64, float64)")(x, x))

        return {"new": median_of(count, new)}

    def objects(self, count):
        one, kept = np.zeros(1), []

        def create():
            kept[:] = [fh.scatter(one, axis=None) for _ in range(count)]
            self._cluster.session.sync()

        def delete():
            kept.clear()
            self._cluster.session.sync()

        create()
        delete()
        made = seconds_of(create)
        return {"create": count / made, "delete": count / seconds_of(delete)}

    def matmul(self, n):
        a, b = (fh.scatter(np.random.default_rng(seed).random((n, n))) for seed in (1, 2))
        try:
            return {"time": median_of(1, lambda: (a @ b).wait())}
        except fh.NotSupported as reason:
            raise Skip(str(reason)) from None

    def factors(self, n):
        rng = np.random.default_rng(1)
        a, b = rng.standard_normal((n, n)), rng.standard_normal((n, 1))
        definite, x, y = fh.scatter(a @ a.T / n + np.eye(n)), fh.scatter(a), fh.scatter(b)
        np.linalg.cholesky(definite).wait()
        return {"cholesky": median_of(1, lambda: np.linalg.cholesky(definite).wait()),
                "solve": median_of(1, lambda: np.linalg.solve(x, y).wait())}

    def maths(self, n):
        x = fh.scatter(maths_from(n))
        return {name: median_of(5, lambda: applied(np, name, x).wait()) for name in MATHS}

    def arithmetic(self, n):
        a, b, c, x = map(fh.scatter, arithmetic_from(n))
        return {"chain": median_of(5, lambda: (a * b + c).wait()), "means": median_of(5, lambda: x.mean(axis=0).wait())}

    def formulas(self, n):
        x = fh.scatter(maths_from(n))
        return {name: median_of(5, lambda: formula(name, x).wait()) for name in FORMULAS}

    def random(self, n):
        generator = fh.random.default_rng(1)
        return {"uniform": median_of(3, lambda: generator.random(n).wait()),
                "normal": median_of(3, lambda: generator.standard_normal(n).wait())}

    def memory(self, _):
        """Of daemons that have not worked yet; an engine with the children that it has ready."""
        with fh.Cluster(2, threads=1) as fresh:
            engine = fresh.engines[0].pid
            return {"worker": proportional_bytes([engine, *children_of(engine)]), "controller": proportional_bytes(_brokers_of(fresh))}

    def engines(self, count):
        made = []
        ready = seconds_of(lambda: made.append(_cluster(count)))
        with made[0]:
            x = fh.scatter(np.arange(64.0 * 1000))
            return {"ready": ready, "sum": median_of(100, lambda: float((x + 1).sum()))}

    def apart(self, size):
        return two_hosts.measure("farhand", size)


def _brokers_of(cluster):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as line:
                words = line.read().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended
        if os.path.basename(words[0]) == "farhand-broker" and any(cluster.name in word for word in words):
            found.append(int(entry))
    return found
