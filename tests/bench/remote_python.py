"""Python code on engines: a call of a method beside a byte to a child and back through a bare socket, the same call to a child over a
bare pipe of multiprocessing (pickles both ways), and to one of its managers; calls under way together beside multiprocessing.Pool's; functions that see and give large arrays beside memcpy.  In turns."""
import json
import multiprocessing
import multiprocessing.managers
import socket
import statistics
import sys
import time

import numpy as np

import farhand as fh

TURNS, TRIPS, MANY, ITEMS = 15, 100, 5000, 100_000
BYTES = 100_000_000
TASKS, LOOPS = 8, 500_000


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


def echo(line):
    """In a child: bytes back as they come."""
    while byte := line.recv(1):
        line.send(byte)


class Manager(multiprocessing.managers.BaseManager):
    pass


Manager.register("Adder", Adder)


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


def times_of(function):
    """Seconds of each of some calls."""
    times = []
    for _ in range(TRIPS):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return times


def calls(adder, pipe, managed, line):
    def one_byte():
        line.send(b"x")
        line.recv(1)

    def piped():
        pipe.send(("add", (1,)))
        pipe.recv()

    ways = [lambda: adder.add(1), one_byte, piped, lambda: managed.add(1)]
    turns = [[statistics.median(times_of(way)) * 1e6 for way in ways] for _ in range(TURNS)]
    ours, *others = zip(*turns)
    for other, name in zip(others, ("a byte through a bare Unix socket and back", "multiprocessing.Pipe", "multiprocessing's Manager")):
        row("call of a method", ours, other, "us", name)


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


def work(n):
    return sum(i * i for i in range(n))


def spread(pool):
    """Work that needs the interpreter, on one engine with two Python hosts."""
    def ours():
        for future in [fh.call(work, LOOPS, block=False) for _ in range(TASKS)]:
            future.result()

    def others():
        pool.map(work, [LOOPS] * TASKS, chunksize=1)

    ours()  # starts the hosts
    turns = [(seconds_of(ours), seconds_of(others)) for _ in range(TURNS // 3)]
    row(f"{TASKS} calls of a Python loop, one engine", *zip(*turns), "s", "Pool(2).map")


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
    near, far = socket.socketpair()
    mirror = multiprocessing.Process(target=echo, args=(far,), daemon=True)
    mirror.start()
    if "--spread" in sys.argv:
        with multiprocessing.Pool(2) as pool, fh.Cluster(1, threads=2):
            spread(pool)
        return
    with multiprocessing.Pool(2) as pool, fh.Cluster(2), Manager() as manager:
        adder, managed = fh.scatter(Adder()), manager.Adder()
        for _ in range(200):
            adder.add(1)
        calls(adder, here, managed, near)
        if "--calls" in sys.argv:
            return
        pipelined(adder, pool)
        mapped(pool)
        arrays()
    with multiprocessing.Pool(2) as pool, fh.Cluster(1, threads=2):
        spread(pool)
    near.close()
    here.send((None, ()))
    child.join(5)


if __name__ == "__main__":
    sys.exit(main())
