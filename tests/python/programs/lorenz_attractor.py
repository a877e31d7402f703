"""An orbit computed step by step from rows that are unpacked."""


def run(np, normal, integers):
    s, r, b = (10.0, 28.0, 8 / 3)
    xs = np.empty((100 + 1, 3))
    xs[0] = (0.0, 1.0, 1.05)
    for i in range(100):
        x, y, z = xs[i]
        xs[i + 1] = xs[i] + 0.01 * np.array([s * (y - x), r * x - y - x * z, x * y - b * z])
    return xs
