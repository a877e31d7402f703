"""Libraries that are written for the array API standard take remote arrays: array-api-compat, SciPy and scikit-learn of the kind that
look for it.  SciPy reads its setting when it is imported, so each program runs in a process of its own."""
import subprocess
import sys

import numpy as np
import pytest

import farhand as fh

SECONDS = 240

HEAD = """
import os
os.environ["SCIPY_ARRAY_API"] = "1"
import sys
import numpy as np
import farhand as fh

fh.connect(sys.argv[1])
local = np.random.default_rng(1).random((60, 4))
remote = fh.scatter(local)


def far(result):
    assert isinstance(result, (fh.RemoteArray, fh.DistArray)), type(result)
    return fh.gather(result)


def agree(function):
    np.testing.assert_allclose(far(function(remote)), function(local), rtol=1e-9, atol=1e-12)


"""

SCIPY = """
import scipy.cluster, scipy.fft, scipy.integrate, scipy.ndimage, scipy.signal, scipy.special, scipy.stats

agree(lambda x: scipy.special.logsumexp(x, axis=0))
agree(scipy.special.expit)
agree(lambda x: scipy.stats.zscore(x, axis=1))
agree(lambda x: scipy.stats.skew(x))
agree(lambda x: scipy.stats.ttest_1samp(x, 0.5).pvalue)
agree(lambda x: scipy.fft.rfft(x, axis=0))
agree(lambda x: scipy.integrate.cumulative_trapezoid(x, axis=0))
agree(lambda x: scipy.signal.detrend(x, axis=0))
agree(lambda x: scipy.ndimage.gaussian_filter(x, 1.0))
agree(lambda x: scipy.cluster.vq.whiten(x))
"""

SKLEARN = """
import sklearn
from sklearn import decomposition, discriminant_analysis, linear_model, metrics, preprocessing
from sklearn.model_selection import train_test_split

labels = (local[:, 0] > local[:, 1]).astype(int)
far_labels = fh.scatter(labels)
with sklearn.config_context(array_api_dispatch=True):
    for scaler in (preprocessing.MinMaxScaler(), preprocessing.MaxAbsScaler(), preprocessing.Normalizer()):
        agree(scaler.fit_transform)
    agree(lambda x: np.abs(decomposition.PCA(2, svd_solver="full").fit_transform(x)))
    agree(lambda x: linear_model.Ridge(solver="svd").fit(x, x[:, 0] * 2 + x[:, 1]).predict(x))
    model = discriminant_analysis.LinearDiscriminantAnalysis().fit(remote, far_labels)
    beside = discriminant_analysis.LinearDiscriminantAnalysis().fit(local, labels)
    assert (far(model.predict(remote)) == beside.predict(local)).all()
    assert metrics.accuracy_score(far_labels, model.predict(remote)) == metrics.accuracy_score(labels, beside.predict(local))
    agree(lambda x: metrics.pairwise.euclidean_distances(x))
    parts = train_test_split(remote, far_labels, random_state=0)
    for part, near in zip(parts, train_test_split(local, labels, random_state=0)):
        np.testing.assert_array_equal(far(part), near)
"""


def run(program, cluster):
    done = subprocess.run([sys.executable, "-c", HEAD + program, cluster.connection_file], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]


def at_least(name, wanted):
    found = pytest.importorskip(name).__version__
    if np.lib.NumpyVersion(".".join((found.split(".") + ["0"])[:3])) < wanted:
        pytest.skip(f"{name} {found} takes arrays of other libraries from {wanted} on")


def test_array_api_compat_finds_the_namespace(cluster):
    compat = pytest.importorskip("array_api_compat")
    x, y = fh.scatter(np.arange(6.0)), fh.ones(3)
    assert compat.array_namespace(x, y, 1.0, None) is fh.array_api and compat.is_array_api_obj(x)
    assert compat.array_namespace(x, api_version="2024.12") is fh.array_api
    assert compat.device(x) == compat.device(y) and compat.size(x) == 6 and compat.to_device(x, compat.device(x)) is x
    assert compat.is_writeable_array(x) and not compat.is_lazy_array(x) and not compat.is_numpy_array(x)
    with pytest.raises(TypeError, match="namespaces"):
        compat.array_namespace(x, np.ones(3))


def test_array_api_extra_takes_remote_arrays(cluster):
    extra = pytest.importorskip("array_api_extra")
    local = np.arange(12.0).reshape(4, 3)
    x = fh.scatter(local)
    np.testing.assert_allclose(fh.gather(extra.cov(x)), np.cov(local))
    np.testing.assert_array_equal(fh.gather(extra.kron(x, x)), np.kron(local, local))
    np.testing.assert_array_equal(fh.gather(extra.pad(x, 1)), np.pad(local, 1))
    np.testing.assert_array_equal(fh.gather(extra.at(x, 0).set(5.0, copy=True))[0], [5, 5, 5])
    np.testing.assert_array_equal(fh.gather(extra.apply_where(x > 3, x, lambda a: a * 2, fill_value=0)), np.where(local > 3, local * 2, 0))
    np.testing.assert_array_equal(fh.gather(x), local)


def test_scipy_takes_remote_arrays(cluster):
    at_least("scipy", "1.16.0")
    pytest.importorskip("array_api_compat")
    run(SCIPY, cluster)


def test_scikit_learn_takes_remote_arrays(cluster):
    at_least("sklearn", "1.7.0")
    at_least("scipy", "1.16.0")
    run(SKLEARN, cluster)
