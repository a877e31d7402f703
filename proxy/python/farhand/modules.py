"""Modules that remote code needs and an engine of another host may lack: their source goes along.

Only what is written in Python and lies in the program's own folders, or wherever its source can be had, can go: the standard library and
compiled modules must be there.  A module stays as it was when it went.
"""
import sys
import types

_KINDS = (types.FunctionType, types.ModuleType)
_ROUNDS = 50  # of asking what is missing: as deep as modules may import each other


def is_code(value):
    """Does it refer to a module?"""
    return isinstance(value, (type, *_KINDS))


def names_of(values):
    """Modules that these functions, classes and modules (or names of some) come from, and those that their code imports."""
    names = set()
    for value in values:
        names.add(value if isinstance(value, str) else value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None))
        if isinstance(value, types.FunctionType):
            _imports_of_code(value.__code__, names)
    return _asked(names)


def _imports_of_code(code, names):
    import dis

    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            names.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _imports_of_code(constant, names)


def _asked(names):
    """With the packages that they are in, without what is there in any case."""
    found = set()
    for name in names:
        if not isinstance(name, str) or not name or name.partition(".")[0] in _THERE:
            continue
        parts = name.split(".")
        found.update(".".join(parts[:n]) for n in range(1, len(parts) + 1))
    return found


_THERE = frozenset((*sys.stdlib_module_names, *sys.builtin_module_names, "__main__", "__mp_main__", "farhand", "_farhand_host", "numpy"))


def source_of(name):
    """(source, file name, is a package), or None if there is none."""
    import importlib.util

    try:
        spec = getattr(sys.modules.get(name), "__spec__", None) or importlib.util.find_spec(name)
        source = spec.loader.get_source(name)
    except Exception:  # whatever finders and loaders raise
        return None
    return None if source is None else (source, spec.origin or name, spec.submodule_search_locations is not None)


def _imports_of_source(name, source, is_package):
    """Names of modules that the source imports, anywhere in it."""
    import ast

    names = set()
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return names
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[:len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names if alias.name != "*")  # if they are modules
    return names


def provide(names, ask_missing, send):
    """Send those of these modules that are missing, and what they import.

    ask_missing(names) -> those that cannot be imported there; send({name: (source, file, is a package)}).
    """
    done = set()
    for _ in range(_ROUNDS):
        wanted = sorted(names - done)
        if not wanted:
            return
        done.update(wanted)
        found = {}
        for name in ask_missing(wanted):
            described = source_of(name)
            if described is not None:
                found[name] = described
        if not found:
            return
        send(found)
        names = set()
        for name, (source, _, is_package) in found.items():
            names |= _imports_of_source(name, source, is_package)
        names = _asked(names)
