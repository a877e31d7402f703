"""numexpr in the client's own process, two threads."""
import numexpr
import numpy as np

from compare.inputs import FORMULAS, MATHS, arithmetic_from, maths_from
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
        x = {"x": maths_from(n)}
        texts = {name: "x ** 1.5" if name == "power" else f"{name}(x)" for name in MATHS}
        return {name: median_of(5, lambda: numexpr.evaluate(text, x)) for name, text in texts.items()}

    def formulas(self, n):
        x = {"x": maths_from(n)}
        return {name: median_of(5, lambda: numexpr.evaluate(text, x)) for name, text in FORMULAS.items()}

    def arithmetic(self, n):
        a, b, c, x = arithmetic_from(n)
        operands, matrix = {"a": a, "b": b, "c": c}, {"x": x}
        return {"chain": median_of(5, lambda: numexpr.evaluate("a*b + c", operands)),
                "means": median_of(5, lambda: numexpr.evaluate("sum(x, axis=0)", matrix) / len(x))}
