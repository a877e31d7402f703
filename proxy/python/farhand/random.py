"""fh.random: NumPy's random numbers, made on the engines.

    generator = fh.random.default_rng(7)            # fh.random.Generator(numpy.random.Philox(7))
    x = generator.standard_normal((10**8,))         # a DistArray; no number was made here

Arrays hold the numbers that numpy.random.Generator(numpy.random.Philox(seed)) gives for the same calls, whatever the number of
engines and however the array is cut; the generator's state goes on as NumPy's does.  Without a size a call gives one number, by
NumPy and from the same stream.  The functions without a generator (fh.random.rand, seed, ...; random_legacy.py) share one stream.
"""
import numpy as np
from numpy.random import Philox

from . import random_hosted
from .array import Array, wrap
from .dtypes import code_of, normalize_axis, shape_tuple
from .errors import error
from .layouts import layout_axis, layout_blocksize
from .reductions import deliver
from .session import current

__all__ = ["Generator", "Philox", "default_rng"]

_SIGN = 1 << 63


def _signed(word):
    """64 bits as the extension takes them."""
    word = int(word) & (2 * _SIGN - 1)
    return word - 2 * _SIGN if word & _SIGN else word


def _words(state):
    """NumPy's state of a Philox as nine integers."""
    inner = state["state"]
    return (*map(_signed, inner["counter"]), *map(_signed, inner["key"]), state["buffer_pos"], state["has_uint32"],
            state["uinteger"])


def _state(words):
    counter, key, buffer, position, has_half, half = words
    return {"bit_generator": "Philox", "state": {"counter": np.array(counter, np.uint64), "key": np.array(key, np.uint64)},
            "buffer": np.array(buffer, np.uint64), "buffer_pos": position, "has_uint32": has_half, "uinteger": half}


def _is_array(*values):
    return any(isinstance(value, Array) or np.ndim(value) != 0 for value in values)


class Generator:
    """numpy.random.Generator over a Philox, whose arrays are remote.

    axis, blocksize and engines of each method say how its array is laid out, as in fh.scatter; axis=None: whole on one engine.
    random, uniform, triangular, normal and exponential numbers and their relatives, and integers are made by all engines at
    once; others by one, from which they go to the others.  Streams of other bit generators cannot be entered anywhere: their numbers
    are made here, by NumPy, and scattered (random_local.py).
    """

    def __new__(cls, *args, **keywords):
        bit_generator = args[0] if args else keywords.get("bit_generator")
        if cls is Generator and isinstance(bit_generator, np.random.BitGenerator) and not isinstance(bit_generator, Philox):
            from .random_local import LocalGenerator

            return super().__new__(LocalGenerator)
        return super().__new__(cls)

    def __init__(self, bit_generator=None):
        bit_generator = Philox() if bit_generator is None else bit_generator
        if not isinstance(bit_generator, Philox):
            raise error("WRONG_TYPE", f"fh.random.Generator takes one of NumPy's bit generators, not {type(bit_generator).__name__}")
        self._bit_generator = bit_generator
        self._local = np.random.Generator(bit_generator)

    bit_generator = property(lambda self: self._bit_generator, doc="The Philox, with the state of the stream.")

    def __repr__(self):
        return f"farhand.random.Generator({type(self._bit_generator).__name__})"

    def __reduce__(self):
        return Generator, (self._bit_generator,)

    def _draw(self, name, size, dtype, reals=(), integers=(), layout=None, out=None):
        """An array of that size from the stream."""
        axis, blocksize, engines = layout
        shape = shape_tuple(size)
        session = current()
        arguments = (layout_axis(axis, len(shape)), layout_blocksize(blocksize), session.engine_ids(engines))
        with self._bit_generator.lock:
            handle, words = session._native.random(name, code_of(dtype), tuple(reals), tuple(integers),
                                                   _words(self._bit_generator.state), shape, *arguments)
            if 0 not in shape:
                self._bit_generator.state = _state(words)
        return deliver(wrap(handle), out)

    def _simple(self, name, size, parameters, layout, dtype=np.float64):
        """A distribution of numbers as parameters."""
        if size is None and not _is_array(*parameters):
            return getattr(self._local, name)(*parameters)
        if _is_array(*parameters):
            return self._hosted(name, parameters, {"size": size}, layout)
        return self._draw(name, size, dtype, [float(value) for value in parameters], (), layout)

    def _hosted(self, name, parameters, keywords, layout):
        """By NumPy's own generator, beside the arrays."""
        return random_hosted.draw(self._bit_generator, name, random_hosted.checked(parameters), keywords, layout)

    # ---- uniform, and what follows from it

    def random(self, size=None, dtype=np.float64, out=None, *, axis=0, blocksize=None, engines=None):
        """Uniform over [0, 1)."""
        return self._standard("random", size, dtype, out, (axis, blocksize, engines))

    def standard_normal(self, size=None, dtype=np.float64, out=None, *, axis=0, blocksize=None, engines=None):
        return self._standard("standard_normal", size, dtype, out, (axis, blocksize, engines))

    def standard_exponential(self, size=None, dtype=np.float64, method="zig", out=None, *, axis=0, blocksize=None, engines=None):
        if method != "zig" and size is None and out is None:
            return self._local.standard_exponential(dtype=dtype, method=method)
        if method != "zig":
            size = out.shape if size is None and out is not None else size
            keywords = {"size": size, "dtype": np.dtype(dtype).name, "method": method}
            return deliver(self._hosted("standard_exponential", (), keywords, (axis if size is not None else None, blocksize, engines)), out)
        return self._standard("standard_exponential", size, dtype, out, (axis, blocksize, engines))

    def _standard(self, name, size, dtype, out, layout):
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise error("WRONG_TYPE", f"Unsupported dtype {dtype!r} for {name}")
        _check_out(out, size, dtype)
        size = out.shape if size is None and out is not None else size
        return getattr(self._local, name)(dtype=dtype) if size is None else self._draw(name, size, dtype, layout=layout, out=out)

    def uniform(self, low=0.0, high=1.0, size=None, *, axis=0, blocksize=None, engines=None):
        if _is_array(low, high):
            low, high = _operands(low, high)
            with np.errstate(over="ignore"):
                width = high - low
            if not _holds(np.isfinite, width):
                raise error("OVERFLOW", "Range exceeds valid bounds")
            if not _holds(np.greater_equal, width, 0):
                raise error("INVALID_ARGUMENT", "high - low < 0")
            return low + width * self.random(_broadcast(size, low, high), axis=axis, blocksize=blocksize, engines=engines)
        low, high = float(low), float(high)
        if not np.isfinite(high - low):
            raise error("OVERFLOW", "high - low range exceeds valid bounds")
        if size is None:
            return self._local.uniform(low, high)
        if high < low:
            raise error("INVALID_ARGUMENT", "high - low < 0")
        return self._draw("uniform", size, np.float64, (low, high - low), (), (axis, blocksize, engines))

    def normal(self, loc=0.0, scale=1.0, size=None, *, axis=0, blocksize=None, engines=None):
        if _is_array(loc, scale):
            loc, scale = _operands(loc, scale)
            if not _holds(np.greater_equal, scale, 0):
                raise error("INVALID_ARGUMENT", "scale < 0")
            return loc + scale * self.standard_normal(_broadcast(size, loc, scale), axis=axis, blocksize=blocksize, engines=engines)
        return self._simple("normal", size, (loc, scale), (axis, blocksize, engines))

    def exponential(self, scale=1.0, size=None, *, axis=0, blocksize=None, engines=None):
        if _is_array(scale):
            scale, = _operands(scale)
            if not _holds(np.greater_equal, scale, 0):
                raise error("INVALID_ARGUMENT", "scale < 0")
            return scale * self.standard_exponential(_broadcast(size, scale), axis=axis, blocksize=blocksize, engines=engines)
        return self._simple("exponential", size, (scale,), (axis, blocksize, engines))

    def standard_gamma(self, shape, size=None, dtype=np.float64, out=None, *, axis=0, blocksize=None, engines=None):
        _check_out(out, size, np.dtype(dtype))
        size = out.shape if size is None and out is not None else size
        if size is None and not _is_array(shape):
            return self._local.standard_gamma(shape, dtype=dtype)
        layout = (axis, blocksize, engines)
        if _is_array(shape):
            return deliver(self._hosted("standard_gamma", (shape,), {"size": size, "dtype": np.dtype(dtype).name}, layout), out)
        return self._draw("standard_gamma", size, np.dtype(dtype), (float(shape),), (), layout, out)

    # ---- integers

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False, *, axis=0, blocksize=None, engines=None):
        """From low to high - 1 (endpoint: high); from 0 to low - 1 where only one is given."""
        if _is_array(low, high if high is not None else 0):
            return self._hosted("integers", (low, high), {"size": size, "dtype": np.dtype(dtype).name, "endpoint": endpoint},
                                (axis, blocksize, engines))
        if size is None:
            return self._local.integers(low, high, dtype=dtype, endpoint=endpoint)
        low, high = (0, low) if high is None else (low, high)
        low, high, dtype = int(low), int(high) - (not endpoint), np.dtype(dtype)
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if low < least:
            raise error("INVALID_ARGUMENT", f"low is out of bounds for {dtype}")
        if high > most:
            raise error("INVALID_ARGUMENT", f"high is out of bounds for {dtype}")
        if low > high:
            raise error("INVALID_ARGUMENT", "low > high" if endpoint else "low >= high")
        return self._draw("integers", size, dtype, (), (_signed(low), _signed(high - low)), (axis, blocksize, engines))

    def binomial(self, n, p, size=None, *, axis=0, blocksize=None, engines=None):
        if size is None and not _is_array(n, p):
            return self._local.binomial(n, p)
        layout = (axis, blocksize, engines)
        if _is_array(n, p):
            return self._hosted("binomial", (n, p), {"size": size}, layout)
        return self._draw("binomial", size, np.int64, (float(p),), (int(n),), layout)

    def hypergeometric(self, ngood, nbad, nsample, size=None, *, axis=0, blocksize=None, engines=None):
        if size is None and not _is_array(ngood, nbad, nsample):
            return self._local.hypergeometric(ngood, nbad, nsample)
        layout = (axis, blocksize, engines)
        if _is_array(ngood, nbad, nsample):
            return self._hosted("hypergeometric", (ngood, nbad, nsample), {"size": size}, layout)
        return self._draw("hypergeometric", size, np.int64, (), [int(x) for x in (ngood, nbad, nsample)], layout)

    # ---- vectors

    def multinomial(self, n, pvals, size=None, *, axis=None, blocksize=None, engines=None):
        return self._hosted("multinomial", (n, pvals), {"size": size}, (axis, blocksize, engines))

    def multivariate_hypergeometric(self, colors, nsample, size=None, method="marginals", *, axis=None, blocksize=None, engines=None):
        return self._hosted("multivariate_hypergeometric", (colors, nsample), {"size": size, "method": method}, (axis, blocksize, engines))

    def dirichlet(self, alpha, size=None, *, axis=None, blocksize=None, engines=None):
        return self._hosted("dirichlet", (alpha,), {"size": size}, (axis, blocksize, engines))

    def multivariate_normal(self, mean, cov, size=None, check_valid="warn", tol=1e-8, *, method="svd", axis=None, blocksize=None,
                            engines=None):
        keywords = {"size": size, "check_valid": check_valid, "tol": tol, "method": method}
        return self._hosted("multivariate_normal", (mean, cov), keywords, (axis, blocksize, engines))

    def bytes(self, length):
        """Random bytes, here: NumPy's."""
        return self._local.bytes(length)

    # ---- orders and choices

    def permutation(self, x, axis=0, *, blocksize=None, engines=None):
        """The integers below x, or the items of x along axis, in random order."""
        if isinstance(x, Array) or np.ndim(x):
            x = x if isinstance(x, Array) else _scattered(x)
            axis = normalize_axis(axis, x.ndim)
            return x[(slice(None),) * axis + (self._order(x.shape[axis], (0, None, None)),)]
        return self._order(int(x), (axis, blocksize, engines))

    def _order(self, n, layout):
        return self._draw("permutation", n, np.int64, (), (), layout)

    def shuffle(self, x, axis=0):
        """Put the items of a remote array along axis in random order, in place."""
        if not isinstance(x, Array):
            self._local.shuffle(x, axis)
            return
        x[...] = self.permutation(x, axis)

    def permuted(self, x, *, axis=None, out=None):
        """A copy of x in which each row along axis is in an order of its own; axis None: all elements in one order."""
        if not isinstance(x, Array):
            x = _scattered(x)
        result = self._hosted("permuted", (x,), {"axis": axis}, (x.axis, None, None) if x.npieces > 1 else (None, None, None))
        return deliver(result, out)

    def choice(self, a, size=None, replace=True, p=None, axis=0, shuffle=True, *, blocksize=None, engines=None):
        """Items of a (of the integers below it) along axis, drawn with equal probabilities or p."""
        if size is None and not isinstance(a, Array):
            return self._local.choice(a, None, replace, p if p is None else np.asarray(p), axis, shuffle)
        a = a if isinstance(a, Array) else np.asarray(a)
        items = a.ndim > 0
        if not items and a.dtype.kind not in "iu":
            raise error("INVALID_ARGUMENT", f"a must be a sequence or an integer, not {a.dtype}")
        population = a.shape[axis] if items else int(a)
        if population <= 0:
            raise error("INVALID_ARGUMENT", "a must be a positive integer unless no samples are taken")
        shape = () if size is None else shape_tuple(size)
        layout = {"axis": 0 if shape else None, "blocksize": blocksize, "engines": engines}
        if not replace:
            index = self._hosted("choice", (population,), {"size": None if size is None else shape, "replace": False, "p": p, "shuffle": shuffle},
                                 tuple(layout.values()))
        elif p is None:
            index = self.integers(0, population, shape, **layout)
        else:
            index = np.searchsorted(_scattered(_distribution(p, population), None), self.random(shape, **layout), side="right")
        if not items:
            return index
        a = a if isinstance(a, Array) else _scattered(a)
        return a[(slice(None),) * (axis % a.ndim) + (index,)]


def _scattered(x, axis=0):
    from .objects import scatter

    return scatter(np.asarray(x), axis=axis)


def _check_out(out, size, dtype):
    if out is not None and out.dtype != dtype:
        raise error("WRONG_TYPE", f"Supplied output array has the wrong type. Expected {dtype}, got {out.dtype}")
    if out is not None and size is not None and shape_tuple(size) != out.shape:
        raise error("INVALID_ARGUMENT", f"size must match out.shape when used together: {shape_tuple(size)} and {out.shape}")


def _operands(*parameters):
    return [x if isinstance(x, Array) else np.asarray(x) for x in parameters]


def _holds(test, *values):
    """Is it so for all of them?  What is remote is not asked: the call would wait."""
    return any(isinstance(x, Array) for x in values) or bool(test(*values).all())


def _broadcast(size, *parameters):
    shape = np.broadcast_shapes(*(x.shape for x in parameters))
    size = shape if size is None else shape_tuple(size)
    if np.broadcast_shapes(shape, size) != size:
        raise error("INVALID_ARGUMENT", f"Output size {size} is not compatible with broadcast dimensions of inputs {shape}.")
    return size


def _distribution(p, population):
    """The running sum of probabilities, as numpy.random.Generator.choice makes it."""
    given = np.asarray(p)
    p = given.astype(np.float64)
    tolerance = np.sqrt(np.finfo(given.dtype if given.dtype.kind == "f" else np.float64).eps)
    if p.ndim != 1 or p.size != population:
        raise error("INVALID_ARGUMENT", "a and p must have same size" if p.ndim == 1 else "p must be 1-dimensional")
    if np.isnan(p).any() or (p < 0).any() or abs(p.sum() - 1) > tolerance:
        raise error("INVALID_ARGUMENT", "probabilities must be numbers, not negative, and add up to 1")
    running = p.cumsum()
    return running / running[-1]


# name -> (parameters with their defaults, dtype of the result).
_PLAIN = {
    "triangular": (("left", "mode", "right"), float), "lognormal": (("mean=0.0", "sigma=1.0"), float),
    "laplace": (("loc=0.0", "scale=1.0"), float), "gumbel": (("loc=0.0", "scale=1.0"), float),
    "logistic": (("loc=0.0", "scale=1.0"), float), "weibull": (("a",), float), "pareto": (("a",), float),
    "power": (("a",), float), "rayleigh": (("scale=1.0",), float), "gamma": (("shape", "scale=1.0"), float),
    "beta": (("a", "b"), float), "chisquare": (("df",), float), "noncentral_chisquare": (("df", "nonc"), float),
    "f": (("dfnum", "dfden"), float), "noncentral_f": (("dfnum", "dfden", "nonc"), float), "standard_t": (("df",), float),
    "standard_cauchy": ((), float), "vonmises": (("mu", "kappa"), float), "wald": (("mean", "scale"), float),
    "poisson": (("lam=1.0",), int), "geometric": (("p",), int), "logseries": (("p",), int), "zipf": (("a",), int),
    "negative_binomial": (("n", "p"), int),
}


def _plain(name, parameters, dtype):
    names = [parameter.partition("=")[0] for parameter in parameters]
    defaults = {key: float(value) for key, mark, value in (parameter.partition("=") for parameter in parameters) if mark}

    def method(self, *args, axis=0, blocksize=None, engines=None, **keywords):
        given = dict(zip([*names, "size"], args), **keywords)
        if len(args) > len(names) + 1 or len(given) < len(args) + len(keywords) or set(given) - {*names, "size"}:
            raise error("WRONG_TYPE", f"{name}({', '.join(parameters)}, size=None): {len(args)} and {sorted(keywords)} do not fit")
        missing = [key for key in names if key not in given and key not in defaults]
        if missing:
            raise error("WRONG_TYPE", f"{name}() misses {missing}")
        values = [given.get(key, defaults.get(key)) for key in names]
        return self._simple(name, given.get("size"), values, (axis, blocksize, engines), np.dtype(dtype))

    method.__name__ = name
    method.__doc__ = f"numpy.random.Generator.{name}({', '.join([*parameters, 'size=None'])}), remote."
    return method


for _name, (_parameters, _dtype) in _PLAIN.items():
    setattr(Generator, _name, _plain(_name, _parameters, _dtype))


def default_rng(seed=None):
    """A Generator; seed: None, what numpy.random.Philox takes, a bit generator, or a Generator.  Not PCG64, as in NumPy: a stream that
    engines can enter anywhere."""
    if isinstance(seed, Generator):
        return seed
    return Generator(seed if isinstance(seed, np.random.BitGenerator) else Philox(_seed(seed)))


def _seed(seed):
    """As a bit generator takes it."""
    return np.asarray(seed) if isinstance(seed, Array) else seed


_NUMPYS = ("BitGenerator", "MT19937", "PCG64", "PCG64DXSM", "SFC64", "SeedSequence")  # classes, as they are


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import random_legacy

    if name == "RandomState":
        return random_legacy.RandomState
    if name in random_legacy.NAMES:
        return random_legacy.function(name)
    if name in _NUMPYS:
        return getattr(np.random, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    from .random_legacy import NAMES

    return sorted({*globals(), *NAMES, *_NUMPYS, "RandomState"})
