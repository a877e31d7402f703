"""Devices in the sense of the array API: the engines, and "any" for what lies on several or may lie anywhere."""
import operator

from .errors import error


class Device:
    """An engine by its number; None: any.  Equal to its number, or to "any".

    Two devices are always equal.  Programs for many libraries compare devices to know whether arrays may meet in an operation
    (scikit-learn refuses those that differ); arrays of a session always may, and where a result lies follows its size."""

    __slots__ = ("number",)

    def __init__(self, number=None):
        self.number = number

    def __repr__(self):
        return "Device('any')" if self.number is None else f"Device({self.number})"

    def __str__(self):
        return "any" if self.number is None else f"engine {self.number}"

    def __eq__(self, other):
        if isinstance(other, Device):
            return True
        try:
            return self.number == number_of(other)
        except TypeError:
            return NotImplemented

    def __hash__(self):
        return hash(Device)


def number_of(device):
    """The number of an engine given as a Device, an Engine, a number; None for None and "any"."""
    if device is None or isinstance(device, str) and device == "any":
        return None
    number = getattr(device, "number", device)
    try:
        return number if number is None else operator.index(number)
    except TypeError:
        raise error("WRONG_TYPE", f"a device is an engine, its number or 'any', not {device!r}") from None


def device_of(x):
    return Device(x.engines[0] if x.npieces == 1 else None)


def to_device(x, device):
    """x whole on that engine; any: x as it is."""
    number = number_of(device)
    if number is None or x.npieces == 1 and x.engines[0] == number:
        return x
    return x.reshard(None, engines=[number])
