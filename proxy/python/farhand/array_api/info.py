"""What the namespace says of itself."""
import numpy as np

from ..device import Device
from ..errors import error
from ..session import current
from .data_types import KINDS, isdtype


class Info:
    """The answer of __array_namespace_info__."""

    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 32}

    def default_device(self):
        """None: arrays lie where it suits their size."""
        return None

    def devices(self):
        """The engines that are there."""
        return tuple(Device(engine.number) for engine in current().engines if engine.state == "ready")

    def default_dtypes(self, *, device=None):
        return {"real floating": np.dtype("float64"), "complex floating": np.dtype("complex128"), "integral": np.dtype("int64"),
                "indexing": np.dtype("int64")}

    def dtypes(self, *, device=None, kind=None):
        from ..function_table import standard

        names = standard()["dtypes"]
        if kind is None:
            return {name: np.dtype(name) for name in names}
        unknown = [one for one in (kind if isinstance(kind, tuple) else (kind,)) if one not in KINDS]
        if unknown:
            raise error("INVALID_ARGUMENT", f"dtypes: {unknown[0]!r} is no kind; kinds are {', '.join(KINDS)}")
        return {name: np.dtype(name) for name in names if isdtype(np.dtype(name), kind)}
