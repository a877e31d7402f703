"""Regression by gradient descent, with losses in a list."""


def run(np, normal, integers):
    X = np.c_[np.ones(80), normal(23, 80, 2)]
    y = (X[:, 1] + X[:, 2] > 0).astype(float)
    w = np.zeros(3)
    losses = []
    for _ in range(50):
        p = 1 / (1 + np.exp(-X @ w))
        g = X.T @ (p - y) / len(y)
        w -= 0.5 * g
        losses.append(-np.mean(y * np.log(p + 1e-09) + (1 - y) * np.log(1 - p + 1e-09)))
    return (w, losses[-1], ((p > 0.5) == y).mean(), np.array(losses))
