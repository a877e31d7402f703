"""A histogram equalised: histogram, cumsum, interp, a table of colours."""


def run(np, normal, integers):
    im = (np.abs(normal(12, 40, 40)) * 60).clip(0, 255).astype(np.uint8)
    h, b = np.histogram(im.flatten(), 256, density=True)
    cdf = h.cumsum()
    cdf = 255 * cdf / cdf[-1]
    im2 = np.interp(im.flatten(), b[:-1], cdf).reshape(im.shape)
    lut = np.round(cdf).astype('uint8')
    return (im2, lut[im], h, np.bincount(im.ravel(), minlength=256))
