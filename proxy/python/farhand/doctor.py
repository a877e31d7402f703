"""fh.doctor(): what is there, and what is missing, in a few lines."""
import sys

import numpy as np

from . import _native, function_table
from .cluster import find_program
from .errors import Error
from .session import current, is_open

_PROGRAMS = ("farhand", "farhand-broker", "farhand-engine", "farhand-runner", "farhand-pyhost")


def _programs():
    missing = []
    for name in _PROGRAMS:
        try:
            find_program(name)
        except Error:
            missing.append(name)
    return "all found" if not missing else f"not found: {', '.join(missing)}"


def _functions():
    counts = {}
    for row in function_table.rows().values():
        kind = function_table.resolved(row).kind
        counts[kind] = counts.get(kind, 0) + 1
    native = sum(counts.get(kind, 0) for kind in function_table.NATIVE_KINDS)
    return f"{native} of NumPy's run natively, {counts.get('HOSTED', 0)} in NumPy beside the arrays, {counts.get('NONE', 0)} are refused"


def _python_of(engine):
    """What NumPy the engine's Python code finds."""
    from .hosted import numpy_version

    try:
        return f"Python code runs there, with NumPy {numpy_version(engine.number)}"
    except Error as problem:
        return f"no Python code: {problem}"


def _engines(session):
    for engine in session.engines:
        state = f"{engine.host}, {engine.cores} cores, {engine.memory:,} bytes, LLVM {engine.llvm}, {engine.state}"
        yield f"engine {engine.number}", state
        if engine.state == "ready":
            yield "", _python_of(engine)


def _lines():
    yield "farhand", _native.version()
    yield "Python", f"{sys.version.split()[0]} ({sys.executable})"
    yield "NumPy", np.__version__
    yield "programs", _programs()
    yield "functions", _functions()
    if not is_open():
        yield "session", "none: fh.connect() or fh.Cluster() makes one"
        return
    session = current()
    yield "session", f"cluster {session.cluster!r}, {len(session.engines)} engines, {len(session.names())} names"
    yield from _engines(session)


def doctor(file=None):
    """Print what this client has and what its session's engines have: versions, programs, Python, memory.  file: sys.stdout.

    It starts and connects nothing.
    """
    for name, text in _lines():
        print(f"{name:<10} {text}", file=file)
