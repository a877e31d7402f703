"""Gram and Schmidt, column by column."""


def run(np, normal, integers):
    A = normal(59, 5, 3)
    Q = np.zeros_like(A)
    for j in range(3):
        v = A[:, j].copy()
        for i in range(j):
            v -= Q[:, i] @ A[:, j] * Q[:, i]
        Q[:, j] = v / np.linalg.norm(v)
    return (Q, np.round(Q.T @ Q, 10))
