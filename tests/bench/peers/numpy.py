"""NumPy in the client's own process: one thread, but OpenBLAS takes as many as there are CPUs."""
import numpy as np

from compare.inputs import FORMULAS, MATHS, applied, arithmetic_from, chosen_from, formula, maths_from
from compare.timing import median_of

VERSION = np.__version__


class Contestant:
    def close(self):
        pass

    def sums(self, n):
        x = np.ones(n)
        return {"sum": median_of(5, x.sum), "mean": median_of(5, x.mean)}

    def chosen(self, n):
        x, mask, indices = chosen_from(n)
        return {"mask": median_of(3, lambda: x[mask]), "take": median_of(5, lambda: x[indices])}

    def fused(self, n):
        a, b, c = (np.full(n, value) for value in (1.0, 2.0, 3.0))
        return {"fused": median_of(3, lambda: (a * b + c).sum())}

    def matmul(self, n):
        a, b = (np.random.default_rng(seed).random((n, n)) for seed in (1, 2))
        return {"time": median_of(1, lambda: a @ b)}

    def factors(self, n):
        rng = np.random.default_rng(1)
        a, b = rng.standard_normal((n, n)), rng.standard_normal((n, 1))
        definite = a @ a.T / n + np.eye(n)
        return {"cholesky": median_of(1, lambda: np.linalg.cholesky(definite)), "solve": median_of(1, lambda: np.linalg.solve(a, b))}

    def maths(self, n):
        x = maths_from(n)
        return {name: median_of(5, lambda: applied(np, name, x)) for name in MATHS}

    def arithmetic(self, n):
        a, b, c, x = arithmetic_from(n)
        return {"chain": median_of(5, lambda: a * b + c), "means": median_of(5, lambda: x.mean(axis=0))}

    def formulas(self, n):
        x = maths_from(n)
        return {name: median_of(5, lambda: formula(name, x)) for name in FORMULAS}

    def random(self, n):
        """The same generator as farhand's."""
        generator = np.random.Generator(np.random.Philox(1))
        return {"uniform": median_of(3, lambda: generator.random(n)), "normal": median_of(3, lambda: generator.standard_normal(n))}

    def sorting(self, n):
        x = np.random.default_rng(1).normal(size=n)
        return {"sort": median_of(1, lambda: np.sort(x)), "argsort": median_of(1, lambda: np.argsort(x)), "running": median_of(3, lambda: np.cumsum(x)),
                "histogram": median_of(1, lambda: np.histogram(x, 100, (-5, 5)))}
