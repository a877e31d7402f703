"""Large arrays of engines on this host are gathered without a copy, and stay what they were."""
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import farhand as fh
from oracle import same

PAGE = os.sysconf("SC_PAGE_SIZE")
ROWS = 512  # of a page each: pieces of any number of rows can be mapped


def make(rows=ROWS, dtype="float64", seed=3):
    count = PAGE // np.dtype(dtype).itemsize
    return np.random.default_rng(seed).integers(1, 100, (rows, count)).astype(dtype)


def mapped(call, session=None):
    """What a call gives, and how many bytes of it were mapped."""
    session = session or fh.session.current()
    before = session.stats()["mapped_bytes"]
    return call(), session.stats()["mapped_bytes"] - before


def gathered(remote):
    """A gathered array that is mapped whole."""
    local, count = mapped(lambda: fh.gather(remote))
    assert count == local.nbytes > 0
    return local


def stats(cluster, engine=0):
    values = cluster.session.call(engine, "stats")
    return dict(zip(values[::2], values[1::2]))


def total(cluster, name):
    return sum(stats(cluster, engine.number)[name] for engine in cluster.engines if engine.state == "ready")


def settle(cluster):
    gc.collect()
    fh.scatter(np.zeros(4)).wait()
    cluster.session.sync()


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)  # until the deadline


@pytest.mark.parametrize("dtype", ["float64", "int8", "complex64"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_value_is_mapped_and_a_plain_array(cluster, dtype, axis):
    local = make(dtype=dtype)
    got = gathered(fh.scatter(local, axis=axis))
    same(got, local)
    assert got.flags.writeable and got.flags.c_contiguous and got.flags.aligned and not got.flags.owndata
    same(np.asarray(fh.scatter(local, axis=axis)), local)


def test_views_and_pieces_that_begin_anywhere(cluster):
    local = make(1024).reshape(-1)
    whole = fh.scatter(local, axis=None)
    for view in (slice(5, None), slice(700, 200000), slice(1 << 17, (1 << 18) + 1)):
        same(gathered(whole[view]), local[view])
    # Pieces that do not begin where they would in the whole are copied, as long as that is the smaller part.
    for length in (400003, 262147):
        uneven = np.arange(length, dtype="float64")
        remote = fh.DistArray([fh.scatter(uneven, axis=None), fh.scatter(uneven[:-9], axis=None)])
        got, count = mapped(lambda: fh.gather(remote))
        same(got, np.concatenate([uneven, uneven[:-9]]))
        assert count == uneven.nbytes < got.nbytes
    same(gathered(fh.scatter(uneven)), uneven)
    same(gathered(fh.scatter(local.reshape(-1, 512), blocksize=100)), local.reshape(-1, 512))


RESULTS = {
    "ufunc": lambda x: x + 1,
    "two": lambda x: np.divmod(x, 3)[1],
    "narrow": lambda x: x.astype("int16"),
    "bool": lambda x: x > 50,
    "complex": lambda x: x * 1j,
    "kernel": lambda x: fh.kernel(b"define double @next(double %x) {\n %r = fadd double %x, 1.0\n ret double %r }")(x),
}


@pytest.mark.parametrize("length", [1 << 22, (1 << 22) + 1, 5000011])
@pytest.mark.parametrize("name", RESULTS)
def test_results_of_any_size_are_mapped(cluster, name, length):
    local = make(-(-length // 512)).reshape(-1)[:length]
    apply = RESULTS[name]
    expected = local + 1 if name == "kernel" else apply(local)
    remote = apply(fh.scatter(local))
    same(gathered(remote), expected)
    same(gathered(remote + remote), expected + expected)
    grid = apply(fh.scatter(local[: length // 7 * 7].reshape(1, -1, 7), axis=1))
    same(gathered(grid), expected[: length // 7 * 7].reshape(1, -1, 7))


def test_what_cannot_be_mapped_is_copied(cluster):
    local = make()
    for remote, expected in ((fh.scatter(local, axis=1) * 1, local), (fh.scatter(local, axis=None).T, local.T),
                             (fh.scatter(local, axis=None)[::2], local[::2]), (fh.scatter(local[:10], axis=None), local[:10])):
        got, count = mapped(lambda: fh.gather(remote))
        same(got, expected)
        assert count == 0 and got.flags.owndata
    got, count = mapped(lambda: fh.gather(fh.scatter(local), copy=True))
    same(got, local)
    assert count == 0 and got.flags.owndata


CHANGES = {
    "add": lambda x: x.__iadd__(1),
    "part": lambda x: x.__setitem__(slice(3, 7), 0),
    "element": lambda x: x.__setitem__((0, 0), -5),
    "whole": lambda x: x.__setitem__(Ellipsis, make(seed=9)),
    "out": lambda x: np.multiply(x, 3, out=x),
    "view": lambda x: x[2:].__imul__(2),
    "kernel": lambda x: fh.kernel(b"define double @twice(double %x) {\n %r = fadd double %x, %x\n ret double %r }")(x, out=x),
}


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("name", CHANGES)
def test_later_changes_are_not_seen(cluster, name, axis):
    change = CHANGES[name]
    local, before = make(), make()
    remote = fh.scatter(local, axis=axis)
    corner = remote[:20, 5:]
    got, again = gathered(remote), gathered(remote)
    for _ in range(2):
        change(remote)
        if name == "kernel":
            local = local + local
        else:
            change(local)
    same(fh.gather(remote, copy=True), local)
    same(fh.gather(corner), local[:20, 5:])
    same(got, before)
    same(again, before)


def test_writes_stay_with_the_writer(cluster):
    local = make()
    remote = fh.scatter(local)
    first, second = gathered(remote), gathered(remote)
    first[...] = -1
    same(second, local)
    same(fh.gather(remote, copy=True), local)
    same(gathered(remote), local)
    same(first, np.full_like(local, -1))


def test_memory_is_not_used_again_while_it_is_mapped(cluster):
    settle(cluster)
    local = make()
    used = total(cluster, "used")
    got = gathered(fh.scatter(local))
    settle(cluster)
    assert total(cluster, "used") >= used + local.nbytes
    wait_for(lambda: sum(ref.bytes for ref in cluster.session.objects() if ref.type == "mapping") >= local.nbytes, 10)
    for i in range(20):
        other = fh.scatter(np.full_like(local, i))
        other += 1
    same(got, local)
    view = got[10:20]
    del got, other
    settle(cluster)
    assert total(cluster, "used") >= used + local.nbytes
    same(view, local[10:20])
    del view
    settle(cluster)
    assert total(cluster, "used") == used
    wait_for(lambda: not any(ref.type == "mapping" for ref in cluster.session.objects()), 10)


def test_value_outlives_session_and_cluster():
    with fh.Cluster(2) as running:
        local = make()
        got = gathered(fh.scatter(local))
        session = fh.connect(running.connection_file)
        other = gathered(session_array := fh.scatter(local))
        session.close()
        with pytest.raises(fh.Error):
            fh.gather(session_array)
        same(other, local)
        fh.session.set_default(running.session)
        # What the vanished session has mapped is nobody's again.
        for i in range(20):
            keep = fh.scatter(np.full_like(local, i))
        same(other, local)
        running.kill_engine(0)
        same(got, local)
        got[0] = 7
        del keep
    same(got[1:], local[1:])
    same(other, local)
    del got, other


def test_full_engine_refuses_to_write_what_is_mapped():
    with fh.Cluster(1, memory=16 << 20) as small:
        local = make(2560)  # 10 MiB
        remote = fh.scatter(local, axis=None)
        got = gathered(remote)
        with pytest.raises(MemoryError, match="mapped"):
            remote += 1
            remote.wait()
            fh.gather(remote)
            small.session.sync()
        same(got, local)
        del got
        settle(small)
        remote += 1
        same(fh.gather(remote), local + 1)


def test_many_gathers_leave_nothing(cluster):
    def maps():
        with open("/proc/self/maps") as file:
            return len(file.readlines())

    def descriptors():
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), *(engine.pid for engine in cluster.engines))]

    local = make(ROWS)
    remote = fh.scatter(local)
    for _ in range(20):
        same(fh.gather(remote), local)
    settle(cluster)
    before = maps(), descriptors(), total(cluster, "segments"), total(cluster, "used"), total(cluster, "objects")
    for i in range(10000):
        got = fh.gather(remote)
        assert got[i % ROWS, 0] == local[i % ROWS, 0]
    del got
    settle(cluster)
    after = maps(), descriptors(), total(cluster, "segments"), total(cluster, "used"), total(cluster, "objects")
    assert after[0] <= before[0] + 8  # the allocator's own
    assert all(now <= then for now, then in zip(after[1], before[1]))
    assert after[2:] == before[2:]


def _child(got, local, go, answers):
    go.wait(60)
    answers.put(bool((got == local).all()))


def test_forked_child_sees_the_same_after_its_parent_let_go(cluster):
    local = make()
    remote = fh.scatter(local)
    got = gathered(remote)
    context = multiprocessing.get_context("fork")
    go, answers = context.Event(), context.SimpleQueue()
    child = context.Process(target=_child, args=(got, local, go, answers))
    child.start()
    del got
    settle(cluster)
    remote[...] = 0
    for i in range(10):
        remote += 1
        other = fh.scatter(np.full_like(local, i))
    other.wait()
    settle(cluster)
    go.set()
    assert answers.get() is True
    child.join(60)
    assert child.exitcode == 0


CLIENT = """
import sys, numpy as np, farhand as fh
session = fh.connect(sys.argv[1])
remote = fh.scatter(np.ones((512, 512)))
got = fh.gather(remote)
assert session.stats()["mapped_bytes"] == got.nbytes
print("ready", flush=True)
sys.stdin.read()
"""


def test_killed_client_gives_everything_back(monkeypatch):
    monkeypatch.setenv("FARHAND_LEASE", "1")
    with fh.Cluster(2) as running:
        settle(running)
        used = total(running, "used")
        client = subprocess.Popen([sys.executable, "-c", CLIENT, running.connection_file], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        try:
            assert client.stdout.readline() == b"ready\n"
            assert total(running, "used") > used
        finally:
            os.kill(client.pid, signal.SIGKILL)
            client.wait()
            client.stdout.close()
            client.stdin.close()
        wait_for(lambda: total(running, "used") == used, 60)
        assert total(running, "cached") == 0  # nobody uses it again
