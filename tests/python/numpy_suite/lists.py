"""known/PART/test_NAME.txt: what is known of NumPy's PART/tests/test_NAME.py.  A file of NumPy is in the suite if it has such a list.

    # Why the tests below fail, up to the next empty line.
    TestClass::test_name            all its parametrizations
    TestClass::test_name[case]      one of them
    TestClass                       all tests of the class
    not run: TestClass::test_name   it would not end, or take more than there is

First lines may be "slow" (the file is left to scripts/test --all) and "local" (what the file makes outside of its tests, parameters among it, is NumPy's
own; else that is so only for what farhand refuses).  Each test that is named, and no other, has to fail.
"""
import functools
import os
import pathlib
from dataclasses import dataclass

FOLDER = pathlib.Path(os.environ.get("FARHAND_NUMPY_SUITE_LISTS") or pathlib.Path(__file__).parent / "known")
_NOT_RUN = "not run: "


@dataclass
class Entry:
    name: str
    reason: str
    run: bool
    used: bool = False


class Known:
    """What one list says."""

    def __init__(self, path):
        self.path, self.slow, self.local, self.entries = path, False, False, {}
        reason = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else ()):
            line = line.rstrip()
            if not line:
                reason = []
            elif line in ("slow", "local"):
                setattr(self, line, True)
            elif line.startswith("#"):
                reason.append(line.lstrip("# "))
            else:
                self._add(line, " ".join(reason), number + 1)

    def _add(self, line, reason, number):
        run = not line.startswith(_NOT_RUN)
        name = line if run else line[len(_NOT_RUN):]
        if not reason or name in self.entries:
            raise ValueError(f"{self.path}:{number}: {name} " + ("stands there twice" if reason else "has no reason"))
        self.entries[name] = Entry(name, reason, run)

    @classmethod
    @functools.lru_cache(maxsize=None)
    def of(cls, test):
        """The list of a file, "core/tests/test_indexing.py"; an empty one if there is none."""
        test = pathlib.Path(test)
        return cls(FOLDER / test.parent.parent / f"{test.stem}.txt")

    def take(self, name):
        """The entry of a test; None: it has to pass."""
        without_case = name.partition("[")[0]
        for key in (name, without_case, without_case.partition("::")[0]):
            if key in self.entries:
                self.entries[key].used = True
                return self.entries[key]
        return None

    def unused(self):
        return [entry.name for entry in self.entries.values() if not entry.used]


def listed():
    """file of NumPy -> its list, of all that are in the suite."""
    return {f"{path.parent.relative_to(FOLDER)}/tests/{path.stem}.py": Known(path) for path in sorted(FOLDER.rglob("*.txt"))}
