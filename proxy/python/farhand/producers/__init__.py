"""Producers: what makes bitcode from C, Rust, Fortran and Python functions.  Each is only looked for when it is asked for."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """Bitcode or IR, and what its producer knows of it; None: the engines find it out."""

    code: bytes
    entry: str = None
    signature: str = None
    kind: str = None
    layout: str = None
    state_bytes: int = 0
    function: object = None  # the Python function that it was made from
    again: object = None  # callable(): a Product of the same source, with all its lines
