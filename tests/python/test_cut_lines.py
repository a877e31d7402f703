"""Python calls to engines of another host while the line to them is cut at random moments: each is run once."""
import ctypes
import os
import random
import socket
import stat
import threading
import time

import numpy as np

import farhand as fh
from test_streams import far

CALLS, LEAST_CUTS, DEADLINE_S = 300, 8, 120


class Ledger:
    """Remembers what it was told, in order."""

    def __init__(self):
        self.seen = []

    def note(self, number):
        self.seen.append(number)
        return number * number

    def all(self):
        return list(self.seen)


def cut_all():
    """Reset this process's TCP connections, as a line does that goes away.  Returns how many there were."""
    connect = ctypes.CDLL(None, use_errno=True).connect
    nobody = (ctypes.c_char * 16)()  # AF_UNSPEC: the connection is dropped
    cut = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.stat(int(name)).st_mode):
                continue
            end = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with end:
            try:
                found = end.family == socket.AF_INET and end.type == socket.SOCK_STREAM and bool(end.getpeername())
            except OSError:
                found = False
            if found:
                connect(end.fileno(), nobody, len(nobody))
                cut += 1
    return cut


class Knife(threading.Thread):
    def __init__(self, seed):
        super().__init__(daemon=True)
        self.choice, self.cuts, self.over = random.Random(seed), 0, threading.Event()

    def run(self):
        while not self.over.wait(self.choice.uniform(0.005, 0.5)):
            self.cuts += cut_all() > 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def test_calls_with_effects_are_run_once(cluster):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with far(cluster), Knife(seed) as knife:
        ledger = fh.scatter(Ledger())
        end, told = time.monotonic() + DEADLINE_S, 0
        while told < CALLS or (knife.cuts < LEAST_CUTS and time.monotonic() < end):
            futures = [ledger.note(told + i, block=False) for i in range(20)]
            assert [future.result(60) for future in futures] == [(told + i) ** 2 for i in range(20)]
            told += 20
        assert knife.cuts >= LEAST_CUTS
        assert ledger.all() == list(range(told))
    fh.session.set_default(cluster.session)


def test_arrays_and_sums_come_back_right(cluster):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    local = np.arange(200_000.0)
    with far(cluster, streams=-1), Knife(seed) as knife:
        remote, end, turns = fh.scatter(local), time.monotonic() + DEADLINE_S, 0
        while turns < 20 or (knife.cuts < LEAST_CUTS and time.monotonic() < end):
            remote += 1
            turns += 1
            assert float(remote.sum()) == local.sum() + turns * local.size
            np.testing.assert_array_equal(np.asarray(remote), local + turns)
        assert knife.cuts >= LEAST_CUTS
    fh.session.set_default(cluster.session)
