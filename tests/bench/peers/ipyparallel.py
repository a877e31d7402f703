"""ipyparallel: Cluster(n=2), a DirectView on both engines; functions applied, arrays scattered and gathered by name."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # an engine has one thread

import tempfile

import ipyparallel
import numpy as np

from compare.objects import Counter, checked_squares, square
from compare.timing import children_of, latencies, median_of, proportional_bytes, seconds_of

VERSION = ipyparallel.__version__
CALLS_AT_MOST = 200


def _nop():
    pass


def _cluster(engines):
    cluster = ipyparallel.Cluster(n=engines, log_level=40)
    return cluster, cluster.start_and_connect_sync()


class Contestant:
    def __init__(self):
        self._home = tempfile.TemporaryDirectory(prefix="compare-ipython-")
        os.environ["IPYTHONDIR"] = self._home.name  # profiles and connection files
        self._cluster, self._client = _cluster(2)
        self._view, self._one = self._client[:], self._client[0]

    def close(self):
        self._client.close()
        self._cluster.stop_cluster_sync()
        self._home.cleanup()

    def start(self, engines):
        made = []
        seconds = seconds_of(lambda: made.extend(_cluster(engines)))
        made[1].close()
        made[0].stop_cluster_sync()
        return {"ready": seconds}

    def noop(self, calls):
        return latencies(lambda: self._one.apply_sync(_nop), min(calls, 100))

    def pipelined(self, calls):
        calls = min(calls, CALLS_AT_MOST)
        return {"rate": calls / median_of(1, lambda: self._client.wait([self._one.apply_async(_nop) for _ in range(calls)]))}

    def _counter(self):
        """A bound method's name on the engine."""
        self._one.push({"counter": Counter()}, block=True)
        return ipyparallel.Reference("counter.add")

    def methods(self, calls):
        add = self._counter()
        return latencies(lambda: self._one.apply_sync(add, 1), min(calls, 100))

    def together(self, calls):
        calls, add = min(calls, CALLS_AT_MOST), self._counter()
        return {"rate": calls / median_of(1, lambda: self._client.wait([self._one.apply_async(add, 1) for _ in range(calls)]))}

    def mapped(self, calls):
        """One message to each engine."""
        return {"rate": calls / median_of(1, lambda: checked_squares(self._view.map_sync(square, range(calls)), calls))}

    def _times(self, size, scatter, gather):
        run = (lambda function: median_of(3, function)) if size < 1 << 26 else seconds_of
        return size / run(scatter), run(gather)

    def axis0(self, size):
        a = np.ones(size // 8)
        there, back = self._times(size, lambda: self._view.scatter("x", a, block=True), lambda: self._view.gather("x", block=True))
        self._forget()
        return {"scatter": there, "gather": back, "read": back + seconds_of(a.sum)}

    def axis1(self, size):
        rows = int((size // 8) ** 0.5)
        a = np.ones((rows, size // 8 // rows))

        def scatter():
            for engine, piece in zip(self._client, np.array_split(a, 2, axis=1)):
                engine.push({"x": np.ascontiguousarray(piece)}, block=True)

        there, back = self._times(size, scatter, lambda: np.concatenate(self._view.pull("x", block=True), axis=1))
        self._forget()
        return {"scatter": there, "gather": back, "read": back + seconds_of(a.sum)}

    def _forget(self):
        self._view.execute("x = a = b = c = None", block=True)
        self._client.purge_everything()

    def arrays(self, count):
        """As two lists."""
        arrays = [np.full(1000, 1.0) for _ in range(count)]
        seconds = seconds_of(lambda: self._view.scatter("x", arrays, block=True))
        self._forget()
        return {"rate": count / seconds}

    def _make(self, n, **values):
        for name, value in values.items():
            self._view.execute(f"import numpy; {name} = numpy.full({n // 2}, {value})", block=True)

    def _total(self, function, *names):
        return sum(self._view.apply_sync(function, *map(ipyparallel.Reference, names)))

    def sums(self, n):
        self._make(n, a=1.0)
        result = {"sum": median_of(3, lambda: self._total(lambda x: float(x.sum()), "a")),
                  "mean": median_of(3, lambda: self._total(lambda x: float(x.sum()), "a") / n)}
        self._forget()
        return result

    def fused(self, n):
        self._make(n, a=1.0, b=2.0, c=3.0)
        result = {"fused": median_of(3, lambda: self._total(lambda a, b, c: float((a * b + c).sum()), "a", "b", "c"))}
        self._forget()
        return result

    def objects(self, count):
        """Names on an engine, as many at once as are asked for."""
        create = seconds_of(lambda: self._client.wait([self._one.push({f"o{i}": i}, block=False) for i in range(count)]))
        delete = seconds_of(lambda: self._client.wait([self._one.execute(f"del o{i}", block=False) for i in range(count)]))
        return {"create": count / create, "delete": count / delete}

    def memory(self, _):
        workers = self._view.apply_sync(os.getpid)
        others = [pid for pid in children_of(os.getpid()) if pid not in workers]
        return {"worker": proportional_bytes(workers[:1]), "controller": proportional_bytes(others)}
