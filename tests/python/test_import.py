"""What importing costs and brings along."""
import os
import statistics
import subprocess
import sys

import pytest

import farhand as fh


def run(text):
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)


def test_import_costs_little_beside_numpy():
    """The limit of 150 ms was set where NumPy takes 63: machines differ, the ratio does not."""
    text = ("import time; a = time.process_time(); import numpy; b = time.process_time(); import farhand; "
            "print((time.process_time() - a) / (b - a))")
    assert statistics.median(float(run(text).stdout) for _ in range(9)) < 150 / 63


def test_import_brings_no_optional_package():
    text = "import sys, farhand; print(*(m for m in ('numba', 'pandas', 'matplotlib', 'scipy', 'IPython') if m in sys.modules))"
    assert run(text).stdout.strip() == ""


def test_every_exported_name_exists_and_is_documented():
    for name in fh.__all__:
        assert getattr(fh, name) is not None
        if callable(getattr(fh, name)):
            assert getattr(fh, name).__doc__, name


def test_without_a_cluster_the_first_call_says_what_to_do(tmp_path):
    text = "import farhand as fh, numpy as np\ntry:\n fh.scatter(np.zeros(3))\nexcept fh.ConnectionError as e:\n print(e)"
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "FARHAND_CONNECTION": ""})
    assert "farhand up" in ran.stdout, ran.stdout + ran.stderr


def test_import_in_a_thread_and_exit_is_clean():
    ran = run("import threading\nt = threading.Thread(target=__import__, args=('farhand',))\nt.start(); t.join(); print('ok')")
    assert ran.stdout.strip() == "ok" and not ran.stderr


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="no attribute"):
        fh.no_such_name
