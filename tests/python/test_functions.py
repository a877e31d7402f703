"""The table of functions: complete, true, and what fh.NAME and hosted functions do."""
import warnings

import numpy as np
import pytest

import farhand as fh
from farhand import function_table
from oracle import make, same


def overridable():
    """The functions of NumPy that ask __array_function__, as names below numpy; NumPy tells which since 1.25."""
    try:
        from numpy.testing.overrides import get_overridable_numpy_array_functions as listed

        functions = listed()
    except ImportError:
        functions = {f for module in (np, np.linalg, np.fft) for f in vars(module).values() if hasattr(f, "_implementation")}
    of_modules = {}
    for prefix, module in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name, value in vars(module).items():
            if not name.startswith("_") and not isinstance(value, type) and getattr(value, "__hash__", None) and value in functions:
                of_modules[prefix + name] = value
    return of_modules


# Names that NumPy 2 has dropped and that said so before: they are not taken up.
DROPPED = {"alltrue", "sometrue", "product", "cumproduct", "msort", "asfarray"}


def test_every_function_that_numpy_dispatches_has_a_row():
    missing = [name for name, function in overridable().items() if function_table.row_of(function) is None]
    assert set(missing) <= DROPPED


def test_every_implementation_exists():
    for row in function_table.rows().values():
        made = function_table.implementation(row)
        assert callable(made) or function_table.resolved(row).kind in ("LOCAL", "NONE"), row


def test_every_ufunc_of_the_table_is_an_operation_of_the_engines():
    from farhand.ufuncs import _NAMES

    names = {ufunc.__name__ for ufunc in _NAMES}
    for row in function_table.rows().values():
        if row.kind == "UFUNC":
            assert getattr(np, row.name).__name__ in names, row.name


def test_every_name_of_the_standard_is_a_name_of_ours():
    for group, names in function_table.standard().items():
        prefix = f"{group}." if group in ("linalg", "fft") else ""
        for name in names if group not in ("constants", "dtypes") else ():
            assert prefix + name in function_table.rows(), name


def test_names_work_on_local_and_remote_arrays(cluster):
    local = make((4, 3), "float64")
    remote = fh.scatter(local)
    for name in ("sum", "sort", "exp", "concat", "cumsum", "fft.fft", "linalg.norm", "matrix_transpose"):
        place = fh
        for part in name.split("."):
            place = getattr(place, part)
        value = [local, local] if name == "concat" else local
        far = [remote, remote] if name == "concat" else remote
        result = place(far)
        assert isinstance(result, fh.Array), name
        if hasattr(np, name):
            assert not isinstance(place(value), fh.Array), name
    with pytest.raises(AttributeError, match="no attribute"):
        fh.linalg.no_such_name
    assert "svd" in dir(fh.linalg) and "rfft" in dir(fh.fft) and "cumsum" in dir(fh)


# ---- hosted ones: what the table says of pieces

def agree(function, local, **keywords):
    remote = fh.scatter(local)
    same(fh.gather(function(remote, **keywords)), np.asarray(function(local, **keywords)), 1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_hosted_functions_along_an_axis_are_numpys(clusters, axis, cut):
    local = make((5, 4, 7), "float64")
    remote = fh.scatter(local, axis=cut)
    for name in ("unwrap",):
        function = getattr(np, name)
        same(fh.gather(function(remote, axis=axis)), function(local, axis=axis), 1e-12)
    for keepdims in (False, True):
        same(fh.gather(np.nanargmax(remote, axis=axis, keepdims=keepdims)), np.nanargmax(local, axis=axis, keepdims=keepdims))


def test_hosted_functions_beside_lists_are_not_run_piece_by_piece(clusters):
    local = np.array(["ab", "c", "de", "f"])
    remote = fh.scatter(local)
    assert fh.gather(np.char.add(remote, ["1", "2", "3", "4"])).tolist() == ["ab1", "c2", "de3", "f4"]
    assert fh.gather(np.char.add(remote, np.array("x"))).tolist() == ["abx", "cx", "dex", "fx"]
    days = np.arange("2024-01-01", "2024-01-05", dtype="M8[D]")
    same(fh.gather(np.busday_offset(fh.scatter(days), [1, 2, 3, 4])), np.busday_offset(days, [1, 2, 3, 4]))


def hosted(name, *arguments, **keywords):
    """The function by its hosted way, whatever the table says today."""
    from farhand.hosted import Hosted

    rule = keywords.pop("rule")
    return Hosted(function_table.Row("HOSTED", name, rule))(*arguments, **keywords)


@pytest.mark.parametrize("cut", [0, 1, 2, None])
def test_pieces_are_handled_as_the_rule_says(clusters, cut):
    local = make((5, 6, 4), "float64", 3)
    remote = fh.scatter(local, axis=cut)
    for axis in (0, 1, 2, -1, None):
        same(fh.gather(hosted("sort", remote, axis=axis, rule="axis:-1")), np.sort(local, axis=axis))
        same(fh.gather(hosted("median", remote, axis=axis, rule="drops:None")), np.median(local, axis=axis))
        same(fh.gather(hosted("percentile", remote, [10, 50, 60], axis=axis, rule="drops:None")),
             np.percentile(local, [10, 50, 60], axis=axis), 1e-12)
        same(fh.gather(hosted("median", remote, axis=axis, keepdims=True, rule="drops:None")),
             np.median(local, axis=axis, keepdims=True))
    square = local[:, :4, :4]
    for result, expected in zip(hosted("linalg.qr", fh.scatter(square, axis=cut), rule="stack"), np.linalg.qr(square)):
        same(fh.gather(result), expected, 1e-12)


def test_hosted_functions_write_their_argument(cluster):
    local = make((4, 6), "float64")
    remote = fh.scatter(local)
    hosted("put", remote, [3, 5, 23], [1.0, 2.0, 3.0], rule="writes:0")
    np.put(local, [3, 5, 23], [1.0, 2.0, 3.0])
    same(fh.gather(remote), local)


def test_hosted_functions_keep_exceptions_warnings_and_scalars(cluster):
    remote = fh.scatter(np.zeros((3, 3)))
    with pytest.raises(np.linalg.LinAlgError, match="Singular") as caught:
        hosted("linalg.inv", remote, rule="whole")
    assert isinstance(caught.value, fh.RemoteError)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        hosted("nanmedian", fh.scatter(np.full(4, np.nan)), rule="whole")
    assert [w.category for w in told] == [RuntimeWarning]
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        hosted("reciprocal", remote, rule="whole")
    result = hosted("linalg.det", remote, rule="whole")
    assert isinstance(result, fh.RemoteArray) and result.shape == () and result.dtype == np.float64 and float(result) == 0


def test_hosted_functions_never_fetch(cluster):
    remote = fh.scatter(make((300, 200), "float64"))
    remote.wait()
    before = cluster.session.stats()["array_bytes_received"]
    hosted("sort", remote, axis=1, rule="axis:-1").wait()
    assert cluster.session.stats()["array_bytes_received"] == before


def test_hosted_functions_need_an_engine_that_runs_python(tmp_path):
    from farhand.errors import error
    from farhand.hosted import _explained

    problem = _explained(error("NOT_SUPPORTED", "this engine runs no Python code"), "sort")
    assert isinstance(problem, fh.NotSupported) and "numpy.sort" in str(problem) and "no Python" in str(problem)


def test_functions_that_are_not_for_remote_arrays_say_why(cluster):
    with pytest.raises(fh.NotSupported, match="shares_memory .*addresses"):
        np.shares_memory(fh.scatter(np.arange(3)), fh.scatter(np.arange(3)))


# ---- methods of ndarray

def test_every_attribute_of_ndarray_is_one_of_ours():
    missing = [name for name in dir(np.ndarray) if not name.startswith("_") and name not in ("tostring",) and not hasattr(fh.Array, name)]
    assert not missing


METHODS = {
    "argsort": (), "sort": (), "cumsum": (0,), "cumprod": (1,), "diagonal": (1,), "trace": (), "take": ([2, 0], 1), "repeat": (2, 0),
    "searchsorted": None, "nonzero": (), "dot": None, "compress": ([True, False, True], 0), "byteswap": (), "mT": None,
    "choose": None, "argpartition": (1,), "partition": (tuple(range(5)),), "put": ([1, 5], [3, 4]), "itemset": ((1, 2), 9), "tobytes": (),
    "dumps": None, "flatten": ("F",), "view": ("uint8",), "ptp": (0,),
}


@pytest.mark.parametrize("name", [name for name, arguments in METHODS.items() if arguments is not None])
@pytest.mark.parametrize("cut", [0, 1])
def test_methods_are_ndarrays(cluster, name, cut):
    if not hasattr(np.empty(0), name):
        pytest.skip("NumPy has dropped it")
    local = make((6, 5), "int64", small=True)
    remote = fh.scatter(local, axis=cut)
    expected = getattr(local, name)(*METHODS[name])
    result = getattr(remote, name)(*METHODS[name])
    if expected is None:
        assert result is None
        same(fh.gather(remote), local)
    elif isinstance(expected, tuple):
        for mine, numpys in zip(result, expected):
            same(fh.gather(mine), numpys)
    elif isinstance(expected, bytes):
        assert result == expected
    elif name == "argsort":  # equal elements may come in any order
        same(np.take_along_axis(local, fh.gather(result), -1), np.sort(local, -1))
    elif name == "argpartition":
        taken = np.take_along_axis(local, fh.gather(result), -1)
        same(taken[:, 1], np.sort(local, -1)[:, 1])
    else:
        same(fh.gather(result), expected)


def test_flat_and_flags(cluster):
    local = make((4, 3), "float64")
    remote = fh.scatter(local)
    assert [float(x) for x in remote.flat] == list(local.flat) and len(remote.flat) == 12 and float(remote.flat[7]) == local.flat[7]
    remote.flat[5] = 1.5
    local.flat[5] = 1.5
    same(fh.gather(remote), local)
    remote.flat[:] = [1, 2, 3]
    local.flat[:] = [1, 2, 3]
    same(fh.gather(remote), local)
    assert remote.flags.c_contiguous and remote.flags["WRITEABLE"] and not remote.flags.f_contiguous and remote.base is None
    with pytest.raises(fh.NotSupported, match="fh.gather"):
        remote.data


@pytest.mark.parametrize("name", ["sqrt", "log", "log10", "log2", "arccos", "arcsin", "arctanh"])
def test_functions_that_become_complex(cluster, name):
    for values in ([0.25, 0.5], [-4.0, 0.5], [-0.5 + 0j, 2 - 1j], [1, 2, -3]):
        for dtype in (None, "float32") if np.isrealobj(values) else (None,):
            local = np.array(values, dtype)
            with np.errstate(all="ignore"):
                expected = getattr(np.emath, name)(local)
                same(fh.gather(getattr(fh.emath, name)(fh.scatter(local))), expected, 1e-6 if dtype else 1e-12)


def test_powers_and_logarithms_that_become_complex(cluster):
    x, p = np.array([2.0, -4.0]), np.array([-1, 2])
    for call in (lambda n, x, p: n.emath.power(x, p), lambda n, x, p: n.emath.power(p, 0.5), lambda n, x, p: n.emath.power(p, p), lambda n, x, p: n.emath.logn(2, x)):
        same(fh.gather(call(fh, fh.scatter(x), fh.scatter(p))), call(np, x, p), 1e-12)


def test_lists_beside_remote_arrays(cluster):
    """Where an array is expected and only another argument is remote."""
    out = fh.array(False)
    assert bool(fh.all([-1, 4, 5], out=out)) and bool(out)
    same(fh.gather(fh.sum([1, 2, 3], where=fh.array([True, False, True]))), np.array(4))
    x = np.arange(6.0).reshape(2, 3)
    for call in (lambda n, x: n.add(range(3), x), lambda n, x: x * range(3), lambda n, x: n.float_power(range(1, 4), x)):
        same(fh.gather(call(fh, fh.scatter(x))), call(np, x))


def test_made_like_a_list(cluster):
    for made, expected in ((fh.zeros_like([1, 2, 3]), np.zeros_like([1, 2, 3])), (fh.ones_like(([1.5], [2])), np.ones_like(([1.5], [2]))),
                           (fh.full_like((1, 2), 7.5), np.full_like((1, 2), 7.5)), (fh.full_like((1, 2), 7.5, float), np.full_like((1, 2), 7.5, float))):
        same(fh.gather(made), expected)
    assert fh.empty_like([[1, 2]], shape=(4,)).shape == (4,)
