"""Several Python hosts of one session on one engine: functions that need no objects run beside each other."""
import os
import threading
import time

import pytest
from interrupt_support import interrupt
from oracle import wait_for
from remote_support import Account

import farhand as fh


@pytest.fixture(scope="module")
def wide():
    """One engine that takes three hosts of each session."""
    os.environ["FARHAND_PYTHON_WORKERS"] = "3"
    try:
        with fh.Cluster(1) as running:
            yield running
    finally:
        del os.environ["FARHAND_PYTHON_WORKERS"]


@pytest.fixture
def one(wide):
    fh.session.set_default(wide.session)
    return wide


def meet(mine, others, seconds=30):
    """Until all have come, each to its file."""
    with open(mine, "x"):
        pass
    deadline = time.monotonic() + seconds
    while not all(map(os.path.exists, others)):
        if time.monotonic() > deadline:
            raise TimeoutError("the others do not come")
        time.sleep(0.002)  # a poll with a deadline
    return os.getpid()


def files(folder, n):
    return [str(folder / str(i)) for i in range(n)]


def spin():
    while True:
        pass


def hog(megabytes):
    return len(bytearray(megabytes << 20))


def test_calls_that_wait_for_each_other_end(one, tmp_path):
    names = files(tmp_path, 3)
    futures = [fh.call(meet, name, names, block=False) for name in names]
    assert len({future.result(60) for future in futures}) == 3


def test_calls_of_executors_too(one, tmp_path):
    names = files(tmp_path, 3)
    with fh.Executor() as executor:
        futures = [executor.submit(meet, name, names) for name in names]
        assert len({future.result(60) for future in futures}) == 3
        assert list(executor.map(abs, range(-2000, 0))) == list(range(2000, 0, -1))


def test_threads_that_wait_do_not_wait_for_each_other(one, tmp_path):
    names, pids = files(tmp_path, 2), []
    threads = [threading.Thread(target=lambda name=name: pids.append(fh.call(meet, name, names))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 2


def busy_hosts(one, tmp_path, n=3):
    """Process numbers of all hosts: they have met."""
    names = files(tmp_path, n)
    return [future.result(60) for future in [fh.call(meet, name, names, block=False) for name in names]]


def test_a_host_that_dies_takes_only_its_own_calls(one, tmp_path):
    account = fh.scatter(Account(5))
    busy_hosts(one, tmp_path)
    gate = str(tmp_path / "gate")
    waiting = [fh.call(meet, str(tmp_path / name), [gate], block=False) for name in "ab"]
    wait_for(lambda: all(os.path.exists(tmp_path / name) for name in "ab"))
    with pytest.raises(fh.EngineLost, match="exit status 3"):
        fh.call(os._exit, 3)
    with open(gate, "x"):
        pass
    assert len({future.result(60) for future in waiting}) == 2
    assert account.deposit(1) == 6


def test_objects_stay_where_they_were_made(one, tmp_path):
    account = fh.scatter(Account(5))
    busy_hosts(one, tmp_path)
    for amount in range(10):
        assert account.deposit(1) == 6 + amount
        assert fh.call(abs, -amount) == amount
    assert fh.call(Account.deposit, account, 0) == 15  # with an object the call goes there


def test_an_interrupt_reaches_the_right_one(one, tmp_path):
    pids = set(busy_hosts(one, tmp_path))
    assert interrupt(lambda: fh.call(spin), 0.3) is not None
    (tmp_path / "again").mkdir()
    assert set(busy_hosts(one, tmp_path / "again")) == pids


def test_a_deadline_ends_only_its_call(one, tmp_path):
    pids = set(busy_hosts(one, tmp_path))
    gate = str(tmp_path / "gate")
    waiting = fh.call(meet, str(tmp_path / "a"), [gate], block=False)
    late = fh.call(spin, timeout=0.3, block=False)
    with pytest.raises(TimeoutError):
        late.result(30)
    with open(gate, "x"):
        pass
    assert waiting.result(30) in pids


def test_each_host_has_the_memory_limit(monkeypatch, tmp_path):
    monkeypatch.setenv("FARHAND_PYTHON_WORKERS", "2")
    monkeypatch.setenv("FARHAND_PYTHON_MEMORY", "1G")
    with fh.Cluster(1) as cluster:
        pids = set(busy_hosts(cluster, tmp_path, 2))
        futures = [fh.call(hog, megabytes, block=False) for megabytes in (700, 700, 2000, 10)]
        assert [future.result(60) for future in futures[:2]] == [700 << 20] * 2
        with pytest.raises(MemoryError):
            futures[2].result(60)
        assert futures[3].result(60) == 10 << 20
        (tmp_path / "again").mkdir()
        assert set(busy_hosts(cluster, tmp_path / "again", 2)) == pids


def test_one_host_if_there_may_be_one(monkeypatch):
    monkeypatch.setenv("FARHAND_PYTHON_WORKERS", "1")
    with fh.Cluster(1, threads=2), fh.Executor() as executor:
        pids = {future.result(30) for future in [fh.call(os.getpid, block=False) for _ in range(20)]}
        assert pids | {future.result(30) for future in [executor.submit(os.getpid) for _ in range(20)]} == pids and len(pids) == 1


def test_they_end_with_their_session(one):
    before = fh.session.current()
    other = fh.connect(one.connection_file)
    try:
        fh.session.set_default(other)
        pids = {future.result(60) for future in [fh.call(os.getpid, block=False) for _ in range(30)]}
    finally:
        other.close()
        fh.session.set_default(before)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))
