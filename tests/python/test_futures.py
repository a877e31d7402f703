"""Futures behave as those of concurrent.futures, whoever comes first: the one who waits, the one who fills, the one who cancels."""
import concurrent.futures
import random
import threading

import pytest

from farhand import Future

SECONDS = 10


def test_filled_futures_answer_at_once():
    future = Future()
    assert not future.done() and not future.running() and not future.cancelled()
    future.fill(3)
    assert future.done() and future.result(0) == 3 and future.exception(0) is None and not future.cancel()
    failed = Future()
    failed.fill(None, KeyError("k"))
    assert failed.done() and isinstance(failed.exception(0), KeyError)
    with pytest.raises(KeyError):
        failed.result()


def test_who_waits_too_long_is_told():
    with pytest.raises(concurrent.futures.TimeoutError):
        Future().result(0.01)


def test_cancelled_ones_are_not_filled():
    future, called = Future(), []
    assert future.cancel() and future.cancelled()
    future.add_done_callback(called.append)
    future.fill(3)
    assert called == [future]
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()


def test_the_standard_way_of_filling_still_works():
    future = Future()
    assert future.set_running_or_notify_cancel() and future.running()
    future.fill(1)
    assert future.result() == 1
    with pytest.raises(concurrent.futures.InvalidStateError):
        future.set_result(2)


def test_callbacks_come_once_before_and_after():
    future, called = Future(), []
    future.add_done_callback(lambda done: called.append(1))
    future.fill(None)
    future.add_done_callback(lambda done: called.append(2))
    assert called == [1, 2]


def test_one_that_fills_and_others_that_wait_call_back_or_cancel():
    """All at the same moment, many times: nobody is forgotten, nobody is told twice."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    others = concurrent.futures.ThreadPoolExecutor(4)
    for i in range(400):
        future, called, start = Future(), [], threading.Barrier(4)

        def wait(future=future, start=start):
            start.wait(SECONDS)
            try:
                return future.result(SECONDS)
            except concurrent.futures.CancelledError:
                return "cancelled"

        def listen(future=future, start=start, called=called):
            start.wait(SECONDS)
            future.add_done_callback(called.append)

        def cancel(future=future, start=start, really=choice.random() < 0.5):
            start.wait(SECONDS)
            return future.cancel() if really else concurrent.futures.wait([future], SECONDS) and False

        begun = [others.submit(work) for work in (wait, listen, cancel)]
        start.wait(SECONDS)
        future.fill(i)
        results = [work.result(SECONDS) for work in begun]
        assert called == [future]
        assert results[0] == ("cancelled" if results[2] else i)
        assert future.cancelled() == results[2]
    others.shutdown()


def test_waiting_for_several():
    futures = [Future() for _ in range(3)]
    timer = threading.Timer(0.01, futures[1].fill, (1,))
    timer.start()
    done, late = concurrent.futures.wait(futures, SECONDS, concurrent.futures.FIRST_COMPLETED)
    assert done == {futures[1]} and len(late) == 2
    for future in (futures[0], futures[2]):
        future.fill(2)
    assert {future.result() for future in concurrent.futures.as_completed(futures, SECONDS)} == {1, 2}
