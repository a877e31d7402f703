"""Dates, durations, bytes, str, void and records do on engines what they do in NumPy, for any layout and number of engines."""
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import farhand as fh
from farhand.session import set_default

PACKED = np.dtype([("a", "i4"), ("b", "f8"), ("c", "S3")])
ALIGNED = np.dtype([("x", "i1"), ("y", "f4"), ("z", "M8[s]")], align=True)
NESTED = np.dtype([("p", [("u", "<U2"), ("v", "i2")]), ("q", "f4", (2, 3)), (("a title", "r"), "?")])
DTYPES = ["M8[ns]", "M8[D]", "M8[25s]", "M8[Y]", "m8[us]", "m8[h]", "S1", "S5", "S8", "S16", "U1", "U7", "V3", "V8", PACKED, ALIGNED,
          NESTED]
ORDERED = [dtype for dtype in DTYPES if np.dtype(dtype).kind != "V"] + [PACKED, ALIGNED, NESTED]
WORDS = ["", "a", "ab", "abc", "b", "ba", "zz", "ab\0c", "Zebra", "\x7f", "0"]


def make(shape, dtype, seed=0):
    """A reproducible array with many equal elements, and NaT."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.names is not None:
        made = np.zeros(shape, dtype)
        for i, name in enumerate(dtype.names):
            field = made[name]
            field[...] = make(field.shape, field.dtype, seed + i + 1)
        return made
    if dtype.kind in "Mm":
        made = np.asarray(rng.integers(-5, 6, shape)).astype(dtype)
        made[rng.random(shape) < 0.2] = "NaT"
        return made
    if dtype.kind in "SU":
        words = np.array(WORDS + (["\u20ac", "\U0001f600x"] if dtype.kind == "U" else []), "U8")
        return np.asarray(words[rng.integers(0, len(words), shape)]).astype(dtype)
    if dtype.kind == "V":
        return rng.integers(0, 3, (*shape, dtype.itemsize), np.uint8).view(dtype)[..., 0]
    return np.asarray(rng.integers(0, 3, shape)).astype(dtype)


def local(x):
    return x.gather() if isinstance(x, fh.Array) else x


def same(actual, expected):
    actual = np.asarray(local(actual))
    if isinstance(expected, (str, bytes)):  # NumPy's single texts are as long as they are
        expected = np.asarray(expected).astype(actual.dtype)
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    equal_bytes(actual, expected)


def equal_bytes(actual, expected):
    """Field by field: what lies between fields is nobody's."""
    if expected.dtype.names is None:
        assert actual.tobytes() == expected.tobytes()
    for name in expected.dtype.names or ():
        equal_bytes(actual[name], expected[name])


def agree(function, *arrays, axis=0):
    """The function does to remote arrays what it does to local ones, errors included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = function(*arrays)
        except (TypeError, ValueError, LookupError) as problem:
            with pytest.raises((TypeError, ValueError, LookupError)):
                found = function(*(fh.scatter(x, axis if x.ndim else None) for x in arrays))
                for x in found if isinstance(found, (tuple, list)) else [found]:
                    local(x)
            return problem
        found = function(*(fh.scatter(x, axis if x.ndim else None) for x in arrays))
        for actual, wanted in zip(*((x if isinstance(x, (tuple, list)) else [x]) for x in (found, expected))):
            same(actual, wanted)
    return None


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_moves(clusters, dtype):
    x = make((13, 4), dtype)
    for layout in (x, x[::-1, ::2], np.asfortranarray(x), x[:0], x[:1]):
        for axis in (0, 1, None):
            remote = fh.scatter(layout, axis)
            assert remote.dtype == x.dtype and remote.nbytes == layout.nbytes
            same(remote, layout)
            same(remote.copy(), layout)
            same(remote.reshard(1), layout)
    same(fh.scatter(x[3, 2]), x[3, 2])


@pytest.mark.parametrize("dtype", ["S700001", "U300000", "V12", "M8[ns]", PACKED], ids=str)
def test_moves_much(cluster, dtype):
    """Elements, and arrays, that are cut on their way at places that are no ends of elements."""
    dtype = np.dtype(dtype)
    x = make((max(5, 5_000_000 // dtype.itemsize),), dtype)
    remote = fh.scatter(x)
    same(remote, x)
    same(remote.reshard(None, engines=[1]), x)
    same(remote[::-1].gather(copy=True), x[::-1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(data=st.data())
def test_index(engines_to_draw, dtype, data):
    data.draw(engines_to_draw)
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=6))
    x = make(shape, dtype, data.draw(st.integers(0, 9)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    key = data.draw(hnp.basic_indices(shape, allow_ellipsis=True, allow_newaxis=True))
    agree(lambda a: a[key], x, axis=axis)
    rows = data.draw(hnp.arrays(np.int64, st.integers(0, 5), elements=st.integers(-shape[0], shape[0] - 1)))
    mask = data.draw(hnp.arrays(bool, shape))
    agree(lambda a: a[rows], x, axis=axis)
    agree(lambda a: a[mask], x, axis=axis)
    agree(lambda a: np.take(a, rows, 0), x, axis=axis)
    value = make((), dtype, 3)[()]
    agree(lambda a: written(a, key, value), x, axis=axis)
    agree(lambda a: written(a, mask, value), x, axis=axis)
    agree(lambda a: written(a, rows, value), x, axis=axis)
    agree(lambda a: written(a, mask, a[mask][::-1]), x, axis=axis)


def written(a, key, value):
    a = a.copy()
    a[key] = value
    return a


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_shapes(clusters, dtype):
    x, y = make((6, 4), dtype, 1), make((6, 4), dtype, 2)
    for function in (
            lambda a, b: np.concatenate([a, b]), lambda a, b: np.stack([a, b], 1), lambda a, b: a.T, lambda a, b: a.reshape(4, 6),
            lambda a, b: np.where(a == a, b, a), lambda a, b: np.roll(a, 2, 0), lambda a, b: np.repeat(a, 3, 1),
            lambda a, b: np.broadcast_to(a[0], (3, 4)), lambda a, b: np.tile(a, (2, 2)), lambda a, b: np.zeros_like(a),
            lambda a, b: np.flip(a), lambda a, b: np.diagonal(a), lambda a, b: np.delete(a, 2, 0),
            lambda a, b: np.split(a, 2), lambda a, b: np.squeeze(a[:1])):
        agree(function, x, y)


def test_lists(cluster):
    xs = [make((3 + i,), dtype, i) for i, dtype in enumerate(DTYPES)]
    remotes = fh.scatter(xs)
    for remote, x in zip(remotes, xs):
        same(remote, x)
    for found, x in zip(fh.gather(remotes), xs):
        same(found, x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(data=st.data())
def test_compare(engines_to_draw, dtype, data):
    data.draw(engines_to_draw)
    shape = data.draw(hnp.array_shapes(max_dims=2, max_side=7))
    x, y = make(shape, dtype, data.draw(st.integers(0, 9))), make(shape, dtype, data.draw(st.integers(10, 19)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    operations = [lambda a, b: a == b, lambda a, b: a != b]
    if np.dtype(dtype).kind != "V":
        operations += [lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b]
    for operation in operations:
        agree(operation, x, y, axis=axis)
        agree(lambda a: operation(a, y[0]), x, axis=axis)
        agree(lambda a: operation(a, y.reshape(-1)[0]), x, axis=axis)
        agree(lambda a: operation(y.reshape(-1)[-1], a), x, axis=axis)


@pytest.mark.parametrize("one, other", [("S3", "S9"), ("U1", "U5"), ("M8[D]", "M8[ms]"), ("m8[h]", "m8[7m]"), ("M8[M]", "M8[Y]"),
                                        ("S3", "U3"), ("M8[D]", "m8[D]")])
def test_compare_others(clusters, one, other):
    x, y = make((9,), one, 1), make((9,), other, 2)
    for operation in (np.equal, np.not_equal, np.less, np.greater_equal):
        agree(operation, x, y)
        agree(operation, y, x)
    agree(lambda a, b: np.concatenate([a, b]), x, y)


def test_compare_with_python(cluster):
    names = fh.scatter(np.array(["ann", "bob", "", "bob"]))
    same(names == "bob", [False, True, False, True])
    same("b" < names, [False, True, False, True])
    raw = fh.scatter(np.array([b"x", b"yy"]))
    same(raw != b"x", [False, True])
    days = fh.scatter(np.array(["2024-02-28", "2024-03-01", "NaT"], "M8[D]"))
    same(days > np.datetime64("2024-02-29"), [False, True, False])
    same(days == days, [True, True, False])
    import datetime

    same(days < datetime.date(2024, 3, 1), [True, False, False])


@pytest.mark.parametrize("dtype", ORDERED, ids=str)
@given(data=st.data())
def test_sort(engines_to_draw, dtype, data):
    data.draw(engines_to_draw)
    shape = data.draw(hnp.array_shapes(max_dims=2, max_side=9))
    x = make(shape, dtype, data.draw(st.integers(0, 9)))
    axis, cut = (data.draw(st.integers(0, len(shape) - 1)) for _ in range(2))
    agree(lambda a: np.sort(a, axis), x, axis=cut)
    agree(lambda a: np.argsort(a, axis, kind="stable"), x, axis=cut)


@pytest.mark.parametrize("dtype", [dtype for dtype in ORDERED if np.dtype(dtype).names is None], ids=str)
def test_search(clusters, dtype):
    x, y = make((50,), dtype, 1), make((2, 9), dtype, 2)
    for side in ("left", "right"):
        agree(lambda a, b: np.searchsorted(np.sort(a), b, side), x, y)
    agree(np.unique, x)
    agree(lambda a: np.unique(a, return_index=True, return_inverse=True, return_counts=True), x)
    agree(lambda a, b: np.isin(a, b), x, y)
    agree(lambda a: np.lexsort([a]), x)


@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[us]", "S5", "S20", "U1", "U7"])
def test_sort_much(cluster, dtype):
    """More than is brought to one engine: pieces are sorted, cut and merged."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 1 << 40, 3_000_000 // dtype.itemsize)
    x = x.view(dtype) if dtype.kind in "Mm" else np.char.mod("%d", x).astype(dtype) if dtype.kind == "U" else x.astype(dtype)
    remote = fh.scatter(x)
    assert remote.npieces == 2
    same(np.sort(remote), np.sort(x))
    same(np.argsort(remote), np.argsort(x, kind="stable"))


# ---- fields -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [PACKED, ALIGNED, NESTED], ids=str)
def test_fields(clusters, dtype):
    x = make((7, 3), dtype)
    for name in dtype.names:
        agree(lambda a: a[name], x)
        agree(lambda a: written_field(a, name), x)
        agree(lambda a: a[name][1:, ::2], x, axis=1)
    agree(lambda a: a[list(dtype.names[:2])], x)
    agree(lambda a: written_field(a, list(dtype.names[1:])), x)
    agree(lambda a: a["no such field"], x)
    agree(lambda a: a[["no", "such"]], x)


def written_field(a, names):
    a = a.copy()
    a[names] = a[names][::-1].copy()
    return a


def test_fields_are_views(clusters):
    """Packed fields lie at odd places: they are read, computed with, and written through all the same."""
    dtype = np.dtype([("t", "i1"), ("x", "f8"), ("n", "i4"), ("z", "c16")])
    x = np.zeros(101, dtype)
    x["x"] = np.arange(101)
    x["n"] = np.arange(101)[::-1]
    x["z"] = np.arange(101) * 1j
    remote = fh.scatter(x)
    values, numbers = remote["x"], remote["n"]
    same(values * 2 + numbers, x["x"] * 2 + x["n"])
    same(values.sum(), x["x"].sum())
    same(values.max(), x["x"].max())
    same(numbers.cumsum(), x["n"].cumsum())
    same(np.sort(numbers), np.sort(x["n"]))
    same(np.argsort(numbers), np.argsort(x["n"]))
    same(values[numbers > 50], x["x"][x["n"] > 50])
    same(values[np.array([3, -1, 50])], x["x"][np.array([3, -1, 50])])
    same(abs(remote["z"]), abs(x["z"]))
    same(np.concatenate([values, values]), np.concatenate([x["x"], x["x"]]))
    values += 1
    x["x"] += 1
    values[5] = -1
    x["x"][5] = -1
    numbers[np.array([1, 99])] = 7
    x["n"][np.array([1, 99])] = 7
    numbers[x["n"] < 10] = 0
    x["n"][x["n"] < 10] = 0
    same(remote, x)
    remote["x"] = 3
    x["x"] = 3
    same(remote, x)
    remote[4] = (1, 2.5, 3, 4j)
    x[4] = (1, 2.5, 3, 4j)
    same(remote, x)
    assert remote[4].item() == x[4].item()


def test_matrix_of_fields(cluster):
    """A product of what lies at odd places."""
    x = np.zeros((8, 8), np.dtype([("t", "i1"), ("x", "f8")]))
    x["x"] = np.arange(64).reshape(8, 8)
    remote = fh.scatter(x)
    same(remote["x"] @ remote["x"], x["x"] @ x["x"])


def test_order_of_fields(cluster):
    x = make((40,), PACKED)
    for order in ("b", ["c", "a"]):
        same(np.sort(fh.scatter(x), order=order), np.sort(x, order=order))
        same(np.argsort(fh.scatter(x), order=order, kind="stable"), np.argsort(x, order=order, kind="stable"))
    with pytest.raises(ValueError, match="unknown field name"):
        np.sort(fh.scatter(x), order="d")


# ---- views ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source, target", [("f8", "i8"), ("i8", "M8[s]"), ("M8[ns]", "i8"), ("c16", "f8"), ("f8", "c16"), ("i4", "u1"),
                                            ("u1", "i4"), ("S8", "f8"), ("U2", "u4"), (PACKED, "V15"), ("V15", PACKED), ("f4", "S2"),
                                            ("i2", [("lo", "u1"), ("hi", "u1")])], ids=str)
def test_views(clusters, source, target):
    x = make((6, 8), source) if np.dtype(source).kind in "MmSUV" else np.arange(48).reshape(6, 8).astype(source)
    for axis in (0, 1):
        agree(lambda a: a.view(target), x, axis=axis)
    agree(lambda a: a[::2].view(target), x)


def test_view_shares_memory(clusters):
    x = np.arange(12.0).reshape(4, 3)
    remote = fh.scatter(x)
    same(remote.view(type(remote)), x)
    bits = remote.view("i8")
    bits[1] = 0
    x.view("i8")[1] = 0
    same(remote, x)
    with pytest.raises(ValueError, match="divisor"):
        remote.view("c16")
    with pytest.raises(ValueError, match="contiguous"):
        fh.scatter(x, None)[:, ::2].view("i4")
    same(remote.getfield("u4", 4), x.getfield("u4", 4))
    remote.setfield(0, "u2", 6)
    x.setfield(0, "u2", 6)
    same(remote, x)


# ---- dates ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["ns", "D", "25s", "M"])
def test_dates(clusters, unit):
    a, b = make((11,), f"M8[{unit}]", 1), make((11,), f"M8[{unit}]", 2)
    d, e = make((11,), f"m8[{unit}]", 3), make((11,), f"m8[{unit}]", 4)
    numbers = np.arange(-5, 6)
    for function in (np.isnat, np.isfinite, np.min, np.max, np.argmin, np.argmax, lambda x: x.min(0), np.diff, np.isinf):
        agree(function, a)
        agree(function, d)
    for function in (np.minimum, np.maximum, np.fmin, np.fmax, np.subtract):
        agree(function, a, b)
        agree(function, d, e)
    for function in (np.add, np.subtract):
        agree(function, a, d)
        agree(function, d, a)
        agree(function, a, numbers)
        agree(function, d, numbers)
    for function in (np.negative, np.absolute, np.sign, np.sum, np.mean, lambda x: x * 3, lambda x: x / 2, lambda x: x // 2,
                     lambda x: x % np.timedelta64(3, "D" if unit == "D" else "M" if unit == "M" else "s"), np.cumsum, np.median):
        agree(function, d)
    for function in (np.multiply, np.true_divide, np.floor_divide, np.remainder):
        agree(function, d, numbers)
        agree(function, d, e)
    agree(np.add, a, b)
    agree(np.multiply, a, numbers)
    agree(np.multiply, numbers, d)
    agree(lambda x, y: x / y[3], d, e)
    agree(lambda x: x * np.int64(3), d)
    agree(lambda x: 4 * x, d)
    agree(lambda x: np.clip(x, a[0], a[1]), b)
    agree(lambda x: np.diff(x, n=2), a)


def test_medians_of_durations(clusters):
    for values in ([5, 1, 4, 2], [5, 1, 4], [-5, -2], ["NaT", 1, 5, 2], ["NaT", 1], [7]):
        agree(np.median, np.array(values, "m8[s]"))
    table = make((9, 6), "m8[s]", 3)
    for axis in (0, 1, None):
        agree(lambda x: np.median(x, axis=axis), table)
    agree(lambda x: np.median(x, axis=0, keepdims=True), table)
    agree(np.median, make((9,), "M8[s]", 3))
    agree(np.median, make((9,), "S3", 3))


@pytest.mark.parametrize("dtype", ["S3", "U2"])
def test_first_and_last_text(clusters, dtype):
    """Each piece finds its own; of equal ones the first counts."""
    for local in (make((41,), dtype, 1), np.repeat(make((5,), dtype, 2), 9), make((9, 7), dtype, 3), np.tile(make((3, 4), dtype, 4), (5, 3))):
        for axis in (None, *range(local.ndim)):
            for function in (np.argmin, np.argmax):
                agree(lambda x: function(x, axis=axis), local)
                agree(lambda x: function(x, axis=axis, keepdims=True), local)


@pytest.mark.parametrize("source, target", [("M8[D]", "M8[ns]"), ("M8[ns]", "M8[D]"), ("M8[Y]", "M8[D]"), ("M8[Y]", "M8[M]"),
                                            ("m8[s]", "m8[7m]"), ("m8[7m]", "m8[3s]"), ("M8[D]", "i8"), ("i8", "m8[s]"), ("M8[D]", "S"),
                                            ("M8[D]", "U"), ("S5", "U"), ("U7", "S20"), ("S5", "S2"), ("i8", "S"), ("i8", "U3"),
                                            ("M8[h]", "i4"), ("m8[h]", "f8"), ("?", "S"), ("S5", "V8")])
def test_casts(clusters, source, target):
    x = make((11,), source, 1) if np.dtype(source).kind in "MmSUV" else (np.arange(11) - 4).astype(source)
    if source == "U7" and target == "S20":
        x[:] = np.array(["7", "x", "abc"])[np.arange(11) % 3]
    agree(lambda a: a.astype(target), x)
    agree(lambda a: a.astype(target, casting="safe"), x)


def test_numbers_as_text(clusters):
    text = np.array(["12", "-7", "3.5"])
    same(fh.scatter(text).astype("f8"), text.astype("f8"))
    with pytest.raises(ValueError):
        fh.scatter(np.array(["12", "no"])).astype("f8").gather()


def test_arange_of_dates(cluster):
    for arguments in ((np.datetime64("2024-02-27"), np.datetime64("2024-03-03")), (np.timedelta64(0, "s"), np.timedelta64(9, "s"), 2),
                      (np.datetime64("2000", "Y"), np.datetime64("2010", "Y"), np.timedelta64(3, "Y"))):
        same(fh.arange(*arguments), np.arange(*arguments))
    for arguments, dtype in (((3, 10), "m8"), ((10,), "m8[s]"), ((0, 9, 2), "M8[D]"), ((5,), "m8[7D]")):
        same(fh.arange(*arguments, dtype=dtype), np.arange(*arguments, dtype=dtype))
    for arguments in ((np.datetime64("2024-02-27"), np.datetime64("2024-03-03"), 0), (np.timedelta64(1, "s"), 9, np.timedelta64(0, "s"))):
        with pytest.raises(ValueError, match="zero"):
            fh.arange(*arguments)
    for arguments in ((np.datetime64("2024-02-27"), np.timedelta64(5, "M")), (np.datetime64("2024-02-27"), np.datetime64("2024-06-27"), np.timedelta64(1, "M"))):
        with pytest.raises(TypeError):
            fh.arange(*arguments)
    with pytest.raises(ValueError, match="both a start and a stop"):
        fh.arange(5, dtype="M8[D]")


@pytest.mark.parametrize("dtype", ["i4", "f8", "c8", "M8[s]", "i1"])
def test_bytes_in_another_order(clusters, dtype):
    x = make((6,), dtype) if dtype != "M8[s]" else np.arange(6).astype(dtype)
    remote = fh.scatter(x)
    same(fh.gather(remote.newbyteorder()), x.view(x.dtype.newbyteorder()).astype(x.dtype))
    same(fh.gather(remote.byteswap().newbyteorder()), x)
    same(fh.gather(remote.newbyteorder("=")), x)
    with pytest.raises(ValueError, match="byteorder"):
        remote.newbyteorder("?")


def test_text_and_numbers_are_never_equal(clusters):
    numbers, text = fh.scatter(np.arange(3.0)), np.array(["a", "b", "1"])
    for other in (text, fh.scatter(text), text.astype("S"), text[2]):
        same(fh.gather(numbers == other), np.zeros(3, bool))
        same(fh.gather(numbers != other), np.ones(3, bool))
    same(fh.gather(fh.scatter(text) == 1), np.zeros(3, bool))
    same(fh.gather(fh.scatter(text)[:, None] != fh.scatter(text.astype("S"))), np.ones((3, 3), bool))
    same(fh.gather(fh.scatter(text) == "a"), text == "a")
    with pytest.raises(TypeError):
        numbers < fh.scatter(text)
    with pytest.raises(TypeError, match="isnat"):
        np.isnat(numbers)


def test_calendars_travel(cluster):
    calendar = np.busdaycalendar(weekmask="Mon Tue Thu", holidays=["2024-02-27"])
    days = np.arange("2024-02-01", "2024-03-01", dtype="M8[D]")
    same(np.is_busday(fh.scatter(days), busdaycal=calendar), np.is_busday(days, busdaycal=calendar))
    same(np.busday_offset(fh.scatter(days), 3, roll="forward", busdaycal=calendar), np.busday_offset(days, 3, roll="forward", busdaycal=calendar))


@pytest.mark.parametrize("kind", "SU")
def test_text_to_dates_finds_the_unit(clusters, kind):
    text = np.array(["2010-01-01", "NaT", "2030-05-02T12:30", "2031"]).astype(kind)
    same(fh.scatter(text).astype("M8"), text.astype("M8"))
    same(fh.scatter(text[:2]).astype("M8"), text[:2].astype("M8"))


def test_hosted(cluster):
    names = np.array(["ann", "Bob", "", "cLARA"])
    same(np.char.upper(fh.scatter(names)), np.char.upper(names))
    same(np.char.add(fh.scatter(names), "!"), np.char.add(names, "!"))
    same(np.char.str_len(fh.scatter(names)), np.char.str_len(names))
    days = np.arange("2024-02-01", "2024-03-01", dtype="M8[D]")
    same(np.is_busday(fh.scatter(days)), np.is_busday(days))
    same(np.busday_offset(fh.scatter(days), 1, roll="forward"), np.busday_offset(days, 1, roll="forward"))
    same(np.datetime_as_string(fh.scatter(days)), np.datetime_as_string(days))


# ---- all the rest -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_print(cluster, dtype):
    for n in (0, 3, 2000):
        x = make((n,), dtype)
        assert str(fh.scatter(x)) == str(x)
    assert str(fh.scatter(x)[0]) == str(x[0])
    assert str(x.dtype) in repr(fh.scatter(x))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_names_and_pickles(cluster, dtype):
    x = make((9,), dtype)
    remote = fh.scatter(x)
    remote.publish("a dtype")
    try:
        with fh.connect(cluster.connection_file) as other:
            found = other.get("a dtype")
            assert found.dtype == x.dtype
            same(found, x)
    finally:
        cluster.session.unpublish("a dtype")
        set_default(cluster.session)
    same(pickle.loads(pickle.dumps(remote)), x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_remote_calls(cluster, dtype):
    x = make((2000,), dtype)
    with fh.Executor() as executor:
        assert executor.submit(lambda a: (a.dtype, a.tobytes()), fh.scatter(x, None)).result() == (x.dtype, x.tobytes())
        same(executor.submit(lambda a: a[::-1].copy(), fh.scatter(x, None)).result(), x[::-1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_swapped(cluster, dtype):
    x = make((5, 3), dtype)
    same(fh.scatter(x.astype(x.dtype.newbyteorder())), x)


def test_constants(cluster):
    for dtype in DTYPES:
        same(fh.zeros(5, dtype), np.zeros(5, dtype))
    same(fh.ones(3, "U4"), np.ones(3, "U4"))
    same(fh.full(4, "abc"), np.full(4, "abc"))
    same(fh.full(4, np.datetime64("2020-01-01")), np.full(4, np.datetime64("2020-01-01")))
    x = fh.empty(3, PACKED)
    x.fill((1, 2, b"x"))
    same(x, np.array([(1, 2, b"x")] * 3, PACKED))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_copyto(cluster, dtype):
    x, y, where = make((20,), dtype, 1), make((20,), dtype, 2), np.arange(20) % 3 == 0
    remote = fh.scatter(x)
    np.copyto(remote, fh.scatter(y), where=fh.scatter(where))
    np.copyto(x, y, where=where)
    same(remote, x)
    with pytest.raises(TypeError):
        np.copyto(fh.scatter(np.arange(3)), fh.scatter(make((3,), dtype)))


@pytest.mark.parametrize("dtype", [object, np.longdouble, [("a", "O"), ("b", "f8")], "V0"], ids=str)
def test_what_engines_do_not_hold_is_numpys_array(cluster, dtype):
    x = fh.arange(3.0)
    for made in (fh.empty(3, dtype), fh.zeros((3,), dtype), fh.full(3, np.zeros((), dtype)[()], dtype), fh.empty_like(x, dtype), fh.zeros_like(x, dtype), fh.array(np.zeros(3, dtype)),
                 fh.asarray(np.zeros(3, dtype))):
        assert type(made) is np.ndarray and made.dtype == dtype and made.shape == (3,)
    local = np.zeros(3, dtype)
    assert fh.asarray(local) is local and fh.array(local) is not local and not np.shares_memory(fh.array(local), local)


def test_casts_to_what_engines_do_not_hold_gather(cluster):
    x = fh.arange(3.0)
    for dtype in (object, np.longdouble):
        made = x.astype(dtype)
        assert type(made) is np.ndarray and made.dtype == dtype and made.tolist() == [0, 1, 2]
    objects = fh.array([{}, None])
    assert type(objects) is np.ndarray and objects[1] is None
    for dtype in (">f4", ">i8", ">c16", ">M8[D]", ">U3"):
        local = np.arange(3).astype("M8[D]") if "M" in dtype else np.arange(3)
        made, expected = fh.scatter(local).astype(dtype), local.astype(dtype)
        assert made.dtype == expected.dtype == np.dtype(dtype) and made.tobytes() == expected.tobytes(), "bytes in the order that was asked for"


def test_operations_beside_what_engines_do_not_hold_are_numpys(cluster):
    x, local = fh.arange(3.0), np.arange(3.0)
    for other in (np.array([1, 2.5, 3], object), np.arange(3, dtype=np.longdouble), np.longdouble(2), np.arange(3, dtype=np.clongdouble)):
        for made, expected in ((x + other, local + other), (other * x, other * local), (np.maximum(x, other), np.maximum(local, other)),
                               (np.add(x, other, where=fh.array([True, True, True])), local + other)):
            assert not isinstance(made, fh.Array) and made.dtype == expected.dtype and made.tolist() == expected.tolist()
    x[0], x[1:] = np.longdouble(5), np.clongdouble(6).real
    same(fh.gather(x), np.array([5.0, 6, 6]))
    made = fh.arange(3, dtype=object)
    assert type(made) is np.ndarray and made.tolist() == [0, 1, 2]


def test_texts_have_a_character_and_elements_that_are_arrays_become_axes(cluster):
    for dtype in (str, "S", "U", "(2,4)i4", ("f8", (3,))):
        for n in ("zeros", "empty"):
            made, expected = getattr(fh, n)(2, dtype), getattr(np, n)(2, dtype)
            assert isinstance(made, fh.Array) and made.shape == expected.shape and made.dtype == expected.dtype


def test_refused(cluster):
    for x, why in ((np.array([{}, None]), "Python object"), (np.zeros(3, [("a", "O")]), "Python object"),
                   (np.zeros(2, "V0"), "no bytes"), (np.zeros(1, "S9000000"), "8,388,607")):
        for refused in (lambda: fh.scatter(x), lambda: fh.empty(3, x.dtype, engines=[0])):
            with pytest.raises(fh.NotSupported, match=why):
                refused()
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":  # since then add is for text, too
        with pytest.raises(TypeError):
            fh.scatter(np.array(["a"])) + fh.scatter(np.array(["b"]))
    with pytest.raises(TypeError):
        fh.scatter(np.array(["a", "b"])).sum()
    with pytest.raises(TypeError):
        fh.scatter(make((3,), PACKED)) < fh.scatter(make((3,), PACKED))
    with pytest.raises(ValueError, match="datetime"):
        fh.scatter(np.zeros(3, "M8[s]"))[0] = "no date"


@pytest.mark.parametrize("text", ["", "(", "[1]", "{'names': 1}", "'O'", "'i4'", "{'names': ['a'], 'formats': ['O'], 'offsets': [0], 'itemsize': 8}",
                                  "{'names': ['a'], 'formats': ['i4'], 'offsets': [6], 'itemsize': 8}", "(" * 900 + ")" * 900,
                                  "{'names': ['a'], 'formats': ['i4'], 'offsets': [0], 'itemsize': 4}",
                                  "__import__('os').system('x')"])
def test_bad_descriptions(text):
    """What comes with a name is only read as a description of fields of the right size."""
    from farhand.dtypes import _fields_of

    with pytest.raises(fh.Error, match="described"):
        _fields_of(text, 8)


def test_order_of_text_over_engines(clusters):
    """Large enough to be exchanged between engines, with many that are equal."""
    x = np.random.default_rng(5).integers(0, 5000, 150_000).astype("S8")
    same(np.argsort(fh.scatter(x)), np.argsort(x, kind="stable"))
