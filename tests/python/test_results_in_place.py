"""Results that functions write into memory of their engine's."""
import numpy as np
import pytest
from oracle import same
from remote_support import await_that

import farhand as fh

LARGE = 300_000


def fill(n, value, keep=None):
    import farhand

    out = farhand.engine.empty(n)
    out[:] = value
    if keep is not None:
        keep.append(out)
    return out


def address_of(x):
    return x.__array_interface__["data"][0]


@pytest.mark.parametrize("shape", [LARGE, (300, 1000), (1, LARGE), 10, (), 0, (0, 5)])
@pytest.mark.parametrize("dtype", ["?", "i2", "f8", "c16"])
def test_shapes_and_dtypes(cluster, shape, dtype):
    def make():
        import farhand

        out = farhand.engine.empty(shape, dtype)
        out[...] = np.arange(out.size).reshape(out.shape)
        return out

    expected = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    result = fh.call(make)
    same(fh.gather(result) if isinstance(result, fh.Array) else result, expected)


def test_the_result_is_not_copied(cluster):
    """The page that holds it in the host is a page of the engine's file, and what was written is there."""
    def where():
        import farhand

        out = farhand.engine.empty(LARGE)
        out[:] = 5
        with open("/proc/self/maps") as maps:
            ranges = [line.split() for line in maps]
        for line in ranges:
            begin, end = (int(x, 16) for x in line[0].split("-"))
            if begin <= out.__array_interface__["data"][0] < end:
                return out, line[1], int(line[4])

    result, permissions, inode = fh.call(where)
    assert permissions == "rw-s" and inode
    same(fh.gather(result), np.full(LARGE, 5.0))


def test_what_is_kept_in_the_host_is_another_array_from_then_on(cluster):
    keeper = fh.scatter({"kept": []})

    def make(table):
        import farhand

        out = farhand.engine.empty(LARGE)
        out[:] = 1
        table["kept"].append(out)
        return out

    def change(table, value):
        table["kept"][0][:] = value
        return float(table["kept"][0].sum())

    result = fh.call(make, keeper)
    assert fh.call(change, keeper, 2) == 2 * LARGE
    same(fh.gather(result), np.ones(LARGE))
    result += 5
    assert fh.call(lambda table: float(table["kept"][0].sum()), keeper) == 2 * LARGE
    same(fh.gather(result), np.full(LARGE, 6.0))
    del result
    others = [fh.scatter(np.full(LARGE, float(i)), axis=None, engines=[keeper._engine]) for i in range(5)]
    assert fh.call(lambda table: float(table["kept"][0].sum()), keeper) == 2 * LARGE
    assert [float(x[0]) for x in others] == [0, 1, 2, 3, 4]


def test_the_same_memory_twice_parts_of_it_and_none(cluster):
    def twice():
        import farhand

        out = farhand.engine.empty((100, 5000))
        out[:] = 3
        unused = farhand.engine.empty(LARGE)
        return out, out.reshape(-1), out[50:], out.T, {"again": out}, unused.sum() * 0

    first, flat, half, turned, table, _ = fh.call(twice)
    for x, shape in ((first, (100, 5000)), (flat, (500_000,)), (half, (50, 5000)), (turned, (5000, 100)), (table["again"], (100, 5000))):
        same(fh.gather(x), np.full(shape, 3.0))
    first += 1
    assert float(flat[0]) == 3 and float(half[0, 0]) == 3


def test_results_of_a_later_call_and_of_threads(cluster):
    keeper = fh.scatter({})

    def make(table):
        import threading

        import farhand

        table["out"] = farhand.engine.empty(LARGE)
        table["out"][:] = 7
        other = []
        thread = threading.Thread(target=lambda: other.append(farhand.engine.empty(LARGE)))
        thread.start()
        thread.join()
        other[0][:] = 8
        return other[0]

    same(fh.gather(fh.call(make, keeper)), np.full(LARGE, 8.0))
    same(fh.gather(fh.call(lambda table: table.pop("out"), keeper)), np.full(LARGE, 7.0))


def test_arguments_and_results_side_by_side(cluster):
    def scale(x, factor):
        import farhand

        return np.multiply(x, factor, out=farhand.engine.empty(x.shape, x.dtype))

    remote = fh.scatter(np.arange(float(LARGE)), axis=None)
    same(fh.gather(fh.call(scale, remote, 2)), np.arange(float(LARGE)) * 2)
    both = fh.vectorize(scale)(fh.scatter(np.arange(2.0 * LARGE)), 3)
    same(fh.gather(both), np.arange(2.0 * LARGE) * 3)


def test_memory_that_there_is_not(cluster):
    def too_much():
        import farhand

        return farhand.engine.empty(1 << 42)

    with pytest.raises(MemoryError):
        fh.call(too_much)
    same(fh.gather(fh.call(fill, LARGE, 1)), np.ones(LARGE))


def test_nothing_is_left(own_cluster):
    session = own_cluster.session

    def used():
        return sum(engine.used for engine in session.engines)

    for value in range(20):
        fh.call(fill, LARGE, value)
        fh.call(lambda: float(fill(LARGE, 2).sum()))
    await_that(session, lambda: not session.objects())
    with pytest.raises(ZeroDivisionError):
        fh.call(lambda: (fill(LARGE, 1), 1 / 0))
    fh.call(abs, 1)
    fh.call(abs, 1)
    await_that(session, lambda: used() < LARGE * 8)


def test_on_a_client_it_is_an_array_of_its_own(cluster):
    assert fh.engine.empty((2, 3), "i4").shape == (2, 3)


class Maker:
    def make(self, n, value):
        return fill(n, value)


def test_methods_whose_calls_need_nothing_else_of_the_engine(cluster):
    maker = fh.scatter(Maker())
    for value in (1, 2, 3):
        result = maker.make(LARGE, value)
        assert isinstance(result, fh.RemoteArray)
        same(fh.gather(result), np.full(LARGE, float(value)))
    futures = [maker.make(LARGE, value, block=False) for value in range(5)]
    assert [float(future.result(20)[0]) for future in futures] == [0, 1, 2, 3, 4]
