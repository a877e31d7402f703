"""The Mandelbrot set: open grids, complex numbers, masks, errstate."""


def run(np, normal, integers):
    y, x = np.ogrid[-1.4:1.4:20j, -2:0.8:30j]
    c = x + y * 1j
    z = c
    div = np.full(z.shape, 20)
    with np.errstate(all='ignore'):
        for i in range(20):
            z = z ** 2 + c
            d = z * np.conj(z) > 4
            dn = d & (div == 20)
            div[dn] = i
            z[d] = 2
    return div
