"""Large arrays of engines on this host are copied in place (test_mapped.py: mapped); the wire gives the same results."""
import numpy as np
import pytest

import farhand as fh
from oracle import same

SHAPES = [(1 << 18,), (700, 800), (3, 500, 400), (1, 1 << 18, 2)]


@pytest.fixture
def wire(cluster):
    """A second session that sends all bytes as messages."""
    fh.config.shared_memory = False
    try:
        session = fh.connect(cluster.connection_file)
    finally:
        fh.config.shared_memory = True
    yield session
    session.close()
    fh.session.set_default(cluster.session)


def make(shape, dtype="float64"):
    return np.random.default_rng(7).integers(0, 250, shape).astype(dtype)


def layouts(local):
    yield local
    yield np.asfortranarray(local)
    yield local[::-1]
    yield local[..., ::-1]
    yield np.repeat(local, 2, axis=-1)[..., ::2]
    yield local.astype(local.dtype.newbyteorder())
    frozen = local.copy()
    frozen.setflags(write=False)
    yield frozen


@pytest.mark.parametrize("shape", SHAPES)
def test_large_arrays_come_back_whole_in_place(cluster, shape):
    for local in layouts(make(shape)):
        for axis in (*range(local.ndim), None):
            before = cluster.session.stats()
            remote = fh.scatter(local, axis=axis)
            same(fh.gather(remote), local.astype(local.dtype.newbyteorder("=")))
            after = cluster.session.stats()
            moved = [after[name] - before[name]
                     for name in ("array_bytes_sent", "array_bytes_received", "shared_bytes", "mapped_bytes")]
            assert sum(moved) == 2 * local.nbytes
            if axis is None:
                assert moved == [0, 0, local.nbytes, local.nbytes]


def test_large_arrays_come_back_whole_over_the_wire(cluster, wire):
    for shape in SHAPES:
        for local in layouts(make(shape)):
            remote = fh.scatter(local, axis=-1)
            same(fh.gather(remote), local.astype(local.dtype.newbyteorder("=")))
    assert wire.stats()["shared_bytes"] == wire.stats()["mapped_bytes"] == 0
    assert wire.stats()["array_bytes_received"] == wire.stats()["array_bytes_sent"] > 0


def test_views_are_read_in_place(cluster):
    local = make((600, 900))
    remote = fh.scatter(local, axis=0)
    for index in ((slice(None, None, -1), slice(None, None, 2)), (slice(10, 590), slice(100, 800)), (Ellipsis, slice(None, None, -1))):
        before = cluster.session.stats()["shared_bytes"]
        same(fh.gather(remote[index]), local[index])
        assert cluster.session.stats()["shared_bytes"] - before == local[index].nbytes
    same(fh.gather(remote.T), local.T)


def test_what_was_gathered_stays_as_it_was(cluster):
    local = make((512, 512))
    remote = fh.scatter(local, axis=None)
    first = fh.gather(remote)
    remote += 1
    same(first, local)
    same(fh.gather(remote), local + 1)
    first[:] = -1
    same(fh.gather(remote), local + 1)


def test_failed_arrays_say_why(cluster):
    remote = fh.scatter(make((1 << 18,)), axis=None)
    bad = fh.kernel(b"define double @poke(double %x) {\n store volatile i32 1, ptr inttoptr (i64 8 to ptr)\n ret double %x }")
    with pytest.raises(fh.KernelFault, match="0x8"):
        bad(remote).gather()
    same(fh.gather(remote), make((1 << 18,)))


def test_memory_of_a_full_engine_is_refused_at_scatter():
    with fh.Cluster(1, memory=64 << 20) as small:
        kept = fh.scatter(np.ones(2 << 20), axis=None)
        with pytest.raises(MemoryError):
            fh.gather(fh.scatter(np.ones(16 << 20), axis=None))
        same(fh.gather(kept), np.ones(2 << 20))
        assert [engine.state for engine in small.engines] == ["ready"]


@pytest.mark.parametrize("small_pages", ["0", "1"])
def test_memory_of_either_kind_of_pages_gives_the_same(small_pages, monkeypatch):
    """Fresh and used memory, arrays that go through the cache and arrays that go past it."""
    monkeypatch.setenv("FARHAND_SMALL_PAGES", small_pages)
    with fh.Cluster(1) as running:
        for shape in [(1300, 1400), (300, 1100), (5, 200, 1500)]:
            for local in layouts(make(shape)):
                for _ in range(2):
                    remote = fh.scatter(local, axis=0)
                    same(fh.gather(remote), local.astype(local.dtype.newbyteorder("=")))
                    same(fh.gather(remote[1:, ..., 3:]), local.astype(local.dtype.newbyteorder("="))[1:, ..., 3:])
                    del remote
