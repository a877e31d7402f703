"""Groups of texts: unique with inverse, bincount, add.at, a dict of results."""


def run(np, normal, integers):
    k = np.array(['a', 'b', 'a', 'c', 'b', 'a'])
    v = np.arange(6.0)
    u, inv, cnt = np.unique(k, return_inverse=True, return_counts=True)
    s = np.zeros(len(u))
    np.add.at(s, inv, v)
    m = np.bincount(inv, weights=v) / cnt
    return (u, s, m, cnt, {str(a): float(b) for a, b in zip(u, s)})
