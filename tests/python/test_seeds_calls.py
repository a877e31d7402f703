"""What programs that map functions over data did with executors of an older kind, also what never worked there."""
import concurrent.futures
import os
import threading
import time

import numpy as np
import pytest
from remote_support import Account

import farhand as fh


@pytest.fixture
def executor(cluster):
    with fh.Executor() as executor:
        yield executor


# ---- functions that are mapped over data


def test_a_function_with_a_closure_is_mapped(executor):
    """The example of a README: add something that the program has to each number."""
    offset = 7

    def add(x):
        return x + offset

    futures = [executor.call_async(add, x) for x in range(10)]
    assert executor.get_all_results(futures) == list(range(7, 17)) == list(executor.map(add, range(10)))


def test_nothing_to_map_is_nothing(executor):
    assert list(executor.map(abs, [])) == [] and executor.get_all_results([]) == []


def test_results_that_are_none_are_results(executor):
    future = executor.call_async(print, "")
    assert future.result(20) is None and future.done() and future.exception() is None


def test_reduce_waits_for_all_and_runs_there(executor):
    futures = [executor.call_async(abs, -x) for x in range(20)]
    assert executor.reduce(sum, futures).result(20) == 190


def test_waiting_any_all_always(executor):
    quick, slow = executor.call_async(abs, -1), executor.call_async(time.sleep, 0.3)
    done, late = executor.wait([quick, slow], return_when=fh.ANY_COMPLETED)
    assert done and slow in late or slow in done
    assert executor.wait([quick, slow], return_when=fh.ALWAYS)[0]
    assert executor.wait([quick, slow], return_when=fh.ALL_COMPLETED)[1] == []
    with pytest.raises(ValueError):
        executor.wait([quick], return_when="SOME")


def test_what_was_not_implemented_there(executor):
    """Timeouts of results, exceptions, callbacks, cancelling, states."""
    called = []
    future = executor.call_async(int, "not a number")
    future.add_done_callback(called.append)
    assert isinstance(future.exception(20), ValueError) and called == [future] and not future.running() and not future.cancelled()
    endless = executor.call_async(time.sleep, 60)
    with pytest.raises(TimeoutError):
        endless.result(0.05)
    assert endless.cancel() and endless.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        endless.result(20)


def test_exceptions_that_cannot_be_pickled_still_say_what_they_were(executor):
    def fail():
        class Local(Exception):
            def __reduce__(self):
                raise TypeError("never")

        raise Local("in words")

    with pytest.raises(fh.RemoteError, match="in words"):
        executor.submit(fail).result(20)


def test_functions_of_modules_that_only_the_client_knows_of(cluster, tmp_path, monkeypatch):
    """A module beside the program is found by engines of the same host."""
    (tmp_path / "beside_the_program.py").write_text("def triple(x):\n    return 3 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import beside_the_program

    with fh.Cluster(1):
        assert fh.call(beside_the_program.triple, 14) == 42


scale = 3


def _scaled(x):
    return scale * x


class _Shape:
    sides = 4

    def __init__(self, size):
        self.size = size

    def around(self):
        return self.sides * self.size


def test_globals_defaults_and_closures_go_along(executor):
    """Code goes by value: what it refers to of the program goes with it."""
    names = {"a": 1}

    def nested(x, offset=10):
        def inner(y):
            return y + offset + names["a"] + _scaled(x)

        return inner(np.float64(x))

    assert executor.submit(nested, 2).result(20) == 19.0
    assert list(executor.map(lambda shape: shape.around(), [_Shape(1), _Shape(2)])) == [4, 8]
    assert executor.submit(sum, (x * x for x in [1, 2]) and [1, 4]).result(20) == 5


def test_recursive_functions_and_lambdas_in_tables(executor):
    def factorial(n):
        return 1 if n < 2 else n * factorial(n - 1)

    table = {"square": lambda x: x * x}
    assert executor.submit(factorial, 20).result(20) == 2432902008176640000
    assert executor.submit(lambda x: table["square"](x), 7).result(20) == 49


def test_lists_are_one_argument(executor):
    """A list of lists was spread over the parameters."""
    assert list(executor.map(sum, [[1, 2], [3, 4], []])) == [3, 7, 0]
    assert executor.call_async(len, [1, 2, 3]).result(20) == 3


def test_modes_of_waiting_that_there_are_not(executor):
    with pytest.raises(ValueError):
        executor.wait([], return_when="whenever")


def test_results_are_kept_and_may_be_asked_for_again(executor):
    future = executor.call_async(abs, -3)
    assert future.result(20) == 3 and future.result() == 3 and future.done()
    failed = executor.call_async(abs, "x")
    for _ in range(2):
        with pytest.raises(TypeError):
            failed.result(20)


def test_mapping_a_hundred_results_one_by_one_is_quick(executor):
    """Asking each for its result took a poll of seconds."""
    futures = [executor.call_async(abs, -x) for x in range(500)]
    begun = time.monotonic()
    assert [future.result(20) for future in futures] == list(range(500))
    assert time.monotonic() - begun < 20


def test_waiting_for_results_of_several_executors(cluster):
    with fh.Executor() as one, fh.Executor(engines=[1]) as other:
        done, late = one.wait([one.call_async(abs, -1), other.call_async(abs, -2)])
        assert [future.result() for future in done] == [1, 2] and not late


def test_what_calls_print_is_not_lost(executor, capsys):
    executor.call_async(print, "said there").result(20)
    assert "said there" in capsys.readouterr().out


def test_a_call_that_ends_its_process_is_an_error_and_the_next_works(cluster):
    with fh.Executor() as executor:
        with pytest.raises(fh.EngineLost, match="exit status 7"):
            executor.submit(os._exit, 7).result(20)
        assert executor.submit(abs, -1).result(20) == 1


def test_a_call_that_runs_too_long_is_ended(cluster):
    with fh.Executor(timeout=0.2) as executor:
        with pytest.raises(TimeoutError, match="time limit"):
            executor.submit(time.sleep, 60).result(20)
        assert executor.submit(abs, -1).result(20) == 1


def test_arrays_and_objects_on_engines_are_arguments(executor):
    """Storage was the only way between calls."""
    array, account = fh.scatter(np.arange(5.0), axis=None), fh.scatter(Account(3))
    assert executor.submit(lambda x: float(x.sum()), array).result(20) == 10
    assert executor.submit(lambda a, k: a.balance * k, account, 2).result(20) == 6


def test_futures_may_be_awaited_and_called_back(executor):
    told = threading.Event()
    future = executor.call_async(abs, -5)
    future.add_done_callback(lambda f: told.set())
    assert told.wait(20) and future.result() == 5


def test_several_threads_may_use_one_executor(executor):
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        sums = list(threads.map(lambda n: sum(executor.map(abs, range(-n, 0))), [10, 20, 30, 40]))
    assert sums == [n * (n + 1) // 2 for n in (10, 20, 30, 40)]


def test_libraries_may_use_all_threads_there(executor):
    """Not one, by a setting that was meant for smaller machines."""
    assert executor.submit(lambda: os.environ.get("OMP_NUM_THREADS")).result(20) == os.environ.get("OMP_NUM_THREADS")
