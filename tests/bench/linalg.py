"""Factorisations of one large matrix by the engines, beside NumPy (OpenBLAS with as many threads as there are) in the same run, in turns."""
import json
import statistics
import sys
import time

import numpy as np

import farhand as fh
from farhand.session import set_default

ENGINES = ((2, 1), (1, 2))  # how many, and threads of each


def seconds_of(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def row(case, values, limits):
    value, limit = statistics.median(values), statistics.median(limits)
    print(json.dumps({"bench": "linalg", "case": case, "value": value, "unit": "s", "limit": limit, "limit_name": "NumPy",
                      "ratio": statistics.median(v / l for v, l in zip(values, limits))}), flush=True)


def main(quick):
    n, turns = (600, 1) if quick else (4096, 5)
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((n, n)), rng.standard_normal((n, 1))
    definite = a @ a.T / n + np.eye(n)
    works = {"cholesky": (definite,), "solve": (a, b)}
    for engines, threads in ENGINES:
        with fh.Cluster(engines, threads=threads) as cluster:
            set_default(cluster.session)
            for name, local in works.items():
                remote, function = [fh.scatter(x) for x in local], getattr(np.linalg, name)
                function(*remote).wait()  # loads the library, and has memory for results
                ours, numpys = [], []
                for _ in range(turns):
                    ours.append(seconds_of(lambda: function(*remote).wait()))
                    numpys.append(seconds_of(lambda: function(*local)))
                row(f"{name} {n} x {n}, engines: {engines}, threads of each: {threads}", ours, numpys)
                del remote


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
