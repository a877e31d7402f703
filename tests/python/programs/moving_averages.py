"""Moving averages by four ways."""


def run(np, normal, integers):
    x = normal(13, 50)
    n = 5
    c = np.cumsum(np.insert(x, 0, 0))
    m1 = (c[n:] - c[:-n]) / n
    m2 = np.convolve(x, np.ones(n) / n, 'valid')
    m3 = np.lib.stride_tricks.sliding_window_view(x, n).mean(axis=-1)
    s = np.lib.stride_tricks.as_strided(x, shape=(x.size - n + 1, n), strides=(x.strides[0], x.strides[0]))
    return (m1, m2, m3, s.max(axis=1))
