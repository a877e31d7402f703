"""The lists of NumPy's own tests (numpy_suite) are read as they say, and a run of the suite fails for what they do not know."""
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from numpy_suite.lists import Known, listed
from numpy_suite.run import missing

RUN = pathlib.Path(__file__).with_name("numpy_suite") / "run.py"
FILE = "core/tests/test_indexerrors.py"
not_here = missing(pathlib.Path(np.__file__).parent)


def known(tmp_path, text):
    path = tmp_path / "test_x.txt"
    path.write_text(text)
    return Known(path)


def test_entries_have_the_reason_above_them(tmp_path):
    found = known(tmp_path, "slow\n# One\n# reason.\nTestA::test_b\nTestA::test_c[1-x y]\n\n# Another.\nnot run: test_d\nTestE\n")
    assert found.slow and not found.local
    assert found.take("TestA::test_b").reason == "One reason." and found.take("TestA::test_b[case]").run
    assert found.take("TestA::test_c[1-x y]") and found.take("TestA::test_c[2]") is None
    assert not found.take("test_d").run and found.take("TestE::test_anything[3]").reason == "Another."
    assert found.unused() == [] and found.take("TestA") is None


@pytest.mark.parametrize("text", ["test_a\n", "# Why.\ntest_a\n\ntest_b\n", "# Why.\ntest_a\ntest_a\n"])
def test_entries_without_a_reason_and_twice_are_refused(tmp_path, text):
    with pytest.raises(ValueError, match="stands there twice|has no reason"):
        known(tmp_path, text)


def test_unused_entries_are_told(tmp_path):
    assert known(tmp_path, "# Why.\ntest_a\n").unused() == ["test_a"]


def test_every_list_is_of_a_file(tmp_path):
    if not_here:
        pytest.skip(not_here)
    assert FILE in listed()
    for file in listed():
        assert (pathlib.Path(np.__file__).parent / file).is_file(), file


def suite(lists, *arguments):
    environment = {**os.environ, "FARHAND_NUMPY_SUITE_LISTS": str(lists)}
    return subprocess.run([sys.executable, str(RUN), FILE, *arguments], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(bool(not_here), reason=str(not_here))
def test_what_is_not_listed_fails_and_what_is_listed_has_to(tmp_path):
    (tmp_path / "core").mkdir()
    listing = tmp_path / "core" / "test_indexerrors.txt"
    listing.write_text("# Late.\nTestIndexErrors::test_iterators_exceptions\n\n# Wrong: it passes.\nTestIndexErrors::test_arraytypes_fasttake\n")
    done = suite(tmp_path, "-k", "take or iterators")
    assert done.returncode == 1 and "1 failed, 1 passed, 5 deselected, 1 xfailed" in done.stdout, done.stdout
    assert "[XPASS(strict)] Wrong: it passes." in done.stdout
    listing.write_text("")
    done = suite(tmp_path, "-k", "take or iterators")
    assert done.returncode == 1 and "1 failed, 2 passed, 5 deselected" in done.stdout, done.stdout
    listing.write_text("# Gone.\nTestIndexErrors::test_gone\n")
    done = suite(tmp_path)
    assert done.returncode == 4 and "listed, but not there" in done.stderr and "test_gone" in done.stderr, done.stderr
