"""Arrays to and from engines that are taken to be on another host: over streams, with and without compression."""
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import farhand as fh
from farhand.session import Bar

LARGE = 2 << 20  # bytes of a piece from which on it goes over streams


def far(cluster, **settings):
    """A session as if this were another host."""
    before = dataclasses.replace(fh.config)
    fh.config.host = "elsewhere"
    for name, value in settings.items():
        setattr(fh.config, name, value)
    try:
        return fh.connect(cluster.connection_file)
    finally:
        for field in dataclasses.fields(before):
            setattr(fh.config, field.name, getattr(before, field.name))


@pytest.fixture(scope="module", params=[None, "lz4"])
def away(request, two_engines):
    with far(two_engines, compression=request.param, streams=3) as session:
        yield session
    fh.session.set_default(two_engines.session)


@st.composite
def arrays(draw):
    """Large enough for streams, in every order in which NumPy keeps arrays; even or of random bytes."""
    dtype = np.dtype(draw(st.sampled_from(["u1", "<i4", "<f8", ">f8", "<c16", ">c8", "?"])))
    columns = draw(st.integers(1, 4000))
    rows = 2 * LARGE // (columns * dtype.itemsize) + draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.integers(0, 2 if draw(st.booleans()) else 200, (rows, columns))
    if dtype.kind == "?":
        values %= 2
    array = values.astype(dtype, order=draw(st.sampled_from("CF")))
    return array[::-1] if draw(st.booleans()) else array


@given(arrays(), st.integers(0, 1))
def test_what_comes_back_is_what_was_sent(away, array, axis):
    fh.session.set_default(away)
    moved = away.stats()["array_bytes_sent"]
    back = fh.gather(fh.scatter(array, axis=axis))
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)
    assert away.stats()["array_bytes_sent"] - moved == array.nbytes
    assert away.stats()["shared_bytes"] == 0


def test_computed_arrays_and_views_come_over_streams(away):
    fh.session.set_default(away)
    local = np.arange(3_000_000.0).reshape(1500, 2000)
    remote = fh.scatter(local)
    np.testing.assert_array_equal(fh.gather(remote * 2 + 1), local * 2 + 1)
    np.testing.assert_array_equal(fh.gather(remote[:, ::2]), local[:, ::2])
    np.testing.assert_array_equal(fh.gather(remote.T), local.T)


def test_an_array_may_be_changed_once_scatter_has_returned(away):
    fh.session.set_default(away)
    local = np.arange(1_000_000.0)
    remote = fh.scatter(local)
    local[:] = -1
    np.testing.assert_array_equal(fh.gather(remote), np.arange(1_000_000.0))
    remote[10:20] = 0  # and in place over there
    assert fh.gather(remote).sum() == np.arange(1_000_000.0).sum() - sum(range(10, 20))


def test_settings_that_cannot_be_are_refused(cluster):
    with pytest.raises(ValueError, match="lz4"):
        far(cluster, compression="zip")
    with far(cluster, trust_network=True) as session:
        fh.session.set_default(session)
        with pytest.raises(fh.errors.Error, match="--trust-network"):
            fh.scatter(np.zeros(1_000_000))
    fh.session.set_default(cluster.session)


def test_a_bar_says_how_far_a_long_move_is(capsys):
    bar = Bar()
    bar(0, 4 << 20)
    bar(1 << 20, 4 << 20)
    shown = capsys.readouterr().err
    assert "25%" in shown and "1 of 4 MiB" in shown
    for last in (4 << 20, -1):
        bar(last, 4 << 20)
        shown = capsys.readouterr().err
        assert shown.strip() == "" and shown.endswith("\r")
