"""What the calls in rows.py take, by the names that they have there."""
import math

import numpy as np


def _vectors(n, rng):
    x = rng.standard_normal(n)
    return {
        "x": x, "y": rng.standard_normal(n), "w": x.copy(), "u": rng.uniform(0.05, 0.95, n), "p": rng.uniform(1.0, 9.0, n),
        "s": np.sort(x), "nan": np.where(rng.random(n) < 0.01, np.nan, x),
        "f": x.astype(np.float32), "fp": rng.uniform(1.0, 9.0, n).astype(np.float32),
        "i": rng.integers(1, 100, n), "j": rng.integers(1, 20, n), "h": rng.integers(1, 100, n, dtype=np.int32),
        "b": rng.integers(0, 100, n, dtype=np.uint8), "big": rng.integers(0, 1 << 40, n),
        "m": x > 0, "o": np.zeros(n, bool), "c": x[: n // 2] + 1j * x[n // 2:],
        "k": rng.integers(0, n, n // 10), "r": rng.integers(0, 3, n),
    }


def _matrices(n, rng):
    side = math.isqrt(n)
    small = min(side, 600)
    square, middle = rng.standard_normal((small, small)), rng.standard_normal((min(side, 1000),) * 2)
    return {
        "A": rng.standard_normal((side, side)), "T": rng.standard_normal((n // 100, 100)),
        "V": rng.standard_normal(side), "K": rng.integers(0, side, side), "I": rng.integers(0, side, (side, side)),
        "S": square, "D": square @ square.T + small * np.eye(small), "R": rng.standard_normal((small, 4)),
        "L": rng.standard_normal((n // 64, 64)), "Q": rng.standard_normal((n // 16, 4, 4)) + 4 * np.eye(4),
        "Q4": rng.standard_normal((n // 16, 4)),
        "B": middle, "Bf": middle.astype(np.float32), "Bi": rng.integers(0, 100, (300, 300)),
        "E": np.linspace(-4, 4, 1001), "F": rng.standard_normal(1001), "G": rng.standard_normal(31),
    }


def made(n):
    rng = np.random.default_rng(1)
    return {**_vectors(n, rng), **_matrices(n, rng)}
