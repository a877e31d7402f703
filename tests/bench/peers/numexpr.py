"""numexpr in the client's own process, two threads."""
import numexpr
import numpy as np

from compare.timing import median_of

VERSION = numexpr.__version__


class Contestant:
    def __init__(self):
        numexpr.set_num_threads(2)

    def close(self):
        pass

    def sums(self, n):
        x = np.ones(n)
        return {"sum": median_of(3, lambda: numexpr.evaluate("sum(x)", {"x": x}))}

    def fused(self, n):
        operands = {"a": np.ones(n), "b": np.full(n, 2.0), "c": np.full(n, 3.0)}
        return {"fused": median_of(3, lambda: numexpr.evaluate("sum(a*b + c)", operands))}

    def maths(self, n):
        x = {"x": np.linspace(0.0, 10.0, n)}
        return {name: median_of(5, lambda: numexpr.evaluate(f"{name}(x)", x)) for name in ("exp", "sin")}
