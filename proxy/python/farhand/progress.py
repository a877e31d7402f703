"""How far kernels are."""
import sys
from dataclasses import dataclass


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
