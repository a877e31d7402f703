"""Tests of the Python package against real clusters: each module starts its own, in a temporary folder."""
import atexit
import contextlib
import os
import shutil
import signal
import tempfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import farhand as fh
from farhand import remote
from farhand.remote_calls import proxied_types, python_side
from farhand.session import is_open, set_default

# The same examples in every run, unless FARHAND_EXAMPLES asks for more: then new ones, by --hypothesis-seed.  A failure prints
# how to repeat it.
more = os.environ.get("FARHAND_EXAMPLES")
hypothesis.settings.register_profile(
    "farhand", derandomize=not more, deadline=None, print_blob=True, database=None, max_examples=int(more or 40),
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture,
                           hypothesis.HealthCheck.data_too_large, hypothesis.HealthCheck.filter_too_much])
hypothesis.settings.load_profile("farhand")

# Shells start what runs in the background with Ctrl-C ignored; tests and their children are to hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Engines of tests leave the user's machine code alone.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="farhand-cache-")
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def registered_types():
    """A test knows the types that it registers itself, whatever others, or modules that it imports, have registered: while there
    are any, one host of each engine runs all calls of a session."""
    before = list(proxied_types), dict(remote._registered)
    proxied_types.clear()
    yield proxied_types
    if proxied_types and is_open():
        python_side().greeted.clear()  # the next test may register as many
    proxied_types[:] = before[0]
    remote._registered.clear()
    remote._registered.update(before[1])


@pytest.fixture(scope="module")
def two_engines():
    with fh.Cluster(2) as running:
        yield running


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def some_engines(request):
    with fh.Cluster(request.param) as running:
        yield running


@pytest.fixture
def cluster(two_engines):
    """Two engines; its session is the default one."""
    set_default(two_engines.session)
    return two_engines


@pytest.fixture
def clusters(some_engines):
    """The test runs with one to four engines."""
    set_default(some_engines.session)
    return some_engines


@pytest.fixture(scope="module")
def engines_to_draw():
    """A strategy: clusters of one to four engines, all at once; the one that is drawn has the default session."""
    with contextlib.ExitStack() as running:
        clusters = [running.enter_context(fh.Cluster(n)) for n in (1, 2, 3, 4)]

        def use(cluster):
            set_default(cluster.session)
            return cluster

        yield st.sampled_from(clusters).map(use)


@pytest.fixture
def own_cluster():
    """Two engines that the test may break."""
    with fh.Cluster(2) as running:
        yield running


@pytest.fixture
def rng():
    seed = 20240817
    print(f"seed {seed}")
    return np.random.default_rng(seed)
