"""What programs with distributed arrays of an older kind did, also what never worked there, in farhand's words."""
import copy
import os
import pickle

import numpy as np
import pytest
from oracle import same

import farhand as fh


@pytest.fixture
def local(rng):
    return rng.standard_normal((10, 6))


def kind_of(x):
    return "value" if not isinstance(x, fh.Array) else "remote" if isinstance(x, fh.RemoteArray) else "distributed"


# ---- two programs that were published as examples


def test_example_a_list_of_noises_and_their_variances(cluster, rng):
    """Twenty arrays of noise go round the engines; each is asked for its variance as if it were here."""
    noises = [rng.standard_normal(5000) for _ in range(20)]
    remote = fh.scatter(noises)
    assert len(remote) == 20 and {x.engines[0] for x in remote} == {0, 1} and "RemoteArray" in repr(remote[0])
    variances = [x.var() for x in remote]
    assert np.isclose(np.sqrt(np.mean([float(v) for v in variances])), np.sqrt(np.mean([x.var() for x in noises])))
    assert np.allclose(fh.call_all(remote, "var"), [x.var() for x in noises])


def test_example_one_table_on_the_whole_cluster(cluster, rng):
    """A table of noise is cut, averaged, sliced with steps and with lists of places, and put through NumPy's functions."""
    here = rng.standard_normal((10_000, 20))
    there = fh.scatter(here)
    same(fh.gather(there.mean(axis=0)), here.mean(axis=0), 1e-12)
    same(fh.gather(there[1000:1010, 5:9]), here[1000:1010, 5:9])
    rows, columns = np.array([20, 7, 7, 9]), np.array([1, 2, 2, 15])
    same(fh.gather(there[rows, columns]), here[rows, columns])
    waves = np.exp(there) + np.cos(there) * 2
    assert isinstance(waves, fh.DistArray) and waves.engines == there.engines
    same(fh.gather(waves), np.exp(here) + np.cos(here) * 2, 1e-12)


# ---- scatter and gather


@pytest.mark.parametrize("n", [0, 1, 2, 5, 10])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_length_along_any_axis(clusters, n, axis):
    here = np.arange(n * 4.0).reshape((n, 4) if axis == 0 else (4, n))
    there = fh.scatter(here, axis=axis)
    engines = len(clusters.engines)
    assert [piece.shape[axis] for piece in there.pieces] == [len(part) for part in np.array_split(np.empty(n), min(engines, max(n, 1)))]
    same(fh.gather(there), here)


def test_blocks_of_a_size(cluster):
    here = np.arange(10.0)
    there = fh.scatter(here, blocksize=3)
    assert [len(piece) for piece in there.pieces] == [3, 3, 3, 1] and list(there.engines) == [0, 1, 0, 1]
    same(fh.gather(there), here)
    assert fh.scatter(here, blocksize=100).npieces == 1


def test_scatter_of_what_is_scattered(cluster, local):
    there = fh.scatter(local)
    assert fh.scatter(there) is there
    turned = fh.scatter(there, axis=1)  # "only one axis" once
    assert turned.axis == 1
    same(fh.gather(turned), local)
    whole = fh.scatter(local, axis=None)
    assert isinstance(whole, fh.RemoteArray) and fh.scatter(whole, axis=None) is whole


def test_what_is_no_array_stays_or_becomes_one_proxy(cluster):
    assert fh.scatter(None) is None
    assert fh.gather(3) == 3 and fh.gather("text") == "text" and fh.gather(None) is None
    assert float(fh.scatter(2.5)) == 2.5
    text, table = fh.scatter("abc"), fh.scatter({"a": 1})
    assert text.upper() == "ABC" and table["a"] == 1 and isinstance(text, fh.Remote)
    with pytest.raises(ValueError):
        fh.scatter(np.arange(4.0), axis=1)


def test_turns_go_on_from_call_to_call(cluster):
    first = [x.engines[0] for x in fh.scatter([np.zeros(3)])]
    second = [x.engines[0] for x in fh.scatter([np.zeros(3)])]
    assert {*first, *second} == {0, 1}


def test_gathered_values_are_nobodys_else(cluster):
    """They were the cache itself: what one program wrote in them another read, and they went stale."""
    there = fh.scatter(np.zeros(300_000))
    first = fh.gather(there)
    first[:] = 1
    assert fh.gather(there).sum() == 0
    there += 2
    assert first.sum() == 300_000 and fh.gather(there).sum() == 600_000


# ---- attributes and methods


def test_attributes_cost_no_message(cluster, local):
    there, whole = fh.scatter(local), fh.scatter(local, axis=None)
    before = cluster.session.stats()["messages_sent"]
    for x in (there, whole):
        assert (x.shape, x.size, x.itemsize, x.nbytes, x.ndim, x.dtype, len(x), x.strides) == (
            local.shape, 60, 8, 480, 2, local.dtype, 10, local.strides)
    assert cluster.session.stats()["messages_sent"] == before


METHODS = ["sum", "mean", "std", "var", "prod", "min", "max", "argmin", "argmax", "cumsum", "cumprod", "ravel", "copy", "any", "all",
           "ptp", "conj", "nonzero", "squeeze", "tolist", "transpose", "flatten", "round", "argsort"]


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("method", METHODS)
def test_methods_that_were_missing_on_distributed_arrays(cluster, local, method, axis):
    expected = np.ptp(local) if method == "ptp" else getattr(local, method)()  # NumPy 2 has no method ptp
    if method in ("argmin", "argmax"):
        expected = np.asarray(expected)
    result = getattr(fh.scatter(local, axis=axis), method)()
    if isinstance(expected, tuple):
        assert all(np.array_equal(fh.gather(a), b) for a, b in zip(result, expected))
    else:
        assert np.allclose(fh.gather(result), expected)


def test_other_methods_and_assignments(cluster, local):
    there, here = fh.scatter(local), local.copy()
    same(fh.gather(there.astype(np.float32)), here.astype(np.float32))
    same(fh.gather(there.reshape(6, 10)), here.reshape(6, 10))
    same(fh.gather(there.swapaxes(0, 1)), here.swapaxes(0, 1))
    same(fh.gather(there.take([3, 1, 9], axis=0)), here.take([3, 1, 9], axis=0))
    same(fh.gather(there.clip(-1, 1)), here.clip(-1, 1))
    for x in (there, here):
        x[2:7, ::2] = 5
        x[x > 1] = 0
        x[[1, 8], [0, 5]] = [7, 8]
        x += 1
        x *= 2
        x -= np.arange(6.0)
        x /= 3
    same(fh.gather(there), here, 1e-15)
    there.sort(axis=0)
    same(fh.gather(there), np.sort(here, axis=0), 1e-15)
    there.fill(4)
    assert float(there.sum()) == 240


@pytest.mark.parametrize("operation", [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a // b, lambda a, b: a % b,
    lambda a, b: divmod(a, b)[1], lambda a, b: abs(a) ** b, lambda a, b: -a + +b, lambda a, b: a == b, lambda a, b: a < b,
    lambda a, b: a >= b, lambda a, b: a != b])
def test_operators_either_way_and_comparisons(cluster, local, operation):
    other = np.linspace(1, 2, 60).reshape(10, 6)
    for there in (fh.scatter(local), fh.scatter(local, axis=None)):
        for remote_other in (other, fh.scatter(other, axis=1), 1.5):
            same(fh.gather(operation(there, remote_other)), operation(local, fh.gather(remote_other)), 1e-12)
        same(fh.gather(operation(2.0, there)), operation(2.0, local), 1e-12)


def test_operators_of_integers(cluster):
    here = np.arange(1, 9)
    there = fh.scatter(here)
    for operation in (lambda a: a << 2, lambda a: a >> 1, lambda a: a & 5, lambda a: a ^ 3, lambda a: a | 8, lambda a: ~a, lambda a: 2 ** a):
        same(fh.gather(operation(there)), operation(here))


def test_copies_pickles_and_text(cluster, local):
    there = fh.scatter(local)
    other = copy.deepcopy(there)
    other += 1
    assert np.array_equal(fh.gather(there), local) and np.array_equal(fh.gather(pickle.loads(pickle.dumps(there))), local)
    before = cluster.session.stats()["bytes_received"] if "bytes_received" in cluster.session.stats() else 0
    big = fh.zeros((3000, 3000))
    assert "axis=0" in repr(big) and "..." in repr(big)
    assert before == 0 or cluster.session.stats()["bytes_received"] - before < 1_000_000


# ---- ufuncs: where they run, and what they had not


def test_ufuncs_stay_where_their_operands_are(cluster, local):
    """The larger operand decides; the smaller comes to it, from engine to engine."""
    there, row = fh.scatter(local), fh.scatter(local[:1], axis=None)
    result = np.hypot(there, row)
    assert isinstance(result, fh.DistArray) and result.engines == there.engines
    same(fh.gather(result), np.hypot(local, local[:1]), 1e-15)  # a unit in the last place (decision 0047)
    first, second = (fh.scatter(local, axis=None, engines=[number]) for number in (0, 1))
    assert np.add(first, second).engines[0] in (0, 1)
    same(fh.gather(first + second), local + local)
    assert np.add(second, local).engines[0] == np.sin(second).engines[0] == 1


def test_ufunc_methods_outputs_and_many_inputs(cluster, local):
    there = fh.scatter(local)
    same(fh.gather(np.add.reduce(there, axis=0)), np.add.reduce(local, axis=0), 1e-12)
    same(fh.gather(np.maximum.accumulate(there, axis=0)), np.maximum.accumulate(local, axis=0))
    same(fh.gather(np.add.reduceat(there, [0, 3, 7], axis=0)), np.add.reduceat(local, [0, 3, 7], axis=0), 1e-12)
    same(fh.gather(np.multiply.outer(there[:, 0], local[0])), np.multiply.outer(local[:, 0], local[0]))
    out = fh.scatter(np.zeros_like(local))
    assert np.add(there, 1, out=out) is out
    same(fh.gather(out), local + 1)
    np.add.at(out, ([0, 0, 9], [1, 1, 5]), 10)
    expected = local + 1
    np.add.at(expected, ([0, 0, 9], [1, 1, 5]), 10)
    same(fh.gather(out), expected)
    same(fh.gather(np.clip(there, -0.5, fh.scatter(np.abs(local)))), np.clip(local, -0.5, np.abs(local)))
    same(fh.gather(np.where(there > 0, there, 0)), np.where(local > 0, local, 0))


# ---- indices: what they give, and of which kind


@pytest.mark.parametrize("index, kind", [
    (3, "remote"), (-1, "remote"), ((3, 2), "remote"), (slice(2, 4), "remote"), (slice(1, 9, 2), "distributed"),
    (slice(None, None, -1), "distributed"), ((..., 2), "distributed"), ((None, slice(None), 3), "distributed"),
    ((slice(None), [0, 5, 5]), "distributed"), ([0, 9, 0, 4], None), (([0, 9, 2], [1, 1, 5]), None),
    ([3, 3, 3], None), ((slice(7, 3), 0), None)])
def test_indices_and_the_kinds_of_what_they_give(cluster, local, index, kind):
    """All on one engine: a RemoteArray, else a DistArray; never a local one."""
    result = fh.scatter(local)[index]
    assert isinstance(result, fh.Array) and (kind is None or kind_of(result) == kind)
    assert np.array_equal(fh.gather(result), local[index])


def test_indices_that_were_refused(cluster, local):
    there = fh.scatter(local)
    same(fh.gather(there[local > 0]), local[local > 0])
    same(fh.gather(there[there > 0]), local[local > 0])
    rows, columns = np.meshgrid([0, 9, 4], [1, 3], indexing="ij")
    same(fh.gather(there[rows, columns]), local[rows, columns])
    same(fh.gather(there[np.array([], int)]), local[np.array([], int)])
    for index in (10, (0, 6), (0, 0, 0), [10]):
        with pytest.raises(IndexError):
            float(there[index].sum())


# ---- layouts


def test_transposes_and_new_axes(cluster, rng):
    here = rng.standard_normal((4, 5, 6))
    there = fh.scatter(here, axis=1)
    assert there.T.axis == 1 and there.transpose(1, 0, 2).axis == 0 and there.transpose(2, 0, 1).axis == 2
    same(fh.gather(there.transpose(2, 0, 1)), here.transpose(2, 0, 1))
    for axes in ((0, 0, 1), (0, 1, 3), (0, 1)):
        with pytest.raises(ValueError):
            there.transpose(axes)
    same(fh.gather(fh.expand_dims(there, 0)), here[None])
    same(fh.gather(fh.rollaxis(there, 2)), np.rollaxis(here, 2))


def test_arrays_of_engines_are_joined_where_they_are(cluster):
    parts = fh.scatter([np.full((2, 3), float(i)) for i in range(4)])
    joined = fh.concatenate(parts, axis=0)
    assert isinstance(joined, fh.DistArray) and joined.axis == 0 and joined.shape == (8, 3)
    same(fh.gather(joined), np.repeat(np.arange(4.0), 2)[:, None] * np.ones(3))
    uneven = fh.concatenate([fh.scatter(np.ones(3), axis=None, engines=[0]), fh.scatter(np.zeros(1), axis=None, engines=[1])])
    assert [len(piece) for piece in uneven.pieces] == [3, 1]
    with pytest.raises(ValueError):
        fh.concatenate([])
    with pytest.raises(ValueError):
        fh.concatenate([parts[0], fh.ones((2, 4))])


@pytest.mark.parametrize("join", ["vstack", "hstack", "dstack", "stack"])
def test_stacks(cluster, local, join):
    for axis in (0, 1, None):
        there = fh.scatter(local, axis=axis)
        same(fh.gather(getattr(fh, join)([there, there * 2])), getattr(np, join)([local, local * 2]))
    same(fh.gather(fh.hstack([fh.scatter(local[0]), local[1]])), np.hstack([local[0], local[1]]))


def test_splits_at_indices_and_into_parts(cluster, local):
    there = fh.scatter(local)
    for mine, numpys in ((fh.split(there, [3, 7]), np.split(local, [3, 7])), (fh.vsplit(there, 5), np.vsplit(local, 5)),
                         (fh.hsplit(there, 2), np.hsplit(local, 2)), (fh.array_split(there, 4), np.array_split(local, 4)),
                         (fh.dsplit(there[:, :, None], 1), np.dsplit(local[:, :, None], 1))):
        assert len(mine) == len(numpys) and all(np.array_equal(fh.gather(a), b) for a, b in zip(mine, numpys))
    with pytest.raises(ValueError):
        fh.split(there, 3)


def test_broadcasting_and_means(cluster, local):
    there = fh.scatter(local)
    mine, numpys = fh.broadcast_arrays(there, local[0]), np.broadcast_arrays(local, local[0])
    assert all(np.array_equal(fh.gather(a), b) for a, b in zip(mine, numpys))
    with pytest.raises(ValueError):
        fh.broadcast_arrays(there, np.zeros(5))
    for axis in (None, 0, 1, -1):
        for keepdims in (False, True):
            assert np.allclose(fh.gather(there.mean(axis=axis, keepdims=keepdims)), local.mean(axis=axis, keepdims=keepdims), atol=1e-14)
    uneven = fh.scatter(local, blocksize=7)
    assert np.isclose(float(uneven.mean()), local.mean()), "pieces of different lengths have different weights"
    same(fh.gather(np.dot(there, local.T)), local @ local.T, 1e-12)


# ---- arrays of pieces


def test_a_list_of_arrays_is_one_array(cluster, rng):
    """Remote ones stay where they are, local ones go to the engines in turn, of any lengths; the last axis unless told."""
    here = [rng.standard_normal((4, n)) for n in (3, 1, 0, 5)]
    remote = [fh.scatter(x, axis=None, engines=[1]) for x in here[:2]]
    there = fh.DistArray([*remote, fh.Ref(remote[0]), here[2], here[3]])
    assert type(there) is fh.DistArray and there.axis == 1 and there.npieces == 4 and there.engines[:3] == (1, 1, 1)
    same(fh.gather(there), np.concatenate([*here[:2], here[0], *here[2:]], axis=1))
    assert there.bounds == ((0, 3), (3, 4), (4, 7), (7, 12)), "pieces without elements are left out"
    rows = fh.DistArray([np.ones((2, 3), np.float32)] * 3, axis=0)
    assert rows.shape == (6, 3) and rows.dtype == np.float32 and set(rows.engines) == {0, 1}
    rows += 1
    assert float(rows.sum()) == 36 and float((there * 2).sum()) == pytest.approx(2 * fh.gather(there).sum())
    there[:, :1] = 9
    assert fh.gather(remote[0])[:, 0].tolist() == [9] * 4, "it shares the memory of what it is made of"
    assert type(fh.DistArray([np.ones(3), np.ones(0)])) is fh.RemoteArray


@pytest.mark.parametrize("pieces, axis, text", [
    ([], 0, "at least two"), ([np.ones(3)], 0, "at least two"), ([np.ones(3), np.ones(3, np.int32)], 0, "one dtype"),
    ([np.ones((2, 3)), np.ones((3, 3))], -1, None), ([np.ones((2, 3)), np.ones(3)], 0, "dimensions"), ([np.ones(3), np.ones(3)], 1, None)])
def test_lists_that_are_no_array(cluster, pieces, axis, text):
    with pytest.raises(ValueError, match=text):
        fh.DistArray(pieces, axis)


# ---- where functions of arrays run


def _where(x, *more, **named):
    return os.getpid(), float(x.sum()), x.flags.writeable


@pytest.mark.parametrize("n", [10, 300_000])
def test_functions_may_prefer_to_run_here(cluster, n):
    """On values as they are now; once it was a copy that had been kept, and what was written to it was lost."""
    there = fh.scatter(np.zeros(n))
    mine = os.getpid()
    assert there.prefer_local is False and fh.call(_where, there)[0] != mine
    assert fh.call(_where, there, prefer_local=True) == (mine, 0.0, False)
    there += 1
    assert fh.call(_where, there, prefer_local=True) == (mine, n, False)
    there.prefer_local = True
    assert fh.call(_where, there)[0] == mine and fh.call(_where, there, prefer_local=False)[0] != mine
    assert all(piece.prefer_local for piece in there.pieces) and not there[1:].prefer_local
    assert fh.call(_where, there, block=False).result(20)[0] == mine
    assert fh.call(_where, there, timeout=20)[0] != mine, "what runs here cannot be ended"
    other = fh.scatter(np.zeros(3))
    assert fh.call(_where, there, other)[0] != mine, "the other does not prefer it"
    assert fh.call(_where, there, [{"a": other}], k=other, prefer_local=True)[0] == mine
    assert fh.call(_where, there, fh.scatter({"a": 1}), prefer_local=True)[0] != mine, "objects stay where they are"
    there.prefer_local = False
    assert fh.call(_where, there)[0] != mine
    total = fh.methodcall(there, "sum", prefer_local=True)
    assert type(total) is np.float64 and total == n and isinstance(fh.methodcall(there, "sum"), fh.Array)
    assert type(fh.call(np.sum, there, prefer_local=True)) is np.float64
    assert [pid != mine for pid, *_ in fh.vectorize(_where)(there)] == [True, True]
    for wrong in (1, None, "yes"):
        with pytest.raises(ValueError, match="prefer_local"):
            there.prefer_local = wrong
    with pytest.raises(ValueError, match="prefer_local"):
        fh.call(_where, there, prefer_local=1)


def test_what_runs_here_does_not_fetch_by_surprise(cluster, monkeypatch):
    there = fh.scatter(np.zeros(1000))
    monkeypatch.setattr(fh.config, "implicit_gather_limit", 100)
    with pytest.raises(fh.LimitExceeded, match="fh.gather"):
        fh.call(_where, there, prefer_local=True)


# ---- functions over pieces


def test_functions_of_ones_own_over_pieces(cluster, local):
    """Results of the pieces are one array again: along the axis of the pieces, else along one of length 1, else a new one."""
    def smooth(x):
        return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)

    there = fh.scatter(local)
    vsmooth = fh.vectorize(smooth)
    assert vsmooth.__name__ == "vsmooth"
    result = vsmooth(there)
    assert isinstance(result, fh.DistArray) and result.axis == 0 and result.engines == there.engines
    same(fh.gather(result), smooth(local), 1e-14)
    same(fh.gather(fh.vectorize(lambda x: x.T)(there)), local.T)
    halves = np.split(local, 2)
    same(fh.gather(fh.vectorize(lambda x: x.sum(axis=0, keepdims=True))(there)), np.stack([half.sum(axis=0) for half in halves]), 1e-14)
    same(fh.gather(fh.vectorize(lambda x: x.sum(axis=0))(there)), np.stack([half.sum(axis=0) for half in halves], axis=-1), 1e-14)
    numbers = fh.vectorize(lambda x: float(x.max()))(there)
    assert type(numbers) is np.ndarray and numbers.tolist() == [half.max() for half in halves]
    assert fh.vectorize(lambda x: str(x.shape))(there) == ["(5, 6)", "(5, 6)"]
    assert np.allclose(fh.gather(fh.vectorize(np.fft.fft)(there)), np.fft.fft(local))


def test_functions_over_lists_local_things_and_hooks(cluster):
    assert fh.vectorize(lambda x: x + 1)([1, [2, 3]]) == [2, [3, 4]]
    assert fh.vectorize(len)("four") == 4  # nothing at all, once
    assert fh.apply(lambda x, k, *, m: x * k + m, [1, 2], 10, m=3) == [13, 23]
    assert float(fh.apply(np.sin, fh.scatter(np.zeros(4))).sum()) == 0
