"""Calls leave nothing behind in this process, whether they go well or not."""
import gc

import numpy as np
import pytest

import farhand as fh


def resident():
    """Bytes of this process alone.  The rings that it shares with engines are touched bit by bit, up to their size."""
    gc.collect()
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))


def good(cluster):
    remote = fh.scatter(np.arange(100.0).reshape(10, 10))
    fh.gather((2 * remote + 1).T[1:3].sum(axis=0))
    fh.concatenate([remote, remote]).wait()
    remote[2:4] = 5
    cluster.session.stats(), cluster.session.engines, cluster.session.names(), cluster.session.objects(10)
    cluster.session.call(0, "methods")


def bad(cluster):
    remote = fh.scatter(np.arange(10))
    for attempt in (lambda: remote[20], lambda: remote + np.arange(3), lambda: remote.reshape(3), lambda: fh.get("nothing"),
                    lambda: cluster.session.sql("nonsense"), lambda: fh.kernel(b"nonsense"),
                    lambda: remote.astype("i1", casting="no")):
        with pytest.raises(fh.Error):
            attempt()


@pytest.mark.parametrize("work", [good, bad])
def test_memory_of_the_process_stays(cluster, work):
    rounds = 150
    for _ in range(rounds):
        work(cluster)
    before = resident()
    for _ in range(rounds):
        work(cluster)
    grown = resident() - before
    assert grown < rounds * 2000, f"{grown} bytes more after {rounds} rounds"
