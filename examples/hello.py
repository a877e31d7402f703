"""Two engines, one array, one sum.  Run: scripts/with python3 examples/hello.py"""
import numpy as np

import farhand as fh


def main():
    a = np.arange(12.0).reshape(4, 3)
    d = fh.scatter(a, axis=0)  # a piece on each engine
    s = (2 * d + 1).sum(axis=0)  # computed there
    print(d)
    print("sum:", fh.gather(s))
    print("equal:", np.array_equal(fh.gather(s), (2 * a + 1).sum(axis=0)))


if __name__ == "__main__":
    main()
