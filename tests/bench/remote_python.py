"""Python code on engines: a call of a method beside the same call to a child over a bare pipe of multiprocessing (pickles both
ways); calls under way together beside multiprocessing.Pool's; functions that see and give large arrays beside memcpy.  In turns."""
import json
import multiprocessing
import statistics
import sys
import time

import numpy as np

import farhand as fh

TURNS, TRIPS, MANY, ITEMS = 15, 100, 5000, 100_000
BYTES = 100_000_000


class Adder:
    def __init__(self):
        self.total = 0

    def add(self, amount):
        self.total += amount
        return self.total


def serve(pipe):
    """In a child: the bare way."""
    adder = Adder()
    while True:
        name, args = pipe.recv()
        if name is None:
            return
        pipe.send(getattr(adder, name)(*args))


def square(x):
    return x * x


def first(x):
    return float(x[0])


def ones(n):
    return np.ones(n)


def ones_in_place(n):
    made = fh.engine.empty(n)
    made[:] = 1
    return made


def seconds_of(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def row(case, ours, limit, unit, limit_name):
    ratio = statistics.median(a / b for a, b in zip(ours, limit))
    print(json.dumps({"bench": "remote_python", "case": case, "value": statistics.median(ours), "unit": unit,
                      "limit": statistics.median(limit), "limit_name": limit_name, "ratio": ratio}),
          flush=True)


def calls(adder, pipe):
    def bare():
        for _ in range(TRIPS):
            pipe.send(("add", (1,)))
            pipe.recv()

    def ours():
        for _ in range(TRIPS):
            adder.add(1)

    turns = [(seconds_of(ours) / TRIPS * 1e6, seconds_of(bare) / TRIPS * 1e6) for _ in range(TURNS)]
    row("call of a method", *zip(*turns), "us", "bare multiprocessing.Pipe")


def pipelined(adder, pool):
    def ours():
        futures = [adder.add(1, block=False) for _ in range(MANY)]
        for future in futures:
            future.result()

    def others():
        results = [pool.apply_async(square, (1,)) for _ in range(MANY)]
        for result in results:
            result.get()

    turns = [(MANY / seconds_of(ours), MANY / seconds_of(others)) for _ in range(TURNS)]
    row("calls under way together", *zip(*turns), "1/s", "multiprocessing.Pool")


def mapped(pool):
    with fh.Executor() as executor:
        def ours():
            assert sum(1 for _ in executor.map(square, range(ITEMS))) == ITEMS

        def others():
            assert sum(1 for _ in pool.imap(square, range(ITEMS), chunksize=500)) == ITEMS

        turns = [(seconds_of(ours), seconds_of(others)) for _ in range(TURNS // 3)]
    row(f"Executor.map of {ITEMS:,} calls", *zip(*turns), "s", "Pool(2).imap, chunks of 500")


def arrays():
    local, copy = np.ones(BYTES // 8), np.empty(BYTES // 8)
    remote = fh.scatter(local, axis=None)

    def memcpy():
        copy[:] = local

    turns = [(seconds_of(lambda: fh.call(first, remote)), seconds_of(memcpy)) for _ in range(TURNS)]
    row("a function sees 100 MB", *zip(*turns), "s", "memcpy of them")
    turns = [(seconds_of(lambda: fh.call(ones, BYTES // 8).wait()), seconds_of(lambda: ones(BYTES // 8))) for _ in range(TURNS)]
    row("a function gives 100 MB, which stay", *zip(*turns), "s", "the function, here")
    warm = np.empty(BYTES // 8)

    def fill():
        warm[:] = 1

    turns = [(seconds_of(lambda: fh.call(ones_in_place, BYTES // 8).wait()), seconds_of(fill)) for _ in range(TURNS)]
    row("the same, written where they stay", *zip(*turns), "s", "filling memory of one's own that is there already")


def main():
    here, there = multiprocessing.Pipe()
    child = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    child.start()
    with multiprocessing.Pool(2) as pool, fh.Cluster(2):
        adder = fh.scatter(Adder())
        for _ in range(200):
            adder.add(1)
        calls(adder, here)
        pipelined(adder, pool)
        mapped(pool)
        arrays()
    here.send((None, ()))
    child.join(5)


if __name__ == "__main__":
    sys.exit(main())
