"""farhand: arrays that live on other processes and hosts, held, moved and computed on by handle.

    import farhand as fh
    with fh.Cluster(2):
        d = fh.scatter(numpy_array, axis=0)     # a piece on each engine
        s = (2 * d + 1).sum(axis=0)             # computed there; no array bytes come back
        fh.gather(s)                            # now they do
"""
import importlib
import sys as _sys
from types import ModuleType as _module

try:
    import numpy as _numpy  # noqa: F401
except ImportError as _problem:
    raise ImportError(f"farhand needs NumPy, which {_sys.executable} (Python {'.'.join(map(str, _sys.version_info[:3]))}) cannot import: {_problem}; "
                      "install it there (python3-numpy, or pip install numpy), or use the Python that has it") from None

from . import errors as _errors
from . import errstate as _errstate  # noqa: F401 - it tells the extension
from ._native import version as _version
from .array import Array, DistArray, RemoteArray
from .calls import apply, call, call_all, convert_result, methodcall, vectorize
from .cluster import Cluster
from .config import config
from .creation import empty, full, ones, shared, zeros
from .doctor import doctor
from .errors import PerformanceWarning
from .function_table import Namespace as _Namespace, same as _numpys_own
from .futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future, as_completed, wait
from .hub import ObjectEngine, ObjectHub
from .kernel_sources import kernel
from .kernels import Kernel
from .objects import gather, get, names, scatter, unpublish
from .progress import Progress, progress
from .remote import Remote, proxy_methods, register_proxy_type
from .refs import Id, Ref
from .session import Engine, Session, connect

__version__ = _version()
globals().update(_errors.CLASSES)
_functions = _Namespace(__name__)  # NumPy's, which run on remote arrays remotely
array, errstate = _functions.get("array"), _functions.get("errstate")  # in place of the modules of these names
__all__ = [_name for _name, _value in list(globals().items()) if not _name.startswith("_") and not isinstance(_value, _module)]
__all__ += [_name for _name in _functions.names() if _name not in globals()]


def load_ipython_extension(shell):
    """%load_ext farhand: %%engines runs a cell on the engines."""
    from .ipython import load_ipython_extension as load

    load(shell)


# name -> module, imported when the name is asked for
_EXECUTORS = {"ALWAYS": "executor", "ANY_COMPLETED": "executor", "Executor": "executor"}
_NO_FUNCTIONS = {"c_": "grids", "mgrid": "grids", "ogrid": "grids", "r_": "grids", "ndarray": "creation", "nditer": "iterators"}
_LATER = {**_EXECUTORS, **_NO_FUNCTIONS}
__all__ += _EXECUTORS
_NAMESPACES = ("array_api", "emath", "fft", "joblib", "linalg", "polynomial", "random", "testing")  # imported when they are asked for


def __getattr__(name):
    if name == "engine":
        from .hub import engine

        return engine()
    if name in _NAMESPACES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    found = globals()[name] = _functions.get(name)
    return found


def __dir__():
    return sorted({*globals(), *__all__, *_NAMESPACES, *_LATER, *_numpys_own()})
