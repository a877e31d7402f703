"""Products, factors and Fourier transforms beside NumPy's own on the same arrays, in turns; NumPy's BLAS has as many threads as all engines together.

linalg.py [--quick] [--engines COUNTxTHREADS,...] [TEXT...]   TEXT: only calls that begin with it
A ratio says how many times as fast as NumPy farhand is; rows below the wish (0.95) are marked."""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

import numpy as np

import farhand as fh
from farhand.session import set_default

ENGINES = ("1x1", "1x2", "2x1", "4x1")
CORES = 2  # that NumPy gets at most
WISH = 0.95
SECONDS, TURNS = 0.3, (3, 15)
# Shapes of a and b; what begins with * is complex, with f in single precision, with d positive definite.  A call sees n: NumPy or farhand.
CALLS = """
    512,512 512,512: n.matmul(a, b);  1024,1024 1024,1024: n.matmul(a, b);  2048,2048 2048,2048: n.matmul(a, b);  4096,4096 4096,4096: n.matmul(a, b)
    f1024,1024 f1024,1024: a @ b;  *1024,1024 *1024,1024: a @ b;  1024,1024 1024,1024: a.T @ b;  100000,64 64,64: a @ b;  64,100000 100000,64: a @ b;  100000,64: a.T @ a
    1000,64,64 1000,64,64: a @ b;  100000,4,4 100000,4,4: a @ b;  4000,4000 4000: a @ b;  4000,4000 4000: b @ a
    10000000 10000000: n.dot(a, b);  *5000000 *5000000: n.vdot(a, b);  1000,1000 1000,1000: n.inner(a, b);  3000 3000: n.outer(a, b);  60,60 60,60: n.kron(a, b)
    1024,1024 1024,1024: n.einsum("ij,jk->ik", a, b, optimize=True);  200,64,64 200,64,64: n.einsum("bij,bjk->bik", a, b, optimize=True);  3000,3000 3000: n.einsum("ij,j->i", a, b)
    3000,1000 3000,1000: n.einsum("ij,ij->i", a, b);  3000,1000: n.einsum("ij->j", a);  2000,2000: n.einsum("ii", a);  500,40,40 40,40,500: n.tensordot(a, b, axes=([1, 2], [0, 1]))
    1024,1024: n.linalg.matrix_power(a / 32, 5);  2000,2000: n.linalg.norm(a);  2000,2000: n.linalg.norm(a, axis=1);  *2000,1000: n.linalg.norm(a);  2000,2000: n.linalg.norm(a, 1);  400,400: n.linalg.norm(a, 2)
    1024,1024 1024: n.linalg.solve(a, b);  1024,1024 1024,1024: n.linalg.solve(a, b);  d1024,1024: n.linalg.cholesky(a);  1024,1024: n.linalg.inv(a);  1024,1024: n.linalg.det(a / 32);  1024,1024: n.linalg.qr(a)
    100000,32: n.linalg.qr(a);  512,512: n.linalg.svd(a);  100000,32: n.linalg.svd(a, full_matrices=False);  512,512: n.linalg.svd(a, compute_uv=False);  d512,512: n.linalg.eigh(a);  512,512: n.linalg.eig(a)
    2000,200 2000: n.linalg.lstsq(a, b, rcond=None);  100000,32 100000: n.linalg.lstsq(a, b, rcond=None);  400,400: n.linalg.pinv(a)
    1000,32,32: n.linalg.inv(a);  100000,3,3: n.linalg.det(a);  100000,3,3 100000,3,1: n.linalg.solve(a, b);  10000,6,6: n.linalg.eigh(a);  10000,6,6: n.linalg.svd(a)
    *1024: n.fft.fft(a);  *65536: n.fft.fft(a);  *1048576: n.fft.fft(a);  *4194304: n.fft.fft(a);  *1000000: n.fft.fft(a);  *100003: n.fft.fft(a);  1048576: n.fft.rfft(a);  *524289: n.fft.irfft(a)
    *4000,1024: n.fft.fft(a);  *1024,4000: n.fft.fft(a, axis=0);  4000,1024: n.fft.rfft(a);  *2048,2048: n.fft.fft2(a);  2048,2048: n.fft.rfft2(a);  *128,128,128: n.fft.fftn(a)
    d4096,4096: n.linalg.cholesky(a);  3072,3072 3072: n.linalg.solve(a, b);  2048,2048: n.linalg.inv(a)
"""


def parse():
    parser = argparse.ArgumentParser(prog="linalg", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one turn of each call, without the largest")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=ENGINES)
    parser.add_argument("calls", nargs="*")
    return parser.parse_args()


def made(text):
    """The array of a shape as CALLS writes it."""
    shape = tuple(int(extent) for extent in text.lstrip("*fd").split(","))
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape)
    if text[0] == "d":
        return x @ x.T / shape[0] + np.eye(shape[0])
    return x + 1j * rng.standard_normal(shape) if text[0] == "*" else x.astype("f4") if text[0] == "f" else x


def seconds_of(code, names):
    begin = time.perf_counter()
    found = eval(code, {}, names)
    for part in found if isinstance(found, tuple) else (found,):
        if isinstance(part, (fh.RemoteArray, fh.DistArray)):
            part.wait() if part.ndim else fh.gather(part)
    return time.perf_counter() - begin


def measure(shapes, call, engines, options):
    """Prints a row."""
    arrays = [made(text) for text in shapes.split()]
    code = compile(call, call, "eval")
    names = [{"n": module, **dict(zip("ab", of))} for module, of in ((fh, [fh.scatter(x) for x in arrays]), (np, arrays))]
    taken = [], []
    for one in names:
        seconds_of(code, one)
    end = time.perf_counter() + SECONDS
    turns = (1, 1) if options.quick else TURNS
    while len(taken[0]) < turns[0] or (time.perf_counter() < end and len(taken[0]) < turns[1]):
        for one, times in zip(names, taken):
            times.append(seconds_of(code, one))
    ratio = statistics.median(theirs / ours for ours, theirs in zip(*taken))
    value, limit = map(statistics.median, taken)
    print(json.dumps({"bench": "linalg", "case": f"{call}, {shapes}, engines: {engines}" + " <<<" * (ratio < WISH), "value": value * 1e3, "unit": "ms",
                      "limit": limit * 1e3, "limit_name": "NumPy", "ratio": ratio}), flush=True)


def main():
    options = parse()
    if len(options.engines) > 1:  # OpenBLAS counts its threads when it is loaded
        return max(subprocess.run([sys.executable, __file__, *["--quick"] * options.quick, "--engines", engines, *options.calls], check=False,
                                  env={**os.environ, "OPENBLAS_NUM_THREADS": str(min(CORES, math.prod(map(int, engines.split("x")))))}).returncode
                   for engines in options.engines)
    count, threads = map(int, options.engines[0].split("x"))
    with fh.Cluster(count, threads=threads) as cluster:
        set_default(cluster.session)
        for row in CALLS.replace("\n", ";").split(";"):
            shapes, _, call = (part.strip() for part in row.partition(": "))
            if call and not (options.quick and "4096" in shapes) and (not options.calls or any(call.startswith(text) for text in options.calls)):
                measure(shapes, call, options.engines[0], options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
