"""Shade a terrain: the slopes of an elevation model by array operations, the light on them by a kernel written in C, all on the
engines.

The data is the elevation model of Jacksboro, Tennessee, that comes with Matplotlib (344 x 403 heights in metres), or any
two-dimensional .npy file.  Run: scripts/quickstart, or scripts/with python3 examples/elevation.py
"""
import argparse
import pathlib
import time

import numpy as np

import farhand as fh

KERNEL = pathlib.Path(__file__).with_name("kernels") / "shade.c"
LIGHT = np.radians(315), np.radians(45)  # from the north-west, half way up; as in the kernel


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cluster", help="connection file or name of a cluster; default: the default one")
    parser.add_argument("--data", help="a two-dimensional .npy file of heights in metres")
    parser.add_argument("--spacing", type=float, default=30.0, help="metres between two heights (30)")
    parser.add_argument("--picture", default="elevation.png", help="where the picture goes (elevation.png)")
    return parser.parse_args()


def load(path):
    if path:
        return np.load(path).astype(np.float64)
    from matplotlib import cbook

    with np.load(cbook.get_sample_data("jacksboro_fault_dem.npz", asfileobj=False)) as archive:
        return archive["elevation"].astype(np.float64)


def gradient(z, spacing):
    """Slopes to the south and to the east of the inner points, by central differences."""
    south = (z[2:, 1:-1] - z[:-2, 1:-1]) / (2 * spacing)
    east = (z[1:-1, 2:] - z[1:-1, :-2]) / (2 * spacing)
    return south, east


def shade(south, east):
    """What the kernel does, in NumPy."""
    azimuth, altitude = LIGHT
    slope = np.arctan(np.sqrt(south * south + east * east))
    aspect = np.arctan2(south, -east)
    light = np.sin(altitude) * np.cos(slope) + np.cos(altitude) * np.sin(slope) * np.cos(azimuth - np.pi / 2 - aspect)
    return np.clip(light, 0.0, 1.0)


def draw(path, heights, light):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 7))
    axes.imshow(heights[1:-1, 1:-1], cmap="terrain")
    axes.imshow(light, cmap="gray", alpha=0.55)
    axes.set_title("Shaded on the engines")
    figure.savefig(path, dpi=110)


def main():
    options = arguments()
    session = fh.connect(options.cluster)
    local = load(options.data)
    heights = fh.scatter(local, axis=0)
    print(f"{local.shape[0]} x {local.shape[1]} heights, {local.nbytes:,} bytes, on {len(session.engines)} engines: "
          f"rows {heights.bounds}")
    kernel = fh.kernel.from_c(KERNEL.read_text(), "shade")
    print(f"kernel {kernel.signature} from {KERNEL.name}, compiled on the engines")

    before, began = session.stats(), time.perf_counter()
    light = kernel(*gradient(heights, options.spacing))
    print(f"lowest {float(heights.min()):.0f} m, highest {float(heights.max()):.0f} m, mean {float(heights.mean()):.1f} m, "
          f"mean light {float(light.mean()):.3f}")
    remote_ms = 1000 * (time.perf_counter() - began)
    after = session.stats()
    moved = {name: after[name] - before[name] for name in ("array_bytes_received", "shared_bytes", "engine_bytes")}
    print(f"stayed on the engines: heights, slopes and light ({heights.nbytes + 3 * light.nbytes:,} bytes); here came "
          f"{moved['array_bytes_received'] + moved['shared_bytes']} bytes, from engine to engine went {moved['engine_bytes']:,}")

    picture = fh.gather(light)
    began = time.perf_counter()
    expected = shade(*gradient(local, options.spacing))
    local_ms = 1000 * (time.perf_counter() - began)
    if not np.allclose(picture, expected, atol=1e-12):
        raise SystemExit("the engines' result differs from NumPy's")
    print(f"the same as NumPy's result, to {np.abs(picture - expected).max():.0e}; engines {remote_ms:.1f} ms with four values read, "
          f"NumPy {local_ms:.1f} ms for the light alone")
    draw(options.picture, local, picture)
    print(f"picture: {options.picture}")


if __name__ == "__main__":
    main()
