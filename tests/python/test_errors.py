"""Errors are of farhand's classes and of Python's; interrupted and forked programs stay usable."""
import builtins
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from interrupt_support import interrupt
from oracle import CRASH, SPIN, same, wait_for

import farhand as fh
from farhand import _native, futures


def test_every_status_has_its_class():
    for number, status, text, name, builtin in _native.statuses():
        if name and name != "Error":
            cls = getattr(fh, name)
            base = np.linalg.LinAlgError if builtin == "LinAlgError" else getattr(builtins, builtin)
            assert issubclass(cls, fh.Error) and issubclass(cls, base), status
            assert str(cls("what happened")) == "what happened"
    assert fh.ConnectionError is not builtins.ConnectionError


def test_errors_carry_their_status(cluster):
    with pytest.raises(fh.InvalidArgument) as caught:
        fh.scatter(np.arange(3), blocksize=0)
    assert caught.value.status == "INVALID_ARGUMENT" and caught.value.origin == ""


def test_unknown_cluster_says_farhand_up(tmp_path):
    with pytest.raises(ConnectionError, match="farhand up"):
        fh.connect(str(tmp_path / "none.ini"), timeout=1)


def test_closed_session_makes_stale_handles():
    with fh.Cluster(1) as cluster:
        remote = fh.scatter(np.arange(3))
        kernel = fh.kernel(b"define double @f(double %x) { ret double %x }")
        session = cluster.session
        session.close()
        assert session.closed
        for use in (lambda: fh.gather(remote), lambda: remote + 1, lambda: remote[0], lambda: session.engines,
                    lambda: kernel(remote), lambda: remote.wait()):
            with pytest.raises(fh.StaleHandle):
                use()
        session.close()
        assert remote.shape == (3,)
        with fh.connect(cluster.connection_file):
            same(fh.gather(fh.scatter(np.arange(3))), np.arange(3))


def test_what_is_shown_never_raises():
    with fh.Cluster(2):
        remotes = [fh.scatter(np.arange(4.0)), fh.scatter(np.arange(4.0), axis=None), fh.scatter(np.array(1.0), axis=None)]
    for remote in remotes:  # the cluster and the session are gone
        assert "StaleHandle" in repr(remote) and "StaleHandle" in str(remote) and "StaleHandle" in remote._repr_html_()
    assert "fh.kernel" in repr(fh.kernel)


def test_arrays_of_two_sessions_do_not_mix(cluster):
    one = fh.scatter(np.arange(3))
    with fh.connect(cluster.connection_file):
        two = fh.scatter(np.arange(3))
        with pytest.raises(fh.InvalidArgument, match="sessions"):
            one + two
    from farhand.session import set_default

    set_default(cluster.session)


INTERRUPTED = """
import sys, time, threading, os, signal
import numpy as np
import farhand as fh
fh.connect(sys.argv[1])
remote = fh.scatter(np.arange(4.0))
fh.gather(remote)
result = fh.kernel(open(sys.argv[2], "rb").read())(remote, timeout=20)
try:
    print("waiting", flush=True)
    fh.gather(result)
    print("no interrupt", flush=True)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
try:
    print("again", fh.gather(fh.scatter(np.arange(3)) + 1).tolist(), flush=True)
except BaseException as problem:
    print("broken", repr(problem), flush=True)
"""


def test_ctrl_c_ends_a_wait_within_a_moment(own_cluster, tmp_path):
    kernel = tmp_path / "spin.ll"
    kernel.write_bytes(SPIN)
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED, own_cluster.connection_file, str(kernel)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline().strip() == "waiting"
        # The child prints "waiting" just before it waits; a signal that comes in between is taken all the same.
        time_sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        word, when = child.stdout.readline().split()
        assert word == "interrupted"
        assert float(when) - time_sent < 0.5
        assert child.stdout.readline().split()[0] in ("again", "broken")
    finally:
        child.kill()
        child.communicate(timeout=20)


def test_interrupted_session_stays_usable(cluster):
    remote = fh.scatter(np.arange(4.0))

    def for_ever():
        while True:
            fh.gather(remote + 1)

    for _ in range(5):
        assert interrupt(for_ever, 0.01) is not None
        same(fh.gather(remote * 2), np.arange(4.0) * 2)


def interrupted(function):
    """Ctrl-C in the middle of function(): it raises KeyboardInterrupt at once."""
    took = interrupt(function, 0.1)
    assert took is not None and took < 0.5


@pytest.mark.parametrize("wait", [
    lambda x: x.gather(), lambda x: fh.wait([x]), lambda x: x.future().result(), lambda x: list(fh.as_completed([x])),
    lambda x: float((x * 2).sum()), lambda x: x.reshard(None).wait(), lambda x: x.publish("never"),
], ids="gather wait future as_completed reduce reshard publish".split())
def test_interrupted_wait_cancels_everywhere_and_the_next_call_succeeds(cluster, wait):
    remote = fh.scatter(np.arange(4.0))
    endless = fh.kernel(SPIN)
    interrupted(lambda: wait(endless(remote, timeout=60)))
    began = time.monotonic()
    assert float(remote.sum()) == 6.0
    assert float(remote.reshard(None).max()) == 3.0
    assert time.monotonic() - began < 10


def test_wait_that_is_interrupted_between_two_looks_cancels(cluster, monkeypatch):
    monkeypatch.setattr(futures, "_SLICE", 0.01)
    monkeypatch.setattr(futures, "_PAUSE", 0.3)
    remote = fh.scatter(np.arange(4.0))
    endless = fh.kernel(SPIN)(remote, timeout=60)
    interrupted(lambda: fh.wait([endless]))
    began = time.monotonic()
    assert float(remote.sum()) == 6.0
    assert time.monotonic() - began < 10


def test_signal_handler_cannot_use_the_session_it_interrupts(cluster):
    seen = []

    def handler(number, frame):
        try:
            fh.gather(remote)
        except fh.Error as problem:
            seen.append(str(problem))

    remote = fh.scatter(np.arange(4.0), axis=None)
    slow = fh.kernel(SPIN)(remote, timeout=1)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(fh.KernelTimeout):
            fh.gather(slow)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(seen) == 1 and "inside a call" in seen[0]
    same(fh.gather(remote), np.arange(4.0))


def test_exception_of_a_signal_handler_comes_out(cluster):
    def handler(number, frame):
        raise RuntimeError("from the handler")

    slow = fh.kernel(SPIN)(fh.scatter(np.arange(4.0), axis=None), timeout=2)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(RuntimeError, match="from the handler"):
            fh.gather(slow)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_arrays_dropped_while_another_thread_waits_are_freed(cluster):
    remotes = [fh.scatter(np.arange(100.0)) for _ in range(20)]
    cluster.session.sync()
    ids = set().union(*(remote.ids for remote in remotes))
    slow = fh.kernel(SPIN)(fh.scatter(np.arange(4.0), axis=None), timeout=0.5)
    waiting = threading.Thread(target=lambda: pytest.raises(fh.KernelTimeout, slow.wait))
    waiting.start()
    wait_for(lambda: not cluster.session._native.tick())  # the other thread is inside
    remotes.clear()
    waiting.join(20)
    wait_for(lambda: not ids & {ref.id for ref in cluster.session.objects()} or cluster.session.sync())


def test_child_of_a_fork_connects_anew(cluster):
    remote = fh.scatter(np.arange(3))
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            fh.gather(remote)
            text = b"no error"
        except fh.Error as problem:
            text = str(problem).encode()
        os.write(write, text)
        os._exit(0)
    os.close(write)
    text = os.read(read, 1000).decode()
    os.waitpid(child, 0)
    os.close(read)
    assert "parent" in text
    same(fh.gather(remote), np.arange(3))


def test_threads_share_a_session(cluster):
    remote = fh.scatter(np.arange(1000.0))
    problems = []

    def work(number):
        try:
            for i in range(30):
                same(fh.gather(remote * number + i), np.arange(1000.0) * number + i)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems and not any(thread.is_alive() for thread in threads)


def test_error_is_raised_where_the_value_is_asked_for(cluster):
    broken = fh.kernel(CRASH)(fh.scatter(np.arange(4.0), axis=None))
    result = (broken + 1).sum()  # nothing raised yet
    with pytest.raises(fh.KernelFault) as caught:
        float(result)
    assert caught.value.signal == signal.SIGSEGV and caught.value.address == 8
    same(fh.gather(fh.scatter(np.arange(3))), np.arange(3))


def test_timeout_raises_timeout_error(cluster):
    slow = fh.kernel(SPIN)(fh.scatter(np.arange(2.0), axis=None), timeout=3)
    with pytest.raises(TimeoutError):
        slow.wait(timeout=0.05)


def test_out_of_memory_names_the_bytes():
    with fh.Cluster(1, memory="64M"):
        with pytest.raises(MemoryError) as caught:
            fh.empty(1 << 26).wait()
        assert isinstance(caught.value, fh.Error) and any(c.isdigit() for c in str(caught.value))
        same(fh.gather(fh.scatter(np.arange(3))), np.arange(3))


def test_full_pool_fails_only_the_array_that_did_not_fit():
    with fh.Cluster(1, memory="64M"):
        kept = fh.scatter(np.full(5 << 20, 7.0))  # 40 MiB
        refused = fh.empty(5 << 20)
        refused[:] = 1.0
        assert kept.gather()[-1] == 7.0
        with pytest.raises(fh.LimitExceeded):
            refused.gather()
        assert kept.gather()[0] == 7.0


def test_dropped_memory_is_free_for_the_next_call():
    with fh.Cluster(1, memory="64M"):
        x = fh.scatter(np.full(5 << 20, 7.0)).wait()  # 40 MiB
        del x
        assert fh.scatter(np.full(5 << 20, 8.0)).gather()[-1] == 8.0


def test_errors_of_kernels_are_kernel_errors(cluster):
    with pytest.raises(fh.KernelError) as caught:
        fh.kernel(b"BC\xc0\xde" + bytes(40))
    assert isinstance(caught.value, ValueError) and "bitcode" in caught.value.diagnostic
    assert issubclass(fh.KernelFault, fh.KernelError) and issubclass(fh.KernelTimeout, fh.KernelError)
    assert issubclass(fh.KernelTimeout, TimeoutError)


@pytest.mark.parametrize("number", [0, -1])
def test_a_cluster_has_engines(number):
    with pytest.raises(ValueError, match=f"at least one engine, not {number}"):
        fh.Cluster(number)


def test_what_cannot_be_waited_for_is_said():
    for wait in (fh.wait, lambda xs: list(fh.as_completed(xs))):
        with pytest.raises(TypeError, match="arrays on engines and Futures can be waited for, not int"):
            wait([3])
