"""Random programs of many steps give what NumPy gives: views, writes, joints, layouts and operations mixed."""
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle import make, same

import farhand as fh


def view_of(local, key):
    """local[key] as an array even where NumPy would give a scalar."""
    key = key if isinstance(key, tuple) else (key,)
    return local[key if any(part is Ellipsis for part in key) else (*key, ...)]


class Program:
    """Pairs of a NumPy array and its remote twin.  Views are views on both sides; what NumPy may copy is copied."""

    def __init__(self, data):
        self.data = data
        self.pairs = []
        self.log = []

    def draw(self, strategy):
        return self.data.draw(strategy)

    def pick(self):
        i = self.draw(st.integers(0, len(self.pairs) - 1))
        return i, *self.pairs[i]

    def keep(self, text, local, remote):
        self.log.append(f"a{len(self.pairs)} = {text}")
        self.pairs.append((np.asarray(local), remote))
        assert remote.shape == np.shape(local), self.log

    def scatter(self):
        shape = self.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
        dtype = self.draw(st.sampled_from(["int64", "float64"]))
        axis = self.draw(st.one_of(st.none(), st.integers(0, len(shape) - 1)))
        local = make(shape, dtype, self.draw(st.integers(0, 99)), True)
        blocksize = self.draw(st.one_of(st.none(), st.integers(1, 4)))
        blocksize = None if axis is None else blocksize
        self.keep(f"scatter{shape} {dtype} axis={axis} blocksize={blocksize}", local,
                  fh.scatter(local.copy(), axis=axis, blocksize=blocksize))

    def index(self):
        i, local, remote = self.pick()
        key = self.draw(hnp.basic_indices(local.shape, allow_newaxis=True, allow_ellipsis=True))
        self.keep(f"a{i}[{key}]", local[key], remote[key])  # one element is a copy, as NumPy's scalars

    def transpose(self):
        i, local, remote = self.pick()
        axes = tuple(self.draw(st.permutations(range(local.ndim))))
        self.keep(f"a{i}.transpose{axes}", local.transpose(axes), remote.transpose(axes))

    def reshape(self):
        i, local, remote = self.pick()
        shape = self.draw(st.sampled_from([(-1,), (1, -1), (-1, 1), local.shape[::-1]]))
        if local.size or -1 not in shape:
            self.keep(f"a{i}.reshape{shape}", local.reshape(shape).copy(), remote.reshape(shape).copy())

    def reshard(self):
        i, local, remote = self.pick()
        axis = self.draw(st.one_of(st.none(), st.integers(0, local.ndim - 1))) if local.ndim else None
        self.keep(f"a{i}.reshard({axis})", local.copy(), remote.reshard(axis).copy())

    def binary(self):
        (i, a, ra), (j, b, rb) = self.pick(), self.pick()
        ufunc = self.draw(st.sampled_from([np.add, np.subtract, np.multiply, np.maximum, np.less, np.equal]))
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            return
        if a.dtype == bool and b.dtype == bool and ufunc is np.subtract or np.prod(shape, initial=1) > 10_000:
            return
        local_first, local_second = self.draw(st.sampled_from([(False, False), (True, False), (False, True)]))
        self.keep(f"{ufunc.__name__}(a{i}, a{j})", ufunc(a, b), ufunc(a if local_first else ra, b if local_second else rb))

    def concatenate(self):
        i, local, remote = self.pick()
        if not local.ndim or local.size > 2000:
            return
        axis = self.draw(st.integers(0, local.ndim - 1))
        partner = self.draw(st.integers(0, len(self.pairs) - 1))
        b, rb = self.pairs[partner]
        fits = b.ndim == local.ndim and all(b.shape[k] == local.shape[k] for k in range(local.ndim) if k != axis)
        if not fits:
            partner, b, rb = i, local, remote
        # Where nothing moves the joint shares memory with its parts; NumPy's never does.
        self.keep(f"concatenate(a{i}, a{partner}, {axis})", np.concatenate([local, b], axis),
                  fh.concatenate([remote, rb], axis).copy())

    def reduce(self):
        i, local, remote = self.pick()
        axis = self.draw(st.one_of(st.none(), st.integers(0, local.ndim - 1))) if local.ndim else None
        name = self.draw(st.sampled_from(["sum", "max", "any"]))
        if local.size and np.abs(local).max() < 2**40 or name == "any":
            self.keep(f"a{i}.{name}({axis})", getattr(local, name)(axis=axis), getattr(remote, name)(axis=axis))

    def assign(self):
        (i, local, remote), (j, value, rvalue) = self.pick(), self.pick()
        key = self.draw(hnp.basic_indices(local.shape, allow_ellipsis=True))
        target = view_of(local, key)
        try:
            np.broadcast_to(value, target.shape)
        except ValueError:
            value = rvalue = self.draw(st.integers(-5, 5))
        self.log.append(f"a{i}[{key}] = a{j}")
        remote[key] = rvalue
        target[...] = np.array(value)

    def add_in_place(self):
        i, local, remote = self.pick()
        if local.dtype == bool:
            return
        number = self.draw(st.integers(-5, 5))
        self.log.append(f"a{i} += {number}")
        local += number
        remote += number

    STEPS = ["scatter", "index", "transpose", "reshape", "reshard", "binary", "concatenate", "reduce", "assign", "add_in_place"]


@settings(max_examples=4 * settings.get_profile("farhand").max_examples)
@given(data=st.data())
def test_random_program_gives_what_numpy_gives(clusters, data):
    program = Program(data)
    program.scatter()
    for step in data.draw(st.lists(st.sampled_from(Program.STEPS), min_size=1, max_size=14)):
        getattr(program, step)()
    for number, (local, remote) in enumerate(program.pairs):
        try:
            same(fh.gather(remote), local, 1e-9 if local.dtype.kind == "f" else 0.0)
        except AssertionError as problem:
            raise AssertionError(f"a{number} differs after {program.log}\n{problem}") from None
