"""Python objects under names: shared by sessions, living on when their makers have gone."""
import os
import pickle
import signal
import time

import numpy as np
import pytest
from farhand.session import set_default
from remote_support import Account, Worker

import farhand as fh

SECONDS = 20


@pytest.fixture
def other(cluster):
    """A second session; the first one is the default."""
    session = fh.connect(cluster.connection_file)
    set_default(cluster.session)
    yield session
    session.close()
    set_default(cluster.session)


@pytest.fixture
def name(cluster, request):
    yield request.node.name
    set_default(cluster.session)
    if request.node.name in fh.names():
        fh.unpublish(request.node.name)


def wait_for(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)  # until the deadline


def test_all_sessions_see_one_object(cluster, other, name):
    mine = fh.scatter(Account(10), name=name)
    yours = other.get(name)
    assert type(yours).__name__ == "RemoteAccount"
    assert yours.deposit(5) == 15 and mine.balance == 15
    mine.balance = 3
    assert yours.double == 6 and yours.same() is yours
    yours.note = "there"
    assert mine.note == "there"
    assert list(yours) == [10, 5] and fh.gather(mine).balance == 3


def test_a_proxy_is_published_as_its_object_is_now(cluster, other, name):
    account = fh.scatter(Account(1))
    account.deposit(1)
    assert account.publish(name) is account and account.deposit(1) == 3
    assert other.get(name).deposit(1) == 4 and account.balance == 4


def test_it_outlives_its_client(cluster, name):
    with fh.connect(cluster.connection_file):
        worker = fh.scatter(Worker(4), name=name)
        assert worker.fill(2) == 8
    set_default(cluster.session)
    assert fh.get(name).fill(1) == 12


def test_names_say_what_they_are_of(cluster, name):
    fh.scatter(Account(1), name=name)
    fh.scatter(np.ones(4), name=f"{name}-array")
    try:
        assert fh.names(types=True).items() >= {(name, "python"), (f"{name}-array", "array")}
        assert isinstance(fh.get(f"{name}-array"), fh.DistArray)
    finally:
        fh.unpublish(f"{name}-array")


def test_names_that_are_taken_or_not_there(cluster, name):
    fh.scatter(Account(1), name=name)
    with pytest.raises(fh.NameTaken):
        fh.scatter(Account(2), name=name)
    with pytest.raises(fh.NoSuchName):
        fh.get(f"{name}-not")


def test_what_is_taken_back_goes_with_its_last_holder(cluster, other, name):
    before = len(fh.engine)
    mine = fh.scatter(Account(10), name=name)
    yours = other.get(name)
    fh.unpublish(name)
    del mine
    assert yours.deposit(1) == 11
    del yours
    other.sync()
    cluster.session.sync()
    wait_for(lambda: len(fh.engine) <= before)


def test_pickled_proxies_are_their_names(cluster, name):
    account = fh.scatter(Account(10), name=name)
    assert pickle.loads(pickle.dumps([account]))[0].deposit(1) == 11 == account.balance


def test_published_objects_and_others_in_one_call(cluster, name):
    published, own = fh.scatter(Account(1), name=name), fh.scatter(Account(2))
    assert fh.call(lambda a, b: a.balance + b.balance, published, own) == 3
    assert own.deposit(published.balance) == 3


def test_arrays_reach_published_objects(cluster, name):
    listed = fh.scatter({}, name=name)
    array = fh.scatter(np.arange(1e5))
    listed["sum"] = fh.call(lambda a, d: float(a.sum()), array, listed)
    assert listed["sum"] == np.arange(1e5).sum()
    assert isinstance(fh.get(name), fh.Remote)


def test_a_session_that_goes_ends_its_calls_and_no_more(cluster, name):
    worker = fh.scatter(Worker(2), name=name)
    with fh.connect(cluster.connection_file):
        busy = fh.get(name).spin(block=False)
        set_default(cluster.session)
        late = worker.fill(1, block=False)
        with pytest.raises(TimeoutError):
            busy.result(0.2)
    assert late.result(SECONDS) == 2
    assert isinstance(busy.exception(SECONDS), fh.Error)


def test_cancelling_ends_ones_own_calls_only(cluster, other, name):
    worker = fh.scatter(Worker(2), name=name)
    yours = other.get(name)
    busy, waiting = worker.spin(block=False), yours.fill(1, block=False)
    with pytest.raises(TimeoutError):
        busy.result(0.1)
    cluster.session.cancel()
    assert isinstance(busy.exception(SECONDS), fh.Cancelled) and waiting.result(SECONDS) == 2


def test_the_shared_host_can_die_and_comes_back(cluster, other, name):
    worker = fh.scatter(Worker(2), name=name)
    os.kill(worker.pid(), signal.SIGKILL)
    with pytest.raises(fh.Error, match="SIGKILL"):
        while True:
            worker.fill(1)
    with pytest.raises(fh.Error, match="Python host"):
        other.get(name)
    fh.unpublish(name)
    assert fh.scatter(Worker(2), name=name).fill(1) == 2 == other.get(name).fill(0)
