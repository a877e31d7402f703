"""%load_ext farhand: cells that run on all engines."""
import html
import shlex

from .errors import CLASSES, error
from .remote_calls import python_side, run
from .session import current


def _chosen(line):
    """Numbers of engines from the line of the magic: all, or those that it names."""
    numbers = [engine.number for engine in current().engines if engine.state == "ready"]
    wanted = [part for word in shlex.split(line) for part in word.split(",") if part]
    strange = [word for word in wanted if not word.isdigit() or int(word) not in numbers]
    if strange:
        raise error("INVALID_ARGUMENT", f"%%engines takes numbers of engines, of {numbers}, not {', '.join(strange)}")
    return [int(word) for word in wanted] or numbers


def engines(line, cell):
    """%%engines [NUMBER...]: run the cell in the Python hosts of all engines, or of these, all at once.

    Names stay there from cell to cell.  What is printed is shown with the engine's number, and so is the value of the last line.
    """
    side = python_side()
    begun = [(number, run(side, "%%engines", ("cell", True, cell), engine=number, block=False)) for number in _chosen(line)]
    failed = []
    for number, future in begun:
        try:
            shown = future.result()
        except CLASSES["Error"] as problem:
            failed.append(problem)
            continue
        if shown is not None:
            print(f"[engine {number}] {shown}")
    if failed:
        raise failed[0]


def load_ipython_extension(shell):
    shell.register_magic_function(engines, "cell", "engines")


def table(title, columns, rows):
    """A small HTML table."""
    def row(tag, values):
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(value))}</{tag}>" for value in values) + "</tr>"

    return f"<b>{html.escape(title)}</b><table>{row('th', columns)}{''.join(row('td', values) for values in rows)}</table>"


def engines_table(title, listed):
    return table(title, ("engine", "host", "state", "cores", "arrays", "bytes", "of"),
                 [(engine.number, engine.host.split("/")[0], engine.state, engine.cores, engine.objects, engine.used, engine.memory)
                  for engine in listed])


def object_table(proxy):
    """What is known here of a remote object."""
    from .remote import Remote

    names = [name for name in dir(type(proxy)) if not name.startswith("_") and name not in vars(Remote)]
    methods = [name for name in names if callable(getattr(type(proxy), name, None))]
    rows = [("type", type(proxy)._remote_name), ("engine", proxy._engine), ("id", proxy._id.instance.hex()[:8]),
            ("name", proxy._name), ("about", (type(proxy).__doc__ or "").strip().partition("\n")[0]),
            ("methods", ", ".join(methods)), ("attributes", ", ".join(name for name in names if name not in methods))]
    cells = "".join(f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows if value not in ("", None))
    return f"<table><caption>farhand {html.escape(type(proxy).__name__)}</caption>{cells}</table>"
