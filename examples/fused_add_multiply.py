"""(a + b) * c on 32-bit integers: three ways to the same numbers.  Run: scripts/with python3 examples/fused_add_multiply.py"""
import numpy as np

import farhand as fh

SOURCE = "int32_t add_multiply(int32_t a, int32_t b, int32_t c) { return (a + b) * c; }"


def main():
    rng = np.random.default_rng(3)
    a, b, c = (rng.integers(-1000, 1000, 1_000_000, dtype=np.int32) for _ in range(3))
    local = (a + b) * c
    ra, rb, rc = (fh.scatter(x) for x in (a, b, c))
    step_by_step = (ra + rb) * rc  # two loops, one temporary
    add_multiply = fh.kernel.from_c(SOURCE, "add_multiply")
    fused = add_multiply(ra, rb, rc)  # one loop, memory read once
    print(add_multiply)
    print("dtype:", fused.dtype, "sum:", int(fused.sum()))
    print("equal:", np.array_equal(fh.gather(step_by_step), local) and np.array_equal(fh.gather(fused), local))


if __name__ == "__main__":
    main()
