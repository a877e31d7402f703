"""Python objects that misbehave: a clear error each, and the session goes on."""
import os
import pickle
import socket
import sys
import threading

import numpy as np
import pytest
from remote_support import Account, Worker

import farhand as fh


@pytest.fixture
def alive(cluster):
    """Afterwards arrays, objects and calls work as before, in the same hosts."""
    def hosts():
        return [fh.scatter(Worker(), engines=[number]).pid() for number in (0, 1)]

    before = hosts()
    yield cluster
    assert np.array_equal(fh.gather(fh.scatter(np.arange(6)) + 1), np.arange(1, 7))
    assert [account.deposit(1) for account in fh.scatter([Account(1), Account(2)])] == [2, 3]
    assert hosts() == before


class Bad:
    """Raises in the special method that it is told to."""

    def __init__(self, where):
        self.where = where

    def _raise(self, where):
        if self.__dict__.get("where") == where:
            raise RuntimeError(f"not in {where}")

    def __reduce__(self):
        self._raise("reduce")
        return Bad, (self.__dict__.get("where"),)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._raise("getattr")
        raise AttributeError(name)

    def __setattr__(self, name, value):
        self._raise("setattr")
        object.__setattr__(self, name, value)

    def __del__(self):
        self._raise("del")

    def __eq__(self, other):
        self._raise("eq")
        return self is other

    def __hash__(self):
        self._raise("hash")
        return 1

    def __repr__(self):
        self._raise("repr")
        return "<Bad>"

    def __iter__(self):
        yield 1
        self._raise("iter")

    def __len__(self):
        self._raise("len")
        return -1 if self.where == "length" else 0

    def __call__(self):
        self._raise("call")
        return self

    def __enter__(self):
        self._raise("enter")
        return self

    def __exit__(self, *problem):
        self._raise("exit")

    def become(self, where):
        object.__setattr__(self, "where", where)


def test_what_cannot_be_pickled_is_refused_here(alive):
    for thing in (threading.Lock(), (i for i in range(3)), sys._getframe(), threading.local()):
        with pytest.raises(TypeError, match="cannot be sent"):
            fh.scatter(thing)
        with pytest.raises(TypeError, match="cannot be sent"):
            fh.call(lambda x: x, [thing])
    with pytest.raises(TypeError, match="not in reduce"):
        fh.scatter(Bad("reduce"))


@pytest.mark.parametrize("make", [threading.Lock, socket.socket, lambda: [sys._getframe()], lambda: {"f": threading.local()},
                                  lambda: Bad("reduce")], ids=["lock", "socket", "frame", "local", "reduce"])
def test_results_that_cannot_be_pickled(alive, make):
    with pytest.raises(fh.RemoteError):
        fh.call(make)


class Picky:
    """Cannot be made by the engine."""

    def __init__(self, n):
        if n < 0:
            raise ValueError(f"{n} is negative")
        self.n = n

    def __reduce__(self):
        return Picky, (-1,)


def test_an_object_that_raises_when_it_is_made(alive):
    with pytest.raises(ValueError, match="-1 is negative") as caught:
        fh.scatter(Picky(1))
    assert isinstance(caught.value, fh.RemoteError) and "Picky" in str(caught.value)
    with pytest.raises(ValueError, match="-5 is negative"):
        fh.call(Picky, -5)
    with pytest.raises(ValueError):  # the other way it fails here
        fh.call(lambda: Picky(3))


@pytest.mark.parametrize("where, use", [
    ("getattr", lambda x: x.anything), ("eq", lambda x: x == 3), ("iter", lambda x: list(x)), ("call", lambda x: x()),
    ("len", lambda x: len(x)), ("reduce", lambda x: fh.gather(x)), ("hash", lambda x: fh.call(lambda y: {y}, x)),
    ("repr", lambda x: fh.call(repr, x)), ("enter", lambda x: x.__enter__())])
def test_objects_that_raise_in_special_methods(alive, where, use):
    bad = fh.scatter(Bad("nowhere"))
    bad.become(where)
    with pytest.raises(RuntimeError, match=f"not in {where}"):
        use(bad)
    assert "RemoteBad" in repr(bad) and isinstance(hash(bad), int)


def test_attributes_that_cannot_be_set(alive):
    bad = fh.scatter(Bad("nowhere"))
    bad.become("setattr")
    with pytest.raises(RuntimeError, match="not in setattr"):
        bad.colour = "red"


def test_the_end_of_an_object_may_fail(alive):
    bad = fh.scatter(Bad("nowhere"))
    bad.become("del")
    del bad
    alive.session.sync()


def test_a_length_that_is_none(alive):
    bad = fh.scatter(Bad("nowhere"))
    bad.become("length")
    with pytest.raises(ValueError, match="len"):
        len(bad)


def test_exits_of_context_managers(alive):
    bad = fh.scatter(Bad("nowhere"))
    with pytest.raises(RuntimeError, match="not in exit"):
        with bad:
            bad.become("exit")


@pytest.mark.parametrize("leave", [lambda: sys.exit(3), lambda: exit(), lambda: (_ for _ in ()).throw(SystemExit("no"))])
def test_leaving_is_an_error_of_the_call(alive, leave):
    with pytest.raises(fh.RemoteError, match="SystemExit"):
        fh.call(leave)


@pytest.mark.parametrize("problem", [KeyboardInterrupt, GeneratorExit, BaseException])
def test_exceptions_that_are_not_of_the_usual_kind(alive, problem):
    def fail():
        raise problem("on purpose")

    with pytest.raises(fh.RemoteError, match=problem.__name__):
        fh.call(fail)


def test_recursion_in_calls_arguments_and_results(alive):
    def deep(n):
        return deep(n + 1)

    def nested(n):
        inner = []
        for _ in range(n):
            inner = [inner]
        return inner

    with pytest.raises(RecursionError):
        fh.call(deep, 0)
    with pytest.raises((TypeError, RecursionError)):
        fh.call(len, nested(100_000))
    with pytest.raises(RecursionError):
        fh.call(nested, 100_000)


class _Awkward(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.two = two

    def __str__(self):
        raise ValueError("no text")

    def __reduce__(self):
        raise TypeError("never")


def test_exceptions_that_misbehave_themselves(alive):
    def fail():
        raise _Awkward(1, 2)

    with pytest.raises(fh.RemoteError, match="_Awkward"):
        fh.call(fail)

    def chain():
        try:
            {}["first"]
        except KeyError as problem:
            raise OSError(5, "second") from problem

    with pytest.raises(OSError) as caught:
        fh.call(chain)
    assert "first" in caught.value.remote_traceback and caught.value.args == (5, "second")

    def noted():
        problem = ValueError("with a note")
        problem.add_note("look at the log")
        raise problem

    with pytest.raises(ValueError) as caught:
        fh.call(noted)
    assert "look at the log" in caught.value.__notes__


def test_exceptions_that_are_very_large(alive):
    def fail():
        raise ValueError("x" * 5_000_000)

    with pytest.raises(ValueError) as caught:
        fh.call(fail)
    assert len(str(caught.value)) < 1_000_000


def test_pickles_that_are_none(alive):
    """What cannot be loaded there is an error of the call."""
    session = alive.session._native
    for body in (b"", b"x", b"\x80\x05.", pickle.dumps(3), pickle.dumps(("no such operation", True)), pickle.dumps(("call", True))):
        try:
            _, (raised, *_) = session.python_call(0, "nonsense", body, (), (), (), False, 5.0, 0)
        except ValueError:  # it was seen here already
            continue
        assert raised


def test_threads_that_go_on_after_their_call(alive):
    def start():
        ready = threading.Event()

        def run():
            ready.wait(20)
            raise RuntimeError("in a thread")

        threading.Thread(target=run, daemon=True).start()
        ready.set()
        return threading.active_count() >= 1

    assert fh.call(start)


def test_a_child_that_comes_back(alive):
    """Code that forks and forgets to leave the child."""
    worker = fh.scatter(Worker())
    assert worker.fork() > 0 and worker.pid() == worker.pid()

    def fork_and_fail():
        if os.fork() == 0:
            raise RuntimeError("in the child")
        return os.getpid()

    assert fh.call(lambda w, f: f(), worker, fork_and_fail) == worker.pid()


def test_code_that_changes_its_process(alive):
    def meddle():
        os.chdir("/")
        sys.stdout = None
        sys.setrecursionlimit(900)
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return "done"

    assert fh.call(meddle) == "done"
    assert fh.call(lambda: print("still") or 4) == 4


def test_descriptors_that_are_closed(cluster):
    """Code that closes what it did not open, the host's socket too, costs no more than its host."""
    worker, other = fh.scatter([Worker(), Account(1)])
    with pytest.raises(fh.EngineLost):
        fh.call(lambda w: [os.close(fd) for fd in (3, 4)], worker)
    assert other.deposit(1) == 2 and fh.scatter(Worker(), engines=[worker._engine]).fill(1) == 0


def test_a_stack_that_overflows_is_the_hosts_end_only(cluster):
    def overflow(_):
        import ctypes

        ctypes.CDLL(None).regcomp(ctypes.create_string_buffer(1024), b"(" * 10**6, 1)  # calls itself for each

    worker = fh.scatter(Worker())
    with pytest.raises(fh.EngineLost, match="SIGSEGV"):
        fh.call(overflow, worker)
    assert fh.scatter(Account(1), engines=[worker._engine]).deposit(1) == 2


def test_results_that_are_too_large_for_the_engine(cluster):
    def flood():
        return np.zeros(1 << 44, np.uint8)

    with pytest.raises(MemoryError):
        fh.call(flood)
    assert fh.scatter(Account(1)).deposit(1) == 2
