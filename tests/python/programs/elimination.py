"""Elimination by rows, each written in place."""


def run(np, normal, integers):
    A = normal(60, 5, 5)
    n = 5
    U = A.copy()
    L = np.eye(n)
    for i in range(n):
        for j in range(i + 1, n):
            f = U[j, i] / U[i, i]
            L[j, i] = f
            U[j] -= f * U[i]
    return (L, U)
