"""Groups by sorting: argsort, r_, reduceat, split."""


def run(np, normal, integers):
    k = integers(14, 0, 5, 100)
    v = normal(15, 100)
    o = np.argsort(k, kind='stable')
    ks, vs = (k[o], v[o])
    idx = np.flatnonzero(np.r_[True, ks[1:] != ks[:-1]])
    sums = np.add.reduceat(vs, idx)
    mx = np.maximum.reduceat(vs, idx)
    parts = np.split(vs, idx[1:])
    return (ks[idx], sums, mx, [p.mean() for p in parts], np.array([len(p) for p in parts]))
