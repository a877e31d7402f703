"""The functions that numpy.random had before generators: rand, seed, RandomState and their like, over farhand's streams.

Names, arguments and distributions are NumPy's, the numbers are those of fh.random.default_rng(seed): not NumPy's, whose Mersenne
twister can be entered at its beginning only.
"""
import numpy as np
from numpy.random import Philox

from .array import Array
from .errors import error
from .random import Generator, _seed


class RandomState(Generator):
    """As numpy.random.RandomState, with remote arrays and a Philox beneath."""

    def __init__(self, seed=None):
        super().__init__(seed if isinstance(seed, Philox) else Philox(_seed(seed)))

    def __repr__(self):
        return "farhand.random.RandomState(Philox)"

    def __reduce__(self):
        return RandomState, (self._bit_generator,)

    def seed(self, seed=None):
        """Begin the stream of that seed."""
        Generator.__init__(self, Philox(_seed(seed)))

    def get_state(self, legacy=False):
        """The state of the stream: a dict for set_state."""
        return self._bit_generator.state

    def set_state(self, state):
        """Go on from where get_state was called."""
        if not isinstance(state, dict) or state.get("bit_generator") != "Philox":
            raise error("INVALID_ARGUMENT", "the state is that of a Philox, a dict as get_state gives it")
        self._bit_generator.state = state

    def random_sample(self, size=None, **layout):
        """Uniform over [0, 1)."""
        return self.random(size, **layout)

    sample = ranf = random_sample

    def rand(self, *shape, **layout):
        """Uniform over [0, 1), of that shape; a number without one."""
        return self.random(shape or None, **layout)

    def randn(self, *shape, **layout):
        """Normal numbers of that shape; a number without one."""
        return self.standard_normal(shape or None, **layout)

    def randint(self, low, high=None, size=None, dtype=int, **layout):
        """Integers from low to high - 1; from 0 to low - 1 where only one is given."""
        found = self.integers(low, high, size, dtype, **layout)
        return int(found) if size is None and not isinstance(found, Array) and np.ndim(found) == 0 and dtype is int else found

    def random_integers(self, low, high=None, size=None, **layout):
        """Integers from low to high, both included; from 1 to low where only one is given."""
        low, high = (1, low) if high is None else (low, high)
        return self.integers(low, high, size, endpoint=True, **layout)

    def tomaxint(self, size=None, **layout):
        """Integers that are not negative, of all that there are."""
        return self.integers(0, np.iinfo(int).max, size, endpoint=True, **layout)


_shared = RandomState()  # what the functions without a generator draw from
NAMES = tuple(sorted(name for name in dir(RandomState) if not name.startswith("_") and hasattr(np.random, name)))


def function(name):
    """numpy.random.NAME of the stream that all such functions share."""
    return getattr(_shared, name)
