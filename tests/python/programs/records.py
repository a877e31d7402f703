"""Records: sorted by fields, chosen by masks, iterated over."""


def run(np, normal, integers):
    dt = np.dtype([('name', 'U10'), ('age', 'i4'), ('h', 'f8')])
    a = np.array([('Bob', 30, 1.8), ('Al', 25, 1.7), ('Cy', 30, 1.6)], dtype=dt)
    s = np.sort(a, order=['age', 'h'])
    a['age'] += 1
    o = np.argsort(a['h'])
    return (s['name'], a['age'].mean(), a[o]['name'], a[a['age'] > 26], a.dtype.names, a[0]['name'], a['h'].max(), np.array([r['age'] for r in a]))
