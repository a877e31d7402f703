"""Labelled series, a type with ideas of its own about being scattered, gathered, joined."""
import numpy as np

import farhand as fh


class Series:
    """Values with a label."""

    def __init__(self, values, label=""):
        self.values, self.label = np.asarray(values, float), label

    def mean(self):
        return float(self.values.mean())

    def scaled(self, factor):
        return Series(self.values * factor, self.label)

    def concatenate(self, others, axis=0):
        parts = [self.values, *(other.values if isinstance(other, Series) else fh.gather(other).values for other in others)]
        return Series(np.concatenate(parts, axis), self.label)

    def expand_dims(self, axis):
        return Series(np.expand_dims(self.values, axis), self.label)


@fh.proxy_methods(Series)
class RemoteSeries(fh.Remote, Series):
    """A series on an engine: knows its label and length without asking."""

    @staticmethod
    def __farhand_metadata__(series):
        return series.label, len(series.values)

    def __len__(self):
        return self._metadata[1]


class Survey:
    """Several series of one label: scattered, one on each engine."""

    def __init__(self, series):
        self.series = series

    def __farhand_scatter__(self, axis, *, blocksize, engines):
        return RemoteSurvey(fh.scatter(self.series, engines=engines))


class RemoteSurvey:
    def __init__(self, series):
        self.series = series

    def __farhand_gather__(self):
        return Survey(fh.gather(self.series))

    def __farhand_vectorize__(self, function, *args, **kwargs):
        begun = [fh.call(function, series, *args, block=False, **kwargs) for series in self.series]
        return RemoteSurvey([future.result() for future in begun])
