"""fh.nditer: numpy.nditer over the values of remote arrays, and what it writes goes back to them."""
import numpy as np

from .array import Array

_WRITING = {"readwrite", "writeonly"}


def _written(op_flags, n):
    """Which of n operands are to be written."""
    if op_flags is None:
        return [False] * n
    each = [op_flags] * n if all(isinstance(flag, str) for flag in op_flags) else op_flags
    return [bool(_WRITING.intersection(flags)) for flags in each]


class nditer:
    """numpy.nditer, whose arguments these are.  Remote operands are gathered, as by np.asarray; those that are written are sent back
    whole when the iteration has come to its end, by close(), at the end of a with statement, or with the iterator, once for all that
    was written until then.  So it suits small arrays; operations on whole arrays suit all.  Operands that it allocates are local."""

    __slots__ = ("_iterator", "_back", "_used")  # _used: since the operands were sent back

    def __init__(self, op, flags=None, op_flags=None, *arguments, **keywords):
        self._back, self._used = (), False
        several = isinstance(op, (tuple, list))
        operands = list(op) if several else [op]
        locals_ = [x._gather_implicitly() if isinstance(x, Array) else x for x in operands]
        written = _written(op_flags, len(operands))
        self._iterator = np.nditer(locals_ if several else locals_[0], flags, op_flags, *arguments, **keywords)
        self._back = tuple((x, local) for x, local, flag in zip(operands, locals_, written) if flag and isinstance(x, Array))

    def _send(self):
        if self._used:
            self._used = False
            for x, local in self._back:
                x[...] = local

    def _open(self):
        """The iterator, for what may write where it stands."""
        self._used = self._used or not self._iterator.finished
        return self._iterator

    def __iter__(self):
        return self

    def __next__(self):
        try:
            value = next(self._iterator)
        except StopIteration:
            self._send()
            raise
        self._used = True
        return value

    def iternext(self):
        more = self._open().iternext()
        if not more:
            self._send()
        return more

    def close(self):
        self._iterator.close()
        self._send()
        self._back = ()

    def __enter__(self):
        self._iterator.__enter__()
        return self

    def __exit__(self, *exception):
        self.close()

    def __del__(self):
        if getattr(self, "_back", ()):
            self._send()

    def copy(self):
        made = object.__new__(nditer)
        made._iterator, made._back, made._used = self._iterator.copy(), self._back, False
        return made

    def __len__(self):
        return len(self._iterator)

    def __getitem__(self, key):
        return self._open()[key]

    def __setitem__(self, key, value):
        self._open()[key] = value

    def __getattr__(self, name):
        return getattr(self._open(), name)

    def __setattr__(self, name, value):
        if name in nditer.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self._iterator, name, value)
