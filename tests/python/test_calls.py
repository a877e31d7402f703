"""call, methodcall, vectorize, futures."""
import asyncio
import concurrent.futures
import pickle

import numpy as np
import pytest
from oracle import CRASH, SPIN, same

import farhand as fh
from farhand import remote_wire


def test_call_runs_numpy_functions_where_the_arrays_are(cluster):
    remote = fh.scatter(np.arange(6.0))
    same(fh.gather(fh.call(np.sqrt, remote)), np.sqrt(np.arange(6.0)))
    same(fh.gather(fh.call(np.sum, remote, axis=0)), np.float64(15))
    future = fh.call(np.add, remote, 1, block=False)
    same(fh.gather(future.result(20)), np.arange(6.0) + 1)


def test_call_of_what_cannot_be_called(cluster):
    with pytest.raises(TypeError):
        fh.call(5)


def test_methodcall_knows_local_and_remote_methods(cluster):
    remote = fh.scatter(np.arange(6.0), axis=None)
    same(fh.gather(fh.methodcall(remote, "sum")), np.float64(15))
    assert fh.methodcall(remote, "nop") == []
    assert fh.methodcall(remote, "describe")
    assert "nop" in fh.methodcall(remote, "methods")
    with pytest.raises(AttributeError):
        fh.methodcall(remote, "no_such_method")
    assert "nop" in cluster.session.call(0, "methods")
    assert fh.methodcall("abc", "upper") == "ABC"


def test_call_all_keeps_the_order(cluster):
    remotes = fh.scatter([np.arange(n) for n in (1, 2, 3)])
    assert [int(x) for x in fh.call_all(remotes, "sum")] == [0, 1, 3]
    futures = fh.call_all(remotes, "sum", block=False)
    assert [int(f.result(20)) for f in futures] == [0, 1, 3]


def test_vectorize_and_apply(cluster):
    remote = fh.scatter(np.arange(6.0))
    same(fh.gather(fh.vectorize(np.sin)(remote)), np.sin(np.arange(6.0)), 1e-15)
    totals = fh.apply(np.sum, remote)
    assert [float(x) for x in totals] == [3.0, 12.0]
    assert [fh.gather(x).tolist() for x in fh.apply(np.negative, fh.scatter([np.arange(2), np.arange(1)]))] == [[0, -1], [0]]


def test_vectorize_with_numpys_arguments_is_numpys(cluster):
    local = np.arange(6.0)
    remote = fh.scatter(local)
    larger = fh.vectorize(lambda a, b: a if a > b else b, otypes=[float])
    assert isinstance(larger(remote, 3), fh.Array)
    same(fh.gather(larger(remote, 3)), np.maximum(local, 3))
    means = fh.vectorize(lambda row: row.mean(), signature="(n)->()")
    same(fh.gather(means(remote.reshape(3, 2))), local.reshape(3, 2).mean(axis=1))
    assert fh.vectorize(len, doc="The length.").__doc__ == "The length."
    offset = fh.vectorize(lambda x, names: x + len(names), excluded={"names"}, cache=True)
    same(fh.gather(offset(remote, names=["a", "b"])), local + 2)


def test_future_of_an_array(cluster):
    result = fh.scatter(np.arange(6.0)) + 1
    future = result.future()
    assert isinstance(future, concurrent.futures.Future)
    assert future.result(20) is result and future.done()
    assert future in concurrent.futures.wait([future], 20).done


def test_future_of_a_failure_has_its_exception(cluster):
    future = fh.kernel(CRASH)(fh.scatter(np.arange(3.0), axis=None)).future()
    assert isinstance(future.exception(20), fh.KernelFault)


def test_futures_can_be_awaited(cluster):
    async def main():
        a, b = fh.scatter(np.arange(3)), fh.scatter(np.arange(4))
        x = await (a + 1).future()
        y, z = await asyncio.gather((a * 2).future(), (b * 3).future())
        return [fh.gather(value).tolist() for value in (x, y, z)]

    assert asyncio.run(main()) == [[1, 2, 3], [0, 2, 4], [0, 3, 6, 9]]


def test_wait_divides_done_from_not_done(cluster):
    quick = fh.scatter(np.arange(3.0), engines=[0], axis=None)
    slow = fh.kernel(SPIN)(fh.scatter(np.arange(3.0), engines=[1], axis=None), timeout=2)
    done, not_done = fh.wait([slow, quick], timeout=20, return_when=fh.FIRST_COMPLETED)
    assert [x is quick for x in done] == [True] and [x is slow for x in not_done] == [True]
    done, not_done = fh.wait([slow, quick], timeout=20)
    assert len(done) == 2 and not not_done


def test_waiting_for_many_needs_no_threads(cluster, monkeypatch):
    arrays = fh.scatter([np.arange(3.0)] * 200)
    arrays[7:7] = [fh.kernel(CRASH)(arrays[0]), arrays[1].astype(int) + 1]
    monkeypatch.setattr("farhand.futures.submit", None)
    done, not_done = fh.wait(arrays)
    assert not not_done and all(x is y for x, y in zip(done, arrays)) and len(done) == 202
    with pytest.raises(fh.KernelFault):
        done[7].wait()


def test_as_completed_yields_all(cluster):
    arrays = [fh.scatter(np.arange(n)) for n in range(1, 5)]
    assert sorted(len(x) for x in fh.as_completed(arrays, timeout=20)) == [1, 2, 3, 4]


def test_the_session_can_be_used_while_a_future_waits(cluster):
    slow = fh.kernel(SPIN)(fh.scatter(np.arange(3.0), engines=[1], axis=None), timeout=2).future()
    same(fh.gather(fh.scatter(np.arange(5), engines=[0])), np.arange(5))
    assert not slow.done()
    assert isinstance(slow.exception(20), fh.KernelTimeout)


def test_cancelling_one_array_leaves_the_others(cluster):
    d = fh.scatter(np.arange(6.0))
    slow = fh.kernel(SPIN)(d, timeout=60)
    after, twice = slow + 1, d * 2
    slow.cancel()
    for cancelled in (slow, after):
        with pytest.raises(fh.Cancelled):
            fh.gather(cancelled)
    same(fh.gather(twice), np.arange(6.0) * 2)
    twice.cancel()  # too late: it is there
    same(fh.gather(twice), np.arange(6.0) * 2)


def test_what_another_numpy_and_cloudpickle_wrote(cluster):
    """NumPy 2 calls its package `_core`, NumPy 1 `core`; both read both.  What a newer cloudpickle wrote is refused by name."""
    def read(pickled):
        from _farhand_host.values import loads

        return loads(pickled)

    for core in (b"numpy.core", b"numpy._core"):
        scalar = pickle.dumps(np.float64(2), 2).replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", core)
        assert core in scalar and fh.call(read, scalar) == 2 == remote_wire.unpack(scalar)
    with pytest.raises(ImportError, match="cloudpickle .*same version"):
        fh.call(read, b"ccloudpickle.cloudpickle\n_of_tomorrow\n.")
    for missing in (b"cno_such_module_anywhere\nf\n.", b"cbuiltins\nno_such_name\n."):
        with pytest.raises((ModuleNotFoundError, AttributeError), match="no_such"):
            fh.call(read, missing)
