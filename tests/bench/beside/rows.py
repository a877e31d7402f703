"""How each native function of the table of functions is called: np is NumPy's namespace or farhand's, the other names are those of
inputs.py.  A function may have several calls; one without any stands in UNTIMED, with the reason."""
import re

from farhand.function_table import rows as table

# Native functions that are not timed, and why.
UNTIMED = {
    name: reason
    for reason, names in {
        "a text of few elements": "array2string array_repr array_str",
        "no work of its own": "lib.stride_tricks.sliding_window_view ix_ asanyarray asarray require real_if_close apply_over_axes fft.fftfreq fft.rfftfreq",
        "not in every NumPy; over other rows": "msort asfarray trapezoid astype isnat unique_all unique_counts unique_inverse unique_values cumulative_sum cumulative_prod bitwise_count matvec vecmat "
                                               "vecdot linalg.matrix_norm linalg.vector_norm linalg.svdvals linalg.outer linalg.cross linalg.diagonal linalg.trace",
        "a question and the function of another row": "emath.sqrt emath.log emath.log10 emath.log2 emath.logn emath.power emath.arccos emath.arcsin emath.arctanh",
        "a shape of another row": "linalg.tensorinv linalg.tensorsolve linalg.slogdet linalg.eigvals linalg.cond linalg.matrix_rank linalg.pinv "
                                 "fft.hfft fft.ihfft fft.ifft2 fft.irfft2 fft.ifftn fft.rfftn fft.irfftn",
    }.items()
    for name in names.split()
}

ARGUMENTS = {  # of ufuncs; those that are not here take x, or x and y
    "p": "arccosh log log10 log1p log2 sqrt",
    "u": "arccos arcsin arctanh",
    "p, x": "power float_power",
    "x, p": "true_divide floor_divide remainder fmod divmod",
    "i, j": "bitwise_and bitwise_or bitwise_xor gcd lcm left_shift right_shift",
    "i": "invert",
    "x, j": "ldexp",
    "m, m": "logical_and logical_or logical_xor",
    "m": "logical_not",
}
MORE_UFUNCS = """
    add(f, f); add(i, j); add(h, h); add(b, b); add(x, 1.0); multiply(f, f); multiply(i, j); multiply(h, h); multiply(c, c); divide(f, fp); divide(c, c); divide(i, j)
    floor_divide(i, j); floor_divide(i, 7); remainder(i, j); remainder(i, 7); power(p, 1.5); power(p, 2.0); power(p, 3.0); power(p, 0.5); power(i, 2); power(fp, 1.5)
    exp(f); log(fp); sin(f); cos(f); tan(f); tanh(f); sqrt(fp); exp(c); sqrt(c); absolute(c); absolute(i); absolute(f); arctan(f); cbrt(f); sinh(f); exp2(f); log10(fp)
    maximum(f, f); maximum(i, j); minimum(h, h); equal(i, j); less(f, f); less(h, h); less(i, j); equal(b, b); greater(x, 0.5); isnan(f); sign(i); sign(f); square(f); negative(i)
    negative(f); floor(f); rint(f); hypot(f, f); arctan2(f, f); logical_and(x, y); logical_not(x); bitwise_and(m, m); invert(m); bitwise_xor(b, b); left_shift(i, 3); conjugate(c)
    add.outer(V, V); add.accumulate(x); maximum.accumulate(x); add.reduce(A, axis=0); add(A, V); add(A, V[:, None]); add(A, A.T); multiply(A.T, A.T)
"""
CALLS = """
    where(m, x, y); where(m, x, 0.0); where(x > 0, x, -x); clip(x, -1, 1); clip(i, 10, 50); clip(f, -1, 1); around(x); around(x, 2); around(f, 2); real(c); imag(c); iscomplex(c); isreal(x)
    isposinf(x); isneginf(x); fix(x); angle(c); isclose(x, y); allclose(x, x); array_equal(x, x); array_equiv(x, x); copyto(w, x); copyto(w, y, where=m); copyto(w, i)
    sinc(x); select([x > 1, x < -1], [x, y], 0.0); nan_to_num(nan); polyval([1.0, 2.0, 3.0, 4.0], x)
    sum(x); sum(f); sum(i); sum(h); sum(m); sum(c); sum(A, axis=0); sum(A, axis=1); sum(T, axis=0); sum(T, axis=1); sum(L, axis=1); sum(m, axis=0); sum(x[::2]); prod(u); prod(i)
    min(x); min(f); min(i); min(h); min(A, axis=0); min(A, axis=1); min(T, axis=1); max(x); max(b); max(A, axis=0); any(o); any(x); all(m); all(x); all(i); any(A > 9, axis=0); any(A > 9, axis=1)
    mean(x); mean(f); mean(i); mean(A, axis=0); mean(A, axis=1); mean(T, axis=0); mean(T, axis=1); var(x); var(A, axis=0); var(A, axis=1); var(T, axis=1); std(x); std(f); std(A, axis=0)
    argmin(x); argmax(x); argmax(f); argmax(i); argmax(h); argmax(m); argmax(A, axis=0); argmax(A, axis=1); argmin(T, axis=1); ptp(x); ptp(A, axis=0); count_nonzero(m); count_nonzero(x)
    count_nonzero(i); count_nonzero(A, axis=0); average(x); average(x, weights=p); average(A, axis=0, weights=V)
    nansum(nan); nanprod(nan); nanmean(nan); nanmin(nan); nanmax(nan); nanvar(nan); nanstd(nan); nansum(A, axis=0); nanmean(A, axis=1); nanmax(A, axis=0); nanargmin(nan); nanargmax(nan)
    median(x); median(A, axis=0); median(A, axis=1); percentile(x, 30); percentile(x, [5, 50, 95]); quantile(x, 0.9); quantile(A, 0.9, axis=1); nanmedian(nan); nanpercentile(nan, 30); nanquantile(nan, 0.9)
    median(f); median(i)
    cumsum(x); cumsum(f); cumsum(i); cumsum(m); cumsum(A, axis=0); cumsum(A, axis=1); cumprod(u); cumprod(A, axis=0); nancumsum(nan); nancumprod(nan); diff(x); diff(i); diff(A, axis=0); diff(A, axis=1); diff(x, n=2)
    trapz(x); trapz(x, s); ediff1d(x); gradient(x); gradient(x, 0.5); gradient(A); interp(x, E, F); interp(s, E, F); unwrap(x)
    sort(x); sort(f); sort(i); sort(h); sort(b); sort(m); sort(s); sort(A, axis=0); sort(A, axis=1); sort(T, axis=1); sort(c); argsort(x); argsort(i); argsort(f); argsort(A, axis=0); argsort(A, axis=1); argsort(T, axis=1)
    argsort(x, kind="stable"); partition(x, 1000); partition(A, 10, axis=1); argpartition(x, 1000); argpartition(A, 10, axis=1); lexsort((x, i)); sort_complex(c)
    searchsorted(s, x); searchsorted(E, x); searchsorted(E, s); searchsorted(s, E); digitize(x, E); digitize(x, E[::100]); argwhere(m); argwhere(A > 1); nonzero(m); nonzero(A > 1); nonzero(x); flatnonzero(m)
    flatnonzero(o); extract(m, x)
    unique(x); unique(i); unique(big); unique(f); unique(i, return_inverse=True); unique(i, return_counts=True); unique(s); isin(i, j); isin(i, [3, 5, 7]); isin(x, F); isin(big, k); in1d(i, j); intersect1d(i, j); intersect1d(big, k); union1d(i, j)
    union1d(x, y); setdiff1d(big, k); setxor1d(big, k)
    histogram(x, 100); histogram(x, 100, (-5, 5)); histogram(x, E); histogram(f, 50); histogram(i, 10); histogram(x, 10, weights=p); histogram_bin_edges(x, 100); bincount(i); bincount(k); bincount(i, weights=x); bincount(i, minlength=1000)
    cov(L.T[:8]); cov(x, y); corrcoef(x, y); correlate(x, G); convolve(x, G); convolve(x, G, "same"); convolve(x, G[:3]); correlate(f, G); convolve(V, V)
    take(x, k); take(f, k); take(A, K, axis=0); take(A, K, axis=1); take_along_axis(A, I, axis=0); take_along_axis(A, I, axis=1); choose(r, [x, y, p]); compress(m, x); compress(V > 0, A, axis=0)
    compress(V > 0, A, axis=1); diagonal(A); diagonal(Q, 0, 1, 2); trace(A); trace(Q, 0, 1, 2); delete(x, slice(5, 10)); delete(x, k); delete(A, 5, axis=1); insert(x, 5, 1.0); insert(A, 5, V, axis=0); insert(A, 5, V, axis=1)
    repeat(x, 3); repeat(x, r); repeat(A, 2, axis=0); repeat(A, 2, axis=1); trim_zeros(x); unravel_index(k, (10, x.size // 10)); ravel_multi_index((r, r), (3, 3)); diag_indices_from(A); tril_indices_from(A); triu_indices_from(A)
    put(w, k, 1.0); put(w, k, k); place(w, m, V); putmask(w, m, y); put_along_axis(A, I[:1], 1.0, axis=0); fill_diagonal(A, 1.0)
    roll(x, 7); roll(A, 3, axis=0); roll(A, 3, axis=1); tile(x, 3); tile(A, (2, 2)); pad(x, 5); pad(A, 3); pad(A, 3, "edge"); resize(x, x.size + 7); concatenate((x, y)); concatenate((A, A), axis=0); concatenate((A, A), axis=1)
    stack((x, y)); stack((x, y), axis=1); vstack((x, y)); hstack((x, y)); dstack((x, y)); column_stack((x, y)); append(x, y); block([[A, A], [A, A]])
    copy(flip(x)); copy(flip(A, 0)); copy(flip(A, 1)); copy(rot90(A)); copy(A.T); copy(A[::2, ::2]); copy(A[:, 1:]); copy(x); copy(x[::2]); copy(x[::-1]); copy(swapaxes(Q, 0, 2)); copy(moveaxis(Q, 0, -1)); array(x); f.astype(float); x.astype("f4")
    i.astype(float); x.astype(int); m.astype(float); ascontiguousarray(A.T); asfortranarray(A); asarray_chkfinite(x); ravel(A.T)
    empty(x.shape); zeros(x.shape); ones(x.shape); full(x.shape, 3.0); empty_like(x); zeros_like(x); ones_like(x); full_like(x, 3.0); tril(A); triu(A); diag(V); diag(A); diagflat(V); vander(V, 10); vander(x, 4)
    meshgrid(V, V); arange(0, x.size); arange(0.0, x.size); linspace(0, 1, x.size); logspace(0, 1, x.size); geomspace(1, 10, x.size); eye(V.size); identity(V.size); tri(V.size); indices(A.shape); fromfunction(lambda a, b: a + b, A.shape)
    matmul(A, V); matmul(V, A); matmul(B, B); matmul(Bi, Bi); matmul(Q, Q); matmul(Bf, Bf); dot(x, y); dot(f, f); dot(i, j); dot(A, V); dot(L.T, L); vdot(x, y); vdot(c, c)
    inner(x, y); inner(A[:500], A[:500]); outer(V, V); tensordot(A[:500], A[:500], axes=([1], [1])); tensordot(Q, Q4.T[:, :9], axes=1); einsum("i,i->", x, y); einsum("ij,j->i", A, V); einsum("ij->j", A); einsum("ij,ij->i", A, A); einsum("ii->i", A)
    einsum("ij,kj->ik", A[:300], A[:300]); einsum("nij,nj->ni", Q, Q4); einsum("i,j->ij", V, V); kron(V, V); kron(A[:30, :30], A[:30, :30])
    linalg.cholesky(D); linalg.det(S); linalg.inv(S); linalg.qr(S); linalg.svd(S); linalg.eig(S[:200, :200]); linalg.eigh(D); linalg.eigvalsh(D); linalg.matrix_power(S, 5); linalg.norm(x); linalg.norm(A); linalg.norm(A, axis=1); linalg.norm(A, 1)
    linalg.norm(A, axis=0); linalg.norm(x, 1); linalg.norm(x, np.inf); linalg.lstsq(L[:, :16], L[:, 16], None); linalg.solve(S, R); linalg.multi_dot((S, S, R)); linalg.inv(Q); linalg.det(Q); linalg.solve(Q, Q4[..., None])
    fft.fft(c); fft.ifft(c); fft.fft(x); fft.rfft(x); fft.irfft(c); fft.fft(A); fft.fft(A, axis=0); fft.fft2(A); fft.rfft2(A); fft.fftn(Q)
    fft.fftshift(x); fft.fftshift(A); fft.ifftshift(x); rng.random(x.size); rng.normal(size=x.size); rng.integers(0, 100, x.size); rng.exponential(size=x.size); rng.permutation(x)
"""


def _ufunc_call(name):
    from farhand.function_table import numpys

    inputs = "x, y" if numpys(name).nin == 2 else "x"
    return f"{name}({next((a for a, names in ARGUMENTS.items() if name in names.split()), inputs)})"


def _split(text):
    return [call.strip() for line in text.splitlines() for call in line.split(";") if call.strip()]


def function_of(call):
    """The name that a call begins with."""
    return re.match(r"[\w.]+", call)[0]


def calls():
    """All calls, those of ufuncs first."""
    ufuncs = [_ufunc_call(row.name) for row in table().values() if row.kind == "UFUNC"]
    return ufuncs + _split(MORE_UFUNCS) + _split(CALLS)


def missing():
    """Native functions that no call stands for and UNTIMED does not name."""
    there = {function_of(call) for call in calls()} | set(UNTIMED)
    return [row.name for row in table().values() if row.kind in ("UFUNC", "REDUCTION", "NATIVE") and row.name not in there]
