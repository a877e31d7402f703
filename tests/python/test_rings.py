"""Small messages to engines on this host go through rings in shared memory; over ZeroMQ the results are the same."""
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from oracle import SPIN, same, wait_for

import farhand as fh


def rings_of(engine):
    """How many pairs of rings the engine holds."""
    with open(f"/proc/{engine.pid}/maps") as maps:
        return sum("farhand-rings" in line for line in maps)


@pytest.fixture
def without(cluster):
    """A second session that uses no rings."""
    fh.config.rings = False
    try:
        session = fh.connect(cluster.connection_file)
    finally:
        fh.config.rings = True
    yield session
    session.close()
    fh.session.set_default(cluster.session)


def work():
    """Calls, errors, parts that fit a ring and parts that do not, both ways."""
    local = np.random.default_rng(5).integers(0, 250, 1 << 20).astype(float)
    remote = fh.scatter(local)
    pieces = [fh.scatter(local[:n]) for n in (1, 1000, 5000, 40000, 200000)]
    try:
        fh.methodcall(fh.scatter(local[:3], axis=None), "no such method")
    except fh.Error as problem:
        text = str(problem)
    return [fh.gather(remote * 2), float(remote.sum()), text.split("(")[0], *map(fh.gather, pieces)]


def test_rings_are_used_and_zeromq_gives_the_same(cluster, without):
    fh.session.set_default(cluster.session)
    before = cluster.session.stats()
    through = work()
    after = cluster.session.stats()
    assert after["rings"] == 2 and after["rings_failed"] == 0
    assert after["ring_messages"] - before["ring_messages"] > 10
    fh.session.set_default(without)
    for one, other in zip(through, work()):
        same(np.asarray(one), np.asarray(other))
    assert without.stats()["rings"] == without.stats()["ring_messages"] == 0


def test_large_messages_go_in_parts(cluster):
    fh.config.shared_memory = False
    try:
        with fh.connect(cluster.connection_file) as session:
            local = np.random.default_rng(6).integers(0, 250, (1000, 3000)).astype(float)
            same(fh.gather(fh.scatter(local)), local)
            stats = session.stats()
            assert stats["rings"] == 2 and stats["array_bytes_sent"] == stats["array_bytes_received"] == local.nbytes
    finally:
        fh.config.shared_memory = True
        fh.session.set_default(cluster.session)


def test_environment_turns_rings_off(cluster, monkeypatch):
    monkeypatch.setenv("FARHAND_RINGS", "off")
    with fh.connect(cluster.connection_file) as session:
        fh.gather(fh.scatter(np.arange(10)))
        assert session.stats()["rings"] == 0
    fh.session.set_default(cluster.session)


def test_rings_go_with_their_session(own_cluster):
    engine = own_cluster.engines[0]
    assert len(fh.gather(fh.scatter(np.arange(3)))) == 3
    before = rings_of(engine)
    assert before == 1
    with fh.connect(own_cluster.connection_file):
        fh.gather(fh.scatter(np.arange(3)))
        assert rings_of(engine) == 2
    wait_for(lambda: rings_of(engine) == before)


def test_rings_of_a_killed_client_are_freed(own_cluster):
    engine = own_cluster.engines[0]
    program = ("import sys, time, numpy as np, farhand as fh\nsession = fh.connect(sys.argv[1])\n"
               "fh.gather(fh.scatter(np.arange(3)))\nprint(session.stats()['rings'], flush=True)\ntime.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", program, own_cluster.connection_file], stdout=subprocess.PIPE,
                          text=True) as client:
        assert client.stdout.readline().strip() == "2"
        before = rings_of(engine)
        assert before == 1
        client.kill()
    wait_for(lambda: rings_of(engine) == 0)
    same(fh.gather(fh.scatter(np.arange(4)) + 1), np.arange(4) + 1)


def test_engine_that_dies_under_a_call_is_noticed_at_once(own_cluster):
    victim = own_cluster.engines[1]
    waiting = fh.kernel(SPIN)(fh.scatter(np.arange(3.0), engines=[victim], axis=None), timeout=60)
    timer = threading.Timer(0.2, os.kill, (victim.pid, signal.SIGKILL))
    timer.start()
    began = time.monotonic()
    with pytest.raises(fh.EngineLost):
        waiting.gather()
    assert time.monotonic() - began < 2.2
    timer.join()


def test_frozen_engine_answers_when_it_thaws(own_cluster):
    remote = fh.scatter(np.arange(10), engines=[own_cluster.engines[1]])
    remote.wait()
    thaw = own_cluster.freeze_engine(1)
    try:
        later = [remote + n for n in range(50)]
        with pytest.raises(fh.Timeout):
            later[-1].wait(timeout=0.2)
    finally:
        thaw()
    same(fh.gather(later[-1]), np.arange(10) + 49)


def test_threads_and_sessions_share_an_engine(own_cluster):
    problems = []

    def calls(session, number):
        try:
            for step in range(200):
                if session.call((step + number) % 2, "nop") != []:
                    problems.append("nop gave something")
        except fh.Error as problem:
            problems.append(problem)

    sessions = [fh.connect(own_cluster.connection_file) for _ in range(2)]
    threads = [threading.Thread(target=calls, args=(sessions[n % 2], n)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert all(session.stats()["rings"] == 2 for session in sessions)
    for session in sessions:
        session.close()


def test_forked_child_leaves_the_rings_alone(own_cluster):
    remote = fh.scatter(np.arange(10))
    remote.wait()
    child = os.fork()
    if child == 0:
        try:
            fh.gather(remote)
        except fh.Error:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    same(fh.gather(remote + 1), np.arange(10) + 1)


def test_engines_that_are_not_called_use_no_time(own_cluster):
    def seconds(engine):
        with open(f"/proc/{engine.pid}/stat") as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    for _ in range(500):
        own_cluster.session.call(0, "nop")
    before, began = seconds(own_cluster.engines[0]), time.monotonic()
    wait_for(lambda: time.monotonic() - began > 1)
    assert seconds(own_cluster.engines[0]) - before < 0.1 * (time.monotonic() - began)
