"""Conjugate gradients: scalars of products decide when to stop."""
import math


def run(np, normal, integers):
    n = 50
    A = np.diag(np.full(n, 4.0)) + np.diag(-np.ones(n - 1), 1) + np.diag(-np.ones(n - 1), -1)
    b = np.arange(n, dtype=float)
    x = np.zeros_like(b)
    r = b - A.dot(x)
    p = r.copy()
    rs = r @ r
    k = 0
    while math.sqrt(rs) > 1e-10 and k < 200:
        Ap = A @ p
        al = rs / (p @ Ap)
        x += al * p
        r -= al * Ap
        rn = r @ r
        p = r + rn / rs * p
        rs = rn
        k += 1
    return (x, k, np.allclose(A @ x, b))
