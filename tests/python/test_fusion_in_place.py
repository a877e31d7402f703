"""Expressions that write into arrays, choose under a mask, and take what reductions of themselves give: bit for bit what
single operations give, and what NumPy gives."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import nep50

import farhand as fh
from farhand.session import set_default

BINARY = ["add", "subtract", "multiply", "maximum", "hypot"]
REDUCTIONS = ["sum", "mean", "var", "std", "max", "min", "prod"]
VIEWS = [slice(1, None), slice(None, -1), slice(None, None, -1), slice(None, None, 2)]
SHAPES = [(24,), (2600,), (60, 40), (9, 5, 7)]


@pytest.fixture(scope="module", params=[1, 2, 4])
def both(request):
    """Two sessions of one cluster: with fusion, and without."""
    with fh.Cluster(request.param, threads=2) as running:
        fused = running.session
        try:
            fh.config.fusion = False
            plain = fh.connect(running.connection_file)
        finally:
            fh.config.fusion = True
        yield fused, plain
        plain.close()


@st.composite
def programs(draw):
    shape, steps, n = draw(st.sampled_from(SHAPES)), [], 4
    kinds = ["new", "new", "in place", "in place", "out", "where", "reduce", "centre", "view", "drop", "pair"]
    for _ in range(draw(st.integers(1, 18))):
        pick = st.integers(0, n - 1)
        steps.append((draw(st.sampled_from(kinds)), draw(st.sampled_from(BINARY)), draw(pick), draw(pick), draw(pick),
                      draw(st.sampled_from(REDUCTIONS)), draw(st.sampled_from([None, 0, -1])), draw(st.booleans()),
                      draw(st.sampled_from(VIEWS)), draw(st.sampled_from([None, 1.5, -2.0, 3]))))
        n += 1
    return shape, draw(st.sampled_from(["float64", "float64", "float32", "int64"])), steps


def do(values, step, mask):
    """What a step gives; it may write into others."""
    kind, name, a, b, c, reduction, axis, keepdims, view, number = step
    x, y, z = (values[i] for i in (a, b, c))
    f = getattr(np, name)
    if x is None or (y is None and number is None) or (z is None and kind in ("out", "where", "pair")):
        return None
    other = y if number is None else number
    if kind == "new":
        return f(x, other)
    if kind == "in place":
        f(x, other, out=x)
    elif kind == "out":
        f(x, other, out=z)
    elif kind == "where":
        f(x, other, out=z, where=mask if z.shape == mask.shape else z > 0)
    elif kind == "reduce":
        return getattr(x, reduction)(axis=axis, keepdims=keepdims)
    elif kind == "centre":
        return (x - x.mean(axis=axis, keepdims=True)) * 2
    elif kind == "view" and x.ndim:
        return x[view]
    elif kind == "drop":
        values[a] = None
    elif kind == "pair" and x.dtype.kind == "f":
        return np.modf(x, out=(z, None))[1]
    return None


def play(program, arrays, mask):
    values, failed = list(arrays), []
    for i, step in enumerate(program):
        try:
            values.append(do(values, step, mask))
        except (TypeError, ValueError, fh.Error) as problem:
            assert isinstance(problem, (TypeError, ValueError)), problem
            values.append(None)
            failed.append(i)
    return values, failed


def same_bits(a, b):
    if a is None or b is None:
        return a is b
    a, b = np.array(a), np.array(b)
    if a.dtype.kind == "f":
        for one in (a, b):
            one[one != one] = np.nan
            one[one == 0] = 0
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def close(ours, numpys):
    """Rounding that grew through cancellation is none of ours: only values of modest size are compared, loosely."""
    numpys = np.asarray(numpys, dtype=float)
    if not np.isfinite(numpys).all() or (numpys.size and np.abs(numpys).max() > 1e6):
        return True
    return np.allclose(ours, numpys, rtol=1e-3, atol=1e-2)


@given(program=programs(), axis=st.sampled_from([0, 0, -1, None]), seed=st.integers(0, 50))
@settings(max_examples=150)
def test_programs_that_write_give_the_same_bits_with_and_without_fusion(both, program, axis, seed):
    shape, dtype, steps = program
    random = np.random.default_rng(seed)
    local = [np.round(random.standard_normal(shape) * 4).astype(dtype) for _ in range(4)]
    mask, results = random.random(shape) < 0.5, []
    for session in both:
        set_default(session)
        with np.errstate(all="ignore"):
            arrays = [fh.scatter(one, axis=axis) for one in local]
            values, failed = play(steps, arrays, fh.scatter(mask, axis=axis))
            # what was dropped from the list is seen through the arrays still
            results.append(([None if v is None else np.asarray(fh.gather(v)) for v in values + arrays], failed))
    set_default(both[0])
    assert results[0][1] == results[1][1]
    for i, (a, b) in enumerate(zip(results[0][0], results[1][0])):
        assert same_bits(a, b), (i, a, b)
    with nep50(), np.errstate(all="ignore"):
        arrays = [one.copy() for one in local]
        values, failed = play(steps, arrays, mask)
    if failed != results[0][1]:
        return  # casting that this NumPy refuses, and others do not
    for i, (ours, numpys) in enumerate(zip(results[0][0], values + arrays)):
        if numpys is not None and dtype != "float32":
            assert close(ours, numpys), (i, ours, numpys)


def count_messages(session, work):
    """The fewest of several tries: what waits for a millisecond is sent as it is."""
    fewest = None
    for _ in range(20):
        before = session.stats()["messages_sent"]
        work()
        sent = session.stats()["messages_sent"] - before
        fewest = sent if fewest is None else min(sent, fewest)
    return fewest


def test_chains_that_write_are_one_message(both):
    fused, plain = both
    sent = []
    for session in both:
        set_default(session)
        x, y = fh.scatter(np.ones(5000)), fh.scatter(np.arange(5000.0))
        mask = fh.scatter(np.arange(5000) % 3 == 0)

        def work():
            nonlocal x
            x *= 0.5
            x += y
            np.multiply(x, 2, out=x, where=mask)
            x.wait()

        work()
        sent.append(count_messages(session, work))
    set_default(fused)
    assert sent[0] + 2 * len(fused.engines) == sent[1]


@pytest.mark.parametrize("reduce", [lambda x: x.mean(), lambda x: x.var(), lambda x: x.sum(keepdims=True), lambda x: x.max()])
def test_reductions_of_chains_store_no_chain(both, reduce):
    """They need no message more than those of an array that is there."""
    set_default(both[0])
    x = fh.scatter(np.arange(5000.0))
    np.testing.assert_allclose(fh.gather(reduce(x * 2 + 1)), reduce(np.arange(5000.0) * 2 + 1))
    assert count_messages(both[0], lambda: fh.gather(reduce(x * 2 + 1))) <= count_messages(both[0], lambda: fh.gather(reduce(x)))


def test_what_an_array_is_written_from_is_not_changed_before(both):
    local = np.arange(24.0)
    for session in both:
        set_default(session)
        x = fh.scatter(local)
        for _ in range(5):
            y, spread = x * 1, x.var()
            y.wait()
            total = y.var()
            y += total
            total += 1.5
            np.testing.assert_allclose(fh.gather(y), local + local.var())
            assert float(total) == pytest.approx(float(spread) + 1.5)
    set_default(both[0])


def test_memory_of_what_dies_is_used_again(both):
    """There is none for two of these arrays.  What waits is sent after a millisecond, perhaps just before a name is bound anew: then two are needed."""
    def added():
        x = fh.zeros(8_000_000)
        for _ in range(10):
            x = x + 1
        x.wait()
        assert float(x[-1]) == 10 and float(x.sum()) == 10 * 8e6

    refused = 0
    with fh.Cluster(1, memory="96M", threads=2) as running:
        set_default(running.session)
        while refused < 3:
            try:
                added()
                break
            except fh.LimitExceeded:
                refused += 1
    set_default(both[0])
    assert refused < 3


def test_what_others_see_of_what_dies_stays(both):
    set_default(both[0])
    local = np.arange(400_000.0)
    x = fh.scatter(local)
    view, kept = x[1:], fh.gather(x)
    for _ in range(3):
        x = x + 1
        x.wait()
    np.testing.assert_array_equal(kept, local)
    np.testing.assert_array_equal(fh.gather(view), local[1:])
    np.testing.assert_array_equal(fh.gather(x), local + 3)
    y = x * 1
    mapped = fh.gather(y)
    y = y + 1
    np.testing.assert_array_equal(fh.gather(y), mapped + 1)
    np.testing.assert_array_equal(mapped, local + 3)
    before, after = y + 0, y * 2  # two messages, or one: both take y
    del y
    np.testing.assert_array_equal(fh.gather(before) * 2, fh.gather(after))


def test_flags_of_chains_that_write_are_told_once(both):
    local = np.arange(-3000.0, 3000)
    told = []
    for session in both:
        set_default(session)
        x, y = fh.scatter(local), fh.scatter(local)
        with pytest.warns(RuntimeWarning) as caught:
            x += 1
            x /= y
            x *= 2
            np.sqrt(x, out=x)
            assert fh.gather(x)[-1] > 0
        told.append(sorted(str(one.message) for one in caught))
    set_default(both[0])
    assert told[0] == told[1]
    assert told[0] == ["divide by zero encountered in divide"]


def test_an_array_that_cannot_be_written_is_told(both):
    set_default(both[0])
    bad = fh.kernel.from_c("double f(double x) { if (x == 60) __builtin_trap(); return x; }", "f")(fh.scatter(np.arange(90.0)))
    x = fh.scatter(np.zeros(90))
    x += bad
    value = x * 2
    with pytest.raises(fh.KernelFault):
        fh.gather(value)
