"""fh in NumPy's place: every public name is there, and what NumPy writes with brackets, files and old random functions works."""
import io
import subprocess
import sys
import warnings

import numpy as np
import pytest

import farhand as fh
from oracle import make, same

# What no program of today needs: NumPy 2 has dropped it, it is about NumPy's inside, or it says why it cannot be.
ABSENT = set("""add_docstring add_newdoc add_newdoc_ufunc byte_bounds cast compare_chararrays compat
deprecate_with_doc fastCopyAndTranspose get_array_wrap geterrobj issubclass_ kernel_version nbytes numarray
oldnumeric recfromcsv recfromtxt set_numeric_ops set_string_function seterrobj shares_memory
tracemalloc_domain use_hugepage who Tester f2py distutils matlib array_api setbufsize getbufsize""".split())


def test_every_public_name_of_numpy_is_there():
    names = subprocess.run([sys.executable, "-c", "import numpy; print(*dir(numpy))"], check=True, capture_output=True, text=True).stdout.split()
    missing = {name for name in names if not name.startswith("_") and not name.isupper() and not hasattr(fh, name)}
    assert missing - ABSENT == set()  # of a NumPy into which nothing else has brought its submodules
    for name in ("pi", "inf", "nan", "newaxis", "float32", "int64", "bool_", "dtype", "integer", "datetime64", "ndindex", "s_", "poly1d"):
        assert getattr(fh, name) is getattr(np, name) and name in dir(fh), name
    for name in ("array", "errstate", "abs", "max", "round", "save", "loadtxt", "r_", "mgrid", "ndarray"):
        assert hasattr(fh, name) and name in dir(fh), name
    assert callable(fh.array) and fh.errstate is np.errstate, "modules of these names do not hide the functions"
    with pytest.raises(AttributeError, match="no_such_name"):
        fh.no_such_name


@pytest.mark.skipif(not hasattr(np, "alltrue"), reason="names that this NumPy no longer has")
def test_old_names_are_others(cluster):
    x = fh.arange(1, 5)
    assert fh.product(x) == 24 and fh.product((2, 3)) == 6 and bool(fh.alltrue(x > 0)) and bool(fh.sometrue(x > 3)) and fh.cumproduct(x).tolist() == [1, 2, 6, 24]
    assert fh.asfarray(x).dtype == float and fh.asfarray(x, "f4").dtype == "f4" and fh.math.sqrt(4) == 2 and fh.core is np.core


def test_ndarray_is_any_array(cluster):
    x = fh.zeros((3, 2))
    assert isinstance(x, fh.ndarray) and isinstance(np.zeros(2), fh.ndarray) and not isinstance([1], fh.ndarray)
    assert issubclass(fh.DistArray, fh.ndarray)
    made = fh.ndarray((2, 3), dtype="i4")
    assert made.shape == (2, 3) and made.dtype == np.int32
    memory = bytearray(16)
    here = fh.ndarray((2,), "i4", buffer=memory, offset=4, strides=(8,))
    here[1] = 1
    assert type(here) is np.ndarray and bytes(memory) == bytes(12) + np.int32(1).tobytes()
    with pytest.raises(fh.NotSupported):
        fh.ndarray((2,), buffer=x)


GRIDS = [np.s_[0:5, 0:3], np.s_[0:5], np.s_[0:1:5j, 2:3:4j], np.s_[0:3:.5, 1:2], np.s_[5:0:-1], np.s_[0:1:1j], np.s_[:4, 2:8:3, 0:1:3j]]


@pytest.mark.parametrize("key", GRIDS, ids=str)
def test_grids_are_numpys(clusters, key):
    same(fh.gather(fh.mgrid[key]), np.mgrid[key], 1e-15)
    mine, numpys = fh.ogrid[key], np.ogrid[key]
    if isinstance(numpys, np.ndarray):
        mine, numpys = [mine], [numpys]
    assert len(mine) == len(numpys)
    for a, b in zip(mine, numpys):
        same(fh.gather(a), b, 1e-15)


JOINTS = [lambda n, x, y: n.r_[x, 0, x], lambda n, x, y: n.c_[x, x], lambda n, x, y: n.r_["-1", y, y], lambda n, x, y: n.r_["0,2", x, x],
          lambda n, x, y: n.r_["0,2,0", x, x], lambda n, x, y: n.r_["1,3", y, y], lambda n, x, y: n.c_[x, 1 + x],
          lambda n, x, y: n.r_[0:4, x, [1, 2]], lambda n, x, y: n.r_["0,3,1", y, y], lambda n, x, y: n.r_["0,2,-1", x, x],
          lambda n, x, y: n.c_[y, y], lambda n, x, y: n.r_[1, 2, 3], lambda n, x, y: n.r_[x.astype("f4"), 1],
          lambda n, x, y: n.r_[-1:1:6j, [0] * 3, 5, 6], lambda n, x, y: n.r_[True, x[1:] != x[:-1]]]


@pytest.mark.parametrize("number", range(len(JOINTS)))
def test_brackets_that_join_are_numpys(clusters, number):
    x, y = np.arange(4.0), make((2, 3), "float64")
    same(fh.gather(JOINTS[number](fh, fh.scatter(x), fh.scatter(y))), JOINTS[number](np, x, y), 1e-15)


def test_bad_directives_are_errors(cluster):
    with pytest.raises(ValueError, match="directive"):
        fh.r_["z", fh.ones(2)]
    with pytest.raises(ValueError, match="matrix"):
        fh.r_["r", fh.ones(2)]


def test_files_are_written_and_read(clusters, tmp_path):
    local = make((5, 4), "float64")
    x = fh.scatter(local)
    fh.save(tmp_path / "a.npy", x)
    np.save(tmp_path / "b.npy", x * 2)
    same(np.load(tmp_path / "a.npy"), local)
    read = fh.load(tmp_path / "b.npy")
    assert isinstance(read, fh.Array)
    same(fh.gather(read), local * 2)
    fh.savez(tmp_path / "c", x, twice=2 * x)
    with fh.load(tmp_path / "c.npz") as archive:
        assert sorted(archive) == ["arr_0", "twice"] and "twice" in archive and len(archive) == 2 and archive.get("no") is None
        for found, expected in ((archive["arr_0"], local), (dict(archive.items())["twice"], 2 * local)):
            same(fh.gather(found), expected)
        assert [x.shape for x in archive.values()] == [(5, 4)] * 2 and archive.keys() == archive.files
        assert dir(archive.f) == sorted(archive.files) and archive.zip is not None
        same(fh.gather(archive.f.twice), 2 * local)
        with pytest.raises(AttributeError, match="no_such"):
            archive.f.no_such
    assert archive.zip is None
    fh.savetxt(tmp_path / "d.csv", x, delimiter=",")
    same(fh.gather(fh.loadtxt(tmp_path / "d.csv", delimiter=",")), local)
    same(fh.gather(fh.genfromtxt(io.StringIO("1,2\n3,"), delimiter=",")), np.array([[1, 2], [3, np.nan]]))
    x.tofile(tmp_path / "e")
    same(fh.gather(fh.fromfile(tmp_path / "e")), local.ravel())
    same(fh.gather(fh.frombuffer(local.tobytes())), local.ravel())
    same(fh.gather(fh.fromiter((i * i for i in range(5)), float)), np.arange(5.0) ** 2)
    assert isinstance(fh.load(tmp_path / "a.npy", mmap_mode="r"), np.memmap)


def test_random_functions_without_a_generator(clusters):
    fh.random.seed(3)
    first = [fh.random.rand(4, 2), fh.random.randn(5), fh.random.randint(0, 10, 6), fh.random.normal(2, 0.1, size=3), fh.random.choice(7, 4)]
    assert all(isinstance(x, fh.Array) for x in first) and [x.shape for x in first] == [(4, 2), (5,), (6,), (3,), (4,)]
    assert isinstance(fh.random.rand(), float) and type(fh.random.randint(5)) is int
    state = fh.random.RandomState(3)
    for x, again in zip(first, [state.rand(4, 2), state.randn(5), state.randint(0, 10, 6), state.normal(2, 0.1, size=3), state.choice(7, 4)]):
        same(fh.gather(x), fh.gather(again))
    kept = state.get_state()
    numbers = fh.gather(state.random_sample(3))
    state.set_state(kept)
    same(fh.gather(state.random_sample(3)), numbers)
    x = fh.arange(20)
    fh.random.shuffle(x)
    same(np.sort(fh.gather(x)), np.arange(20))
    with pytest.raises(ValueError, match="Philox"):
        state.set_state(np.random.RandomState(1).get_state())
    missing = [name for name in dir(np.random) if not name.startswith("_") and not hasattr(fh.random, name)]
    assert set(missing) <= {"get_bit_generator", "set_bit_generator", "mtrand", "test"}


def test_assertions_gather(cluster):
    x = fh.scatter(np.arange(1.0, 7.0))
    fh.testing.assert_equal(x, np.arange(1.0, 7.0))
    fh.testing.assert_equal({"a": [x, 1]}, {"a": [np.arange(1.0, 7.0), 1]})
    fh.testing.assert_allclose(x, x + 1e-12, rtol=1e-6)
    with pytest.raises(AssertionError, match="Mismatched"):
        fh.testing.assert_array_equal(x, x + 1)
    seen = []
    with pytest.warns(UserWarning):
        fh.testing.assert_warns(UserWarning, lambda array: (seen.append(array), warnings.warn("said")), x)
        warnings.warn("heard")
    assert len(seen) == 1 and seen[0] is x, "what is called gets remote arrays as they are"
