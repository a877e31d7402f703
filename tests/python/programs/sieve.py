"""Primes by slices with steps."""


def run(np, normal, integers):
    s = np.ones(100, dtype=bool)
    s[:2] = False
    for i in range(2, 10):
        if s[i]:
            s[i * i::i] = False
    return (np.nonzero(s)[0], s.sum())
