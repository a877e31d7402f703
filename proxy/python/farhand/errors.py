"""Exceptions: one class for each row of the status table, derived from Error and from the built-in class that fits."""
import builtins
import re

import numpy as np

from . import _native


class Error(Exception):
    """Anything that went wrong in farhand.

    status: the name of the row in the status table, "ENGINE_LOST"; origin: where it began, "" if here;
    signal, address: of a crashed kernel; os_errno: of a failed system call, else 0.
    """

    def __init__(self, text="", *, status="INTERNAL", origin="", signal=0, address=0, os_errno=0):
        super().__init__(text)
        self.status = status
        self.origin = origin
        self.signal = signal
        self.address = address
        self.os_errno = os_errno

    def __str__(self):
        text = str(self.args[0]) if self.args else ""
        return f"{text} [{self.origin}]" if self.origin else text

    @property
    def engine(self):
        """Number of the engine where it began; None if it began elsewhere."""
        found = re.match(r"engine (\d+)\b", self.origin)
        return int(found.group(1)) if found else None

    @property
    def diagnostic(self):
        """What the compiler, the verifier or the sandbox said: the text without the place."""
        return self.args[0] if self.args else ""


# Whoever catches KernelError catches these too.
_OF_KERNELS = {"BAD_BITCODE", "BITCODE_TOO_NEW", "KERNEL_FAULT", "KERNEL_TIMEOUT", "KERNEL_POISONED"}


def _base(name):
    """The class that a row names: a built-in one, or NumPy's of linear algebra."""
    return np.linalg.LinAlgError if name == "LinAlgError" else getattr(builtins, name)


def _make_classes():
    classes = {"Error": Error}
    by_status = {}
    rows = sorted(_native.statuses(), key=lambda row: row[1] != "KERNEL_ERROR")  # the base of others comes first
    for number, status, text, name, builtin in rows:
        if not name:
            continue
        if name not in classes:
            kind = classes["KernelError"] if status in _OF_KERNELS else Error
            bases = (kind, _base(builtin))
            classes[name] = type(name, bases, {"__doc__": f"{status}: {text}.", "__module__": "farhand"})
        by_status[number] = (classes[name], status)
    return classes, by_status


CLASSES, _BY_STATUS = _make_classes()
globals().update(CLASSES)


class PerformanceWarning(UserWarning):
    """Something works, but in a way that is slow."""


def _make_error(status, text, origin, signal, address, os_errno):
    cls, name = _BY_STATUS.get(status, (Error, f"STATUS_{status}"))
    return cls(text, status=name, origin=origin, signal=signal, address=address, os_errno=os_errno)


def error(name, text):
    """An exception of the row called name, begun here."""
    for cls, status in _BY_STATUS.values():
        if status == name:
            return cls(text, status=name)
    return Error(text, status=name)


def checked_flag(name, value):
    """An argument that is True or False."""
    if value is not True and value is not False:
        raise error("INVALID_ARGUMENT", f"{name} is True or False, not {value!r}")
    return value


def not_supported(text):
    return error("NOT_SUPPORTED", text)


_native.set_make_error(_make_error)

__all__ = [*CLASSES, "PerformanceWarning"]
