"""A Python host whose engine has gone begins nothing more: the test is its engine, and its parent, which lives on."""
import mmap
import os
import pickle
import select
import signal
import socket
import struct
import time

import pytest

from farhand.cluster import find_program

SECONDS = 20
CALL, BEGUN = 1, 32  # of engine/pyhost/pyhost_wire.h: the code of a call, and where the page says which call has begun


class Host:
    """A host, its socket and its page."""

    def __init__(self):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(SECONDS)
        memory = os.memfd_create("page")
        os.truncate(memory, mmap.PAGESIZE)
        self.page = mmap.mmap(memory, mmap.PAGESIZE)
        with theirs, open(os.devnull, "w") as null:
            high = [os.dup2(fd, fd + 100, inheritable=False) for fd in (theirs.fileno(), memory)]
            actions = [(os.POSIX_SPAWN_DUP2, fd, place) for place, fd in enumerate(high, 3)]
            actions.append((os.POSIX_SPAWN_DUP2, null.fileno(), 1))
            self.pid = os.posix_spawn(find_program("farhand-pyhost"), ["farhand-pyhost"], os.environ, file_actions=actions)
        for fd in (memory, *high):
            os.close(fd)
        self.process = os.pidfd_open(self.pid)
        self.socket.recv(1 << 18)  # it is ready

    def has_ended(self, seconds=SECONDS):
        return bool(select.select([self.process], [], [], seconds)[0])

    def begun(self):
        return struct.unpack_from("Q", self.page, BEGUN)[0]

    def release(self):
        self.socket.close()
        if not self.has_ended(0):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.process)
        self.page.close()


@pytest.fixture
def host():
    host = Host()
    yield host
    host.release()


def padded(data):
    return data + bytes(-len(data) % 8)


def call(serial, what, *command):
    """The record of a call without objects and arrays."""
    body, what = pickle.dumps(command, 5), what.encode()
    rest = bytes(16) + struct.pack("6I", 0, 0, 0, len(what), len(body), 0) + padded(what) + padded(body)
    return struct.pack("IIQ", CALL, 16 + len(rest), serial) + rest


def waits_for(gate):
    """Takes some time in any case: between calls that are quick a host does not look for its engine each time."""
    return (f"import os, time\nbegun = time.monotonic()\ndeadline = begun + {SECONDS}\n"
            f"while time.monotonic() < deadline and (not os.path.exists({gate!r}) or time.monotonic() < begun + 0.01): time.sleep(0.002)"), {}


def leaves(path):
    return f"open({path!r}, 'x').close()", {}


@pytest.mark.parametrize("together", [False, True], ids=["two calls", "two of an executor in one"])
@pytest.mark.parametrize("alive", [True, False], ids=["with its engine", "without"])
def test_what_lies_behind_a_call_is_begun_with_an_engine_only(host, tmp_path, together, alive):
    gate, path = str(tmp_path / "gate"), str(tmp_path / "path")
    slow, quick = waits_for(gate), leaves(path)
    for serial in range(1, 9):  # the last ones are so quick that no answer is made to leave before such a call
        host.socket.send(call(serial, "quick", "call", False, pow, (2, 3), {}))
        host.socket.recv(1 << 18)
    if together:
        calls = [pickle.dumps((args, {})) for args in (slow, quick)]
        host.socket.send(call(9, "slow", "several", False, b"digest", pickle.dumps((exec,)), calls))
    else:
        host.socket.send(call(9, "slow", "call", False, exec, slow, {}) + call(10, "quick", "call", False, exec, quick, {}))
    until = time.monotonic() + SECONDS
    while host.begun() != 9:
        assert time.monotonic() < until
    if not alive:
        host.socket.close()
    with open(gate, "x"):
        pass
    if alive:
        host.socket.recv(1 << 18)
    assert host.has_ended(0 if alive else SECONDS) is not alive
    assert os.path.exists(path) is alive
