"""Indices as NumPy takes them, with masks and integer arrays in them."""
import numpy as np
from hypothesis import strategies as st


def _slices(extent):
    bound = st.one_of(st.none(), st.integers(-extent - 2, extent + 2))
    return st.builds(slice, bound, bound, st.one_of(st.none(), st.integers(1, 4), st.integers(-4, -1)))


@st.composite
def index_arrays(draw, extent, shape):
    """Integers for an axis of that extent."""
    if extent == 0:
        shape = tuple(0 for _ in shape)
    low, high = (-extent, extent - 1) if extent else (0, 0)
    count = int(np.prod(shape))
    values = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    return np.array(values, draw(st.sampled_from([np.int64, np.int8, np.int32]))).reshape(shape)


@st.composite
def masks(draw, shape):
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.6, 1.0]))


@st.composite
def keys(draw, shape):
    """A key with at least one array in it.  Arrays of one key broadcast: to (2, 3), (3,) or one element."""
    mask_only = draw(st.booleans())
    key, axis, arrays, ellipsis = [], 0, 0, False
    while axis < len(shape):
        what = draw(st.sampled_from(["array", "mask", "slice", "slice", "int", "new", "ellipsis", "end"]))
        if what == "new":
            key.append(None)
            if len(key) > 8:
                break
        elif what == "ellipsis" and not ellipsis:
            skipped = draw(st.integers(0, len(shape) - axis))
            key.append(Ellipsis)
            axis += skipped
            ellipsis = len(shape) - axis  # what stands behind must be used up
        elif what == "slice":
            key.append(draw(_slices(shape[axis])))
            axis += 1
        elif what == "int" and shape[axis]:
            key.append(draw(st.integers(-shape[axis], shape[axis] - 1)))
            axis += 1
        elif what == "mask" and (not arrays or not mask_only) and arrays == 0:
            ndim = draw(st.integers(1, min(2, len(shape) - axis)))
            key.append(draw(masks(shape[axis:axis + ndim])))
            axis += ndim
            arrays += 1
            mask_only = True
        elif what == "array" and not (arrays and mask_only):
            mask_only = False
            key.append(draw(index_arrays(shape[axis], draw(st.sampled_from([(3,), (2, 3), (1,), (2, 1)])))))
            axis += 1
            arrays += 1
        elif what == "end" and arrays and ellipsis is False:
            break
    if not arrays:
        key = [draw(masks(shape))]
    return tuple(key) if len(key) > 1 or draw(st.booleans()) else key[0]
