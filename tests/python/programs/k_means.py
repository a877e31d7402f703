"""Clusters: distances by broadcasting, a mean for each label, until nothing moves."""


def run(np, normal, integers):
    X = np.concatenate([normal(6, 50, 2) + c for c in ((0, 0), (5, 5), (0, 5))])
    C = X[[0, 60, 120]].copy()
    for it in range(20):
        d = np.linalg.norm(X[:, None, :] - C[None, :, :], axis=2)
        lab = d.argmin(axis=1)
        new = np.array([X[lab == k].mean(axis=0) for k in range(3)])
        if np.allclose(new, C):
            break
        C = new
    return (C, lab, np.bincount(lab), it)
