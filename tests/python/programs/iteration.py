"""nditer, ndenumerate, ndindex and flat."""


def run(np, normal, integers):
    a = np.arange(6).reshape(2, 3)
    out = []
    for v in np.nditer(a):
        out.append(int(v))
    for i, v in np.ndenumerate(a):
        out.append((i, int(v)))
    for i in np.ndindex(a.shape):
        out.append(int(a[i]))
    for v in a.flat:
        out.append(int(v))
    it = np.nditer(a, flags=['multi_index'])
    while not it.finished:
        out.append((it.multi_index, int(it[0])))
        it.iternext()
    a.flat[3] = 9
    a.flat = a.flat[:]
    for x, y in np.nditer([a, a * 2]):
        out.append((int(x), int(y)))
    return (out, a, a.flat[1:4], len(a.flat))
