"""Bodies that attract each other: forces from differences of all pairs, masks, in-place steps."""


def run(np, normal, integers):
    n = 40
    pos = normal(1, n, 3)
    vel = normal(2, n, 3)
    mass = np.abs(normal(3, n, 1))

    def acc(pos):
        x, y, z = (pos[:, 0:1], pos[:, 1:2], pos[:, 2:3])
        dx, dy, dz = (x.T - x, y.T - y, z.T - z)
        inv = dx ** 2 + dy ** 2 + dz ** 2 + 0.01
        inv[inv > 0] = inv[inv > 0] ** (-1.5)
        return np.hstack((dx * inv @ mass, dy * inv @ mass, dz * inv @ mass))
    vel -= np.mean(mass * vel, 0) / np.mean(mass)
    a = acc(pos)
    E = []
    for i in range(5):
        vel += a * 0.005
        pos += vel * 0.01
        a = acc(pos)
        vel += a * 0.005
        E.append(0.5 * np.sum(np.sum(mass * vel ** 2)))
    return (pos, vel, np.array(E))
