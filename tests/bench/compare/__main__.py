"""farhand beside the bare machine and beside other systems that are installed: the same works, in turns, medians with their spread.

A ratio to the limit is farhand's cost over the limit's (1 is as good as the machine); a ratio to a peer says how many times as good
farhand is.  Exit code 1 if farhand or the limit failed at something; what fails or is missing in a peer is only said."""
import argparse
import pathlib
import signal
import sys
import tempfile

from compare import machine, record as recorded, text
from compare.contest import Contest, Failed
from compare.results import figures_of
from compare.works import CONTESTANTS, LIMIT, OURS, WORKS, size_text


def _arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench --compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, one turn: shows that it runs, not how fast it is")
    parser.add_argument("--json", type=pathlib.Path, help="append machine facts and figures to this file, a JSON object a line")
    parser.add_argument("--load", type=float, help="load average before this run was prepared; else that of its start")
    parser.add_argument("--seconds", type=float, default=3600.0, help="after so many each contestant has one turn at what is left")
    parser.add_argument("--peers", metavar="NAME,...", help="only these beside farhand and the limit, of: " + ", ".join(
        contestant.name for contestant in CONTESTANTS if contestant.name not in (LIMIT, OURS)) + "; or none")
    parser.add_argument("works", nargs="*", metavar="WORK", help="only these, of: " + ", ".join(work.key for work in WORKS))
    arguments = parser.parse_args()
    wrong = set(arguments.works) - {work.key for work in WORKS}
    if wrong:
        parser.error(f"no such work: {', '.join(sorted(wrong))}; there are {', '.join(work.key for work in WORKS)}")
    known = {contestant.name for contestant in CONTESTANTS} | {"none"}
    arguments.peers = None if arguments.peers is None else set(arguments.peers.split(","))
    if arguments.peers is not None and arguments.peers - known:
        parser.error(f"no such peer: {', '.join(sorted(arguments.peers - known))}; there are {', '.join(sorted(known))}")
    return arguments


class _Run:
    """Prints as it goes and keeps what is to be written."""

    def __init__(self, quick, load):
        self.quick, self.load, self.records, self.failed = quick, load, [], []

    def tell(self, contestant, work, size, answer):
        """Something was not done."""
        what = "error" if "error" in answer else "skip"
        print(f"  {contestant.name} does not do {work.key} ({size_text(work, size)}): {answer[what]}", flush=True)
        self.records.append({"kind": "missing", "work": work.key, "size": size, "contestant": contestant.name, what: answer[what]})
        if what == "error" and contestant.name in (LIMIT, OURS):
            self.failed.append(f"{contestant.name}, {work.key}: {answer[what]}")

    def start(self, contest):
        """Who is here?"""
        versions = {}
        for player in contest.players:
            name = player.contestant.name
            try:
                player.start()
            except Failed as problem:
                player.absent = f"it does not start: {problem}"
                if name in (LIMIT, OURS):
                    self.failed.append(f"{name}: {player.absent}")
            if player.absent is None:
                versions[name] = player.version
            else:
                print(f"{name}: {player.absent}", flush=True)
        print("taking part: " + ", ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
        self.records.append({"kind": "run", "quick": self.quick, **machine.facts(self.load), "versions": versions})

    def works(self, contest, works):
        for work in works:
            for size in work.sizes(self.quick):
                figures = figures_of(work, size, contest.run(work, size, self.quick))
                self.records += figures
                print("\n".join(text.lines_of(figures)), flush=True)


def main():
    arguments = _arguments()
    warning = machine.unquiet(arguments.load)
    if warning:
        print("warning:", warning, file=sys.stderr)
    wanted = [contestant for contestant in CONTESTANTS
              if arguments.peers is None or contestant.name in arguments.peers | {LIMIT, OURS}]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # contestants are ended, too
    run = _Run(arguments.quick, arguments.load)
    with tempfile.TemporaryFile() as log:
        with Contest(wanted, log, run.tell, arguments.seconds) as contest:
            run.start(contest)
            run.works(contest, [work for work in WORKS if not arguments.works or work.key in arguments.works])
        if run.failed:
            log.seek(0)
            print(log.read().decode(errors="replace")[-4000:], file=sys.stderr)
    print("\n".join(["", *text.summary([record for record in run.records if record["kind"] == "figure"])]))
    if arguments.json:
        recorded.append(arguments.json, run.records)
    for line in run.failed:
        print("failed:", line)
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
