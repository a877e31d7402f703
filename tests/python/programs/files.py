"""Arrays written to files and read again."""
import io
import os
import tempfile


def run(np, normal, integers):
    with tempfile.TemporaryDirectory() as folder:
        return written_and_read(np, normal(31, 6, 4), folder)


def written_and_read(np, a, d):
    p = os.path.join(d, 'a.npy')
    np.save(p, a)
    b = np.load(p)
    np.savez(os.path.join(d, 'z'), a=a, b=b * 2)
    z = np.load(os.path.join(d, 'z.npz'))
    np.savetxt(os.path.join(d, 't.txt'), a, fmt='%.8f', delimiter=',', header='h')
    t = np.loadtxt(os.path.join(d, 't.txt'), delimiter=',')
    g = np.genfromtxt(io.StringIO('1,2\n3,\n'), delimiter=',')
    a.tofile(os.path.join(d, 'r'))
    r = np.fromfile(os.path.join(d, 'r')).reshape(6, 4)
    with np.load(os.path.join(d, 'z.npz')) as zz:
        k = sorted(zz.keys())
        q = zz['b'] + 1
    m = np.memmap(os.path.join(d, 'm'), dtype='f8', mode='w+', shape=(6, 4))
    m[:] = a
    s = (m * 2).sum()
    bb = np.frombuffer(a.tobytes())
    f = np.fromiter((i * i for i in range(5)), dtype=float)
    st = np.fromstring('1 2 3', sep=' ')
    z_b, names = z['b'], z.files
    z.close()
    return (b, z_b, names, t, g, r, k, q, s, bb + 0, f * 2, st)
