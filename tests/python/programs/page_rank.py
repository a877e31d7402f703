"""Pages ranked: columns chosen by masks, iteration until it stands."""


def run(np, normal, integers):
    n = 12
    A = (normal(28, n, n) > 0.5).astype(float)
    np.fill_diagonal(A, 0)
    dang = A.sum(0) == 0
    A[:, dang] = 1.0 / n
    M = A / A.sum(axis=0)
    r = np.ones(n) / n
    for it in range(100):
        rn = 0.85 * M @ r + 0.15 / n
        if np.abs(rn - r).sum() < 1e-10:
            break
        r = rn
    return (r, it, np.argsort(-r)[:3])
