"""session.memory() against what /proc says, in one state after another."""
import operator
import time

import numpy as np
import pytest

import farhand as fh
from memory_support import array_files, broker_pid, engines_bytes, private, resident

MIB = 1 << 20
SHARE = 0.05  # that the sums may be off


def compare(cluster, deadline=10.0):
    """The sums equal those of /proc within SHARE; processes come and go, so that it may take a moment.  Returns the memory."""
    end = time.monotonic() + deadline
    while True:
        memory = cluster.session.memory()
        # Engines on one host share files: each is counted by one of them.
        seen = {"engines": engines_bytes(engine.pid for engine in cluster.engines), "broker": resident(broker_pid(cluster))}
        said = {"engines": sum(part.total for part in memory.engines.values()), "broker": memory.broker.total}
        if all(abs(said[key] - seen[key]) <= SHARE * seen[key] for key in seen):
            break
        assert time.monotonic() < end, f"said {said}, /proc {seen}\n{memory!r}"
    assert memory.total == sum(said.values()) == sum(memory.values())
    for number, part in memory.engines.items():  # what nobody could name is no place to hide bytes in
        assert part["process"] < 24 * MIB, f"engine {number}:\n{part!r}"
        assert part["free"] < 64 * MIB, f"engine {number}:\n{part!r}"
    return memory


def arrays_of(cluster, memory):
    owner = {row.owner for row in memory.rows if row.kind == "arrays"}
    assert len(owner) <= 1
    return memory.get(next(iter(owner)).hex(), 0) if owner else 0


def until(condition, deadline=10.0):
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)  # until the deadline


def test_sums_are_what_proc_says_from_idle_to_dropped(own_cluster):
    cluster = own_cluster
    assert arrays_of(cluster, compare(cluster)) == 0
    x = fh.scatter(np.ones(256 * MIB // 8))
    memory = compare(cluster)
    assert arrays_of(cluster, memory) == 256 * MIB
    y = fh.scatter(np.arange(1000))  # on the heap
    assert arrays_of(cluster, compare(cluster)) >= 256 * MIB + 8000
    x.sum().item()
    memory = compare(cluster)
    # The engines have touched all pages now, each its own: this is RSS as ps shows it.
    own = sum(part.total - part["runners"] for part in memory.engines.values())
    shown = sum(resident(engine.pid) for engine in cluster.engines)
    assert abs(own - shown) <= SHARE * shown
    del x, y
    cluster.session.sync()
    memory = compare(cluster)
    assert arrays_of(cluster, memory) == 0 and memory["cache"] == 256 * MIB


def test_sums_are_what_proc_says_with_kernels(own_cluster):
    cluster = own_cluster
    kernel = fh.kernel(b"define double @twice(double %x) { %y = fadd double %x, %x  ret double %y }", "twice")
    x = fh.scatter(np.ones(64 * MIB // 8))
    y = kernel(x)
    assert y.sum().item() == 2 * x.size
    memory = compare(cluster)
    assert arrays_of(cluster, memory) == 128 * MIB
    assert 0 < memory["code"] < 2 * MIB and {row.count for row in memory.rows if row.kind == "code"} == {1}
    assert memory["runners"] > MIB


def test_sums_are_what_proc_says_with_a_map_that_is_kept(own_cluster):
    cluster = own_cluster
    x = fh.scatter(np.ones(64 * MIB // 8))
    seen = fh.gather(x)
    assert arrays_of(cluster, compare(cluster)) == 64 * MIB
    del x
    cluster.session.sync()
    memory = compare(cluster)
    assert arrays_of(cluster, memory) == 0 and memory["mapped"] == 64 * MIB
    assert seen.sum() == seen.size
    del seen
    cluster.session.sync()
    memory = compare(cluster)
    assert memory["mapped"] == 0 and memory["cache"] == 64 * MIB


def test_sums_are_what_proc_says_in_the_middle_of_a_pipeline(own_cluster):
    cluster = own_cluster
    with fh.connect(cluster.connection_file):  # the default session from now on
        x = fh.scatter(np.ones(32 * MIB // 8))
        y = x
        for _ in range(20):
            y = np.sqrt(y * y + 1.0)
            y = y.reshard(0, engines=[1, 0])
        watching = cluster.session.memory()  # while other's calls are under way
        assert watching.total > 32 * MIB
        assert np.isfinite(y.sum().item())
        compare(cluster)
        del x, y


def test_sums_are_what_proc_says_with_python_hosts(own_cluster):
    cluster = own_cluster
    assert fh.call(sum, [1, 2]) == 3
    memory = compare(cluster)
    assert memory["python"] > MIB and "python" in memory.kinds


def test_arrays_on_disk_come_back_for_python_code(spilling):
    remotes = [fh.scatter(np.full(8 * MIB // 8, float(i)), axis=None) for i in range(24)]
    assert spilling.session.memory().spilled > 0
    for i, remote in enumerate(remotes):
        assert fh.call(operator.getitem, remote, 12345) == i


def test_what_was_never_written_takes_no_memory(own_cluster):
    cluster = own_cluster
    x = fh.empty(512 * MIB // 8)
    cluster.session.sync()
    memory = compare(cluster)
    assert arrays_of(cluster, memory) == 0 and memory.engines[0].rows
    del x


def test_objects_add_up(cluster):
    x = fh.scatter(np.ones(4 * MIB // 8))
    x.wait()
    cluster.session.sync()
    memory = cluster.session.memory(objects=True)
    assert sum(memory.objects[id] for id in x.ids) == 4 * MIB
    assert cluster.session.memory().objects is None


def test_it_prints_what_takes_most_first(cluster):
    x = fh.scatter(np.ones(200 * MIB // 8))
    x.wait()
    text = repr(cluster.session.memory())
    assert text.splitlines()[0].split("  ")[-1].startswith("arrays of session") and "200.0 MiB" in text and "in all" in text
    with pytest.raises(KeyError):
        cluster.session.memory()["no such owner"]


def test_lost_engine_does_not_count(own_cluster):
    cluster = own_cluster
    cluster.kill_engine(1)
    until(lambda: cluster.session.engines[1].state == "lost" if len(cluster.session.engines) > 1 else True)
    assert list(cluster.session.memory().engines) == [0]


def test_loop_of_scatter_compute_drop_leaves_nothing(own_cluster):
    cluster = own_cluster
    array = np.arange(256 * 1024 / 8)

    def run(times):
        for _ in range(times):
            x = fh.scatter(array)
            y = x * 2.0
            assert y[0].item() == 0
            del x, y

    def counted():
        stats = [dict(zip(*[iter(cluster.session.call(engine, "stats"))] * 2)) for engine in cluster.engines]
        return ([stat[name] for stat in stats for name in ("segments", "objects", "used")],
                cluster.session.sql("SELECT count(*) AS n FROM objects")[0]["n"],
                [len(array_files(engine.pid)) for engine in cluster.engines])

    def nothing():
        stats, rows, _ = counted()
        return not any(stats) and rows == 0

    run(200)
    cluster.session.sync()
    until(nothing)
    before, memory = counted(), [private(engine.pid) for engine in cluster.engines]
    run(800)
    cluster.session.sync()
    until(nothing)
    assert counted() == before
    for engine, bytes in zip(cluster.engines, memory):
        until(lambda: private(engine.pid) <= bytes + 2 * MIB)  # what malloc keeps goes back within seconds


@pytest.fixture
def spilling(tmp_path, monkeypatch):
    """One engine with 64 MiB that may spill."""
    monkeypatch.setenv("FARHAND_SPILL", str(tmp_path))
    with fh.Cluster(1, memory=64 * MIB) as running:
        yield running
    assert not list(tmp_path.iterdir())


def test_arrays_of_three_times_the_limit_are_kept_on_disk(spilling, rng):
    cluster = spilling
    arrays = [rng.random(8 * MIB // 8) for _ in range(24)]
    remotes = [fh.scatter(array) for array in arrays]
    memory = compare(cluster)
    assert memory.spilled >= 128 * MIB and arrays_of(cluster, memory) <= 64 * MIB
    assert "on disk" in repr(memory)
    for number in rng.permutation(len(arrays)):
        assert np.array_equal(fh.gather(remotes[number]), arrays[number])
    total = remotes[0]
    for remote in remotes[1:]:
        total = total + remote
    expected = arrays[0]
    for array in arrays[1:]:
        expected = expected + array
    assert np.array_equal(fh.gather(total), expected)
    compare(cluster)
    del remotes, remote, total
    cluster.session.sync()
    assert cluster.session.memory().spilled == 0


def test_engines_that_spill_keep_their_pieces_apart(tmp_path, monkeypatch, rng):
    monkeypatch.setenv("FARHAND_SPILL", str(tmp_path))
    with fh.Cluster(2, memory=32 * MIB) as cluster:
        arrays = [rng.random((1024, 1024)) for _ in range(20)]
        remotes = [fh.scatter(array, axis=number % 2) for number, array in enumerate(arrays)]
        assert cluster.session.memory().spilled > 64 * MIB
        for number in rng.permutation(len(arrays)):
            assert np.array_equal(fh.gather(remotes[number]), arrays[number])
            assert remotes[number].max().item() == arrays[number].max()
        turned = [remote.reshard(1 - number % 2) for number, remote in enumerate(remotes)]
        for number in rng.permutation(len(arrays)):
            assert np.array_equal(fh.gather(turned[number]), arrays[number])
        compare(cluster)


def test_what_is_mapped_or_used_is_not_sent_away(spilling):
    first = fh.scatter(np.ones(24 * MIB // 8))
    seen = fh.gather(first)  # a map of the engine's memory
    rest = [fh.scatter(np.full(8 * MIB // 8, float(i))) for i in range(8)]
    assert seen[0] == 1 and seen.sum() == seen.size
    with pytest.raises(fh.LimitExceeded, match="could be spilled"):
        fh.scatter(np.zeros(48 * MIB // 8)).wait()
    for i, remote in enumerate(rest):
        assert remote.sum().item() == i * remote.size
