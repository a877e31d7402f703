"""fh.emath: numpy.emath over remote arrays, by the table of functions."""
from .function_table import Namespace

_namespace = Namespace(__name__, "emath.")
__getattr__ = _namespace.get


def __dir__():
    return _namespace.names()
