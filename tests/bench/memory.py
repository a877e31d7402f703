"""A loop of scatter, compute and drop: its rate, and what it leaves; arrays that go to disk and come back."""
import json
import os
import sys
import tempfile
import time

import numpy as np

import farhand as fh

MIB = 1 << 20
LOOPS, WARM = 10_000, 1_000


def row(case, value, unit, limit=None, limit_name="", bench="memory"):
    print(json.dumps({"bench": bench, "case": case, "value": value, "unit": unit, "limit": limit, "limit_name": limit_name,
                      "ratio": value / limit if limit else None}), flush=True)


def kept(cluster):
    """Bytes of each engine's own process, less what malloc keeps: bursts of calls leave it there for a while."""
    return [part["process"] for part in cluster.session.memory().engines.values()]


def leavings(cluster):
    """What is left: segments, objects and files of the engines, rows of the registry, descriptors."""
    stats = [dict(zip(*[iter(cluster.session.call(engine, "stats"))] * 2)) for engine in cluster.engines]
    return {"segments": sum(stat["segments"] for stat in stats), "objects": sum(stat["objects"] for stat in stats),
            "rows": cluster.session.sql("SELECT count(*) AS n FROM objects")[0]["n"],
            "descriptors": sum(len(os.listdir(f"/proc/{engine.pid}/fd")) for engine in cluster.engines)}


def settled(cluster):
    deadline = time.monotonic() + 20
    cluster.session.sync()
    while True:
        found = leavings(cluster)
        if not (found["segments"] or found["objects"] or found["rows"]) or time.monotonic() > deadline:
            return found


def loop(cluster):
    array = np.arange(256 * 1024 / 8)

    def run(times):
        begin = time.monotonic()
        for _ in range(times):
            x = fh.scatter(array)
            y = x * 2.0
            y[1].item()
            del x, y
        return (time.monotonic() - begin) / times

    run(WARM)
    before, had = settled(cluster), kept(cluster)
    seconds = run(LOOPS)
    after, grown = settled(cluster), [now - then for now, then in zip(kept(cluster), had)]
    copies = []
    for _ in range(LOOPS):
        begin = time.monotonic()
        array.copy() * 2.0
        copies.append(time.monotonic() - begin)
    row(f"{LOOPS} x scatter 256 KiB, x*2, read, drop", seconds * 1e6, "us", sorted(copies)[LOOPS // 2] * 1e6, "NumPy: copy, x*2")
    row("the same: engines' growth, each", max(grown) / MIB, "MiB", 2.0, "the most that it may be")
    for name in ("segments", "objects", "rows", "descriptors"):
        row(f"the same: {name} left", after[name] - before[name], "")


def disk_rate(folder, array):
    rates = []
    for _ in range(5):
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR)
        begin = time.monotonic()
        os.write(fd, memoryview(array).cast("B"))
        rates.append(array.nbytes / (time.monotonic() - begin))
        os.close(fd)
    return sorted(rates)[2]


def spill():
    size, count = 16 * MIB, 32
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FARHAND_SPILL"] = folder
        try:
            with fh.Cluster(1, memory=128 * MIB) as cluster:
                arrays = [np.full(size // 8, float(i)) for i in range(count)]
                disk = disk_rate(folder, arrays[0])
                remotes = [fh.scatter(array) for array in arrays]
                cluster.session.sync()
                begin = time.monotonic()
                right = all(remote.sum().item() == i * (size // 8) for i, remote in enumerate(remotes))
                seconds = time.monotonic() - begin
                assert right
                row("512 MiB in 128: sum of all, from disk and to it", count * size / seconds / 1e9, "GB/s", disk / 1e9,
                    "a write of one to that disk")
        finally:
            del os.environ["FARHAND_SPILL"]


def main():
    with fh.Cluster(2) as cluster:
        loop(cluster)
    spill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
