"""What dies, freezes or restarts: the rest goes on."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import pytest
from oracle import SPIN, same, wait_for

import farhand as fh
from farhand.cluster import find_program


def test_killed_engine_raises_engine_lost_and_the_others_go_on(own_cluster):
    survivor, victim = own_cluster.engines
    kept = fh.scatter(np.arange(10), engines=[survivor])
    lost = fh.scatter(np.arange(10), engines=[victim])
    own_cluster.session.sync()
    own_cluster.kill_engine(1)
    began = time.monotonic()
    with pytest.raises(fh.EngineLost):
        fh.gather(lost + 1)
    assert time.monotonic() - began < 5
    same(fh.gather(kept * 2), np.arange(10) * 2)
    assert issubclass(fh.EngineLost, ConnectionError)


def test_lists_go_to_engines_that_are_there(own_cluster):
    own_cluster.kill_engine(0)
    wait_for(lambda: own_cluster.session.engines[0].state != "ready")
    arrays = [np.arange(3.0) + i for i in range(5)]
    for made, array in zip(fh.scatter(arrays), arrays):
        same(fh.gather(made), array)
    words = fh.scatter(["one", {"two": 2}])
    assert fh.gather(words) == ["one", {"two": 2}]
    own_cluster.kill_engine(1)
    wait_for(lambda: own_cluster.session.engines[1].state != "ready")
    with pytest.raises(fh.ConnectionError, match="no engine that is ready"):
        fh.scatter(arrays)


def test_cluster_ends_with_the_process_that_made_it():
    program = "import farhand as fh, time\nc = fh.Cluster(1)\nprint(c.engines[0].pid, flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as maker:
        engine = int(maker.stdout.readline())
        maker.kill()
    wait_for(lambda: not os.path.exists(f"/proc/{engine}"))


@pytest.fixture
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="fh-") as folder:  # pytest's are too deep for sockets
        yield pathlib.Path(folder)


def test_folder_of_a_killed_maker_is_removed_by_the_next(temporary_folder):
    environment = dict(os.environ, TMPDIR=str(temporary_folder))
    program = "import farhand as fh, sys\nc = fh.Cluster(1)\nprint(c.engines[0].pid, flush=True)\nsys.stdin.read()"
    another = "import farhand as fh\nwith fh.Cluster(1): pass"
    killed, living = clusters = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                         env=environment)
        for _ in range(2)
    ]
    with killed, living:
        engines = [int(maker.stdout.readline()) for maker in clusters]
        folders = set(temporary_folder.iterdir())
        (temporary_folder / "farhand-of-something-else").mkdir()
        assert len(folders) == 2
        killed.kill()
        wait_for(lambda: not os.path.exists(f"/proc/{engines[0]}"))
        wait_for(lambda: subprocess.run([sys.executable, "-c", another], env=environment, check=True)
                 and len(folders & set(temporary_folder.iterdir())) == 1)  # its broker may take a moment longer
        assert os.path.exists(f"/proc/{engines[1]}")
        assert (temporary_folder / "farhand-of-something-else").exists()
        living.stdin.close()
    wait_for(lambda: not folders & set(temporary_folder.iterdir()))


def test_runners_are_described_from_the_start():
    with fh.Cluster(2) as cluster:
        for engine in cluster.engines:
            assert engine.cpu and engine.sandbox and engine.llvm


def test_engine_killed_during_a_wait_ends_the_wait(own_cluster):
    victim = own_cluster.engines[1]
    waiting = fh.kernel(SPIN)(fh.scatter(np.arange(3.0), engines=[victim], axis=None), timeout=60)
    future = waiting.future()
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(fh.EngineLost):
        future.result(timeout=20)


def test_after_a_loss_new_arrays_go_to_the_living(own_cluster):
    own_cluster.kill_engine(0)
    wait_for(lambda: [e for e in own_cluster.engines if e.state == "ready"] == [e for e in own_cluster.engines if e.number == 1]
             or len(own_cluster.engines) == 1)
    same(fh.gather(fh.scatter(np.arange(10)) + 1), np.arange(10) + 1)


def test_frozen_engine_does_not_hang_the_client(own_cluster):
    well, frozen = own_cluster.engines
    remote = fh.scatter(np.arange(10), engines=[frozen])
    remote.wait()
    thaw = own_cluster.freeze_engine(1)
    try:
        began = time.monotonic()
        with pytest.raises((fh.Timeout, fh.EngineLost)):
            (remote + 1).wait(timeout=0.5)
        assert time.monotonic() - began < 3
    finally:
        thaw()
    same(fh.gather(fh.scatter(np.arange(4), engines=[well])), np.arange(4))


def broker_pid(cluster):
    with open(cluster.connection_file) as file:
        return int(next(line.split("=")[1] for line in file if line.startswith("broker_pid")))


def test_arrays_can_be_used_while_the_broker_is_away(own_cluster):
    remote = fh.scatter(np.arange(10.0))
    remote.wait()
    os.kill(broker_pid(own_cluster), signal.SIGKILL)
    same(fh.gather((remote * 2 + 1).sum()), np.float64(100))


def test_sync_waits_for_a_broker_that_is_slow(own_cluster):
    pid = broker_pid(own_cluster)
    done = threading.Event()

    def sync():
        own_cluster.session.sync()
        done.set()

    fh.scatter(np.arange(10.0)).wait()
    os.kill(pid, signal.SIGSTOP)
    try:
        remote = fh.scatter(np.arange(10.0))
        thread = threading.Thread(target=sync)
        thread.start()
        assert not done.wait(0.5)  # it has not heard of the array yet
    finally:
        os.kill(pid, signal.SIGCONT)
    thread.join(20)
    assert done.is_set()
    assert set(remote.ids) <= {record.id for record in own_cluster.session.objects()}


def test_name_given_before_the_engines_are_back_outlives_its_client(own_cluster):
    fh.names()  # the session is known to the broker
    remote = fh.scatter(np.arange(10.0))
    broker = broker_pid(own_cluster)
    os.kill(broker, signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{broker}"))
    subprocess.run([find_program("farhand"), "up", "--name", own_cluster.name], env=own_cluster._environment, check=True,
                   capture_output=True, timeout=30)
    fh.names()
    (remote + 3).publish("early")
    own_cluster.session.close()
    fh.connect(own_cluster.connection_file)
    same(fh.gather(fh.get("early")), np.arange(10.0) + 3)


def test_broker_that_restarts_knows_names_and_arrays_again(own_cluster):
    remote = fh.scatter(np.arange(10.0), name="durable")
    own_cluster.session.sync()
    folder = os.path.dirname(own_cluster.connection_file)
    os.kill(broker_pid(own_cluster), signal.SIGKILL)
    broker = subprocess.Popen([find_program("farhand-broker"), "--folder", folder, "--cluster", own_cluster.name],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def listed():
            try:
                known = {ref.id for ref in own_cluster.session.objects()}
                return set(remote.ids) <= known and "durable" in fh.names()
            except (fh.ConnectionError, fh.BrokerLost, fh.Timeout, fh.StaleHandle):
                return False

        wait_for(listed, 40)
        same(fh.gather(fh.get("durable") + remote), 2 * np.arange(10.0))
        assert len(own_cluster.engines) == 2
    finally:
        broker.terminate()
        broker.wait(20)


def test_stop_leaves_no_process_and_no_folder():
    with fh.Cluster(2) as cluster:
        pids = [engine.pid for engine in cluster.engines] + [broker_pid(cluster)]
        folder = os.path.dirname(os.path.dirname(os.path.dirname(cluster.connection_file)))
    for pid in pids:
        wait_for(lambda: not alive(pid))
    assert not os.path.exists(folder)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_that_ends_takes_its_cluster_along():
    ran = subprocess.run([sys.executable, "-c", "import farhand as fh; c = fh.Cluster(1); print(c.engines[0].pid)"],
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    wait_for(lambda: not alive(int(ran.stdout)))
