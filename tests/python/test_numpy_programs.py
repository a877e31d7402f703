"""Programs as they are written for NumPy, each run with numpy and with farhand under the name np."""
import importlib.util
import pathlib

import numpy as np
import pytest

import farhand as fh

PROGRAMS = sorted(pathlib.Path(__file__).with_name("programs").glob("*.py"))


def run(path, module):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program.run(module, lambda seed, *shape: module.array(np.random.default_rng(seed).normal(size=shape)),
                       lambda seed, low, high, *shape: module.array(np.random.default_rng(seed).integers(low, high, size=shape)))


def leaves(value, path=""):
    """What a program gave, part by part."""
    value = fh.gather(value) if isinstance(value, fh.Array) else value
    if isinstance(value, (list, tuple)):
        yield path, len(value)
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}.{i}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}[{key}]")
    else:
        yield path, value


def check(found, expected, path):
    if isinstance(found, np.ma.MaskedArray):
        found, expected = found.filled(0), expected.filled(0)
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, path
    if expected.dtype.kind == "U":
        assert found.tolist() == expected.tolist(), path
        return
    assert found.dtype == expected.dtype, path
    if expected.dtype.kind in "fc":
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11, err_msg=path)
    else:
        np.testing.assert_array_equal(found, expected, err_msg=path)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_gives_what_it_gives_with_numpy(clusters, path):
    expected, found = dict(leaves(run(path, np))), dict(leaves(run(path, fh)))
    assert list(found) == list(expected)
    for place, value in expected.items():
        check(found[place], value, f"{path.stem}{place}")
