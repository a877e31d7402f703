"""farhand as a backend of joblib, and of scikit-learn through it."""
import os
import threading

import pytest

import farhand as fh

joblib = pytest.importorskip("joblib")


@pytest.fixture
def parallel(cluster):
    """Runs delayed calls on the engines."""
    assert fh.joblib.FarhandBackend is joblib.parallel.BACKENDS["farhand"]

    def run(calls, **options):
        with joblib.parallel_backend("farhand"):
            return joblib.Parallel(**options)(calls)

    return run


def test_results_come_in_their_order_from_both_engines(parallel, cluster):
    assert parallel(joblib.delayed(pow)(i, 2) for i in range(1000)) == [i * i for i in range(1000)]
    assert os.getpid() not in parallel(joblib.delayed(os.getpid)() for _ in range(200))


def test_n_jobs_counts_engines(cluster):
    backend = fh.joblib.FarhandBackend()
    assert [backend.effective_n_jobs(n) for n in (None, -1, -2, -9, 7)] == [2, 2, 1, 1, 7]
    with pytest.raises(ValueError):
        backend.effective_n_jobs(0)


def test_errors_and_what_cannot_be_sent(parallel):
    with pytest.raises(ZeroDivisionError):
        parallel(joblib.delayed(lambda x: 1 // x)(i) for i in (1, 0, 2))
    with pytest.raises(TypeError):
        parallel([joblib.delayed(len)(threading.Lock())])
    assert parallel([joblib.delayed(len)("abc")]) == [3]


def test_work_inside_of_work_runs_where_it_is(parallel):
    def inner(n):
        return os.getpid(), joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(n))

    for outside, inside in parallel(joblib.delayed(inner)(3) for _ in range(4)):
        assert inside == [outside] * 3


def test_timeouts_leave_the_backend_usable(parallel):
    with pytest.raises(TimeoutError):
        parallel([joblib.delayed(wait)(30)], timeout=0.2)
    assert parallel([joblib.delayed(len)("abc")]) == [3]


def wait(seconds):
    threading.Event().wait(seconds)


def test_scikit_learn(cluster):
    model_selection = pytest.importorskip("sklearn.model_selection")
    datasets, linear_model = pytest.importorskip("sklearn.datasets"), pytest.importorskip("sklearn.linear_model")
    x, y = datasets.make_classification(400, 8, random_state=7)
    search = model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [0.01, 0.1, 1, 10]}, cv=3)
    with joblib.parallel_backend("farhand"):
        found = search.fit(x, y).best_params_
    assert found == search.fit(x, y).best_params_
