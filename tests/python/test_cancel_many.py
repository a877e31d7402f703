"""The end of many calls of an executor at a time."""
import concurrent.futures
import os
import threading
import time

import pytest

import farhand as fh

SECONDS = 20
MANY = 20_000


def wait_for_file(path):
    """Runs until the file is there."""
    deadline = time.monotonic() + SECONDS
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.002)  # until its deadline


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)  # until the deadline


def test_many_calls_are_cancelled_in_one_sweep(cluster, tmp_path, monkeypatch):
    executor = fh.Executor()
    slow = [executor.submit(wait_for_file, str(tmp_path / "gate")) for _ in range(4)]
    futures = [executor.submit(abs, i) for i in range(MANY)]
    told, waited = [], []
    futures[-1].add_done_callback(told.append)
    thread = threading.Thread(target=lambda: waited.append(concurrent.futures.wait(futures[:100], SECONDS)))
    thread.start()
    wait_until(lambda: futures[99]._made and futures[99]._waiters)
    scheduler, posted = executor._scheduler, []
    post = scheduler.post
    monkeypatch.setattr(scheduler, "post", lambda *event: (posted.append(event), post(*event)))
    executor.shutdown(cancel_futures=True)
    assert len(posted) < 200  # not one for each call
    assert all(f.cancelled() for f in slow + futures) and told == [futures[-1]]
    thread.join(SECONDS)
    assert len(waited[0].done) == 100 and not waited[0].not_done
    with pytest.raises(concurrent.futures.CancelledError):
        futures[50].result()
    with fh.Executor() as other:
        assert other.submit(abs, -3).result(SECONDS) == 3
