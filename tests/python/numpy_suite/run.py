#!/usr/bin/env python3
"""NumPy's own tests with farhand in NumPy's place: a test that fails must stand in its file's list (see lists.py), and one that stands there must fail.

    scripts/with python3 tests/python/numpy_suite/run.py                            the files whose lists are not marked slow
    scripts/with python3 tests/python/numpy_suite/run.py --all                      all files that have a list
    scripts/with python3 tests/python/numpy_suite/run.py core/tests/test_indexing.py -k broadcast --tb=short
                                                                                    files of NumPy, tests in them, options of pytest
    --ignore-known                                                                  what fails is shown, known or not
"""
import os
import pathlib
import sys

import numpy
import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lists import listed  # noqa: E402

VERSION = "1.24"


def missing(folder):
    """Why the suite cannot run here; None: it can."""
    if not numpy.__version__.startswith(VERSION + "."):
        return f"the lists are of NumPy {VERSION}, this is {numpy.__version__}"
    if not (folder / "core" / "tests" / "test_indexing.py").exists():
        return "NumPy's tests are not installed here"
    return None


def main(arguments):
    folder = pathlib.Path(numpy.__file__).parent
    why = missing(folder)
    if why:
        print(f"skipped: {why}")
        return 0
    everything = "--all" in arguments
    arguments = [argument for argument in arguments if argument != "--all"]
    files = [argument for argument in arguments if (folder / argument.partition("::")[0]).is_file()]
    options = [argument for argument in arguments if argument not in files]
    files = files or [file for file, known in listed().items() if everything or not known.slow]
    os.chdir(folder)
    return pytest.main(["-p", "plugin", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder), "-m", "not slow", "-q", "--tb=native",
                        *options, *(str(folder / file) for file in files)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
