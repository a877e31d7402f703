"""xarray over remote arrays: labels here, numbers on the engines; only what is printed comes back.

usage: scripts/with python3 examples/xarray_means.py    (needs the package xarray)
"""
import os

import numpy as np
import xarray as xr

import farhand as fh


def main():
    rng = np.random.default_rng(1)
    days = np.arange("2020-01-01", "2022-01-01", dtype="datetime64[D]")
    local = 10 * np.sin(np.arange(days.size) * 2 * np.pi / 365)[:, None] + rng.normal(size=(days.size, 50))
    temperature = xr.DataArray(fh.scatter(local), dims=("day", "place"), coords={"day": days}, name="temperature")

    monthly = temperature.groupby("day.month").mean()
    anomaly = temperature - temperature.mean("day")
    warm = anomaly.where(anomaly > 0).count("day")
    print(f"means of months: {type(monthly.data).__name__} {monthly.shape}")
    print(f"days above the mean: {type(warm.data).__name__} {warm.shape}")

    expected = xr.DataArray(local, dims=("day", "place"), coords={"day": days}).groupby("day.month").mean()
    print("equal:", bool(np.allclose(fh.gather(monthly.data), expected.values)))


if __name__ == "__main__":
    if "FARHAND_CONNECTION" in os.environ:
        main()
    else:
        with fh.Cluster(2):
            main()
