"""Numbers on the engines, a table of what came out here.

usage: scripts/with python3 examples/pandas_frame.py    (needs the package pandas)
"""
import os

import numpy as np
import pandas as pd

import farhand as fh


def main():
    rng = fh.random.default_rng(11)
    shop = rng.integers(0, 5, 1_000_000)  # a million sales, made and kept by the engines
    amount = rng.gamma(2.0, 10.0, 1_000_000)

    count = np.bincount(shop)
    total = np.bincount(shop, weights=amount)
    largest = [amount[shop == i].max() for i in range(5)]
    table = pd.DataFrame({"sales": count, "amount": total, "mean": total / count, "largest": np.stack(largest)})
    print(table.round(2))

    local = pd.DataFrame({"shop": fh.gather(shop), "amount": fh.gather(amount)}).groupby("shop")["amount"]
    print("equal:", bool(np.allclose(table["mean"], local.mean()) and np.allclose(table["largest"], local.max())))


if __name__ == "__main__":
    if "FARHAND_CONNECTION" in os.environ:
        main()
    else:
        with fh.Cluster(2):
            main()
