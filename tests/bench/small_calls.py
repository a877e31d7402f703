"""What small operations on remote arrays cost in Python, beside NumPy's own on local ones: 100 elements, on one engine and in two pieces.

Each turn makes some hundreds of one call and then waits until the engines are through; results are dropped at once.  Calls that read a
value wait for it each time.
"""
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np

import farhand as fh

TURNS, CALLS = 15, 400
WORKS = {
    "x + 1": lambda x: x + 1,
    "np.add(x, 1)": lambda x: np.add(x, 1),
    "np.add(x, x)": lambda x: np.add(x, x),
    "np.exp(x)": lambda x: np.exp(x),
    "np.maximum(x, 0.5)": lambda x: np.maximum(x, 0.5),
    "x.sum()": lambda x: x.sum(),
    "np.sum(x)": lambda x: np.sum(x),
    "x.mean()": lambda x: x.mean(),
    "x[3]": lambda x: x[3],
    "x[1:5]": lambda x: x[1:5],
    "x.reshape(10, 10)": lambda x: x.reshape(10, 10),
    "np.where(x > 0.5, x, 0)": lambda x: np.where(x > 0.5, x, 0),
    "float(x[3])": lambda x: float(x[3]),
    "float(x.sum())": lambda x: float(x.sum()),
    "float((x + x).sum())": lambda x: float((x + x).sum()),
    "float(x.max())": lambda x: float(x.max()),
    "float(x.mean())": lambda x: float(x.mean()),
    "bool((x > 2).any())": lambda x: bool((x > 2).any()),
}


def turn(work, x, wait):
    begin = time.perf_counter()
    for _ in range(CALLS):
        work(x)
    wait()
    return (time.perf_counter() - begin) / CALLS * 1e6


def measure(engines):
    subprocess.run(["farhand", "up", "-n", str(engines), "--threads", "1", "--name", "small"], check=True, stdout=subprocess.DEVNULL)
    try:
        with fh.connect("small") as session:
            local = np.random.default_rng(1).random(100)
            remote = fh.scatter(local)
            for name, work in WORKS.items():
                ours, theirs = [], []
                for _ in range(TURNS):
                    ours.append(turn(work, remote, session.sync))
                    theirs.append(turn(work, local, lambda: None))
                value, limit = statistics.median(ours[2:]), statistics.median(theirs[2:])
                print(json.dumps({"bench": "small_calls", "case": name, "engines": engines, "value": value, "unit": "us", "limit": limit,
                                  "limit_name": "NumPy, a local array", "ratio": value / limit}), flush=True)
    finally:
        subprocess.run(["farhand", "down", "--name", "small"], check=True, stdout=subprocess.DEVNULL)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        os.environ.pop("FARHAND_CONNECTION", None)
        for engines in (1, 2):
            measure(engines)


if __name__ == "__main__":
    main()
