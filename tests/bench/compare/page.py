"""docs/performance/README.md, the plots beside it and the lines in README.md, from the newest recorded run.

    python3 -m compare.page ROOT"""
import ast
import pathlib
import re
import sys

from compare import machine, record as recorded
from compare.results import digits, scale_of, text_of
from compare.works import CONTESTANTS, GIB, LIMIT, OURS, WORKS

PEERS = pathlib.Path(__file__).resolve().parent.parent / "peers"
COLUMNS = ("dask", "ipyparallel", "mpi4py", "redis", "multiprocessing")  # the others share a column
MARKS = ("<!-- figures, by scripts/bench --plots -->", "<!-- end of figures -->")
HEAD = """# Performance

Made by `scripts/bench --publish`, which measures everything below in one run of some minutes and writes this page, the plots and
the record that they are drawn from (`*.jsonl` here); `scripts/bench --plots` draws them again. A figure alone says little, since machines differ and have
neighbours: read the ratios. Limit, farhand and peers take turns within one run, so that they share its good and bad moments.
"""


def _table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


def _value(record):
    divisor, unit = scale_of(record["median"], record["unit"])
    return f"{digits(record['median'] / divisor)} {unit}"


def _with_spread(record):
    divisor, unit = scale_of(record["median"], record["unit"])
    return f"**{_value(record)}** ({digits(record['low'] / divisor)} to {digits(record['high'] / divisor)})"


def _machine(run):
    quick = "**Small sizes, one turn: this shows that it runs, not how fast it is.** " if run.get("quick") else ""
    loud = "**The machine was busy: do not quote these figures.** " if not machine.is_quiet(run["load"], run["cores"]) else ""
    return (f"{quick}{loud}{run['date']}, {run['cpu']}, {run['cores']} cores, {run['memory_gib']} GiB, Linux {run['kernel']}, "
            f"Python {run['python']}, NumPy {run['numpy']}, load average {run['load']} at the start, revision {run['revision']}.")


def _comparison(records):
    """One line for each figure."""
    titles = {name: next(c.title for c in CONTESTANTS if c.name == name) for name in COLUMNS}
    figures = [record for record in records if record["kind"] == "figure"]
    rows = []
    for title in dict.fromkeys(record["title"] for record in figures):
        by_name = {record["contestant"]: record for record in figures if record["title"] == title}
        ours = by_name.get(OURS, {})
        others = [f"{name} {_value(record)}" for name, record in by_name.items() if name not in (*COLUMNS, LIMIT, OURS)]
        rows.append([title, _value(by_name[LIMIT]) if LIMIT in by_name else "", _with_spread(ours) if ours else "not built",
                     digits(ours["to_limit"]) if "to_limit" in ours else "",
                     f"{digits(ours['better_than_peer'])} ({ours['best_peer']})" if "best_peer" in ours else "",
                     *(_value(by_name[name]) if name in by_name else "" for name in COLUMNS), ", ".join(others)])
    return _table(["", "limit", "farhand (lowest to highest turn)", "cost over the limit's", "times as good as the best peer",
                   *titles.values(), "in one process"], rows)


def _missing(records):
    lines = dict.fromkeys(f"* {record['contestant']}, {record['work']}: {record.get('skip') or record.get('error')}".replace("\n", " ")
                          for record in records if record["kind"] == "missing")
    return ["", "Not measured:", "", *lines] if lines else []


def _how(versions):
    """What each file under tests/bench/peers says about itself."""
    lines = []
    for contestant in CONTESTANTS:
        if contestant.name in versions:
            text = ast.get_docstring(ast.parse((PEERS / f"{contestant.name}.py").read_text())).replace("\n", " ")
            lines.append(f"* **{contestant.name}** {versions[contestant.name]}: {text}")
        elif contestant.name not in (LIMIT, OURS):
            lines.append(f"* **{contestant.name}**: was not installed")
    return lines


def _benchmarks(records):
    rows = [[row["bench"], row["case"], f"{digits(row['value'])} {row['unit']}", digits(row["limit"]) if row.get("limit") else "",
             digits(row["ratio"]) if row.get("ratio") else "", row.get("limit_name") or ""]
            for row in records if row["kind"] == "benchmark"]
    return _table(["benchmark", "case", "farhand", "limit", "ratio", "limit is"], rows)


def page(comparison, benchmarks, plots):
    lines = [HEAD]
    if not comparison:
        lines.append("No run is recorded yet.\n")
    else:
        lines += ["## Beside the machine and beside others", "", _machine(comparison[0]), "",
                  "By `scripts/bench --compare` (one line of it: `scripts/bench --compare WORK`, with WORK of: "
                  + ", ".join(f"`{work.key}`" for work in WORKS) + "). Medians. \"Cost over the limit's\": 1 is as good as the machine, 2 takes "
                  "twice as long; \"times as good\": 2 takes half the time or memory, or does twice as many. Peers do what they "
                  "offer, which may be less: see \"How\".", "", *_comparison(comparison), *_missing(comparison), ""]
        for name, text in plots.items():
            lines += [f"{text} (`scripts/bench --compare`, then `scripts/bench --plots`):", "", f"![{text}]({name}.svg)", ""]
        lines += ["### How", "", *_how(comparison[0]["versions"]), ""]
    if benchmarks:
        lines += ["## Beside limits, from C and Python", "", _machine(benchmarks[0]), "",
                  "By `scripts/bench` (one of them: `scripts/bench NAME`). The ratio is farhand's figure over the limit's: for times less is better, "
                  "for rates more.", "", *_benchmarks(benchmarks), ""]
    return "\n".join(lines)


def _most_telling(comparison):
    """For README.md: calls and transfers, where they may be quoted."""
    link = "beside the machine's limits and other systems: [docs/performance](docs/performance/README.md)."
    if comparison and not machine.is_quiet(comparison[0]["load"], comparison[0]["cores"]):
        return [f"Figures, {link}"]
    of = {(record["work"], record["row"], record["size"], record["contestant"]): record for record in comparison if record["kind"] == "figure"}

    def say(work, row, size, name):
        record = of.get((work, row, size, name))
        return text_of(record["median"], record["unit"]) if record else None

    call = {name: say("noop", "p50", 400, name) for name in (OURS, LIMIT, "dask", "ipyparallel")}
    there = {name: say("axis0", "scatter", GIB, name) for name in (OURS, LIMIT, "dask", "ipyparallel")}
    back = {name: say("axis0", "gather", GIB, name) for name in (OURS, "dask", "ipyparallel")}
    if not all((*call.values(), *there.values(), *back.values())):
        return [f"Figures, {link}"]
    return [f"* A remote call takes {call[OURS]} from Python ({call['dask']} with Dask, {call['ipyparallel']} with ipyparallel; the limit is {call[LIMIT]}).",
            f"* 1 GiB goes out at {there[OURS]} (Dask {there['dask']}, ipyparallel {there['ipyparallel']}; limit {there[LIMIT]}) and is back in {back[OURS]} "
            f"({back['dask']}, {back['ipyparallel']}).", "",
            "More, with the machine and how it was measured: [docs/performance](docs/performance/README.md)."]


def _put_into_readme(path, lines):
    text = path.read_text()
    pattern = re.compile(re.escape(MARKS[0]) + ".*?" + re.escape(MARKS[1]), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} has no place for figures ({MARKS[0]})")
    path.write_text(pattern.sub(lambda _: "\n".join([MARKS[0], *lines, MARKS[1]]), text))


def main():
    root = pathlib.Path(sys.argv[1])
    folder = root / "docs/performance"
    comparison, benchmarks = recorded.newest(folder)
    try:
        from compare.plots import Plots
    except ImportError as problem:
        print(f"no plots: {problem} (Debian: python3-matplotlib)", file=sys.stderr)
        made = {}
    else:
        made = Plots(comparison, folder).draw()
    (folder / "README.md").write_text(page(comparison, benchmarks, made))
    _put_into_readme(root / "README.md", _most_telling(comparison))
    print(f"wrote {folder}/README.md and {len(made)} plots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
