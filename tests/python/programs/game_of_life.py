"""The game of life with slices that are written in place."""


def run(np, normal, integers):
    Z = integers(5, 0, 2, 20, 20)
    for _ in range(4):
        N = np.zeros(Z.shape, dtype=int)
        N[1:-1, 1:-1] += Z[:-2, :-2] + Z[:-2, 1:-1] + Z[:-2, 2:] + Z[1:-1, :-2] + Z[1:-1, 2:] + Z[2:, :-2] + Z[2:, 1:-1] + Z[2:, 2:]
        birth = (N == 3)[1:-1, 1:-1] & (Z[1:-1, 1:-1] == 0)
        survive = ((N == 2) | (N == 3))[1:-1, 1:-1] & (Z[1:-1, 1:-1] == 1)
        Z[...] = 0
        Z[1:-1, 1:-1][birth | survive] = 1
    return Z
