"""A reduction of one's own: the variance in one pass, with a state of three numbers.  Run: scripts/with python3 examples/variance.py"""
import pathlib

import numpy as np

import farhand as fh

KERNEL = pathlib.Path(__file__).with_name("kernels") / "moments.c"


def main():
    variance = fh.kernel.from_c(KERNEL.read_text(), "moments")
    print(variance)
    local = 1e6 + np.random.default_rng(4).normal(size=(400, 300)) # far from 0: the textbook's formula loses all digits here
    d = fh.scatter(local, axis=0)
    print("over everything:", float(variance.reduce(d, axis=None)))
    columns = fh.gather(variance.reduce(d, axis=0))
    print("of the first columns:", columns[:3])
    print("equal:", np.allclose(columns, local.var(axis=0)) and np.isclose(float(variance.reduce(d, axis=None)), local.var()))


if __name__ == "__main__":
    main()
