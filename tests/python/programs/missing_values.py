"""Missing values: isnan, nan functions, masked arrays."""


def run(np, normal, integers):
    x = normal(16, 40)
    x[::7] = np.nan
    ok = ~np.isnan(x)
    y = np.where(ok, x, 0.0)
    m = np.ma.masked_invalid(x)
    x2 = x.copy()
    x2[np.isnan(x2)] = np.nanmean(x2)
    return (x[ok].mean(), np.nanmean(x), np.nanstd(x), y.sum(),
            m.mean(), m.count(), x2, np.nanpercentile(x, 30), np.nanargmax(x), np.count_nonzero(~ok), np.nan_to_num(x, nan=-1))
