"""What contestants compute on, where it must be the same for all."""
import numpy as np

MATHS = ("exp", "sin", "cos", "tan", "log", "tanh", "sqrt", "power")


def maths_from(n):
    """What the functions get; power takes it to the power of 1.5."""
    return np.linspace(0.1, 10.0, n)


def applied(module, name, x):
    """A function of a module that has NumPy's names."""
    return module.power(x, 1.5) if name == "power" else getattr(module, name)(x)


# As numexpr takes them.
FORMULAS = {"waves": "exp(x) * sin(x)", "sigmoid": "1 / (1 + exp(-x))", "softplus": "log1p(exp(x))"}


def formula(name, x):
    """A formula of functions, in NumPy's words."""
    if name == "waves":
        return np.exp(x) * np.sin(x)
    return 1 / (1 + np.exp(-x)) if name == "sigmoid" else np.log1p(np.exp(x))


def arithmetic_from(n):
    """Three vectors, and a matrix of their size with rows of 1,000."""
    return *(np.full(n, value) for value in (1.0, 2.0, 3.0)), np.ones((n // 1000, 1000))


def chosen_from(n):
    """n doubles, a mask of half of them, and a million indices at random (fewer of fewer)."""
    rng = np.random.default_rng(1)
    x = rng.random(n)
    return x, x > 0.5, rng.integers(0, n, min(n, 10**6))
