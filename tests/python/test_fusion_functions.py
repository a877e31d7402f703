"""Functions, casts and rows of any layout in expressions: the bits and the warnings of operations that are sent alone."""
import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_fusion import both, same_bits  # noqa: F401 (a fixture)

import farhand as fh
from farhand.session import set_default

UNARY = ["exp", "log", "tanh", "sin", "cos", "tan", "sqrt", "cbrt", "log1p", "expm1", "arctan", "sign", "isfinite", "isinf", "signbit", "floor",
         "negative", "conjugate", "square", "modf", "frexp"]
BINARY = ["add", "multiply", "float_power", "arctan2", "hypot", "logaddexp", "floor_divide", "remainder", "divmod", "fmod", "left_shift", "right_shift",
          "bitwise_xor", "copysign", "maximum", "fmin", "less"]
DTYPES = ["bool", "int8", "int32", "int64", "uint16", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
LAYOUTS = {"whole": lambda x: x, "steps": lambda x: x[:, ::2], "back": lambda x: x[:, ::-1], "turned": lambda x: x.T, "row": lambda x: x[:1],
           "column": lambda x: x[:, :1]}


def source(layout, dtype, seed):
    """An array that has the shape (40, 120) in its layout, or broadcasts to it."""
    shape = {"steps": (40, 240), "turned": (120, 40)}.get(layout, (40, 120))
    values = np.random.default_rng(seed).standard_normal(shape) * 5
    values.flat[::97] = np.resize([0, -0.0, 1, np.inf, -np.inf, np.nan, 1e-310, 700, 800], values.flat[::97].shape)
    with np.errstate(all="ignore"):
        return (values + 1j * values[::-1] if dtype.startswith("complex") else values).astype(dtype)


@st.composite
def trees(draw):
    inputs = [(draw(st.sampled_from(sorted(LAYOUTS))) if i else "whole", draw(st.sampled_from(DTYPES)), draw(st.integers(0, 9))) for i in range(3)]
    steps = []
    for i in range(draw(st.integers(1, 10))):
        pick = st.integers(0, len(inputs) + i - 1)
        kind = draw(st.sampled_from(["unary", "unary", "binary", "binary", "constant", "astype", "sum"]))
        name = draw(st.sampled_from(DTYPES if kind == "astype" else UNARY if kind == "unary" else BINARY))
        steps.append((kind, name, draw(pick), draw(pick), draw(st.sampled_from([2, 0.5, -1.5]))))
    return inputs, steps


def play(steps, arrays):
    values = list(arrays)
    for kind, name, a, b, number in steps:
        x, y = values[a], values[b]
        values.append(None)
        if x is None or y is None:
            continue
        try:
            made = (x.astype(name) if kind == "astype" else getattr(np, name)(x) if kind == "unary" else getattr(np, name)(x, y) if kind == "binary"
                    else getattr(np, name)(x, number) if kind == "constant" else x.sum(axis=-1, keepdims=True))
        except (TypeError, ValueError, OverflowError):
            continue
        values[-1] = made[-1] if isinstance(made, tuple) else made
    return values


@given(tree=trees(), axis=st.sampled_from([0, 1, None]))
@settings(max_examples=120)
def test_trees_of_functions_and_casts_keep_their_bits(both, tree, axis):  # noqa: F811
    inputs, steps = tree
    results = []
    for session in both:
        set_default(session)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of complex numbers that lose their imaginary part
            arrays = [LAYOUTS[layout](fh.scatter(source(layout, dtype, seed), axis=axis)) for layout, dtype, seed in inputs]
            results.append([None if value is None else np.asarray(fh.gather(value)) for value in play(steps, arrays)])
    set_default(both[0])
    for i, (a, b) in enumerate(zip(*results)):
        assert same_bits(a, b), (i, a, b)


CHAINS = {
    "log": lambda x: 1 + np.log(x - 0.5), "exp": lambda x: np.exp(x * 1e4) - 1, "sin": lambda x: np.sin(x / (x - x)) + 1, "tanh": lambda x: np.tanh(x * 3) + 2,
    "cast": lambda x: (x * 1e300).astype(np.float32) + 1, "integer": lambda x: (x * np.inf).astype(np.int64) + 1, "power": lambda x: (x - 2) ** 0.5 + 1,
    "tiny": lambda x: np.exp(x * 1e-200) + np.tanh(x * 1e-200), "sum": lambda x: np.exp(x * 1e4).sum(), "remainder": lambda x: (x * 3) % (x - x),
}


def test_chains_of_functions_warn_as_operations_alone_do(both):  # noqa: F811
    for name, chain in CHAINS.items():
        told = []
        for session in both:
            set_default(session)
            x = fh.scatter(np.linspace(0.1, 1.0, 30_000))
            with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
                warnings.simplefilter("always")
                fh.gather(chain(x))
            told.append({str(one.message) for one in caught})  # each piece tells, perhaps at another time
        set_default(both[0])
        assert told[0] == told[1], name


def test_a_cast_is_part_of_the_expression(both):  # noqa: F811
    """No message and no array of its own."""
    local, sent = np.arange(30_000.0), []
    for session in both:
        set_default(session)
        x = fh.scatter(local)
        (x.astype(np.float32) * 2).wait()  # connections stand
        before = session.stats()["messages_sent"]
        result = x.astype(np.float32) * 2
        result.wait()
        sent.append(session.stats()["messages_sent"] - before)
        assert np.array_equal(fh.gather(result), local.astype(np.float32) * 2)
    set_default(both[0])
    assert sent[0] < sent[1]
