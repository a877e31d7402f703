"""What NumPy says, with NEP 50's promotion whatever its version; and the arrays that tests are made of."""
import contextlib
import time

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
          "complex64", "complex128"]
LAYOUTS = ["C", "F", "reversed", "strided", "read-only", "swapped"]


@contextlib.contextmanager
def nep50():
    """NumPy 1.24 and 1.25 can promote as NumPy 2 does; later ones always do."""
    if not hasattr(np, "_set_promotion_state"):
        with np.errstate(all="ignore"):
            yield
        return
    before = np._get_promotion_state()
    np._set_promotion_state("weak")
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        np._set_promotion_state(before)


def make(shape, dtype, seed=0, small=False):
    """A reproducible array with values that mean something in the dtype."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = (max(info.min, -9), 10) if small else (info.min, info.max)
        return rng.integers(low, high, shape, dtype=dtype, endpoint=not small)
    values = rng.normal(size=shape) * 4
    if dtype.kind == "c":
        values = values + 1j * rng.normal(size=shape)
    return values.astype(dtype)


def laid_out(array, layout):
    """The same values in another memory layout."""
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "reversed":
        return array[tuple(slice(None, None, -1) for _ in array.shape)].copy()[
            tuple(slice(None, None, -1) for _ in array.shape)]
    if layout == "strided":
        wide = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
        view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    if layout == "read-only":
        copy = array.copy()
        copy.flags.writeable = False
        return copy
    if layout == "swapped":
        return array.astype(array.dtype.newbyteorder())
    return np.ascontiguousarray(array)


def same(actual, expected, rtol=0.0):
    """Equal values and dtype; NaN equals NaN.  rtol for what libraries of mathematics round differently."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype.newbyteorder("="), f"{actual.dtype} instead of {expected.dtype}"
    if rtol:
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, equal_nan=True)
    else:
        np.testing.assert_array_equal(actual, expected)


shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=7)
dtypes = st.sampled_from(DTYPES)
layouts = st.sampled_from(LAYOUTS)
seeds = st.integers(0, 2**16)


@st.composite
def arrays(draw, shape=shapes, dtype=dtypes, small=True):
    return laid_out(make(draw(shape), draw(dtype), draw(seeds), small), draw(layouts))


@st.composite
def arrays_with_axis(draw, **keywords):
    array = draw(arrays(**keywords))
    return array, draw(st.one_of(st.none(), st.integers(-array.ndim, array.ndim - 1)))


def wait_for(condition, seconds=20):
    """The first result of condition that is neither None nor False; asking is what passes the time."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result is not None and result is not False:
            return result
        assert time.monotonic() < deadline, "the condition did not come true in time"


# A kernel that crashes: what depends on its result is poisoned.
CRASH = b"""
define double @crash(double %x) {
  %p = inttoptr i64 8 to ptr
  store volatile double %x, ptr %p
  ret double %x
}
"""

# A kernel that does not end.
SPIN = b"""
define double @spin(double %x) {
entry:
  %slot = alloca i64
  br label %loop
loop:
  %i = load volatile i64, ptr %slot
  %j = add i64 %i, 1
  store volatile i64 %j, ptr %slot
  %more = icmp ne i64 %j, -1
  br i1 %more, label %loop, label %done
done:
  ret double %x
}
"""
