"""Types that say themselves what scatter, gather, vectorize, metadata, concatenate and expand_dims mean for them."""
import numpy as np
import pytest
from series_support import RemoteSeries, RemoteSurvey, Series, Survey

import farhand as fh


@pytest.fixture
def session(cluster):
    fh.register_proxy_type(Series, RemoteSeries)
    return cluster.session


def _scaled(series, factor):
    return series.scaled(factor)


def test_metadata_come_with_the_proxy(session):
    series = fh.scatter(Series([1, 2, 3], "k"))
    assert type(series) is RemoteSeries and isinstance(series, Series)
    messages = session.stats()["calls"] if "calls" in session.stats() else None
    assert series._metadata == ("k", 3) and len(series) == 3
    assert messages is None or session.stats()["calls"] == messages
    made = series.scaled(2)
    assert type(made) is RemoteSeries and len(made) == 3 and made.mean() == 4
    assert [len(x) for x in fh.call(lambda s: [s.scaled(1), s.concatenate([s])], series)] == [3, 6]


def test_scatter_gather_and_vectorize(session):
    survey = fh.scatter(Survey([Series([1, 2], "a"), Series([3, 4], "b")]))
    assert type(survey) is RemoteSurvey and {series._id.engine for series in survey.series} == {0, 1}
    twice = fh.vectorize(_scaled)(survey, 2)
    assert [len(series) for series in twice.series] == [2, 2] and fh.apply(_scaled, survey, 0).series[0].mean() == 0
    back = fh.gather(twice)
    assert type(back) is Survey and [series.values.tolist() for series in back.series] == [[2, 4], [6, 8]]


def test_joining(session):
    first, second = (fh.scatter(Series(values), engines=[0]) for values in ([1, 2], [3, 4]))
    joined = np.concatenate([first, second])
    assert type(joined) is RemoteSeries and fh.gather(joined).values.tolist() == [1, 2, 3, 4]
    assert fh.gather(np.expand_dims(first, 0)).values.shape == (1, 2)
    with pytest.raises(TypeError):
        np.flip(first)
