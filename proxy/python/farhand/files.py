"""Arrays in files of this process: NumPy's formats.  What is written is gathered first, what was read is scattered."""
import numpy as np

from .array import Array
from .masked import is_masked
from .objects import gather, scatter

_HELD = "biufcMmSUV"  # kinds of elements that engines hold


def _here(value):
    return gather(value) if isinstance(value, Array) else value


def _there(value):
    """An array that was read, on the engines; what they do not hold (objects, masks) and what is no array stays."""
    if isinstance(value, np.ndarray) and value.dtype.kind in _HELD and not value.dtype.hasobject and not is_masked(value):
        return scatter(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_there, value))
    return value


def _writer(name):
    function = getattr(np, name)

    def write(*args, **keywords):
        return function(*map(_here, args), **{key: _here(value) for key, value in keywords.items()})

    write.__name__ = name
    write.__doc__ = f"numpy.{name} of gathered arrays: a file of this process."
    return write


save, savez, savez_compressed, savetxt = map(_writer, ("save", "savez", "savez_compressed", "savetxt"))


def _reader(name):
    function = getattr(np, name)

    def read(*args, like=None, **keywords):
        return _there(function(*map(_here, args), **keywords))

    read.__name__ = name
    read.__doc__ = f"numpy.{name} of what this process reads, scattered."
    return read


loadtxt, genfromtxt, fromfile, fromregex, fromstring, frombuffer, fromiter = map(
    _reader, ("loadtxt", "genfromtxt", "fromfile", "fromregex", "fromstring", "frombuffer", "fromiter"))


class _ByAttribute:
    """What Archive.f gives: its arrays as attributes."""

    def __init__(self, archive):
        self._archive = archive

    def __getattr__(self, name):
        try:
            return self._archive[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self):
        return list(self._archive)


class Archive:
    """What load gives of an .npz file: its arrays by their names, each read and scattered when it is asked for."""

    def __init__(self, archive):
        self._archive = archive
        self.files = archive.files

    f = property(_ByAttribute, doc="The arrays as attributes.")
    zip = property(lambda self: self._archive.zip, doc="The zipfile.ZipFile; None once it is closed.")
    fid = property(lambda self: self._archive.fid, doc="The file, if load has opened it.")

    def __getitem__(self, name):
        return _there(self._archive[name])

    def __contains__(self, name):
        return name in self._archive

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)

    def keys(self):
        return list(self.files)

    def values(self):
        return [self[name] for name in self.files]

    def items(self):
        return [(name, self[name]) for name in self.files]

    def get(self, name, default=None):
        return self[name] if name in self else default

    def close(self):
        self._archive.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def load(file, mmap_mode=None, **keywords):
    """numpy.load, scattered: an array, an Archive of arrays, or what was pickled.  With mmap_mode the array stays local."""
    found = np.load(file, mmap_mode, **keywords)
    if isinstance(found, np.lib.npyio.NpzFile):
        return Archive(found)
    return found if mmap_mode else _there(found)
