"""Python code on engines that crashes, hangs, or cannot be run: clear errors, and the session lives."""
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import time
import types

import numpy as np
import pytest
from interrupt_support import interrupt
from oracle import same
from remote_support import Account, Worker

import farhand as fh


def alive(cluster):
    """Arrays and new objects work."""
    same(fh.gather(fh.scatter(np.arange(10)) + 1), np.arange(1, 11))
    for account in fh.scatter([Account(1), Account(1)]):
        assert account.deposit(2) == 3


@pytest.mark.parametrize("what, text", [(("exit", 3), "exit status 3"), (("segfault",), "SIGSEGV")])
def test_a_host_that_ends_says_how_and_is_replaced(cluster, what, text):
    first, second = fh.scatter([Worker(), Worker()])
    remote = fh.scatter(np.arange(5.0), axis=None, engines=[first._engine])
    with pytest.raises(fh.EngineLost, match=f"Worker.{what[0]}.*{text}"):
        fh.methodcall(first, *what)
    with pytest.raises(fh.EngineLost, match=text):  # its objects hold the error
        first.fill(1)
    with pytest.raises(fh.EngineLost, match=text):
        fh.gather(first)
    assert second.fill(1) == 0
    same(fh.gather(remote), np.arange(5.0))
    alive(cluster)


def test_calls_behind_a_crash_fail_and_none_hangs(cluster):
    worker = fh.scatter(Worker())
    futures = [worker.fill(1, block=False) for _ in range(20)] + [worker.exit(1, block=False)]
    futures += [worker.fill(1, block=False) for _ in range(20)]
    problems = [future.exception(20) for future in futures]
    assert all(isinstance(problem, fh.EngineLost) for problem in problems[20:])
    assert all(problem is None or isinstance(problem, fh.EngineLost) for problem in problems[:20])
    alive(cluster)


def test_a_killed_host(cluster):
    worker = fh.scatter(Worker())
    os.kill(worker.pid(), signal.SIGKILL)
    with pytest.raises(fh.EngineLost, match="SIGKILL"):
        worker.fill(1)
    alive(cluster)


def test_fork_and_threads_inside(cluster):
    worker = fh.scatter(Worker())
    pid = worker.pid()
    assert worker.fork() > 0
    assert worker.pid() == pid and worker.threads(8) == list(range(8))
    alive(cluster)


@pytest.mark.parametrize("method", ["spin", "stubborn"])
def test_what_does_not_end(cluster, method):
    worker = fh.scatter(Worker())
    with pytest.raises(TimeoutError):
        getattr(worker, method)(timeout=0.2)
    if method == "spin":
        assert worker.fill(0) == 0
    else:
        with pytest.raises(fh.EngineLost, match="interrupted"):
            worker.fill(0)
    alive(cluster)


def test_a_failed_make_poisons_nothing_but_itself(cluster):
    class Refuses:
        def __reduce__(self):
            return int, ("not a number",)

    with pytest.raises(ValueError, match="invalid literal"):
        fh.scatter(Refuses())
    with pytest.raises(ValueError):
        fh.scatter([Account(1), Refuses(), Account(2)])
    alive(cluster)


def test_a_class_that_is_missing_there(cluster):
    module = types.ModuleType("module_of_this_process")
    exec("class Missing:\n    pass", module.__dict__)
    sys.modules["module_of_this_process"] = module
    try:
        with pytest.raises(ModuleNotFoundError, match="module_of_this_process"):
            fh.scatter(module.Missing())
    finally:
        del sys.modules["module_of_this_process"]
    alive(cluster)


def test_what_cannot_be_pickled(cluster):
    for thing in (threading.Lock(), (i for i in range(3)), sys._getframe()):
        with pytest.raises(TypeError, match="cannot be sent"):
            fh.scatter(thing)
    alive(cluster)


def test_another_version_of_python(own_cluster, monkeypatch):
    class Version(tuple):
        pass

    monkeypatch.setattr(sys, "version_info", Version((3, 99, 0)))
    with pytest.raises(fh.VersionMismatch, match="runs Python 3.*this is 3.99.0"):
        fh.scatter(Account())


def test_engines_without_python_say_so():
    with fh.Cluster(1, python=False) as cluster:
        with pytest.raises(PermissionError, match="--python"):
            fh.scatter(Account())
        with pytest.raises(PermissionError, match="--python"):
            fh.call(lambda: 1)
        same(fh.gather(fh.scatter(np.arange(3)) + 1), np.arange(1, 4))
        assert cluster.engines


def test_engines_that_lack_the_program_say_so_at_start(tmp_path, monkeypatch):
    from farhand.cluster import find_program

    programs = pathlib.Path(find_program("farhand")).parent
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").symlink_to(programs.parent / "lib")
    for name in ("farhand", "farhand-broker", "farhand-engine"):
        shutil.copy(programs / name, tmp_path / "bin")
    monkeypatch.setenv("FARHAND_PROGRAMS", str(tmp_path / "bin"))
    with fh.Cluster(1) as cluster:
        folder = pathlib.Path(cluster.connection_file).parent
        logged = "".join(log.read_text() for log in folder.rglob("*") if log.is_file() and log.suffix == ".log")
        assert "ENG-NO-PYTHON" in logged and "farhand-pyhost" in logged
        with pytest.raises(PermissionError, match="farhand-pyhost.*No such file"):
            fh.scatter(Account())
        same(fh.gather(fh.scatter(np.arange(3)) + 1), np.arange(1, 4))


def test_sessions_have_hosts_of_their_own(cluster):
    pids = {engine.number: fh.scatter(Worker(), engines=[engine.number]).pid() for engine in cluster.engines}
    with fh.connect(cluster.connection_file):
        for number, pid in pids.items():
            assert fh.scatter(Worker(), engines=[number]).pid() != pid
        mine = fh.scatter(Worker(), engines=[0]).pid()
    until = time.monotonic() + 20
    while os.path.exists(f"/proc/{mine}"):  # the host ends with its session
        assert time.monotonic() < until
    fh.session.set_default(cluster.session)
    alive(cluster)


def test_objects_of_another_session_are_refused(cluster):
    worker = fh.scatter(Worker())
    with fh.connect(cluster.connection_file) as other:
        with pytest.raises(ValueError, match="sessions"):
            other._native.python_call(worker._engine, "x", b"x", (worker._handle,), (), (), False, 0.0, 0)
    fh.session.set_default(cluster.session)


def test_a_session_that_closes_fails_its_futures(cluster):
    session = fh.connect(cluster.connection_file)
    worker = fh.scatter(Worker())
    future = worker.spin(block=False)
    session.close()
    with pytest.raises(fh.StaleHandle):
        future.result(20)
    with pytest.raises(fh.StaleHandle):
        worker.fill(1)
    del worker
    fh.session.set_default(cluster.session)
    alive(cluster)


def test_an_engine_that_dies_takes_its_objects_along(own_cluster):
    first, second = fh.scatter([Worker(), Worker()])
    future = first.spin(block=False)
    own_cluster.kill_engine(first._engine)
    with pytest.raises(fh.EngineLost):
        future.result(20)
    with pytest.raises(fh.EngineLost):
        first.fill(1)
    assert second.fill(1) == 0


def test_interrupts_at_any_moment_break_nothing(cluster):
    """Ctrl-C, thirty times, while a call spins or calls go to and fro."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    worker = fh.scatter(Worker())
    pid = worker.pid()

    def to_and_fro():
        while True:
            worker.fill(0)

    for round_ in range(30):
        assert interrupt(worker.spin if round_ % 2 else to_and_fro, chance.random() * 0.1) is not None
        assert worker.fill(0) == 0
    assert worker.pid() == pid
    alive(cluster)


class Hostile:
    """Raises for any attribute that it does not have."""

    def __getattr__(self, name):
        raise RuntimeError(f"asked for {name}")


def test_objects_that_raise_when_they_are_asked_for_what_they_lack(cluster):
    for proxy in (fh.scatter(Hostile()), fh.scatter([Hostile()])[0]):
        with pytest.raises(RuntimeError, match="asked for anything") as caught:
            proxy.anything
        assert isinstance(caught.value, fh.RemoteError)
    alive(cluster)
