"""Ctrl-C while calls of an executor are made and waited for: it comes up at once, and the session stays what it was."""
import random
import time

import numpy as np
import pytest
from interrupt_support import interrupt

import farhand as fh

SECONDS = 20


def square(x):
    return x * x


def pause(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)  # until the deadline
    return seconds


@pytest.fixture
def executor(cluster):
    with fh.Executor() as executor:
        [f.result(SECONDS) for f in [executor.submit(square, i) for i in range(100)]]
        yield executor


def is_whole(executor, x):
    """Both engines answer, nothing is left over."""
    assert [f.result(SECONDS) for f in [executor.submit(square, i) for i in range(40)]] == [i * i for i in range(40)]
    assert list(executor.map(square, range(500))) == [i * i for i in range(500)]
    assert float(x.sum()) == 45.0
    deadline = time.monotonic() + SECONDS
    while any(slot.sent for slot in executor._scheduler.slots.values()) or executor._scheduler.queues:
        assert time.monotonic() < deadline
        time.sleep(0.002)  # until the deadline
    assert all(not slot.cost and not any(slot.used.values()) for slot in executor._scheduler.slots.values())


def test_waiting_ends_at_once_and_so_does_the_call(executor):
    future, other = executor.submit(pause, 30), executor.submit(pause, 0.4)
    took = interrupt(lambda: future.result(SECONDS), 0.1)
    assert took is not None
    assert future.cancelled() and other.result(SECONDS) == 0.4  # only what was waited for ends
    print(f"{took * 1e3:.1f} ms")
    is_whole(executor, fh.scatter(np.arange(10.0)))


def test_thirty_interrupts_at_random_moments(executor):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    x = fh.scatter(np.arange(10.0))
    works = [lambda: [f.result(SECONDS) for f in [executor.submit(pause, 0.01) for _ in range(60)]],
             lambda: list(executor.map(square, iter(range(10**7)))),
             lambda: [executor.submit(square, i) for i in range(100_000)],
             lambda: executor.get_all_results([executor.submit(pause, 0.02) for _ in range(40)]),
             lambda: [fh.call(square, 3) for _ in range(10_000)]]
    times = []
    for i in range(30):
        took = interrupt(works[i % len(works)], choice.uniform(0.0, 0.12))
        if took is not None:
            times.append(took)
        if i % 10 == 9:
            [f.cancel() for f in list(executor._futures)]
            is_whole(executor, x)
    assert len(times) >= 15
    print(f"{len(times)} came up, after {sorted(times)[len(times) // 2] * 1e3:.1f} ms in the middle, {max(times) * 1e3:.1f} ms at most")
    assert not executor._scheduler.side.session.closed
