"""Several clients of one cluster: names, handles sent from one to the other, what is left when one goes."""
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from oracle import same

import farhand as fh
from farhand.session import set_default


@pytest.fixture
def other(cluster):
    """A second session; the first stays the default one."""
    session = fh.connect(cluster.connection_file)
    set_default(cluster.session)
    yield session
    session.close()
    set_default(cluster.session)


def in_another_process(cluster, text, *arguments):
    ran = subprocess.run([sys.executable, "-c", "import farhand as fh, numpy as np, sys, pickle\n" + text, *arguments],
                         capture_output=True, text=True, timeout=60,
                         env={**os.environ, "FARHAND_CONNECTION": cluster.connection_file})
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_published_arrays_are_found_by_name(cluster, other):
    remote = fh.scatter(np.arange(10.0), name="numbers")
    assert "numbers" in fh.names() and "numbers" in other.names()
    twin = other.get("numbers")
    assert twin.axis == 0 and twin.npieces == remote.npieces
    same(fh.gather(twin * 2), np.arange(10.0) * 2)
    fh.unpublish("numbers")
    assert "numbers" not in fh.names()
    with pytest.raises(KeyError, match="numbers"):
        fh.get("numbers")
    with pytest.raises(KeyError):
        fh.unpublish("numbers")


def test_a_name_is_taken_once(cluster):
    fh.scatter(np.arange(3), name="taken")
    with pytest.raises(fh.NameTaken):
        fh.scatter(np.arange(3)).publish("taken")
    fh.unpublish("taken")


def test_published_arrays_outlive_their_client(cluster):
    in_another_process(cluster, "fh.scatter(np.arange(5), name='left')")
    same(fh.gather(fh.get("left")), np.arange(5))
    fh.unpublish("left")


def test_what_is_written_by_one_is_read_by_the_other(cluster, other):
    remote = fh.scatter(np.zeros(6), name="shared")
    twin = other.get("shared")
    twin[2:4] = 5
    fh.gather(twin)
    same(fh.gather(remote), np.array([0, 0, 5, 5, 0, 0.0]))
    fh.unpublish("shared")


def test_pickled_handle_works_in_another_process(cluster):
    remote = fh.scatter(np.arange(8.0).reshape(4, 2), axis=1)
    remote.wait()
    out = in_another_process(cluster, "x = pickle.loads(bytes.fromhex(sys.argv[1])); print(fh.gather(x.sum(axis=0)).tolist())",
                             pickle.dumps(remote).hex())
    assert out == "[12.0, 16.0]"


def test_objects_and_sql_list_what_there_is(cluster):
    remote = fh.scatter(np.zeros((4, 3), np.int16), name="listed")
    remote.wait()
    cluster.session.sync()
    refs = [ref for ref in cluster.session.objects() if ref.id in remote.ids]
    assert len(refs) == remote.npieces
    assert {ref.dtype for ref in refs} == {np.dtype("int16")} and sum(ref.bytes for ref in refs) >= 24
    assert {ref.engine for ref in refs} == {engine.id for engine in cluster.engines}
    rows = cluster.session.sql("SELECT count(*) AS n FROM objects")
    assert rows[0]["n"] >= 2
    with pytest.raises(fh.Error):
        cluster.session.sql("DELETE FROM objects")
    assert sum(cluster.session.memory().values()) >= 24
    fh.unpublish("listed")


def test_engines_describe_themselves(cluster):
    engines = cluster.session.engines
    assert [engine.number for engine in engines] == [0, 1]
    for engine in engines:
        assert engine.pid > 1 and engine.cores >= 1 and engine.memory > 0 and len(engine.id) == 16 and engine.host
    assert "2 engines" in repr(cluster.session)


def test_session_is_a_context_manager(cluster):
    with fh.connect(cluster.connection_file) as session:
        same(fh.gather(fh.scatter(np.arange(3))), np.arange(3))
    assert session.closed
    set_default(cluster.session)
