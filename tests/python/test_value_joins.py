"""Values of reductions over engines that are read at once: the client brings what the pieces gave, and joins it."""
import pickle

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


NUMBERS = np.random.default_rng(7).normal(size=100)
USES = {
    "read again": lambda s: (float(s), float(s)),
    "operated on": lambda s: (s + 1).item(),
    "changed in place": lambda s: (s.__iadd__(1).item(), (s * 2).item()),
    "filled": lambda s: (s.fill(3), s.item()),
    "waited for": lambda s: s.wait().item(),
    "seen in another shape": lambda s: s.reshape(1)[0].item(),
    "copied": lambda s: s.copy().item(),
    "broadcast": lambda s: (fh.scatter(NUMBERS) - s).gather().tolist(),
    "pickled": lambda s: pickle.loads(pickle.dumps(s)).item(),
    "named": lambda s: (s.publish("value"), fh.get("value").item(), fh.unpublish("value")),
    "called": lambda s: s.call("describe"),
    "told to Python": lambda s: fh.call(float, s),
    "moved": lambda s: fh.gather([s, s + 1]),
}


@pytest.mark.parametrize("read", [lambda x: x.sum(), lambda x: x.max(), lambda x: x.mean(), lambda x: x.argmax()])
@pytest.mark.parametrize("use", USES)
def test_a_value_that_was_read_is_there_for_what_comes_later(three, use, read):
    results = []
    for session in three:
        before = set_default(session)
        try:
            value = read(fh.scatter(NUMBERS))
            value.gather()
            results.append(USES[use](value))
        finally:
            set_default(before)
    assert repr(results[0]) == repr(results[1]) or use == "called"


def test_values_take_one_round(three):
    """On each of three engines a state is made and fetched, and the one before released: nine messages, twelve in two rounds."""
    before = set_default(three[0])
    try:
        x = fh.scatter(NUMBERS)
        for read in (lambda: float(x.sum()), lambda: float(x.max()), lambda: float(x.mean())):
            for _ in range(TRIES):
                sent = three[0].stats()["messages_sent"]
                for _ in range(10):
                    read()
                if three[0].stats()["messages_sent"] - sent <= 95:
                    break
            else:
                raise AssertionError(f"{TRIES} values, each with more messages")
    finally:
        set_default(before)


def test_sums_that_nobody_reads_are_not_joined(three):
    before = set_default(three[0])
    try:
        x = fh.scatter(NUMBERS)
        for _ in range(TRIES):
            moved, sent = (three[0].stats()[name] for name in ("engine_bytes", "messages_sent"))
            for _ in range(100):
                x.sum()
            if three[0].stats()["engine_bytes"] == moved and three[0].stats()["messages_sent"] - sent <= 100 * 4:
                break
        else:
            raise AssertionError(f"{TRIES} times 100 sums, and some were joined each time")
    finally:
        set_default(before)


@pytest.mark.parametrize("text", ["overflow", "invalid"])
def test_warnings_of_joins_come_with_the_value(three, text):
    local = np.zeros(6)
    local[[0, 5]] = 1.7e308 if text == "overflow" else (np.inf, -np.inf)
    for session in three:
        before = set_default(session)
        try:
            with pytest.warns(RuntimeWarning, match=text):
                float(fh.scatter(local).sum())
        finally:
            set_default(before)
