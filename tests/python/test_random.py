"""Random numbers are those of numpy.random.Generator(Philox), whatever the engines, pieces and calls before."""
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import farhand as fh

NUMBERS = {
    "random": (), "standard_normal": (), "standard_exponential": (), "uniform": (-2.0, 5.0), "normal": (1.0, 3.0), "exponential": (2.0,),
    "triangular": (-1.0, 0.5, 3.0), "lognormal": (0.5, 0.7), "laplace": (1.0, 2.0), "gumbel": (1.0, 2.0), "logistic": (1.0, 2.0),
    "weibull": (1.5,), "pareto": (2.5,), "power": (3.0,), "rayleigh": (2.0,), "standard_gamma": (2.5,), "gamma": (0.7, 2.0),
    "beta": (0.5, 2.0), "chisquare": (3.0,), "noncentral_chisquare": (3.0, 1.5), "f": (3.0, 4.0), "noncentral_f": (3.0, 4.0, 1.0),
    "standard_t": (5.0,), "standard_cauchy": (), "vonmises": (0.5, 2.0), "wald": (1.0, 2.0), "poisson": (4.5,), "geometric": (0.3,),
    "logseries": (0.6,), "zipf": (2.2,), "negative_binomial": (5.0, 0.4), "binomial": (20, 0.3), "hypergeometric": (15, 20, 8),
}
LARGE = 70_000  # more than one engine makes alone


def generators(seed=3):
    """NumPy's and ours, at the same place of a stream that is not its beginning."""
    ours, theirs = fh.random.default_rng(seed), np.random.Generator(np.random.Philox(seed))
    for generator in (ours, theirs):
        generator.random()
        generator.integers(0, 10, dtype=np.int32)
    return ours, theirs


def same_state(ours, theirs):
    a, b = ours.bit_generator.state, theirs.bit_generator.state
    assert a["has_uint32"] == b["has_uint32"] and (not a["has_uint32"] or a["uinteger"] == b["uinteger"])
    assert ours.bit_generator.random_raw(6).tolist() == theirs.bit_generator.random_raw(6).tolist()


def check(remote, expected):
    actual = fh.gather(remote)
    assert actual.dtype == expected.dtype and actual.shape == expected.shape
    assert actual.tobytes() == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("name", NUMBERS)
def test_every_distribution(clusters, name):
    if name == "wald" and np.lib.NumpyVersion(np.__version__) >= "2.4.0":
        pytest.skip("NumPy 2.4 draws it in another way; engines have the NumPy library that they were built with")
    ours, theirs = generators()
    for size in (0, 1, 7, (3, 5), LARGE if name != "wald" else 1000):
        check(getattr(ours, name)(*NUMBERS[name], size=size), getattr(theirs, name)(*NUMBERS[name], size=size))
        same_state(ours, theirs)
    assert getattr(ours, name)(*NUMBERS[name]) == getattr(theirs, name)(*NUMBERS[name])


@pytest.mark.parametrize("name", ["random", "standard_normal", "standard_exponential"])
def test_single_precision(clusters, name):
    ours, theirs = generators()
    for size in (1, 5, LARGE + 1, LARGE):
        check(getattr(ours, name)(size, dtype=np.float32), getattr(theirs, name)(size, dtype=np.float32))
        same_state(ours, theirs)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers(clusters, dtype):
    ours, theirs = generators()
    least, most = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for low, high in ((0, 1), (least, most), (0, most // 3 * 2 + 1), (most, most), (0, min(most, 1000002)), (least // 2, most // 3)):
        for size in (9, LARGE + 1):
            check(ours.integers(low, high, size, dtype=dtype, endpoint=True),
                  theirs.integers(low, high, size, dtype=dtype, endpoint=True))
            same_state(ours, theirs)


@given(data=st.data())
def test_any_shape_and_cut(clusters, data):
    """Arrays cut along any axis into pieces of any size."""
    shape = tuple(data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=3)))
    scale = data.draw(st.sampled_from([1, 60]))
    shape = (shape[0] * scale, *shape[1:])
    name = data.draw(st.sampled_from(["random", "standard_normal", "normal", "integers", "poisson"]))
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    block = data.draw(st.sampled_from([None, 3, 1000])) if axis is not None else None
    seed = data.draw(st.integers(0, 2**64))
    arguments = (5, 1003) if name == "integers" else ()
    ours, theirs = fh.random.Generator(fh.random.Philox(seed)), np.random.Generator(np.random.Philox(seed))
    x = getattr(ours, name)(*arguments, size=shape, axis=axis, blocksize=block)
    check(x, getattr(theirs, name)(*arguments, size=shape))
    same_state(ours, theirs)
    if axis is not None and x.axis is not None:
        assert x.axis == axis % len(shape)


def test_pieces_of_many_sizes_meet(clusters):
    """Each piece begins at a guess; all of them are found."""
    ours, theirs = generators(11)
    check(ours.standard_normal(300_001, blocksize=11_111), theirs.standard_normal(300_001))
    check(ours.standard_exponential((600, 501), blocksize=7), theirs.standard_exponential((600, 501)))
    check(ours.integers(0, 3 * 2**61, 200_000, blocksize=9_999), theirs.integers(0, 3 * 2**61, 200_000))  # a quarter is thrown away
    same_state(ours, theirs)


def test_orders_and_choices(clusters):
    ours, theirs = generators()
    check(ours.permutation(1000), theirs.permutation(1000))
    local = np.arange(60.0).reshape(12, 5)
    for axis in (0, 1):
        check(ours.permutation(fh.scatter(local), axis=axis), theirs.permutation(local, axis=axis))
    x, expected = fh.scatter(local), local.copy()
    ours.shuffle(x)
    theirs.shuffle(expected)
    check(x, expected)
    check(ours.choice(50, 30), theirs.choice(50, 30))
    check(ours.choice(fh.scatter(local), (4, 3), axis=0), theirs.choice(local, (4, 3), axis=0))
    p = np.array([0.1, 0.2, 0.3, 0.4])
    check(ours.choice(4, 1000, p=p), theirs.choice(4, 1000, p=p))
    check(ours.choice([3, 1, 4, 1], 1000, p=p), theirs.choice([3, 1, 4, 1], 1000, p=p))
    check(ours.choice([False, True], (5, 2)), theirs.choice([False, True], (5, 2)))
    same_state(ours, theirs)
    assert ours.bytes(11) == theirs.bytes(11)


def test_parameters_that_are_arrays(clusters):
    ours, theirs = generators()
    low, high = np.arange(5.0), np.arange(5.0) + 3
    check(ours.uniform(fh.scatter(low), high), theirs.uniform(low, high))
    check(ours.normal(fh.scatter(low), 2.0, (3, 5)), theirs.normal(low, 2.0, (3, 5)))
    check(ours.exponential(fh.scatter(high)), theirs.exponential(high))
    check(ours.uniform([1, 2], [3, 5]), theirs.uniform([1, 2], [3, 5]))
    check(ours.normal([1, 2], [3, 5], (4, 2)), theirs.normal([1, 2], [3, 5], (4, 2)))
    check(ours.integers(0, [1 << 64] * 3, dtype="uint64"), theirs.integers(0, [1 << 64] * 3, dtype="uint64"))
    same_state(ours, theirs)
    for call in (lambda g: g.uniform([2], [1]), lambda g: g.normal([1], [-1]), lambda g: g.exponential([-1.0]), lambda g: g.normal([1, 2], 1, 3),
                 lambda g: g.uniform([1, 2], 3, (2, 3)), lambda g: g.integers(0, [1 << 65], dtype="uint64")):
        for generator in (ours, theirs):
            with pytest.raises(ValueError):
                call(generator)
    with pytest.raises(OverflowError):
        ours.uniform([-np.finfo(float).max], [np.finfo(float).max])


def test_lists_are_chosen_from_and_seeds_may_be_remote(cluster):
    ours, theirs = generators()
    check(ours.choice(["a", "b", "c"], 5), theirs.choice(["a", "b", "c"], 5))
    check(ours.choice([[1, 2], [3, 4]], 3, axis=1), theirs.choice([[1, 2], [3, 4]], 3, axis=1))
    for a, p in ((3.0, None), (0, None), ([], None), ([1, 2], [0.4, 0.4, 0.2]), ([1, 2], [[0.5, 0.5]]), ([1, 2], [0.4, 0.4])):
        with pytest.raises(ValueError):
            ours.choice(a, 3, p=p)
    p = np.array([0.1, 0.2, 0.7], np.float16) * np.float16(1.001)
    check(ours.choice(3, 5, p=fh.scatter(p)), theirs.choice(3, 5, p=p))
    seed = np.arange(3)
    assert fh.random.default_rng(fh.scatter(seed)).random() == np.random.Generator(np.random.Philox(seed)).random()
    assert fh.random.RandomState(fh.scatter(seed)).rand() == fh.random.RandomState(seed=seed).rand()
    assert fh.random.Generator(bit_generator=np.random.PCG64(3)).random() == np.random.default_rng(3).random()
    assert np.isscalar(ours.standard_exponential(method="inv")) and theirs.standard_exponential(method="inv")


def test_out_is_filled(cluster):
    ours, theirs = generators()
    out = fh.zeros((100, 3))
    assert ours.random(out=out) is out
    check(out, theirs.random((100, 3)))
    for generator in (ours, theirs, fh.random.Generator(fh.random.PCG64(1))):
        place = np.zeros((100, 3)) if generator is theirs else out
        for call in (lambda: generator.random(5, out=place), lambda: generator.standard_gamma(1.0, 5, out=place)):
            with pytest.raises(ValueError):
                call()
        for call in (lambda: generator.random(out=place, dtype="f4"), lambda: generator.standard_gamma(1.0, dtype="f4", out=place)):
            with pytest.raises(TypeError):
                call()
        with pytest.raises((ValueError, IndexError)) as caught:
            generator.shuffle(place, axis=3)
        assert type(caught.value).__name__ == "AxisError"


def test_what_is_refused(cluster):
    generator = fh.random.default_rng(1)
    before = generator.bit_generator.state["state"]["counter"].tolist()
    for call in (lambda: generator.normal(0, -1, 3), lambda: generator.poisson(-1, 3), lambda: generator.zipf(1.0, 3),
                 lambda: generator.integers(3, 3, 3), lambda: generator.integers(0, 300, 3, dtype="int8"),
                 lambda: generator.gamma(np.inf, 1, 3), lambda: generator.triangular(1, 0, 2, 3), lambda: generator.uniform(2, 1, 3)):
        with pytest.raises(ValueError):
            call()
    for call in (lambda: generator.choice(5, 6, replace=False), lambda: generator.multinomial(3, [0.7, 0.6, 0.1], 4),
                 lambda: generator.poisson([1.0, -2.0], 2)):
        with pytest.raises(ValueError):  # by NumPy, beside the arrays
            call()
    with pytest.raises(TypeError):
        fh.random.Generator(5)
    with pytest.raises(TypeError):
        generator.random(3, dtype="int32")
    with pytest.raises(TypeError):
        generator.laplace(1, 2, 3, 4)
    assert generator.bit_generator.state["state"]["counter"].tolist() == before


def test_generators_are_copied_with_their_state(cluster):
    generator = fh.random.default_rng(fh.random.Philox(5))
    assert fh.random.default_rng(generator) is generator
    generator.random(10)
    copy = pickle.loads(pickle.dumps(generator))
    check(copy.random(5), fh.gather(generator.random(5)))


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "SFC64"])
def test_other_bit_generators_give_numpys_numbers(clusters, kind):
    ours, theirs = (n.random.Generator(getattr(n.random, kind)(11)) for n in (fh, np))
    assert isinstance(ours, fh.random.Generator) and ours.random() == theirs.random() and ours.integers(10) == theirs.integers(10)
    for name, args in NUMBERS.items():
        check(getattr(ours, name)(*args, size=(3, 5)), getattr(theirs, name)(*args, size=(3, 5)))
    local = np.arange(24.0).reshape(4, 6)
    x = fh.scatter(local)
    check(ours.permutation(x, axis=1), theirs.permutation(local, axis=1))
    check(ours.permutation(100), theirs.permutation(100))
    check(ours.permuted(x, axis=1), theirs.permuted(local, axis=1))
    check(ours.choice(x, 3, axis=1, replace=False), theirs.choice(local, 3, axis=1, replace=False))
    check(ours.choice(9, (2, 3)), theirs.choice(9, (2, 3)))
    check(ours.normal(x, 2.0), theirs.normal(local, 2.0))
    ours.shuffle(x)
    theirs.shuffle(local)
    check(x, local)
    assert ours.random(out=x) is x
    check(x, theirs.random((4, 6)))
    assert ours.standard_normal((4, 2), axis=1).axis == (1 if x.npieces > 1 else None)
    theirs.standard_normal((4, 2))
    check(pickle.loads(pickle.dumps(ours)).random(5), theirs.random(5))
    assert fh.random.default_rng(getattr(np.random, kind)(3)).random() == np.random.default_rng(getattr(np.random, kind)(3)).random()


TABLE = np.arange(12.0).reshape(4, 3)
BESIDE_THE_ARRAYS = [
    ("multinomial", (10, [0.2, 0.3, 0.5]), {"size": (3, 2)}), ("multinomial", ([5, 6], [0.2, 0.3, 0.5]), {}),
    ("dirichlet", ([1.0, 2, 3],), {"size": 5}), ("multivariate_normal", ([0.0, 1], [[1, 0.2], [0.2, 2]]), {"size": 7}),
    ("multivariate_normal", ([0.0, 1], [[1, 0.2], [0.2, 2]]), {"method": "cholesky"}),
    ("multivariate_hypergeometric", ([5, 6, 7], 4), {"size": 3}), ("gamma", (np.array([1.0, 2, 3]), 2.0), {}),
    ("poisson", (np.arange(5.0),), {}), ("binomial", (np.array([5, 10]), 0.3), {"size": (3, 2)}),
    ("integers", (0, np.array([5, 10, 100])), {}), ("integers", (np.array([5, 10]),), {"dtype": "int8"}), ("beta", (1.0, np.array([2.0, 3])), {}),
    ("hypergeometric", (np.array([10, 20]), 5, 4), {}), ("standard_gamma", (np.array([1.0, 2]),), {"dtype": "float32"}),
    ("standard_exponential", (4,), {"method": "inv"}), ("choice", (10, 5, False), {}), ("choice", (5,), {"replace": False}),
    ("choice", (10,), {"size": (2, 3), "replace": False, "p": np.arange(10) / 45}), ("choice", (TABLE[0], 2, False), {}),
    ("choice", (TABLE, 2, False), {"axis": 1}), ("permuted", (TABLE,), {"axis": 1}), ("permuted", (TABLE,), {}),
]


@pytest.mark.parametrize("remote", [False, True])
def test_what_numpy_makes_beside_the_arrays_is_of_the_same_stream(cluster, remote):
    ours, numpys = fh.random.default_rng(5), np.random.Generator(np.random.Philox(5))
    for name, parameters, keywords in BESIDE_THE_ARRAYS:
        given = [fh.scatter(x) if remote and isinstance(x, np.ndarray) else x for x in parameters]
        want, result = getattr(numpys, name)(*parameters, **keywords), getattr(ours, name)(*given, **keywords)
        result = fh.gather(result) if isinstance(result, fh.Array) else np.asarray(result)
        assert result.dtype == np.asarray(want).dtype, name
        np.testing.assert_array_equal(result, want, err_msg=name)
        assert ours.standard_normal() == numpys.standard_normal(), name  # it goes on at the same place
