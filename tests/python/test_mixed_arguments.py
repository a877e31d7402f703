"""Functions with some arguments remote and the others local, arrays or lists: what NumPy gives, whichever they are."""
import itertools

import numpy as np
import pytest

import farhand as fh

A, B = np.array([3.0, 1, 2, 5, 4, 0]), np.array([1.0, 2, 3, 4, 5, 6])
N, I = np.array([3, 1, 2, 5, 4, 0]), np.array([0, 2, 1])
MATRIX, MASK, Q = np.arange(12.0).reshape(3, 4), np.array([1, 0, 1, 0, 1, 1], bool), np.array([0.1, 0.5])
SQUARE = MATRIX[:, :3] + np.eye(3) * 9
WRITING = {"fill_diagonal", "place", "put", "putmask", "copyto", "put_along_axis"}
CALLS = [
    ("append", A, B), ("average", A, None, B), ("bincount", N, B), ("clip", A, B, B + 1), ("compress", MASK, A), ("concatenate", (A, B)), ("convolve", A, B),
    ("correlate", A, B), ("corrcoef", A, B), ("cov", A, B), ("cov", A, None, True, False, None, N + 1), ("cross", A[:3], B[:3]), ("delete", A, I),
    ("diff", A, 1, -1, B[:2], B[:3]), ("digitize", A, B), ("dot", SQUARE, SQUARE), ("ediff1d", A, B[:2], B[:1]), ("einsum", "i,i", A, B), ("extract", MASK, A),
    ("fill_diagonal", SQUARE, I), ("full_like", A, B), ("gradient", A, B), ("histogram", A, B), ("histogram", A, 5, None, None, B), ("histogram2d", A, B),
    ("histogram_bin_edges", A, B), ("isin", A, B), ("inner", A, B), ("insert", A, I, B[:3]), ("interp", A, B, A), ("intersect1d", A, B), ("isclose", A, B),
    ("array_equal", A, B), ("kron", A, B), ("lexsort", (A, B)), ("linspace", A, B, 3), ("geomspace", A + 1, B, 3), ("meshgrid", A, B), ("outer", A, B),
    ("pad", A, I[:2]), ("percentile", A, Q * 100), ("quantile", A, Q), ("nanpercentile", A, Q * 100), ("nanquantile", A, Q), ("place", A, MASK, B), ("put", A, I, B),
    ("putmask", A, MASK, B), ("copyto", A, B), ("copyto", A, B, "same_kind", MASK), ("polyadd", A, B), ("polyfit", A, B, 2), ("polymul", A, B), ("polyval", A, B),
    ("ravel_multi_index", (I, I), (3, 4)), ("repeat", A, N), ("resize", A, I[1:]), ("searchsorted", B, A), ("searchsorted", B, A, "left", N),
    ("select", [MASK, ~MASK], [A, B], 0), ("setdiff1d", A, B), ("union1d", A, B), ("stack", (A, B)), ("take", A, I), ("tensordot", MATRIX, MATRIX, ([0, 1], [0, 1])),
    ("tile", A, I[1:]), ("trapz", A, B), ("vdot", A, B), ("where", MASK, A, B), ("choose", I, (B[:3], A[:3], B[3:])), ("column_stack", (A, B)), ("hstack", (A, B)),
    ("broadcast_arrays", A, MATRIX[:, :1]), ("array_split", A, I[1:2]), ("split", A, I[1:2] + 1), ("linalg.solve", SQUARE, SQUARE[0]),
    ("linalg.multi_dot", [SQUARE, SQUARE, SQUARE]), ("ix_", I, I), ("sum", A, None, None, None, False, 0, MASK), ("matmul", SQUARE, SQUARE[0]),
    ("transpose", MATRIX, I[:2] // 2), ("char.add", np.array(["a", "b"]), np.array(["c", "d"])), ("char.multiply", np.array(["a", "b"]), I[:2]),
    ("busday_count", np.array(["2020-01-01"] * 2, "M8[D]"), np.array(["2020-02-01", "2020-03-01"], "M8[D]")),
]
ARRAYS_ONLY = {"put_along_axis", "transpose", "busday_count"}  # NumPy takes no lists there, or something else by them


def below(module, name):
    for part in name.split("."):
        module = getattr(module, part, None)
    return module


def places(arguments):
    """Where arrays stand: (i,), or (i, j) in a list."""
    for i, argument in enumerate(arguments):
        if isinstance(argument, np.ndarray):
            yield (i,)
        elif isinstance(argument, (list, tuple)):
            yield from ((i, j) for j, item in enumerate(argument) if isinstance(item, np.ndarray))


def replaced(arguments, place, value):
    arguments = list(arguments)
    if len(place) == 1:
        arguments[place[0]] = value
    else:
        inner = list(arguments[place[0]])
        inner[place[1]] = value
        arguments[place[0]] = type(arguments[place[0]])(inner)
    return tuple(arguments)


def at(arguments, place):
    for i in place:
        arguments = arguments[i]
    return arguments


def alike(got, want):
    if isinstance(want, (list, tuple)):
        assert len(got) == len(want)
        for g, w in zip(got, want):
            alike(g, w)
        return
    got = np.asarray(got)
    assert got.dtype == np.asarray(want).dtype and got.shape == np.shape(want)
    if got.dtype.kind in "fc":
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_array_equal(got, want)


def variants(arguments, lists):
    """The arguments with each choice of arrays remote; what is not remote is an array, or a list."""
    found = list(places(arguments))
    for count in range(1, len(found) + 1):
        for chosen in itertools.combinations(found, count):
            for as_lists in (False, True) if lists and count < len(found) else (False,):
                call = arguments
                for place in found:
                    value = at(arguments, place).copy()
                    call = replaced(call, place, fh.scatter(value) if place in chosen else value.tolist() if as_lists else value)
                yield call


@pytest.mark.parametrize("number", range(len(CALLS)), ids=lambda i: f"{i}-{CALLS[i][0]}")
def test_any_argument_may_be_remote(cluster, number):
    name, *arguments = CALLS[number]
    function, writes = below(np, name), name in WRITING
    if function is None:
        pytest.skip("NumPy has dropped it")
    local = tuple(x.copy() if isinstance(x, np.ndarray) else x for x in arguments)
    want = function(*local)
    for call in variants(tuple(arguments), not writes and name not in ARRAYS_ONLY):
        alike(call[0] if writes and function(*call) is None else function(*call), local[0] if writes else want)
        if not writes and below(fh, name) not in (None, function):
            alike(below(fh, name)(*call), want)


def test_arrays_like_local_ones_are_remote(cluster):
    for made in (fh.zeros_like([1, 2]), fh.ones_like(np.zeros(2, "i4")), fh.full_like((1, 2), 7.5), fh.empty_like(np.zeros((2, 3))), fh.full_like(np.zeros(2), fh.array([1, 2]))):
        assert isinstance(made, fh.Array)
    alike(fh.ones_like(np.zeros(2, "i4")), np.ones(2, "i4"))
    alike(fh.full_like((1, 2), 7.5), np.array([7, 7]))


def test_windows_of_remote_numbers(cluster):
    for dtype in ("i1", "u8", "f4"):
        for name in ("hanning", "hamming", "blackman", "bartlett"):
            alike(below(fh, name)(fh.array(10, dtype=dtype)), below(np, name)(np.dtype(dtype).type(10)))
    alike(fh.kaiser(fh.array(10), fh.array(14.0)), np.kaiser(10, 14.0))
