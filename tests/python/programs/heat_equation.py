"""Relaxation: a value is read in each step to see whether to go on."""


def run(np, normal, integers):
    u = np.zeros((30, 30))
    u[0] = 100.0
    u[:, -1] = 50
    for it in range(30):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2])
        err = np.max(np.abs(new - u))
        u[:] = new
        if err < 0.001:
            break
    return (u, err, u[15, 15])
