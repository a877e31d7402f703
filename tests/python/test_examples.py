"""Every example runs and says what it should."""
import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def run(cluster, name, *arguments):
    ran = subprocess.run([sys.executable, EXAMPLES / name, *arguments], capture_output=True, text=True, timeout=120,
                         env={**os.environ, "FARHAND_CONNECTION": cluster.connection_file})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", ["hello.py", "scatter_gather.py", "remote_methods.py", "kernel_from_c.py",
                                  "fused_add_multiply.py"])
def test_example_runs(cluster, name):
    if name in ("kernel_from_c.py", "fused_add_multiply.py"):
        from test_kernels import clang_or_skip

        clang_or_skip()
    assert "equal: True" in run(cluster, name) or name == "remote_methods.py"


def test_xarray_example_runs(cluster):
    pytest.importorskip("xarray")
    text = run(cluster, "xarray_means.py")
    assert "equal: True" in text and "Array (12, 50)" in text


@pytest.mark.parametrize("name, package", [("pandas_frame.py", "pandas"), ("sklearn_regression.py", "sklearn")])
def test_examples_with_other_packages_run(cluster, name, package):
    pytest.importorskip(package)
    assert "equal: True" in run(cluster, name)


def test_scikit_learn_example_runs(cluster):
    pytest.importorskip("sklearn")
    assert "of the digits are read right" in run(cluster, "model_selection.py")


def test_numba_example_runs(cluster):
    pytest.importorskip("numba")
    assert "equal: True" in run(cluster, "kernel_from_numba.py")


@pytest.mark.parametrize("name, arguments", [("diffusion.py", ["--steps", "20"]), ("variance.py", []),
                                             ("nbody.py", ["--bodies", "150", "--steps", "3"])])
def test_kernel_example_runs(cluster, name, arguments):
    from test_kernels import clang_or_skip

    clang_or_skip()
    if name == "diffusion.py":
        pytest.importorskip("matplotlib")
    assert "equal: True" in run(cluster, name, *arguments)


@pytest.mark.parametrize("language, program", [("c", "clang"), ("rust", "rustc"), ("fortran", "flang"), ("numba", None)])
def test_mandelbrot_example_runs_in_every_language(cluster, tmp_path, language, program):
    pytest.importorskip("matplotlib")
    if language == "numba":
        pytest.importorskip("numba")
    picture = tmp_path / "set.png"
    try:
        text = run(cluster, "mandelbrot.py", "--language", language, "--width", "130", "--picture", str(picture))
    except AssertionError as problem:
        if program and f"no {program}" in str(problem):
            pytest.skip(f"no {program} here that the engines can read")
        raise
    assert "equal: True" in text
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_elevation_example_draws(cluster, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "shade.png"
    text = run(cluster, "elevation.py", "--cluster", cluster.connection_file, "--picture", str(picture))
    assert "the same as NumPy's result" in text and "kernel float64(float64, float64) from shade.c" in text
    assert picture.read_bytes()[:4] == b"\x89PNG" and str(picture) in text


def test_every_example_is_tested():
    tested = pathlib.Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.name}"' in tested, path.name
