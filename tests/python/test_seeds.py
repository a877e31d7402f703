"""What programs for other systems of this kind did, also what never worked there, in farhand's words."""
import os
import time

import numpy as np
import pytest
from remote_support import Account, Worker

import farhand as fh


@pytest.fixture
def executor(cluster):
    with fh.Executor() as executor:
        yield executor


# ---- arrays and objects that are scattered


def test_a_large_random_array_is_scattered_and_averaged(cluster):
    """The first thing that people try: noise on the engines, a ufunc, a mean along the other axis."""
    noise = np.random.default_rng(1).standard_normal((64, 200))
    scattered = fh.scatter(noise, axis=0)
    waves = np.sin(scattered) ** 2 + np.cos(scattered) ** 2
    assert isinstance(waves, fh.DistArray) and np.allclose(fh.gather(waves), 1)
    assert np.allclose(fh.gather(scattered.mean(axis=1)), noise.mean(axis=1))


def test_a_function_of_ones_own_is_vectorized_over_pieces(cluster):
    def smooth(x):
        return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)

    data = np.arange(80.0).reshape(8, 10)
    results = fh.vectorize(smooth)(fh.scatter(data, axis=0))
    assert np.allclose(np.concatenate([fh.gather(part) for part in results]), smooth(data))
    assert fh.vectorize(smooth).__name__ == "vsmooth"


def test_sequences_of_objects_run_side_by_side(cluster):
    accounts = fh.scatter([Account(i) for i in range(6)])
    assert fh.call_all(accounts, "deposit", 1) == [1, 2, 3, 4, 5, 6]
    assert {account._id.engine for account in accounts} == {0, 1}
    nested = fh.scatter([Account(1), [Account(2), (Account(3), 4)]])
    assert isinstance(nested[1][1], tuple) and fh.gather(nested)[1][1][0].balance == 3


def test_what_used_to_be_lost(cluster):
    """Attributes are set and deleted there, changes are not made to copies, tuples stay tuples, no argument becomes a list."""
    account = fh.scatter(Account(1))
    fh.gather(account)
    account.deposit(5)
    account.owner = "me"
    assert (account.balance, account.owner, fh.gather(account).balance) == (6, "me", 6)
    del account.owner
    with pytest.raises(AttributeError):
        account.owner
    assert fh.call(lambda a, *rest: rest, account, (1, [2]), [3, (4,)]) == ((1, [2]), [3, (4,)])
    assert fh.call(lambda a, b: (type(a).__name__, type(b).__name__), (1,), {1}) == ("tuple", "set")


def test_proxies_on_different_engines_meet_in_one_call(cluster):
    first, second = fh.scatter([Account(3), Account(4)])
    assert fh.call(lambda a, b: a.balance * b.balance, first, second) == 12
    assert first.__eq__(second) is False


def test_objects_that_fail_in_their_special_methods(cluster):
    class Bad:
        def __init__(self, what):
            self.what = what

        def __getattr__(self, name):
            raise RuntimeError(f"no {name}") if name == "asked" else AttributeError(name)

        def __del__(self):
            raise RuntimeError("not deleted")

        def __reduce__(self):
            if self.__dict__.get("what") == "reduce":
                raise RuntimeError("not pickled")
            return Bad, (self.what,)

    with pytest.raises(TypeError, match="not pickled"):
        fh.scatter(Bad("reduce"))
    bad = fh.scatter(Bad("x"))
    with pytest.raises(RuntimeError, match="no asked"):
        bad.asked
    bad.what = "reduce"
    with pytest.raises(RuntimeError, match="not pickled"):
        fh.gather(bad)
    del bad
    assert fh.scatter(Account(1)).deposit(1) == 2


def test_recursion_and_exit_are_errors_of_the_call(cluster):
    def deep(n):
        return deep(n + 1)

    def leave():
        raise SystemExit(3)

    with pytest.raises(RecursionError):
        fh.call(deep, 0)
    with pytest.raises(fh.Error, match="SystemExit"):
        fh.call(leave)
    assert fh.scatter(Worker(1)).fill(1) == 1


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
    endless._session.cancel()
    assert isinstance(endless.exception(20), fh.Error)


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


def test_several_threads_may_use_one_executor(executor):
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        sums = list(threads.map(lambda n: sum(executor.map(abs, range(-n, 0))), [10, 20, 30, 40]))
    assert sums == [n * (n + 1) // 2 for n in (10, 20, 30, 40)]


def test_libraries_may_use_all_threads_there(executor):
    """Not one, by a setting that was meant for smaller machines."""
    assert executor.submit(lambda: os.environ.get("OMP_NUM_THREADS")).result(20) == os.environ.get("OMP_NUM_THREADS")
