"""Which engine gets which call of an executor, and what becomes of calls that wait, run late, or are not wanted any more."""
import concurrent.futures
import os
import threading
import time

import numpy as np
import pytest

import farhand as fh

SECONDS = 20


@pytest.fixture
def executor(cluster):
    with fh.Executor() as executor:
        begun = [executor.submit(os.getpid) for _ in range(2)]
        concurrent.futures.wait(begun, SECONDS)  # both engines have their Python hosts
        yield executor


def wait_for_file(path, seconds=SECONDS):
    """Runs until the file is there; the engine's process number."""
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.002)  # until its deadline
    return os.getpid()


def touch(path):
    """Leaves a file; two calls with one path: the second one fails."""
    with open(path, "x"):
        return os.getpid()


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)  # until its deadline


def test_calls_behind_a_slow_one_go_to_the_idle_engine(executor, tmp_path):
    """Those that wait at the client, and those that were sent behind it already."""
    gate = str(tmp_path / "gate")
    slow = executor.submit(wait_for_file, gate)
    others = [executor.submit(touch, str(tmp_path / str(i))) for i in range(50)]
    done, late = concurrent.futures.wait(others, SECONDS)
    assert not late and not slow.done()
    assert {f.result() for f in done} != {slow.engine}
    open(gate, "x").close()
    slow.result(SECONDS)
    assert {f.engine for f in others} == {1 - slow.engine}


def test_what_was_sent_is_taken_back_once(executor, tmp_path):
    """Two calls on each engine: the second one of either waits behind the first."""
    gates = [str(tmp_path / f"gate{i}") for i in range(2)]
    slow = [executor.submit(wait_for_file, gate) for gate in gates]
    behind = [executor.submit(touch, str(tmp_path / f"b{i}")) for i in range(2)]
    assert not concurrent.futures.wait(behind, 0.05).done
    open(gates[1], "x").close()
    assert slow[1].result(SECONDS)
    assert len({f.result(SECONDS) for f in behind}) == 1 and not slow[0].done()
    open(gates[0], "x").close()
    slow[0].result(SECONDS)


def test_one_waiting_call_can_be_cancelled_alone(executor, tmp_path):
    gate = str(tmp_path / "gate")
    slow = [executor.submit(wait_for_file, gate) for _ in range(2)]
    waiting = [executor.submit(touch, str(tmp_path / str(i))) for i in range(20)]
    assert waiting[0].cancel() and waiting[7].cancel() and waiting[7].cancelled()
    open(gate, "x").close()
    concurrent.futures.wait(slow + waiting, SECONDS)
    assert [f.cancelled() for f in waiting] == [i in (0, 7) for i in range(20)]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["gate", *(str(i) for i in range(20) if i not in (0, 7))])
    assert not waiting[1].cancel() and isinstance(waiting[1].result(), int)


def test_a_running_call_can_be_cancelled_alone(executor, tmp_path):
    begun, gate = str(tmp_path / "begun"), str(tmp_path / "gate")

    def spin(path):
        open(path, "x").close()
        while True:
            time.sleep(0.001)  # until its deadline

    other = executor.submit(wait_for_file, gate)
    endless = executor.submit(spin, begun)
    wait_until(lambda: os.path.exists(begun))
    assert endless.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        endless.result(SECONDS)
    # Both engines are free again, or soon: of two calls that wait for each other one runs where it was.
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    open(gate, "x").close()
    assert other.result(SECONDS)

    def meet(mine, theirs):
        open(mine, "x").close()
        deadline = time.monotonic() + 10
        while not os.path.exists(theirs) and time.monotonic() < deadline:
            time.sleep(0.001)  # until its deadline
        return os.path.exists(theirs)

    meeting = [executor.submit(meet, a, b), executor.submit(meet, b, a)]
    assert [f.result(SECONDS) for f in meeting] == [True, True]


def test_cancelled_futures_are_told_to_those_who_wait(executor, tmp_path):
    gate = str(tmp_path / "gate")
    slow = [executor.submit(wait_for_file, gate) for _ in range(2)]
    future = executor.submit(wait_for_file, gate)
    called = []
    future.add_done_callback(called.append)
    timer = threading.Timer(0.01, future.cancel)
    timer.start()
    done, _ = concurrent.futures.wait([*slow, future], SECONDS, concurrent.futures.FIRST_COMPLETED)
    assert done == {future} and called == [future]
    open(gate, "x").close()
    assert len(concurrent.futures.wait(slow, SECONDS).done) == 2


def test_cancelling_the_session_ends_what_waits_too(executor):
    futures = [executor.submit(time.sleep, 30) for _ in range(20)]
    executor._side.session.cancel()
    assert all(isinstance(f.exception(SECONDS), fh.Cancelled) for f in futures)
    assert executor.submit(pow, 2, 3).result(SECONDS) == 8


def test_a_call_goes_where_its_array_is(executor):
    arrays = [fh.scatter(np.arange(3e6), axis=None, engines=[i]) for i in (0, 1)]
    futures = [executor.submit(np.sum, arrays[i % 2]) for i in range(20)]
    assert [f.result(SECONDS) for f in futures] == [np.arange(3e6).sum()] * 20
    assert [f.engine for f in futures] == [0, 1] * 10


def test_arguments_are_taken_as_they_are_when_a_call_is_made(executor, tmp_path):
    gate = str(tmp_path / "gate")
    slow = [executor.submit(wait_for_file, gate) for _ in range(4)]
    array, items = np.zeros(100_000), []
    futures = []
    for i in range(5):
        array[:] = i
        items.append(i)
        futures.append(executor.submit(lambda a, items: (a[0], a[-1], len(items)), array, items))
    open(gate, "x").close()
    assert [f.result(SECONDS) for f in futures] == [(i, i, i + 1) for i in range(5)]
    concurrent.futures.wait(slow, SECONDS)


def test_large_arguments_that_wait_are_bounded(executor, tmp_path, monkeypatch):
    monkeypatch.setattr(executor._scheduler.room, "bytes", 10 << 20, raising=False)
    gate = str(tmp_path / "gate")
    slow = [executor.submit(wait_for_file, gate) for _ in range(4)]
    submitted = []

    def submit_many():
        for _ in range(40):
            submitted.append(executor.submit(len, bytes(1 << 20)))

    thread = threading.Thread(target=submit_many)
    thread.start()
    wait_until(lambda: len(submitted) >= 9)
    thread.join(0.1)
    assert len(submitted) < 40 and executor._scheduler.room.used <= 11 << 20  # those that were sent ahead no longer wait
    open(gate, "x").close()
    thread.join(SECONDS)
    assert [f.result(SECONDS) for f in submitted] == [1 << 20] * 40
    concurrent.futures.wait(slow, SECONDS)
    assert executor._scheduler.room.used == 0


def test_stragglers_get_a_copy_on_request(executor, tmp_path):
    def first_is_slow(path):
        """The first one to come waits until it is cancelled."""
        try:
            open(path, "x").close()
        except FileExistsError:
            return "copy"
        while True:
            time.sleep(0.001)  # until its deadline

    twice = executor.options(duplicates=True)
    done = str(tmp_path / "usual")
    open(done, "x").close()
    assert twice.submit(first_is_slow, done).result(SECONDS) == "copy"  # now it is known how long that takes
    late = twice.submit(first_is_slow, str(tmp_path / "a"))
    assert late.result(SECONDS) == "copy"
    assert [executor.submit(pow, 2, i).result(SECONDS) for i in range(10)] == [2**i for i in range(10)]
    once = executor.submit(first_is_slow, str(tmp_path / "b"))
    assert not concurrent.futures.wait([once], 0.3).done
    assert once.cancel()


def test_quick_calls_that_go_together_fail_alone(executor):
    def picky(x):
        if x % 7 == 3:
            raise KeyError(x)
        return threading.Lock() if x % 7 == 4 else x

    [executor.submit(picky, 0).result(SECONDS) for _ in range(3)]
    futures = [executor.submit(picky, i) for i in range(700)]
    for i, future in enumerate(futures):
        if i % 7 == 3:
            assert isinstance(future.exception(SECONDS), KeyError) and isinstance(future.exception(), fh.RemoteError)
        elif i % 7 == 4:
            assert isinstance(future.exception(SECONDS), TypeError)
        else:
            assert future.result(SECONDS) == i


def test_an_executor_that_is_left_ends_what_it_was_asked_to(cluster, tmp_path):
    executor = fh.Executor()
    futures = [executor.submit(time.sleep, 30) for _ in range(10)]
    executor.shutdown(cancel_futures=True)
    assert all(f.cancelled() for f in futures)
    with pytest.raises(RuntimeError):
        executor.options(retries=1).submit(len, "")


def test_options_that_make_no_sense(cluster):
    executor = fh.Executor()
    with pytest.raises(TypeError, match="no option"):
        executor.options(colour="red")
    with pytest.raises(ValueError):
        executor.options(resources={"gpu": 0})
    with pytest.raises(fh.Error, match="'gpu'"):
        executor.options(resources={"gpu": 1})
    with pytest.raises(TypeError):
        executor.submit(5)


def test_calls_wait_while_no_engine_is_free_and_fail_when_none_is_left(own_cluster):
    executor = fh.Executor()
    futures = [executor.submit(time.sleep, 30) for _ in range(10)]
    for i in range(2):
        own_cluster.kill_engine(i)
    assert all(isinstance(f.exception(SECONDS), fh.Error) for f in futures)


def test_what_an_engine_leaves_waiting_others_do(own_cluster, tmp_path):
    """Calls that were not sent are not lost with an engine."""
    executor = fh.Executor()
    [f.result(SECONDS) for f in [executor.submit(os.getpid) for _ in range(4)]]
    gate = str(tmp_path / "gate")
    slow = [executor.options(engines=[i]).submit(wait_for_file, gate) for i in (0, 1)]
    waiting = [executor.options(retries=1).submit(touch, str(tmp_path / str(i))) for i in range(20)]
    wait_until(lambda: all(len(slot.sent) for slot in executor._scheduler.slots.values()))
    own_cluster.kill_engine(0)
    assert isinstance(slow[0].exception(SECONDS), fh.EngineLost)
    open(gate, "x").close()
    assert slow[1].result(SECONDS)
    assert len({f.result(SECONDS) for f in waiting}) == 1


def test_many_quick_calls_behind_one_that_is_slow_for_once(executor, tmp_path, monkeypatch):
    """They are thought to be quick, so that many are sent ahead of what is done: all of them come back, and not just when the thread looks anyway."""
    monkeypatch.setattr("farhand.scheduler._IDLE", 10 * SECONDS)
    gate = str(tmp_path / "gate")

    def quick_but_for(i, gate):
        deadline = time.monotonic() + SECONDS
        while i == 700 and not os.path.exists(gate) and time.monotonic() < deadline:
            time.sleep(0.001)  # until its deadline
        return i

    assert executor.submit(quick_but_for, 0, gate).result(SECONDS) == 0
    futures = [executor.submit(quick_but_for, i, gate) for i in range(3000)]
    wait_until(lambda: sum(not f.done() for f in futures) <= 256)  # those that travelled with the slow one
    assert not futures[700].done()
    open(gate, "x").close()
    assert [f.result(SECONDS) for f in futures] == list(range(3000))


@pytest.fixture(scope="module")
def offering():
    """Two engines of different kinds."""
    with fh.Cluster(2, tags=[["small"], ["big", "fast"]], resources=[{}, {"gpu": 2}]) as running:
        yield running


def test_engines_say_what_they_offer(offering):
    small, big = offering.engines
    assert (small.tags, small.resources, big.tags, big.resources) == ({"small"}, {}, {"big", "fast"}, {"gpu": 2.0})


def test_tags_choose_engines(offering):
    with fh.Executor(session=offering.session) as executor:
        for tags, engine in (("small", 0), (["big"], 1), (["fast", "big"], 1)):
            futures = [executor.options(tags=tags).submit(os.getpid) for _ in range(6)]
            assert {f.result(SECONDS) for f in futures} == {offering.session.engines[engine].pid} or {f.engine for f in futures} == {engine}
        with pytest.raises(fh.Error, match="'small'.*engine 1 with the tags big, fast, 2 of 'gpu'"):
            executor.options(tags=["small", "big"])


def test_resources_are_taken_and_given_back(offering, tmp_path):
    """Of a call that takes two and others that take one each, no more than two are there at a time."""
    with fh.Executor(session=offering.session) as executor:
        gate = str(tmp_path / "gate")
        all_of_it = executor.options(resources={"gpu": 2}).submit(wait_for_file, gate)
        ones = [executor.options(resources={"gpu": 1}).submit(touch, str(tmp_path / str(i))) for i in range(6)]
        free = [executor.submit(pow, 2, i) for i in range(6)]
        assert [f.result(SECONDS) for f in free] == [2**i for i in range(6)]
        slot = executor._scheduler.slots[1]
        wait_until(lambda: slot.used == {"gpu": 2.0})
        assert len(slot.sent) == 1 and not any(f.done() for f in ones)
        open(gate, "x").close()
        assert all_of_it.result(SECONDS) and all(f.result(SECONDS) for f in ones)
        assert {f.engine for f in ones} == {1}
        wait_until(lambda: slot.used == {"gpu": 0.0})


def test_calls_go_to_an_idle_engine_while_others_wait_for_resources(offering, tmp_path, monkeypatch):
    with fh.Executor(session=offering.session) as executor:
        scheduler = executor._scheduler
        executor.submit(abs, 0).result(SECONDS)
        gates = [str(tmp_path / f"gate{number}") for number in (0, 1)]
        slow = [executor.options(engines=[0]).submit(wait_for_file, gates[0]), executor.options(resources={"gpu": 2}).submit(wait_for_file, gates[1])]
        wait_until(lambda: all(len(scheduler.slots[number].sent) == 1 for number in (0, 1)))
        needy = executor.options(resources={"gpu": 1}).submit(abs, -1)
        monkeypatch.setattr(scheduler, "_is_stuck", lambda slot: False)
        free = [executor.submit(touch, str(tmp_path / str(i))) for i in range(2)]
        wait_until(lambda: all(len(scheduler.slots[number].sent) == 2 for number in (0, 1)))  # one behind each
        open(gates[0], "x").close()
        assert all(f.result(SECONDS) for f in free) and {f.engine for f in free} == {0}
        assert not needy.done() and not slow[1].done()
        open(gates[1], "x").close()
        assert needy.result(SECONDS) == 1 and all(f.result(SECONDS) for f in slow)


def test_offers_that_make_no_sense(offering):
    with pytest.raises(fh.Error, match="gpu"):
        fh.Cluster(1, resources="gpu")
    with pytest.raises(ValueError, match="3 engines for 2"):
        fh.Cluster(2, tags=[["a"], ["b"], ["c"]])
