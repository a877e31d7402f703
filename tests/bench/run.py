"""Run the benchmarks and print one table; every row is a figure beside its limit, measured in the same run.

A benchmark is a program that prints one JSON object a line (other lines are passed over):
    {"bench": "noop", "case": "C client", "value": 81.2, "unit": "us", "limit": 74.9, "limit_name": "bare DEALER/ROUTER",
     "ratio": 1.08}
ratio is ours to the limit: for times lower is better, for rates higher is better.  A benchmark that fails does not stop the others.
"""
import argparse
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from compare import machine, record as recorded, timing

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 1800
FULL_SECONDS, FULL_TOTAL = 150, 420  # for one, for all
PR_SET_CHILD_SUBREAPER = 36
# Those that show within seconds that they run, with what makes them small.
QUICK = {"codec": [], "noop": [], "kernel_client": ["1000000"], "python_calls": [], "idle": []}
# In full runs of all, which have minutes.
FULL = {"wire": ["2"], "linalg": ["--quick", "--engines", "2x1"], "functions": ["--engines", "1", "--sizes", "1e5", "--seconds", "0.05"]}


def programs(build):
    """{name: path}"""
    found = [path for path in (build / "bench").glob("*") if path.is_file() and path.stat().st_mode & 0o100]
    found += [path for path in HERE.glob("*.py") if path.name != "run.py"]
    return {path.stem: path for path in sorted(found)}


def row_of(line):
    """What a line says, or None: it is not a row."""
    try:
        row = json.loads(line)
        return row if {"bench", "case", "value", "unit"} <= row.keys() else None
    except (ValueError, AttributeError):
        return None


def end_leftovers():
    """Whatever a benchmark that was stopped has left running, daemons too: they are our children now."""
    for pid in timing.children_of(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            pass  # it has ended, or is a grandchild, which ends with the others


def rows_of(program, arguments, seconds):
    """(rows, what went wrong or None)"""
    command = [sys.executable, str(program)] if program.suffix == ".py" else [str(program)]
    problem, output = None, b""
    try:
        done = subprocess.run(command + arguments, stdout=subprocess.PIPE, timeout=seconds, check=False)
        output = done.stdout
        if done.returncode:
            problem = f"ended with {done.returncode}"
    except OSError as error:
        problem = str(error)
    except subprocess.TimeoutExpired as late:
        output, problem = late.stdout or b"", f"took longer than {seconds:.0f} s"
    if problem:
        end_leftovers()
    return [row for row in map(row_of, output.decode(errors="replace").splitlines()) if row], problem


def number(value):
    return "" if value is None else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def parse(arguments, known):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of the build")
    parser.add_argument("--json", type=pathlib.Path, help="append machine facts and rows to this file, a JSON object a line")
    parser.add_argument("--load", type=float, help="load average before this run was prepared; else that of its start")
    parser.add_argument("--quick", action="store_true", help="only those that take seconds: " + ", ".join(QUICK))
    parser.add_argument("--full", action="store_true", help=f"each has {FULL_SECONDS} s, all have {FULL_TOTAL} s")
    parser.add_argument("--list", action="store_true", help="names")
    parser.add_argument("names", nargs="*", help="only benchmarks of these names")
    options = parser.parse_args(arguments)
    names = known(options.build)
    wrong = [name for name in options.names if name not in names]
    if wrong:
        parser.error(f"no such benchmark: {', '.join(wrong)}; there are {', '.join(names)}")
    return options, names


def main():
    options, known = parse(sys.argv[1:], programs)
    wanted = [name for name in known if (not options.names or name in options.names) and (not options.quick or name in QUICK)]
    if options.full:
        wanted.sort(key=lambda name: name == "registry")  # the longest
    if options.list:
        print("\n".join(wanted))
        return 0
    warning = machine.unquiet(options.load)
    if warning:
        print("warning:", warning, file=sys.stderr)
    print(f"{'benchmark':<13} {'case':<44} {'ours':>10} {'unit':<6} {'limit':>10} {'ratio':>7}  limit is", flush=True)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    end = time.monotonic() + FULL_TOTAL
    failed, records = [], [{"kind": "benchmarks", **machine.facts(options.load)}]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # engines leave the user's machine code alone
        for name in wanted:
            seconds = min(FULL_SECONDS, end - time.monotonic()) if options.full else SECONDS
            if seconds < 1:
                print(f"not run, since the time is used up: {name}", flush=True)
                continue
            rows, problem = rows_of(known[name], (QUICK if options.quick else FULL if options.full else {}).get(name, []), seconds)
            if not rows and not problem:
                problem = "printed no figures"
            for row in rows:
                records.append({"kind": "benchmark", **row})
                print(f"{row['bench']:<13} {row['case']:<44} {number(row['value']):>10} {row['unit']:<6} "
                      f"{number(row.get('limit')):>10} {number(row.get('ratio')):>7}  {row.get('limit_name') or ''}", flush=True)
            if problem:
                failed.append(f"{name} {problem}")
                print("failed:", failed[-1], flush=True)
    if options.json:
        recorded.append(options.json, records)
    if failed:
        print(f"{len(failed)} of {len(wanted)} benchmarks failed: {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
