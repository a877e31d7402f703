"""What NumPy's users rely on without saying so: what is a copy and what a view, what can be set, what can be a key."""
import numpy as np
import pytest

import farhand as fh
from oracle import make, same


def test_elements_are_values_and_not_views(clusters):
    local = np.array([1.0, 2.0, 3.0, 4.0])
    x = fh.scatter(local)
    x[0], x[1] = x[1], x[0]
    same(fh.gather(x), np.array([2.0, 1.0, 3.0, 4.0]))
    matrix = fh.scatter(make((3, 3), "int64"))
    before = matrix[1, 2]
    value = int(before)
    matrix[1, 2] = value + 5
    assert int(before) == value and int(matrix[1, 2]) == value + 5
    kept = [x[i] for i in range(4)]
    x += 10
    assert [float(v) for v in kept] == [2.0, 1.0, 3.0, 4.0]
    x[0, ...] = 7  # a view, as NumPy's
    view = x[1, ...]
    view[...] = 8
    same(fh.gather(x)[:2], np.array([7.0, 8.0]))


def test_records_are_views(cluster):
    x = fh.scatter(np.zeros(3, dtype=[("a", "i4"), ("b", "f8")]), axis=None)
    x[1]["a"] = 5
    assert fh.gather(x)["a"].tolist() == [0, 5, 0]


JOINING = {
    "concatenate": lambda n, x, y: n.concatenate([x, y]), "of one": lambda n, x, y: n.concatenate([x]), "axis 1": lambda n, x, y: n.concatenate([x, y], 1),
    "flat": lambda n, x, y: n.concatenate([x, y], axis=None), "stack": lambda n, x, y: n.stack([x, y]), "last": lambda n, x, y: n.stack([x, y], -1),
    "vstack": lambda n, x, y: n.vstack([x, y]), "hstack": lambda n, x, y: n.hstack([x, y]), "dstack": lambda n, x, y: n.dstack([x, y]),
    "column_stack": lambda n, x, y: n.column_stack([x, y]), "append": lambda n, x, y: n.append(x, y), "append 0": lambda n, x, y: n.append(x, y, 0),
    "block": lambda n, x, y: n.block([[x, y], [y, x]]), "roll": lambda n, x, y: n.roll(x, 1, 0), "roll 1": lambda n, x, y: n.roll(x, 1, 1),
    "roll flat": lambda n, x, y: n.roll(x, 2), "no roll": lambda n, x, y: n.roll(x, 0, 0), "tile": lambda n, x, y: n.tile(x, 2),
    "repeat": lambda n, x, y: n.repeat(x, 2, 0), "delete": lambda n, x, y: n.delete(x, 0, 0), "insert": lambda n, x, y: n.insert(x, 1, 5, 0),
    "pad": lambda n, x, y: n.pad(x, 1), "no pad": lambda n, x, y: n.pad(x, 0), "resize": lambda n, x, y: n.resize(x, (5, 4)),
    "shorter": lambda n, x, y: n.resize(x, (2, 4)), "take": lambda n, x, y: n.take(x, [0, 2], 0), "list": lambda n, x, y: x[[0, 1, 2, 3]],
    "mask": lambda n, x, y: x[n.array([True] * 4)], "sort": lambda n, x, y: n.sort(x, 0), "where": lambda n, x, y: n.where(x > x, y, x),
    "flatten": lambda n, x, y: x.flatten(), "copy": lambda n, x, y: n.copy(x), "array": lambda n, x, y: n.array(x), "astype": lambda n, x, y: x.astype(float),
    "positive": lambda n, x, y: +x, "array of rows": lambda n, x, y: n.array([x[0], y[1]]), "r_": lambda n, x, y: n.r_[x, y], "c_": lambda n, x, y: n.c_[x, y],
    "round": lambda n, x, y: n.round(x, 2), "clip": lambda n, x, y: n.clip(x, -9, 9), "nan_to_num": lambda n, x, y: n.nan_to_num(x), "triu": lambda n, x, y: n.triu(x),
    "choose": lambda n, x, y: n.choose([0, 0, 0, 0], [x, y]), "unique": lambda n, x, y: n.unique(x), "sum of one": lambda n, x, y: x[:, None].sum(1),
    "conj": lambda n, x, y: n.conj(x), "abs": lambda n, x, y: abs(x), "meshgrid": lambda n, x, y: n.meshgrid(x[0], y[0])[0], "fftshift": lambda n, x, y: n.fft.fftshift(x),
    "compress": lambda n, x, y: n.compress([1, 1, 1, 1], x, 0), "ediff1d": lambda n, x, y: n.ediff1d(x),
    "full_like": lambda n, x, y: n.full_like(x, 2), "max of one": lambda n, x, y: x[:, None].max(1), "diff 0": lambda n, x, y: n.diff(x, 1, 0),
    "cumsum": lambda n, x, y: n.cumsum(x[:, :1], 1), "mean of one": lambda n, x, y: x[None].mean(0), "gradient": lambda n, x, y: n.gradient(x[0]),
}


@pytest.mark.parametrize("name", JOINING)
def test_results_share_no_memory_where_numpys_do_not(clusters, name):
    """Whoever writes to the result does not write to what it was made of, nor the other way round."""
    for cut in (0, 1, None):
        local = [make((4, 4), "float64", seed) for seed in (1, 2)]
        remote = [fh.scatter(x, axis=cut) for x in local]
        expected, result = JOINING[name](np, *local), JOINING[name](fh, *remote)
        before = expected.copy()
        for x in (*remote, *local):
            x[...] = 99
        same(fh.gather(result), before, 1e-15)
        result[...] = 5
        for x in remote:
            assert float(x.min()) == float(x.max()) == 99


def test_pieces_of_a_distarray_are_shared(cluster):
    parts = [fh.zeros(3, axis=None) for _ in range(2)]
    whole = fh.DistArray(parts)
    whole += 1
    assert all(float(part.sum()) == 3 for part in parts)


def test_parts_of_complex_numbers_are_views(clusters):
    local = np.zeros(6, complex)
    x = fh.scatter(local)
    for z in (local, x):
        z.real = [1, 2, 3, 4, 5, 6]
        z.imag = 5
        z.real[1] = 9
        z[2:4].imag *= 2
    same(fh.gather(x), local)
    same(fh.gather(x.real), local.real)
    same(fh.gather(x.imag), local.imag)
    with pytest.raises(TypeError, match="imaginary"):
        fh.ones(3).imag = 2


def test_attributes_that_are_set(clusters):
    local = np.arange(12.0)
    x = fh.scatter(local)
    for a in (local, x):
        a.shape = (3, 4)
        a[1] += 1
        a.flat = a.flat[:]
        a.flat[2] = 7
    assert x.shape == (3, 4)
    same(fh.gather(x), local)
    same(fh.gather(x + x.T.reshape(3, 4)), local + local.T.reshape(3, 4))
    x.shape = -1
    assert x.shape == (12,) and x[3] == 3
    with pytest.raises(ValueError, match="reshape"):
        x.shape = (5, 5)
    x, seen = fh.scatter(local), fh.scatter(local)
    before = x[...]
    x.dtype = seen.dtype = "i8"
    same(fh.gather(x), local.view("i8"))
    x[0] = 0
    assert not before[0].any() and before.dtype == float and x.shape == local.shape
    for shape in ((2, 3), (5, 5), 4, (0,)):
        a, b = np.arange(12.0), fh.scatter(np.arange(12.0))
        a.resize(shape, refcheck=False)
        b.resize(shape, refcheck=False)
        same(fh.gather(b), a)
    x.setflags(write=True)


def test_elements_are_keys(cluster):
    x = fh.scatter(np.array([3, 1, 2, 3]))
    counts = {}
    for i in range(4):
        counts[x[i]] = counts.get(x[i], 0) + 1
    assert sorted((int(key), n) for key, n in counts.items()) == [(1, 1), (2, 1), (3, 2)] and counts[3] == 2
    assert len({x[0], x[3], 3}) == 1 and hash(x.sum()) == hash(9)
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def test_arrays_are_shapes_and_axes(cluster):
    assert fh.zeros(fh.array([2, 3])).shape == (2, 3) and fh.zeros(np.array([2, 3])).shape == (2, 3)
    x = fh.ones((2, 3))
    assert x.reshape(np.array([3, 2])).shape == (3, 2)
    same(fh.gather(np.nanquantile(x, 0.5, axis=np.array([0]))), np.ones(3))


def test_dates_from_texts(clusters):
    for arguments in (("2020-01", "2020-03"), ("2020-01-05", "2020-01-20", 3), ("2020-01-05", "2020-01-20", np.timedelta64(2, "D"))):
        same(fh.gather(fh.arange(*arguments, dtype="datetime64[D]")), np.arange(*arguments, dtype="datetime64[D]"))


WINDOWS = [(3, 0), (2, 1), ((2, 3), None), ((2, 2), (0, 0)), ((2,), (-1,)), (5, 0), (1, 1)]


@pytest.mark.parametrize("window, axis", WINDOWS, ids=str)
def test_sliding_windows_are_numpys(clusters, window, axis):
    local = make((5, 4), "float64")
    view = np.lib.stride_tricks.sliding_window_view
    for cut in (0, 1):
        same(fh.gather(view(fh.scatter(local, axis=cut), window, axis)), view(local, window, axis))


@pytest.mark.parametrize("arguments", [(6, 0), ((2, 2), 0), (-1, 0), (2,)], ids=str)
def test_windows_that_do_not_fit_are_errors(cluster, arguments):
    view = np.lib.stride_tricks.sliding_window_view
    for x in (np.ones((5, 4)), fh.ones((5, 4))):
        with pytest.raises(ValueError):
            view(x, *arguments)
    with pytest.raises(fh.NotSupported, match="copies"):
        view(fh.ones(5), 2, writeable=True)


def test_methods_take_what_numpys_take(cluster):
    for n in (np, fh):
        x = n.eye(3)
        x.resize()
        x.resize(None)
        assert x.shape == (3, 3)
        assert x.flags["C"] and x.flags["CA"] and not x.flags.fortran and x.flags["W"]
        choices = [n.array([10, 11, 12]), n.array([20, 21, 22]), n.array([30, 31, 32])]
        for chosen in (n.array([2, 0, 1]).choose(*choices), n.array([2, 0, 1]).choose(choices), n.array([2, 3, -2]).choose(*choices, mode="wrap")):
            assert chosen.shape == (3,)
        np.testing.assert_array_equal(np.asarray(n.array([2, 0, 1]).choose(*choices)), [30, 11, 22])
        out = n.zeros(2, dtype=complex)
        assert n.array([1j, 2]).conj(out) is out and complex(out[0]) == -1j
        assert n.arange(24).reshape(2, 3, 4).transpose(n.array([2, 0, 1])).shape == (4, 2, 3)
        same(np.asarray(n.where(n.array([3, 0, -1]), n.array([1, 2, 3], "f4"), n.array([4, 5, 6], "i8"))),
             np.array([1.0, 5.0, 3.0]))
        assert [bool(n.array(text)) for text in (["  "], b" \0", ["0"])] == [bool(np.array(text)) for text in (["  "], b" \0", ["0"])]
