"""Every native function beside NumPy's own on the same arrays, in turns; engines of one thread, NumPy's BLAS with as many threads as there are engines.

functions.py [--engines N,...] [--sizes N,...] [--part I/N] [--below RATIO] [TEXT...]   TEXT: only calls that begin with it
A ratio says how many times as fast as NumPy farhand is; rows below the wish (1.0 on one engine, 1.2 on more) are marked."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

import farhand as fh
from beside import inputs, rows
from farhand.session import set_default

SIZES, ENGINES = (10**5, 10**7), (1, 2)
WISHES = {1: 1.0}  # of more engines: MORE
MORE = 1.2
SMALL = 10**6  # up to here calls go ten at a time
ROW_SECONDS, PAIRS = 0.1, (3, 40)


def parse():
    parser = argparse.ArgumentParser(prog="functions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: tuple(int(float(word)) for word in text.split(","))
    parser.add_argument("--engines", type=numbers, default=ENGINES)
    parser.add_argument("--sizes", type=numbers, default=SIZES)
    parser.add_argument("--part", type=lambda text: tuple(map(int, text.split("/"))), default=(1, 1))
    parser.add_argument("--below", type=float, help="only rows with a smaller ratio are shown")
    parser.add_argument("--seconds", type=float, default=ROW_SECONDS, help="for the pairs of a row")
    parser.add_argument("calls", nargs="*")
    return parser.parse_args()


class Names(dict):
    """What a call sees: arrays, and a module's functions."""

    def __init__(self, arrays, module):
        super().__init__(arrays)
        self._module = module

    def __missing__(self, name):
        if not hasattr(self._module, name):
            raise KeyError(name)  # so it is one of Python's
        self[name] = getattr(self._module, name)
        return self[name]


def settle(results, written):
    """Until the last of some results is there; what gives none has written."""
    result = results[-1]
    if result is None:
        result = written
    for part in result if isinstance(result, (tuple, list)) else (result,):
        if isinstance(part, (fh.RemoteArray, fh.DistArray)):
            part.wait() if part.ndim else fh.gather(part)


def pairs_of(call, times, ours, numpys, seconds):
    """Seconds of so many calls of ours and of NumPy's, one after the other; a program waits for the last of them, not for each."""
    code, taken = compile(call, call, "eval"), ([], [])
    work = lambda names: settle([eval(code, {}, names) for _ in range(times)][-1:], names["w"])
    for names in (ours, numpys):
        work(names)
    end = time.perf_counter() + seconds
    while len(taken[0]) < PAIRS[0] or (time.perf_counter() < end and len(taken[0]) < PAIRS[1]):
        for names, seconds_of in zip((ours, numpys), taken):
            begin = time.perf_counter()
            work(names)
            seconds_of.append(time.perf_counter() - begin)
    return taken


def measure(engines, size, calls, options):
    """Prints a row for each call."""
    local, times = inputs.made(size), 1 if size > SMALL else 10
    with fh.Cluster(engines, threads=1) as cluster:
        set_default(cluster.session)
        remote = {name: fh.scatter(value) for name, value in local.items()}
        ours, numpys = (Names({"np": np, **arrays, "rng": module.random.default_rng(1)}, module) for module, arrays in ((fh, remote), (np, local)))
        for call in calls:
            case = f"{call}, {size:.0e}, engines: {engines}"
            try:
                value, limit = pairs_of(call, times, ours, numpys, options.seconds)
            except Exception as problem:  # one row that cannot be measured leaves the others
                print(f"{case}: {type(problem).__name__}: {str(problem)[:200]}", file=sys.stderr, flush=True)
                continue
            ratio = statistics.median(l / v for v, l in zip(value, limit))
            low = ratio < WISHES.get(engines, MORE)
            if options.below is None or ratio < options.below:
                print(json.dumps({"bench": "functions", "case": case + (" <<<" if low else ""), "value": statistics.median(value) / times * 1e3, "unit": "ms",
                                  "limit": statistics.median(limit) / times * 1e3, "limit_name": "NumPy", "ratio": ratio}), flush=True)


def main():
    options = parse()
    if len(options.engines) > 1:  # OpenBLAS counts its threads when it is loaded
        return max([subprocess.run([sys.executable, __file__, *sys.argv[1:], "--engines", str(engines)], check=False,
                             env={**os.environ, "OPENBLAS_NUM_THREADS": str(engines)}).returncode for engines in options.engines])
    for name in rows.missing():
        print(f"no call of {name}", file=sys.stderr)
    part, parts = options.part
    calls = [call for call in rows.calls() if not options.calls or any(call.startswith(text) for text in options.calls)][part - 1::parts]
    for size in options.sizes:
        measure(options.engines[0], size, calls, options)
    return 1 if rows.missing() else 0


if __name__ == "__main__":
    sys.exit(main())
