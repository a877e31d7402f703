"""fh.linalg: numpy.linalg over remote arrays, by the table of functions."""
from .function_table import Namespace

_namespace = Namespace(__name__, "linalg.")
__getattr__ = _namespace.get


def __dir__():
    return _namespace.names()
