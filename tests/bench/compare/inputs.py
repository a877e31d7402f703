"""What contestants compute on, where it must be the same for all."""
import numpy as np


def chosen_from(n):
    """n doubles, a mask of half of them, and a million indices at random (fewer of fewer)."""
    rng = np.random.default_rng(1)
    x = rng.random(n)
    return x, x > 0.5, rng.integers(0, n, min(n, 10**6))
