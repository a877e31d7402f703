"""fh.Executor: concurrent.futures over the engines."""
import concurrent.futures
import io
import itertools
import os
import sys
import time
import types

import numpy as np
import pytest
from oracle import same, wait_for

import farhand as fh
from farhand.progress import Count


@pytest.fixture
def executor(cluster):
    with fh.Executor() as executor:
        yield executor


def square(x):
    return x * x


def test_it_is_an_executor(executor):
    assert isinstance(executor, concurrent.futures.Executor)
    future = executor.submit(pow, 2, 10)
    assert isinstance(future, concurrent.futures.Future) and future.result(20) == 1024
    assert executor.submit(lambda *a, **k: (a, k), 1, b=(2,)).result(20) == ((1,), {"b": (2,)})
    done, rest = concurrent.futures.wait([executor.submit(square, i) for i in range(10)])
    assert {f.result() for f in done} == {i * i for i in range(10)} and not rest


def test_calls_use_all_engines(executor):
    pids = set()

    def all_seen():
        pids.update(f.result(20) for f in [executor.submit(os.getpid) for _ in range(20)])
        return len(pids) >= 2

    wait_for(all_seen)  # quick calls do not wait for an engine whose host is being started
    assert len(pids) == 2 and os.getpid() not in pids


@pytest.mark.parametrize("chunksize", [None, 1, 3, 100])
def test_map_keeps_the_order(executor, chunksize):
    assert list(executor.map(square, range(500), chunksize=chunksize)) == [i * i for i in range(500)]
    assert list(executor.map(lambda a, b: a + b, range(10), itertools.count(5), chunksize=chunksize)) == list(range(5, 25, 2))
    assert list(executor.map(square, [], chunksize=chunksize)) == []


def test_map_takes_items_as_there_is_room(executor):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = executor.map(square, endless())
    assert [next(results) for _ in range(50_000)] == [i * i for i in range(1, 50_001)]
    assert taken < 50_000 + 65_536 + 2 * 8192


def test_map_raises_at_the_item_that_failed(executor):
    results = executor.map(lambda x: 10 // (x - 3), range(6), chunksize=2)
    assert [next(results) for _ in range(3)] == [-4, -5, -10]
    with pytest.raises(ZeroDivisionError) as caught:
        next(results)
    assert isinstance(caught.value, fh.RemoteError) and "lambda" in caught.value.remote_traceback
    assert caught.value.origin in ("engine 0, <lambda>", "engine 1, <lambda>")


def fail_at(x, where, how):
    if x == where:
        raise how
    return x


@pytest.mark.parametrize("how, shown", [(KeyError("that one"), KeyError), (SystemExit(3), fh.RemoteError), (StopIteration(), RuntimeError)])
def test_map_gives_what_came_before_the_failure_in_a_chunk(executor, how, shown):
    results = executor.map(fail_at, range(300), itertools.repeat(217), itertools.repeat(how), chunksize=300)
    taken = []
    with pytest.raises(shown) as caught:
        for value in results:
            taken.append(value)
    assert taken == list(range(217)) and "StopIteration" not in type(caught.value).__name__
    with pytest.raises(shown):
        list(executor.map(lambda x: fail_at(x, 217, how), range(300), chunksize=300))  # of one argument


def test_map_of_nothing_at_all(executor):
    assert list(executor.map(square)) == []  # as zip of nothing


def test_large_items_travel_in_small_chunks(executor, monkeypatch):
    counts, begin = [], executor._begin
    monkeypatch.setattr(executor, "_begin", lambda *arguments: (counts.append(arguments[-1]), begin(*arguments))[1])
    size = 1 << 20
    assert list(executor.map(len, (bytes(size) for _ in range(100)))) == [size] * 100
    assert max(counts) <= 4 and sum(counts) == 100
    counts.clear()
    assert list(executor.map(len, ["small"] * 20_000)) == [5] * 20_000
    assert max(counts) > 100


def test_map_with_arrays_is_by_value(executor):
    arrays = [np.full(n, 1.5) for n in (0, 1, 100, 50_000)]
    for result, array in zip(executor.map(lambda x: x * 2, arrays), arrays):
        assert type(result) is np.ndarray
        same(result, array * 2)


def test_timeouts(executor):
    with pytest.raises(TimeoutError):
        list(executor.map(time.sleep, [0, 30], timeout=0.3, chunksize=1))
    executor._side.session.cancel()
    with fh.Executor(timeout=0.2) as quick:
        with pytest.raises(TimeoutError):
            quick.submit(time.sleep, 30).result(20)
        assert quick.submit(square, 3).result(20) == 9


def test_waiting(executor):
    futures = [executor.call_async(square, i) for i in range(5)]
    assert executor.get_all_results(futures) == [0, 1, 4, 9, 16]
    assert executor.wait(futures) == (futures, []) and executor.wait(futures, return_when="ANY") == (futures, [])
    slow = executor.submit(time.sleep, 30)
    done, rest = executor.wait([slow, *futures], return_when=fh.ALWAYS)
    assert done == futures and rest == [slow]
    with pytest.raises(TimeoutError):
        executor.get_all_results([slow], timeout=0.1)
    with pytest.raises(ValueError):
        executor.wait(futures, return_when="SOMETIME")
    executor._side.session.cancel()
    assert isinstance(slow.exception(20), fh.Cancelled)
    assert executor.reduce(sum, futures).result(20) == 30


def test_shut_down_executors_take_nothing(cluster):
    executor = fh.Executor()
    future = executor.submit(time.sleep, 0.2)
    executor.shutdown()
    assert future.done()
    with pytest.raises(RuntimeError):
        executor.submit(square, 1)


def crash_once(path):
    """Ends its host the first time that it is run."""
    try:
        with open(path, "x"):
            pass
    except FileExistsError:
        return "survived"
    os._exit(1)


def test_retries_are_for_those_who_ask(cluster, tmp_path):
    with fh.Executor() as executor:
        with pytest.raises(fh.EngineLost):
            executor.submit(crash_once, str(tmp_path / "a")).result(20)
        assert executor.submit(crash_once, str(tmp_path / "a")).result(20) == "survived"
    with fh.Executor(retries=2) as executor:
        assert executor.submit(crash_once, str(tmp_path / "b")).result(20) == "survived"
        assert list(executor.map(crash_once, [str(tmp_path / "c")] * 3)) == ["survived"] * 3
        with pytest.raises(fh.EngineLost):
            executor.submit(os._exit, 1).result(20)
        assert executor.submit(square, 5).result(20) == 25


def test_a_function_is_sent_as_it_was_when_it_was_first_used(cluster):
    factor = 2
    scaled = lambda x: factor * x  # noqa: E731
    with fh.Executor() as executor:
        assert executor.submit(scaled, 1).result(20) == 2
        factor = 3
        assert fh.call(scaled, 1) == 3


def test_a_hundred_thousand_calls(executor):
    begun = time.monotonic()
    total = sum(executor.map(square, range(100_000)))
    assert total == sum(i * i for i in range(100_000))
    print(f"{time.monotonic() - begun:.2f} s")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_to_those_who_want_it(executor, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr(sys.modules["farhand.progress"], "time", types.SimpleNamespace(monotonic=itertools.count(0.0, 2.0).__next__))
    bar = Count("squares", 50, True)
    bar.show(10)
    bar.show(25)
    bar.end()
    shown = sys.stderr.getvalue()
    assert "squares:  20% |####" in shown and "25 of 50" in shown and shown.endswith("\r")
    quiet = Count("squares", 50, False)
    quiet.show(10)
    quiet.end()
    assert sys.stderr.getvalue() == shown


def test_progress_of_a_map(executor, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    assert list(executor.map(square, range(20), chunksize=1)) == [i * i for i in range(20)]
    assert sys.stderr.getvalue() == ""  # nobody is at a prompt
    monkeypatch.setattr(fh.config, "progress", True)
    results = executor.map(time.sleep, [0.3] * 10, chunksize=1)
    assert list(results) == [None] * 10
    assert "sleep:" in sys.stderr.getvalue() and "of 10" in sys.stderr.getvalue()
