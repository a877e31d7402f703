"""Values of reductions over engines that are read at once: the client brings what the pieces gave, and one engine joins it."""
import numpy as np
import pytest

import farhand as fh
from farhand.session import set_default

NAMES = ["max", "min", "sum", "prod", "any", "all", "argmax", "argmin"]
DTYPES = ["bool", "int8", "uint16", "int64", "float16", "float32", "float64", "complex128"]
TRIES = 50  # of what happens only if the value is read within a millisecond


@pytest.fixture(scope="module")
def three():
    """Three engines, seen by a session that brings values and by one that does not."""
    with fh.Cluster(3, threads=1) as running:
        bringing = running.session
        try:
            fh.config.fusion = False
            other = fh.connect(running.connection_file)
        finally:
            fh.config.fusion = True
        yield bringing, other
        other.close()


def make(shape, dtype):
    values = np.random.default_rng(20261122).integers(0, 5, shape)
    return (values - (2 if np.dtype(dtype).kind in "ifc" else 0)).astype(dtype)


def value(session, local, cut, name, **keywords):
    before = set_default(session)
    try:
        return getattr(fh.scatter(local, axis=cut), name)(**keywords).gather()
    finally:
        set_default(before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_that_go_from_engine_to_engine(three, name, dtype):
    for shape, cuts in (((7,), (0,)), ((6, 5), (0, 1)), ((4, 3, 5), (1, 2))):
        local = make(shape, dtype)
        for cut in cuts:
            for axis in (None, cut):
                for keepdims in (False, True):
                    brought, sent = (value(session, local, cut, name, axis=axis, keepdims=keepdims) for session in three)
                    assert brought.dtype == sent.dtype and brought.shape == sent.shape
                    assert brought.tobytes() == sent.tobytes(), (shape, cut, axis, keepdims)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_zeros_and_nan_are_those_of_the_engines(three, name, dtype):
    for values in ([0.0, -0.0, -0.0, 0.0, 0.0, -0.0], [1, np.nan, 3, -np.nan, 5, 6], [-0.0, -1, 0.0, -2, -0.0, np.nan]):
        local = np.array(values, dtype)
        brought, sent = (value(session, local, 0, name) for session in three)
        assert brought.tobytes() == sent.tobytes()


@pytest.mark.parametrize("read", [
    lambda x: x.max(), lambda x: x.min(axis=0, keepdims=True), lambda x: x.astype(int).sum(), lambda x: (x > 2).any(), lambda x: x.argmax(),
    lambda x: x.argmin(axis=0), lambda x: (x + 1).max(), lambda x: np.count_nonzero(x), lambda x: np.bincount(x.astype(int)),
])
def test_no_bytes_go_from_engine_to_engine(three, read):
    session = three[0]
    before = set_default(session)
    try:
        x = fh.scatter(np.arange(300.0))
        for _ in range(TRIES):
            moved = session.stats()["engine_bytes"]
            found = read(x).gather()
            if session.stats()["engine_bytes"] == moved:
                break
        else:
            raise AssertionError(f"{TRIES} values, and each went from engine to engine")
        assert np.array_equal(found, read(np.arange(300.0)))
    finally:
        set_default(before)


def test_large_results_still_go_from_engine_to_engine(three):
    session = three[0]
    before = set_default(session)
    try:
        local = make((6, 2000), "int64")
        moved = session.stats()["engine_bytes"]
        assert np.array_equal(fh.scatter(local).max(axis=0).gather(), local.max(axis=0))
        assert session.stats()["engine_bytes"] > moved
    finally:
        set_default(before)


def test_the_error_of_a_piece_is_the_values(three):
    before = set_default(three[0])
    try:
        x = fh.scatter(np.array([1, 2, 3, 4, 5, 6]))
        powers = x ** fh.scatter(np.array([1, 1, 1, 1, 1, -1]))  # the last piece fails, on its engine
        for name in ("max", "argmin", "sum", "any"):
            with pytest.raises(ValueError, match="negative exponents"):
                getattr(powers, name)().gather()
        assert int(x.max()) == 6  # and nothing else is harmed
    finally:
        set_default(before)
