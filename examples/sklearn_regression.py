"""Features are made on the engines, scikit-learn gets the small matrix that is left.

usage: scripts/with python3 examples/sklearn_regression.py    (needs the package scikit-learn)
"""
import os

import numpy as np
from sklearn.linear_model import LinearRegression

import farhand as fh


def main():
    rng = fh.random.default_rng(3)
    x = rng.standard_normal((200_000, 8))  # made by the engines, each its piece
    noise = rng.standard_normal(200_000)
    weights = np.arange(1.0, 9.0)
    y = x @ weights + 0.1 * noise

    # Least squares needs only the sums of products: 8 x 8 numbers come back.
    centred, target = x - x.mean(axis=0), y - y.mean()
    found = np.linalg.solve(fh.gather(centred.T @ centred), fh.gather(centred.T @ target))
    print("weights:", np.round(found, 2))

    # Estimators take remote arrays too, and fetch them: here a sample.
    sample = rng.choice(200_000, 5_000, replace=False)
    model = LinearRegression().fit(x[sample], y[sample])
    print("of a sample:", np.round(model.coef_, 2))
    print("equal:", bool(np.allclose(found, weights, atol=0.01) and np.allclose(model.coef_, weights, atol=0.02)))


if __name__ == "__main__":
    if "FARHAND_CONNECTION" in os.environ:
        main()
    else:
        with fh.Cluster(2):
            main()
