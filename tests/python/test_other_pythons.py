"""Other Pythons than the engines', where this machine has some: without NumPy, and of another version."""
import glob
import os
import shutil
import subprocess
import sys

import pytest

import farhand as fh

SECONDS = 120


def _others():
    """(path, version, has it NumPy?) of the Pythons of other versions: on PATH, in pyenv's folder, or named in FARHAND_OTHER_PYTHONS."""
    paths = [shutil.which(f"python3.{minor}") for minor in range(9, 20)]
    paths += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))
    paths += os.environ.get("FARHAND_OTHER_PYTHONS", "").split(os.pathsep)
    ask = "import sys, importlib.util as u; print('%d.%d' % sys.version_info[:2], u.find_spec('numpy') is not None)"
    found = {}
    for path in filter(None, paths):
        try:
            answer = subprocess.run([path, "-c", ask], capture_output=True, text=True, timeout=SECONDS).stdout.split()
        except OSError:
            continue
        if len(answer) == 2 and answer[0] != "%d.%d" % sys.version_info[:2]:  # what only names a Python that is not there says nothing
            found.setdefault((answer[0], answer[1] == "True"), path)
    return [(path, version, numpy) for (version, numpy), path in found.items()]


def _other(numpy):
    fitting = [(path, version) for path, version, has in _others() if has == numpy]
    if not fitting:
        pytest.skip(f"this machine has no Python of another version {'with' if numpy else 'without'} NumPy; FARHAND_OTHER_PYTHONS may name one")
    return max(fitting, key=lambda found: tuple(map(int, found[1].split("."))))


def _run(path, program, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(fh.__file__)))}
    return subprocess.run([path, "-c", program, *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS)


def test_a_python_without_numpy_is_told_so():
    path, version = _other(numpy=False)
    done = _run(path, "import farhand")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith("ImportError: farhand needs NumPy") and f"(Python {version}." in last and path in last


CLIENT = """
import sys
import numpy as np
import farhand as fh

fh.connect(sys.argv[1])
assert float(fh.scatter(np.arange(4.0)).sum()) == 6, "arrays need no Python there"
for ask in (lambda: fh.call(abs, -1), lambda: fh.scatter({"a": 1}), lambda: fh.Executor().submit(abs, -1).result(60)):
    try:
        ask()
    except fh.Error as problem:
        print(problem.status, problem)
"""


def test_a_python_of_another_version_may_use_arrays_but_sends_no_code(cluster):
    path, version = _other(numpy=True)
    done = _run(path, CLIENT, cluster.connection_file)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 3, done.stderr
    here = ".".join(map(str, sys.version_info[:2]))
    assert all(line.startswith("VERSION_MISMATCH") and f"runs Python {here}" in line and f"this is {version}" in line for line in lines)
