"""How far kernels are, and long moves of arrays."""
import sys
import time
from dataclasses import dataclass

from .config import config


@dataclass(frozen=True)
class Progress:
    """What one engine does of a session's kernels.  kernel: its entry's name, "" if none runs; done and total: elements;
    seconds: since it began; queued: calls that wait behind it.
    """

    engine: int
    kernel: str
    done: int
    total: int
    seconds: float
    queued: int

    @property
    def fraction(self):
        """From 0 to 1; 0 if nothing runs."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


def progress():
    """A list of Progress records of the default session's kernels: one for each engine where one runs or calls wait."""
    from .session import current

    return current().progress()


class Line:
    """One line about what runs, on standard error, if somebody sees it there."""

    WIDTH = 24

    def __init__(self, stream=None):
        self._stream = stream or sys.stderr
        self._shown = 0
        self.wanted = self._stream.isatty()

    def show(self, records):
        """Replace the line by what the records say."""
        if not self.wanted:
            return
        running = [record for record in records if record.kernel]
        text = ""
        if running:
            fraction = sum(record.fraction for record in running) / len(running)
            full = int(fraction * self.WIDTH)
            text = (f"{running[0].kernel}: {fraction:4.0%} |{'#' * full}{' ' * (self.WIDTH - full)}| "
                    f"{max(record.seconds for record in running):.1f} s, {len(running)} engines")
        self._stream.write("\r" + text.ljust(self._shown))
        self._stream.flush()
        self._shown = len(text)

    def end(self):
        """Leave the line empty."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0


class Count:
    """A bar on standard error for many calls or items, shown when they take more than a second; total None: nobody knows."""

    EVERY = 0.1  # seconds between two looks of it

    def __init__(self, what, total=None, wanted=None):
        self._what, self._total = what, total
        self.wanted = Bar.wanted() if wanted is None else wanted
        self._begun = time.monotonic()
        self._next = self._begun + 1.0
        self._shown = 0

    def show(self, done):
        """So many are done by now."""
        now = time.monotonic()
        if not self.wanted or now < self._next:
            return
        self._next = now + self.EVERY
        seconds = now - self._begun
        if self._total:
            full = int(done / self._total * Line.WIDTH)
            text = f"{self._what}: {done / self._total:4.0%} |{'#' * full}{' ' * (Line.WIDTH - full)}| {done} of {self._total}"
        else:
            text = f"{self._what}: {done}"
        text += f", {seconds:.0f} s, {done / seconds:.3g} a second"
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def end(self):
        """Leave the line empty."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
            self._shown = 0


class Bar:
    """A bar on standard error for one long scatter or gather; called with the bytes that have moved (-1: it has failed), and all there are."""

    @staticmethod
    def wanted():
        """As config.progress says; by itself where a terminal, or somebody at an interactive prompt, sees it."""
        if config.progress is not None:
            return config.progress
        return sys.stderr is not None and sys.stderr.isatty() and (hasattr(sys, "ps1") or bool(sys.flags.interactive))

    def __call__(self, moved, total):
        fraction = max(moved, 0) / total if total else 1.0
        full = int(fraction * Line.WIDTH)
        text = (f"{fraction:4.0%} |{'#' * full}{' ' * (Line.WIDTH - full)}| {moved / 2**20:,.0f} of {total / 2**20:,.0f} MiB")
        sys.stderr.write("\r" + (text if 0 <= moved < total else " " * len(text) + "\r"))
        sys.stderr.flush()
