"""Run the benchmarks and print one table; every row is a figure beside its limit, measured in the same run.

A benchmark is a program that prints one JSON object a line (other lines are passed over):
    {"bench": "noop", "case": "C client", "value": 81.2, "unit": "us", "limit": 74.9, "limit_name": "bare DEALER/ROUTER",
     "ratio": 1.08}
ratio is ours to the limit: for times lower is better, for rates higher is better.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def programs(build):
    yield from sorted(p for p in (build / "bench").glob("*") if p.is_file() and p.stat().st_mode & 0o100)
    yield from sorted(p for p in HERE.glob("*.py") if p.name != "run.py")


def rows_of(program):
    command = [sys.executable, str(program)] if program.suffix == ".py" else [str(program)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return [], "took longer than 900 s"
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows, None if done.returncode == 0 else f"ended with {done.returncode}"


def number(value):
    return "" if value is None else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", help="only benchmarks of these names")
    arguments = parser.parse_args()

    print(f"{'benchmark':<10} {'case':<38} {'ours':>10} {'unit':<6} {'limit':>10} {'ratio':>7}  limit is")
    failed = []
    with arguments.json.open("w") as out, tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # engines leave the user's machine code alone
        for program in programs(arguments.build):
            if arguments.names and program.stem not in arguments.names:
                continue
            rows, problem = rows_of(program)
            for row in rows:
                out.write(json.dumps(row) + "\n")
                print(f"{row['bench']:<10} {row['case']:<38} {number(row['value']):>10} {row['unit']:<6} "
                      f"{number(row.get('limit')):>10} {number(row.get('ratio')):>7}  {row.get('limit_name', '')}", flush=True)
            if problem:
                failed.append(f"{program.stem} {problem}")
    for line in failed:
        print("failed:", line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
