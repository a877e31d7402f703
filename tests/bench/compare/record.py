"""Recorded runs: docs/performance/NAME.jsonl, an object a line, runs appended to each other.

{"kind": "run", ...} begins a comparison and is followed by "figure" and "missing" lines; {"kind": "benchmarks", ...} begins what run.py
measured and is followed by "benchmark" lines."""
import json

BEGINNINGS = ("run", "benchmarks")


def append(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def newest(folder):
    """(records of the last comparison, of the last benchmarks) that any file of the folder has; each may be empty."""
    last = {}
    for path in sorted(folder.glob("*.jsonl")):
        kept = None
        for line in path.read_text().splitlines():
            record = json.loads(line)
            if record["kind"] in BEGINNINGS:
                kept = []
                if record["date"] >= last.get(record["kind"], [{"date": ""}])[0]["date"]:
                    last[record["kind"]] = kept
            kept.append(record)
    return last.get("run", []), last.get("benchmarks", [])
