"""Calls of methods that go past the engine, through rings between the client and its Python host."""
import os
import signal
import threading

import numpy as np
import pytest
from interrupt_support import interrupt
from oracle import same, wait_for

import farhand as fh


class Desk:
    """Remembers what was done to it, in its order."""

    def __init__(self):
        self.log = []

    def note(self, item):
        self.log.append(item)
        return len(self.log)

    def take(self):
        log, self.log = self.log, []
        return log

    def give(self, value):
        return value

    def me(self):
        return self

    def zeros(self, n):
        return np.zeros(n)

    def text(self, n):
        return "x" * n

    def blob(self, n):
        return bytearray(n)

    def say(self, text):
        print(text)

    def fail(self, text):
        raise LookupError(text)

    def pid(self):
        return os.getpid()

    def spin(self):
        while True:
            pass

    def stubborn(self):
        while True:
            try:
                while True:
                    pass
            except KeyboardInterrupt:
                pass

    def scribble(self):
        """Write nonsense into all rings that this process has."""
        with open("/proc/self/maps") as maps:
            places = [line.split()[0].split("-") for line in maps if "farhand-rings" in line]
        import ctypes

        for begin, end in places:
            ctypes.memset(int(begin, 16), 0xA5, int(end, 16) - int(begin, 16))
        return len(places)

    def end(self):
        os._exit(7)


def sent():
    return fh.session.current().stats()["python_ring_calls"]


def warm(engine=0):
    """A desk whose calls go through rings by now."""
    desk = fh.scatter([Desk()], engines=[engine])[0]
    before = sent()
    wait_for(lambda: desk.give(0) == 0 and sent() > before)
    return desk


def by_ring(call, *args, **kwargs):
    """What it gives; it must have gone through the rings."""
    fh.session.current().sync()  # the lane is empty
    before = sent()
    try:
        return call(*args, **kwargs)
    finally:
        assert sent() == before + 1


def test_values_errors_and_output_come_as_through_the_lane(cluster, capsys):
    desk = warm()
    assert by_ring(desk.give, 5) == 5
    assert by_ring(desk.give, {"a": [1, (2.5, None)]}) == {"a": [1, (2.5, None)]}
    assert by_ring(desk.text, 100_000) == "x" * 100_000  # beside the message
    assert by_ring(desk.give, "y" * 60_000) == "y" * 60_000
    assert by_ring(desk.me) is desk
    by_ring(desk.say, "hello")
    assert "hello" in capsys.readouterr().out
    with pytest.raises(LookupError, match="no such thing") as caught:
        by_ring(desk.fail, "no such thing")
    assert isinstance(caught.value, fh.RemoteError) and "in fail" in caught.value.__notes__[-1]
    assert by_ring(desk.give, desk) is not None


def test_what_needs_the_engine_takes_the_other_way(cluster):
    desk = warm()
    for _ in range(2):  # the second time it goes there at once
        remote = desk.zeros(1000)
        assert isinstance(remote, fh.RemoteArray)
        same(fh.gather(remote), np.zeros(1000))
    assert desk.text(1_000_000) == "x" * 1_000_000
    assert desk.blob(300_000) == bytearray(300_000)
    assert desk.note(fh.scatter(np.arange(3.0), axis=None, engines=[0])) == 1
    before = sent()
    assert desk.give(4, timeout=30) == 4 and desk.give(4, block=False).result() == 4
    assert sent() == before
    assert by_ring(desk.pid) == desk.pid()


def test_calls_run_in_the_order_in_which_they_were_made(cluster):
    desk = warm()
    for round_ in range(50):
        for i in range(3):
            desk.note(i, block=False)
        desk.note(3)
        desk.note(4)
        desk.note(5, block=False)
        assert desk.take() == list(range(6))


def test_threads_take_turns(cluster):
    desks = [warm(0), warm(1)]
    problems = []

    def work(desk):
        for i in range(300):
            if desk.give(i) != i:
                problems.append(i)

    threads = [threading.Thread(target=work, args=(desks[i % 2],)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_an_interrupt_ends_the_call_and_nothing_else(cluster):
    desk = warm()
    pid = desk.pid()
    assert interrupt(lambda: by_ring(desk.spin), 0.2) is not None
    assert desk.give(1) == 1 and desk.pid() == pid


def test_who_does_not_listen_is_killed(cluster):
    desk = warm()
    assert interrupt(lambda: by_ring(desk.stubborn), 0.2) is not None
    with pytest.raises(fh.EngineLost, match="Desk.stubborn.*interrupted"):
        desk.give(1)
    assert warm().give(2) == 2


def test_a_host_that_ends_is_told_of_and_replaced(cluster):
    desk, other = warm(), fh.scatter([Desk()], engines=[0])[0]
    with pytest.raises(fh.EngineLost, match="Desk.end.*exit status 7"):
        by_ring(desk.end)
    with pytest.raises(fh.EngineLost, match="exit status 7"):
        other.give(1)
    new = warm()
    with pytest.raises(fh.EngineLost, match="exit status 7"):  # though there are rings to the new host
        other.give(1)
    os.kill(new.pid(), signal.SIGKILL)
    with pytest.raises(fh.EngineLost, match="SIGKILL"):
        new.give(1)
    newer = fh.scatter([Desk()], engines=[0])[0]  # the client has not heard of the end of rings that it did not use
    assert newer.give(3) == 3


def test_rings_that_hold_nonsense_are_given_up(cluster):
    desk = warm()
    with pytest.raises(fh.EngineLost):
        desk.scribble()
    assert warm().give(2) == 2


def test_the_engine_keeps_the_time(monkeypatch):
    monkeypatch.setenv("FARHAND_PYTHON_TIMEOUT", "3")
    with fh.Cluster(1):
        desk = warm()
        with pytest.raises(TimeoutError, match="time limit"):
            by_ring(desk.spin)
        assert desk.give(1) == 1


def test_a_session_without_rings_has_none_to_hosts(cluster):
    fh.config.rings = False
    try:
        session = fh.connect(cluster.connection_file)
    finally:
        fh.config.rings = True
    fh.session.set_default(session)
    try:
        desk = fh.scatter(Desk())
        assert [desk.give(i) for i in range(10)] == list(range(10)) and sent() == 0
    finally:
        session.close()
        fh.session.set_default(cluster.session)
