"""Bodies that attract each other, moved in steps: each engine computes its own bodies' accelerations from all positions.

Run: scripts/with python3 examples/nbody.py
"""
import argparse
import pathlib

import numpy as np

import farhand as fh

KERNEL = pathlib.Path(__file__).with_name("kernels") / "accelerations.c"
DT = 0.01


def bodies(n):
    rng = np.random.default_rng(6)
    return rng.normal(size=(n, 3)), 0.1 * rng.normal(size=(n, 3)), rng.uniform(0.5, 1.5, n) / n


def accelerations(position, mass):
    """What the kernel does, in NumPy."""
    away = position[None, :, :] - position[:, None, :]
    weight = mass / ((away ** 2).sum(axis=2) + 1e-4) ** 1.5
    return (away * weight[:, :, None]).sum(axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()

    kernel = fh.kernel.from_c(KERNEL.read_text(), "accelerations")
    position, velocity, mass = bodies(options.bodies)
    x, v = fh.scatter(position, axis=0), fh.scatter(velocity, axis=0)
    for _ in range(options.steps): # kick, drift, kick: leapfrog
        everyone = np.vstack([fh.gather(x).T, mass])
        v = v + (DT / 2) * kernel.map(x, everyone)
        x = x + DT * v
        everyone = np.vstack([fh.gather(x).T, mass])
        v = v + (DT / 2) * kernel.map(x, everyone)
    for _ in range(options.steps):
        velocity = velocity + (DT / 2) * accelerations(position, mass)
        position = position + DT * velocity
        velocity = velocity + (DT / 2) * accelerations(position, mass)
    print(f"{options.bodies} bodies, {options.steps} steps; mean speed {np.linalg.norm(fh.gather(v), axis=1).mean():.4f}")
    print("equal:", np.allclose(fh.gather(x), position) and np.allclose(fh.gather(v), velocity))


if __name__ == "__main__":
    main()
