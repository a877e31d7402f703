"""One contestant in its own process: reads a work a line, answers a line.   python3 -m compare.driver NAME

Answers: {"ready": versions} or {"absent": why} first; then {"values": {...}}, {"skip": why} or {"error": what}."""
import importlib
import json
import os
import shutil
import sys
import traceback

from compare.timing import Skip


def load(name):
    """The contestant's module, and None; or None, and why it is not here."""
    try:
        module = importlib.import_module(f"peers.{name}")
    except ImportError as problem:
        return None, str(problem)
    for program in getattr(module, "PROGRAMS", ()):
        if not shutil.which(program):
            return None, f"no program {program}"
    return module, None


def answer_to(contestant, question):
    work = getattr(contestant, question["work"], None)
    if work is None:
        return {"skip": ""}
    try:
        return {"values": work(question["size"])}
    except Skip as reason:
        return {"skip": str(reason)}
    except Exception as problem:  # whatever a peer raises is its result
        traceback.print_exc()
        return {"error": f"{type(problem).__name__}: {problem}"}


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is not an answer

    def say(answer):
        answers.write(json.dumps(answer) + "\n")

    module, absent = load(sys.argv[1])
    if module is None:
        say({"absent": absent})
        return 0
    contestant = module.Contestant()
    say({"ready": module.VERSION})
    try:
        for line in sys.stdin:
            say(answer_to(contestant, json.loads(line)))
    finally:
        contestant.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
