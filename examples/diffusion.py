"""Smooth a terrain by diffusion: a stencil kernel in C over the pieces of an elevation model, each with its neighbours' edges.

The data is the elevation model of Jacksboro, Tennessee, that comes with Matplotlib.
Run: scripts/with python3 examples/diffusion.py
"""
import argparse
import pathlib
import time

import numpy as np

import farhand as fh

KERNEL = pathlib.Path(__file__).with_name("kernels") / "diffuse.c"
RATE = 0.2


def heights():
    from matplotlib import cbook

    with np.load(cbook.get_sample_data("jacksboro_fault_dem.npz", asfileobj=False)) as archive:
        return archive["elevation"].astype(np.float64)


def step(z):
    """What the kernel does, in NumPy."""
    wide = np.pad(z, 1, mode="edge")
    return z + RATE * (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * z)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--picture", help="where a picture of before and after goes")
    options = parser.parse_args()

    session = fh.connect()
    diffuse = fh.kernel.from_c(KERNEL.read_text(), "diffuse")
    local = heights()
    z = fh.scatter(local, axis=0)
    began, before = time.perf_counter(), session.stats()["engine_bytes"]
    for _ in range(options.steps):
        z = diffuse.map(z, RATE, halo=(1, 0))
    smooth = fh.gather(z)
    seconds = time.perf_counter() - began
    print(f"{options.steps} steps over {len(session.engines)} engines in {1000 * seconds:.0f} ms; from engine to engine went "
          f"{session.stats()['engine_bytes'] - before:,} bytes")
    expected = local
    for _ in range(options.steps):
        expected = step(expected)
    print("equal:", np.allclose(smooth, expected))
    if options.picture:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(1, 2, figsize=(12, 5))
        for axis, data, title in zip(axes, (local, smooth), ("before", f"after {options.steps} steps")):
            axis.imshow(data, cmap="terrain")
            axis.set_title(title)
        figure.savefig(options.picture, dpi=110)
        print("picture:", options.picture)


if __name__ == "__main__":
    main()
