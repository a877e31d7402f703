"""The machinery of scripts/bench: what it does with figures, records and benchmarks that fail."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests/bench"
sys.path.append(str(BENCH))

from compare import machine, record, results, text, timing, works  # noqa: E402

NOOP = next(work for work in works.WORKS if work.key == "noop")
MOVES = next(work for work in works.WORKS if work.key == "axis0")
HUNDREDTHS = [1.0] * 101


def noop_turns(**p50s):
    return {name: [{"p50": value, "p99": 2 * value, "rested": 3 * value, "hundredths": HUNDREDTHS} for value in values] for name, values in p50s.items()}


def ours(figures, row):
    return next(figure for figure in figures if figure["contestant"] == works.OURS and figure["row"] == row)


def test_times_median_spread_and_ratios():
    figures = results.figures_of(NOOP, 400, noop_turns(limit=[1.0, 2.0, 4.0], farhand=[3.0, 4.0, 12.0], dask=[50.0], redis=[8.0, 6.0]))
    found = ours(figures, "p50")
    assert (found["median"], found["low"], found["high"], found["turns"]) == (4.0, 3.0, 12.0, 3)
    assert found["to_limit"] == 3.0  # the median of 3, 2 and 3: pairs of turns, not of medians
    assert found["best_peer"] == "redis" and found["better_than_peer"] == pytest.approx(7 / 4)
    assert len(found["hundredths"]) == 101


def test_rates_are_better_when_larger():
    turns = {name: [{"scatter": rate, "gather": 1.0, "read": 1.0}] for name, rate in (("limit", 20e9), ("farhand", 10e9), ("mpi4py", 5e9))}
    found = ours(results.figures_of(MOVES, 1 << 30, turns), "scatter")
    assert found["to_limit"] == 2.0 and found["better_than_peer"] == 2.0
    assert found["title"] == "scatter 1 GiB, axis 0"


def test_who_did_not_take_part_leaves_no_trace():
    assert results.figures_of(NOOP, 400, {}) == []
    figures = results.figures_of(NOOP, 400, noop_turns(farhand=[1.0]))
    assert not {"to_limit", "best_peer"} & set(ours(figures, "p50"))


@pytest.mark.parametrize("value, unit, wanted", [
    (4.2e-6, "s", "4.2 µs"), (0.1234, "s", "123 ms"), (18.66e9, "B/s", "18.7 GB/s"), (1e-10, "s", "0.1 ns"),
    (251e3, "/s", "251 k/s"), (7 << 20, "B", "7 MiB"), (0.0, "s", "0 ns")])
def test_values_are_shown_in_units_that_fit(value, unit, wanted):
    assert results.text_of(value, unit) == wanted


def test_every_contestant_has_a_file_that_does_known_works():
    keys = {work.key for work in works.WORKS}
    for contestant in works.CONTESTANTS:
        source = (BENCH / "peers" / f"{contestant.name}.py").read_text()
        assert any(f"def {key}(" in source or f'"{key}"' in source for key in keys), contestant.name


def a_run(quick=False, load=0.0):
    turns = noop_turns(limit=[0.4e-6], farhand=[4e-6], dask=[1.5e-3], ipyparallel=[2.3e-3])
    moves = {name: [{"scatter": rate, "gather": 1e-4, "read": 1e-1}]
             for name, rate in (("limit", 2e10), ("farhand", 1.9e10), ("dask", 1e9), ("ipyparallel", 3e8))}
    facts = {**machine.facts(load), "cores": 2, "date": "2026-01-01 00:00 UTC"}
    return [{"kind": "run", "quick": quick, **facts, "versions": {"farhand": "1", "limit": "C", "dask": "2022"}},
            *results.figures_of(NOOP, 400, turns), *results.figures_of(MOVES, 1 << 20, moves), *results.figures_of(MOVES, 1 << 30, moves),
            {"kind": "missing", "work": "matmul", "size": 4096, "contestant": "farhand", "skip": "not built"}]


def test_the_newest_run_of_all_records_is_taken(tmp_path):
    old, new = a_run(), a_run()
    old[0]["date"] = "2025-01-01 00:00 UTC"
    record.append(tmp_path / "b.jsonl", old)
    record.append(tmp_path / "a.jsonl", new)
    benchmarks = [{"kind": "benchmarks", **machine.facts()}, {"kind": "benchmark", "bench": "noop", "case": "C", "value": 1.0, "unit": "us"}]
    record.append(tmp_path / "a.jsonl", benchmarks)
    assert record.newest(tmp_path) == (new, benchmarks)


def written_page(tmp_path, records):
    (tmp_path / "docs/performance").mkdir(parents=True, exist_ok=True)
    (tmp_path / "README.md").write_text((ROOT / "README.md").read_text())
    if records:
        record.append(tmp_path / "docs/performance/run.jsonl", records)
    subprocess.run([sys.executable, "-m", "compare.page", str(tmp_path)], check=True, timeout=120,
                   env=dict(os.environ, PYTHONPATH=str(BENCH)))
    return {path.name: path.read_bytes() for path in (tmp_path / "docs/performance").iterdir() if path.suffix != ".jsonl"}


def test_the_page_and_its_plots_are_the_same_for_the_same_record(tmp_path):
    pytest.importorskip("matplotlib")
    first = written_page(tmp_path, a_run())
    assert first == written_page(tmp_path, None)
    assert {"README.md", "noop.svg", "transfer.svg", "ratios.svg"} <= set(first)
    page = first["README.md"].decode()
    assert "| call that does nothing, p50 | 400 ns | **4 µs** (4 to 4) | 10 | 375 (dask) |" in page
    assert "farhand, matmul: not built" in page and "**redis**: was not installed" in page
    assert "A remote call takes 4 µs from Python (1.5 ms with Dask, 2.3 ms with ipyparallel" in (tmp_path / "README.md").read_text()


def test_a_page_without_a_record_says_so(tmp_path):
    assert b"No run is recorded yet" in written_page(tmp_path, None)["README.md"]


def test_quick_figures_are_marked(tmp_path):
    assert b"Small sizes, one turn" in written_page(tmp_path, a_run(quick=True))["README.md"]


def test_figures_of_a_busy_machine_are_marked_and_not_quoted(tmp_path):
    assert b"do not quote" in written_page(tmp_path, a_run(load=1.1))["README.md"]
    readme = (tmp_path / "README.md").read_text()
    assert "A remote call takes" not in readme and "docs/performance/README.md" in readme


def test_the_terminal_table_names_ratio_and_peer():
    lines = text.summary(a_run()[1:-1])
    assert any("375 dask" in line and "4 µs" in line for line in lines)


def run_with(programs, tmp_path, *arguments):
    folder = tmp_path / "bench"
    folder.mkdir(exist_ok=True)
    for name, body in programs.items():
        (folder / name).write_text("#!/bin/sh\n" + body)
        (folder / name).chmod(0o755)
    return subprocess.run([sys.executable, str(BENCH / "run.py"), "--build", str(tmp_path), "--json", str(tmp_path / "rows.jsonl"), *arguments],
                          capture_output=True, text=True, timeout=60, check=False)


ROW = '{"bench": "good", "case": "it", "value": 1.5, "unit": "us", "limit": 1, "limit_name": "nothing", "ratio": 1.5}'


def test_a_benchmark_that_fails_does_not_stop_the_others(tmp_path):
    programs = {"aa": f"echo '{ROW}'; exit 3", "bb": "echo '{broken'; kill -9 $$", "cc": "echo nothing", "dd": f"echo chatter; echo '{ROW}'"}
    done = run_with(programs, tmp_path, *programs)
    assert done.returncode == 1
    assert done.stdout.count("nothing") == 2  # both rows are shown
    for told in ("aa ended with 3", "bb ended with -9", "cc printed no figures", "3 of 4 benchmarks failed"):
        assert told in done.stdout, done.stdout
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["benchmarks", "benchmark", "benchmark"] and rows[0]["cores"] == os.cpu_count()


def test_daemons_of_a_benchmark_that_fails_end_with_it(tmp_path):
    left = tmp_path / "daemon"
    done = run_with({"aa": f"setsid sh -c 'echo $$ >{left}; exec sleep 600' >&2 & while ! [ -s {left} ]; do :; done; exit 3"}, tmp_path, "aa")
    assert done.returncode == 1 and state_of(left.read_text().strip()) == "Z"


def test_a_wrong_name_is_an_error_that_lists_the_right_ones(tmp_path):
    done = run_with({"dd": f"echo '{ROW}'"}, tmp_path, "ddd")
    assert done.returncode == 2 and "no such benchmark: ddd" in done.stderr and "dd" in done.stderr
    assert run_with({}, tmp_path, "dd").returncode == 0


@pytest.mark.parametrize("arguments, told", [(["nothing"], "no such work: nothing"), (["--peers", "nobody"], "no such peer: nobody")])
def test_wrong_works_and_peers_are_errors(arguments, told):
    done = subprocess.run([sys.executable, "-m", "compare", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, PYTHONPATH=str(BENCH)))
    assert done.returncode == 2 and told in done.stderr


LEAVES_A_CHILD = """import os, signal
        child = os.fork()
        if child:
            open({!r}, "w").write(str(child))
            os._exit(1)
        signal.pause()"""


def test_a_contestant_that_hangs_or_ends_is_told_of_and_left_behind(tmp_path, monkeypatch):
    """One answers, one ends in its work and leaves a child, one never answers."""
    from compare import contest
    left = tmp_path / "child"
    package = tmp_path / "peers"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name, body in (("good", "return {'p50': 1.0}"), ("ends", LEAVES_A_CHILD.format(str(left))), ("hangs", "import signal; signal.pause()"),
                       ("raises", "raise ValueError('seven')")):
        (package / f"{name}.py").write_text(f"VERSION = '1'\nclass Contestant:\n    def close(self): pass\n    def noop(self, n):\n        {body}\n")
    (tmp_path / "compare").symlink_to(BENCH / "compare")
    monkeypatch.setattr(contest, "PACKAGES", tmp_path)
    monkeypatch.setattr(contest, "WORK_SECONDS", 3)
    told = {}
    who = [works.Contestant(name, name) for name in ("good", "ends", "hangs", "raises", "away")]
    with open(tmp_path / "log", "wb") as log, contest.Contest(
            who, log, lambda contestant, work, size, answer: told.update({contestant.name: answer}), 600) as running:
        done = running.run(NOOP, 1, True)
        assert running.players[-1].absent.startswith("not installed")
    assert done == {"good": [{"p50": 1.0}]}
    assert told == {"ends": {"error": "its process has ended"}, "hangs": {"error": "no answer within 3 s"},
                    "raises": {"error": "ValueError: seven"}}
    assert state_of(left.read_text()) == "Z"  # or gone


def test_contestants_end_with_a_comparison_that_is_stopped():
    environment = dict(os.environ, PYTHONPATH=str(BENCH))
    running = subprocess.Popen([sys.executable, "-m", "compare", "--quick", "--peers", "numpy,multiprocessing"], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in running.stdout:
        if line.startswith("taking part"):
            break
    below = timing.children_of(running.pid)
    running.terminate()
    running.communicate(timeout=60)
    assert below and not [pid for pid in below if state_of(pid) != "Z"]


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
