"""What docs/libraries.md says of libraries that know only NumPy: they are given remote arrays where they expect NumPy's, and say the same."""
import io

import numpy as np
import pytest

import farhand as fh

RNG = np.random.default_rng(1)
LOCAL = {"x": RNG.normal(size=500), "m": RNG.normal(size=(60, 40)), "image": RNG.random((32, 32)), "labels": (RNG.random(60) > 0.5).astype(int)}


def drawn(*calls):
    """Calls of pyplot's functions, and the picture made of them."""
    def draw(plt, arrays):
        plt.close("all")
        for call in calls:
            called(call, plt, arrays)
        plt.savefig(io.BytesIO(), format="png")

    return draw


# Module: what is called, with the module and the arrays that it names.
WORKS = {
    "matplotlib.pyplot": [
        drawn(lambda plt, x: plt.plot(x, x**2, "r.")), drawn(lambda plt, image: plt.imshow(image), lambda plt, image: plt.colorbar()),
        drawn(lambda plt, x: plt.hist(x, bins=20)), drawn(lambda plt, x: plt.scatter(x, x, c=x)), drawn(lambda plt, image: plt.contourf(image)),
        drawn(lambda plt, m: plt.errorbar(range(60), m.mean(axis=1), yerr=m.std(axis=1))), drawn(lambda plt, m: plt.boxplot(m)),
        drawn(lambda plt, x: plt.fill_between(range(500), x, 0, where=x > 0)), drawn(lambda plt, image: plt.pcolormesh(image)),
    ],
    "pandas": [
        lambda pd, x: pd.Series(x).rolling(3).mean().to_numpy(), lambda pd, m: pd.DataFrame(m).describe().to_numpy(),
        lambda pd, x: pd.DataFrame({"a": x, "b": x * 2}).corr().to_numpy(), lambda pd, x: pd.cut(x, 5).codes,
        lambda pd, x: (pd.Series(range(500)) + x).to_numpy(), lambda pd, x: np.asarray(x + pd.Series(range(500))),
        lambda pd, x: pd.Index(x).sort_values().to_numpy(), lambda pd, x: pd.DataFrame({"a": range(500)}).assign(b=x)["b"].to_numpy(),
    ],
    "scipy.ndimage": [
        lambda ndi, image: ndi.gaussian_filter(image, 2), lambda ndi, image: ndi.label(image > 0.5)[0], lambda ndi, image: ndi.zoom(image, 2),
        lambda ndi, image: ndi.median_filter(image, 3),
    ],
    "scipy.signal": [
        lambda sig, x: sig.convolve(x, x), lambda sig, image: sig.fftconvolve(image, image, mode="same"), lambda sig, x: sig.welch(x)[1],
        lambda sig, x: sig.filtfilt(*sig.butter(3, 0.2), x), lambda sig, x: sig.find_peaks(x)[0], lambda sig, x: sig.savgol_filter(x, 5, 2),
    ],
    "scipy.optimize": [
        lambda opt, x: opt.minimize(lambda p: ((x - p[0]) ** 2).sum(), [0.0]).x.round(4), lambda opt, x: opt.curve_fit(lambda t, a, b: a * t + b, x, 2 * x + 1)[0],
        lambda opt, x: opt.least_squares(lambda p: x * p[0] - 2 * x, [1.0]).x, lambda opt, x: opt.root(lambda p: x[:3] * p - 1, np.ones(3)).x,
    ],
    "scipy.stats": [
        lambda stats, x: stats.ttest_1samp(x, 0).pvalue, lambda stats, x: stats.pearsonr(x, x**2)[0], lambda stats, x: stats.zscore(x),
        lambda stats, x: stats.norm.pdf(x), lambda stats, x: stats.kstest(x, "norm").pvalue, lambda stats, x: stats.linregress(x, 2 * x).slope,
        lambda stats, x: stats.gaussian_kde(x)(np.linspace(-1, 1, 5)), lambda stats, x: stats.rankdata(x),
    ],
    "scipy.interpolate": [
        lambda ip, x: ip.interp1d(np.arange(500), x)(np.linspace(0, 400, 7)), lambda ip, x: ip.CubicSpline(np.arange(500), x)(np.linspace(0, 400, 7)),
    ],
    "scipy.sparse": [
        lambda sp, image: sp.csr_matrix(image > 0.5).sum(), lambda sp, x: sp.eye(500).tocsr() @ x, lambda sp, x: x @ sp.eye(500).tocsr(),
        lambda sp, x: sp.coo_matrix((x[:60], (np.arange(60), np.arange(60)))).toarray(),
    ],
    "scipy.spatial": [lambda spatial, m: spatial.cKDTree(m[:, :3]).query(m[:, :3], k=2)[0], lambda spatial, m: spatial.distance.cdist(m, m)],
    "scipy.linalg": [lambda la, m: la.solve(m[:40, :40], m[:40, 0]), lambda la, m: la.lu(m)[2], lambda la, m: la.expm(m[:4, :4])],
    "scipy.integrate": [
        lambda si, x: si.quad(lambda t: t * x[0], 0, 1)[0], lambda si, x: si.odeint(lambda y, t: -y, x[:4], np.linspace(0, 1, 5)),
        lambda si, x: si.solve_ivp(lambda t, y: -y * x[:4], (0, 1), x[:4]).y, lambda si, x: si.simpson(x),
    ],
    "scipy.special": [lambda special, x: special.erf(x), lambda special, m: special.softmax(m, axis=1), lambda special, m: special.logsumexp(m)],
    "scipy.fft": [lambda fft, x: fft.fft(x), lambda fft, x: fft.dct(x)],
    "scipy.cluster.hierarchy": [lambda hierarchy, m: hierarchy.linkage(m)],
    "sklearn.linear_model": [
        lambda lm, m: lm.LinearRegression().fit(m, m[:, 0]).coef_, lambda lm, m, labels: lm.LogisticRegression().fit(m, labels).predict(m),
    ],
    "sklearn.cluster": [lambda cluster, m: cluster.KMeans(3, n_init=1, random_state=1).fit(m).labels_],
    "sklearn.ensemble": [lambda en, m, labels: en.RandomForestClassifier(10, random_state=1).fit(m, labels).predict(m)],
    "sklearn.model_selection": [lambda ms, m, labels: ms.train_test_split(m, labels, random_state=1)[0]],
    "sklearn.preprocessing": [lambda pp, m: pp.StandardScaler().fit_transform(m)],
    "skimage.filters": [lambda filters, image: filters.threshold_otsu(image), lambda filters, image: filters.gaussian(image)],
    "skimage.transform": [lambda transform, image: transform.resize(image, (16, 16)), lambda transform, image: transform.rotate(image, 30)],
    "skimage.measure": [lambda measure, image: measure.label(image > 0.5)],
    "statsmodels.api": [lambda sm, x: sm.tsa.acf(x)],
    "networkx": [lambda nx, m: nx.from_numpy_array(m @ m.T > 3).number_of_edges()],
    "sympy": [lambda sympy, x: sympy.lambdify(sympy.Symbol("t"), sympy.sin(sympy.Symbol("t")) ** 2)(x)],
    "zarr": [lambda zarr, m: zarr.array(m)[...]],
    "astropy.units": [lambda u, x: (x * u.m).to_value(u.cm)],
    "statistics": [lambda statistics, x: statistics.mean(x)],
    "math": [lambda math, x: math.fsum(x), lambda math, x: math.sqrt(x[0] ** 2)],
    "itertools": [lambda itertools, x: list(itertools.accumulate(x[:5]))],
    "bisect": [lambda bisect, x: bisect.bisect(np.sort(x), 0.1)],
    "random": [lambda random, x: random.Random(1).choice(x)],
    "json": [lambda json, labels: json.dumps(labels.tolist())],
    "struct": [lambda struct, x: struct.unpack("3d", struct.pack("3d", *x[:3]))],
    "hashlib": [lambda hashlib, x: hashlib.sha256(bytes(x)).hexdigest()],
}

# What the page says does not work, and how it does: as the first, not as the second.
INSTEAD = {
    "pandas": [(lambda pd, x: pd.DataFrame({"a": range(500)})[np.asarray(x > 0)]["a"].to_numpy(), lambda pd, x: pd.DataFrame({"a": range(500)})[x > 0], KeyError)],
    "PIL.Image": [(lambda Image, image: np.asarray(Image.fromarray(np.asarray((image * 99).astype("u1")))),
                   lambda Image, image: Image.fromarray((image * 99).astype("u1")), AttributeError)],
}


@pytest.fixture(scope="module")
def remote(two_engines):
    return {name: fh.scatter(array) for name, array in LOCAL.items()}


def module_of(name):
    if name.startswith("matplotlib"):
        pytest.importorskip("matplotlib").use("Agg")
    return pytest.importorskip(name)


def called(function, module, arrays):
    names = function.__code__.co_varnames[1:function.__code__.co_argcount]
    return function(module, *(arrays if name == "arrays" else arrays[name] for name in names))


def agree(found, expected):
    if expected is None or isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(np.asarray(fh.gather(found)), np.asarray(expected), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", WORKS)
def test_library_takes_remote_arrays(remote, name):
    module = module_of(name)
    for function in WORKS[name]:
        agree(called(function, module, remote), called(function, module, LOCAL))


@pytest.mark.parametrize("name", INSTEAD)
def test_library_is_given_the_value(remote, name):
    module = module_of(name)
    for function, refused, exception in INSTEAD[name]:
        agree(called(function, module, remote), called(function, module, LOCAL))
        with pytest.raises(exception):
            called(refused, module, remote)


def test_what_is_written_into_the_value_stays_there(remote):
    """SciPy's output=: a remote array cannot be written so."""
    ndimage = module_of("scipy.ndimage")
    into = fh.zeros(LOCAL["image"].shape)
    ndimage.gaussian_filter(remote["image"], 1, output=into)
    assert not fh.gather(into).any()
    into[...] = ndimage.gaussian_filter(remote["image"], 1)
    agree(into, ndimage.gaussian_filter(LOCAL["image"], 1))


def test_hdf5(remote):
    h5py = module_of("h5py")
    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        file["m"] = remote["m"]
        file["m"][3:5] = remote["m"][:2]
        agree(file["m"][...], np.concatenate([LOCAL["m"][:3], LOCAL["m"][:2], LOCAL["m"][5:]]))
