"""Operations that are sent together give what they give one by one, bit for bit, and what NumPy gives."""
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import nep50

import farhand as fh
from farhand.session import set_default

UNARY = ["negative", "absolute", "sqrt", "sin", "exp", "square", "isnan", "floor", "logical_not"]
BINARY = ["add", "subtract", "multiply", "true_divide", "maximum", "less", "hypot", "floor_divide", "equal"]
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "float32", "float64", "complex128"]


@pytest.fixture(scope="module")
def both():
    """Two sessions of one cluster: with fusion, and without."""
    with fh.Cluster(3, threads=2) as running:
        fused = running.session
        try:
            fh.config.fusion = False
            plain = fh.connect(running.connection_file)
        finally:
            fh.config.fusion = True
        yield fused, plain
        plain.close()


def make(shape, dtype, seed):
    random = np.random.default_rng(seed)
    values = random.standard_normal(shape) * 20
    return (values + 1j * values[::-1] if dtype == "complex128" else values).astype(dtype)


@st.composite
def programs(draw):
    shape = draw(st.sampled_from([(7,), (50, 3), (1000,), (70, 130), (5, 1)]))
    inputs = [(draw(st.sampled_from([shape, shape, shape[1:], (1,) * len(shape)])), draw(st.sampled_from(DTYPES)))
              for _ in range(draw(st.integers(1, 4)))]
    inputs[0] = (shape, inputs[0][1])
    steps = []
    for i in range(draw(st.integers(1, 24))):
        pick = st.integers(0, len(inputs) + i - 1)
        kind = draw(st.sampled_from(["unary", "binary", "binary", "constant", "sum", "max", "assign", "drop", "in place"]))
        steps.append((kind, draw(st.sampled_from(UNARY if kind == "unary" else BINARY)), draw(pick), draw(pick),
                      draw(st.sampled_from([2, 1.5, -3])), draw(st.sampled_from([None, 0, -1]))))
    return inputs, steps


def play(program, arrays, module):
    """All values of the program; an exception's kind where a step has none."""
    values = list(arrays)
    for kind, name, a, b, number, axis in program:
        x, y = values[a], values[b]
        values.append(None)
        if x is None or y is None:
            continue
        try:
            if kind == "unary":
                values[-1] = getattr(np, name)(x)
            elif kind == "binary":
                values[-1] = getattr(np, name)(x, y)
            elif kind == "constant":
                values[-1] = getattr(np, name)(x, number)
            elif kind in ("sum", "max"):
                values[-1] = getattr(x, kind)(axis=axis if x.ndim else None)
            elif kind == "drop":
                values[a] = None
            elif kind == "in place":
                if not x.ndim:
                    continue  # NumPy's scalars become others, arrays stay
                values[a] += y
                values[-1] = values[a] * 1
            elif x.ndim:
                x[:1] = 1
        except (TypeError, ValueError, OverflowError, fh.Error) as problem:
            values[-1] = None
            assert isinstance(problem, (TypeError, ValueError, OverflowError)), problem
    return values


def gathered(values):
    return [None if value is None else np.asarray(fh.gather(value)) for value in values]


def same_bits(a, b):
    if a is None or b is None:
        return a is b
    a, b = np.array(a), np.array(b)
    if a.dtype.kind in "fc":
        for one in (a, b):
            one[one != one] = np.nan
            one[one == 0] = 0
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(program=programs(), axis=st.sampled_from([0, 0, -1, None]), seed=st.integers(0, 50))
@settings(max_examples=150)
def test_programs_give_the_same_bits_with_and_without_fusion(both, program, axis, seed):
    inputs, steps = program
    local = [make(shape, dtype, seed + i) for i, (shape, dtype) in enumerate(inputs)]
    results = []
    for session in both:
        set_default(session)
        with np.errstate(all="ignore"):
            arrays = [fh.scatter(one, axis=axis if one.ndim else None) for one in local]
            results.append(gathered(play(steps, arrays, fh)))
    set_default(both[0])
    for i, (a, b) in enumerate(zip(*results)):
        assert same_bits(a, b), (i, a, b)
    with nep50(), np.errstate(all="ignore"):
        expected = play(steps, [one.copy() for one in local], np)
    for i, (ours, numpys) in enumerate(zip(results[0], expected)):
        if ours is not None and numpys is not None:
            close = np.allclose(ours, numpys, rtol=1e-4, atol=1e-6, equal_nan=True)
            assert close or not np.isfinite(np.asarray(numpys, dtype=complex)).all() or np.abs(numpys).max() > 1e15, i


def test_a_chain_is_one_message(both):
    local = [np.arange(30_000.0) + i for i in range(3)]
    sent = []
    for session in both:
        set_default(session)
        a, b, c = (fh.scatter(one) for one in local)
        (a * b + c).sum().item()  # connections stand
        before = session.stats()["messages_sent"]
        total = (a * b + c).sum().item()  # an assert would keep the temporaries
        sent.append(session.stats()["messages_sent"] - before)
        assert total == pytest.approx((local[0] * local[1] + local[2]).sum(), rel=1e-14)
    assert sent[0] + 6 <= sent[1]  # two messages less for each of three pieces


def test_what_waits_is_sent_when_it_is_quiet(both):
    session = both[0]
    set_default(session)
    x = fh.scatter(np.ones(1000))
    x.wait()
    before = session.stats()["messages_sent"]
    y = x + 1
    deadline = time.monotonic() + 10
    while session.stats()["messages_sent"] == before:
        assert time.monotonic() < deadline
    assert fh.gather(y)[0] == 2


def test_dropped_inputs_live_until_they_are_used(both):
    set_default(both[0])
    x = fh.scatter(np.arange(1000.0))
    for _ in range(50):
        x = x * 1.0 + 1
    assert fh.gather(x)[0] == 50
    y = fh.scatter(np.arange(10.0)) + fh.scatter(np.arange(10.0))
    assert fh.gather(y)[9] == 18


def test_errors_name_what_failed(both):
    set_default(both[0])
    x = fh.scatter(np.arange(10.0))
    with pytest.raises(ValueError):
        x + fh.scatter(np.arange(7.0))
    with pytest.raises(TypeError):
        np.bitwise_and(x, x)
    assert fh.gather(x + 1)[0] == 1


def test_operations_take_reductions_that_were_not_sent(cluster):
    local = np.arange(2000.0)
    x, cut = fh.scatter(local, engines=[0]), fh.scatter(np.arange(4000.0), axis=0)
    softmax = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    np.testing.assert_allclose(fh.gather(softmax), np.exp(local - 1999) / np.exp(local - 1999).sum(), rtol=1e-12)
    raised = x + 1
    np.testing.assert_allclose(fh.gather(raised / raised.sum() + raised.max()), (local + 1) / (local + 1).sum() + 2000)
    total = (cut + 1).sum()  # of pieces, joined on an engine that has x or not
    np.testing.assert_allclose(fh.gather((x + 1) * total), (local + 1) * np.arange(1, 4001.0).sum())


def test_value_of_a_sum_over_engines_needs_no_message_between_them(both):
    """The states of a reduction whose value is asked for at once come through the client."""
    fused, _ = both
    set_default(fused)
    x = fh.scatter(np.arange(3000.0))
    float(x.sum())  # connections
    assert fused.stats()["rings"] == 3
    for value, makes in ((4501500.0, lambda: (x + 1).sum()), (4498500.0, x.sum)):
        moved = set()
        for _ in range(30):  # what waits for longer than a millisecond is sent as it is
            before = fused.stats()["engine_bytes"]
            assert float(makes()) == value
            moved.add(fused.stats()["engine_bytes"] - before)
        assert 0 in moved
    # Who does not ask for the value gets the same, engine to engine.
    before = fused.stats()["engine_bytes"]
    total = x.sum()
    fh.wait([total])
    assert float(total) == 4498500.0 and fused.stats()["engine_bytes"] > before


def test_error_of_one_piece_is_the_value_s(both):
    """It says where it began, and stays with the result."""
    set_default(both[0])
    x = fh.scatter(np.arange(90.0))
    bad = fh.kernel.from_c("double f(double x) { if (x == 60) __builtin_trap(); return x; }", "f")(x)
    total = bad.sum()
    for _ in range(2):
        with pytest.raises(fh.KernelFault):
            float(total)
    assert float(x.sum()) == 4005.0
