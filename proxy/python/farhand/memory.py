"""What memory is used for."""
from collections.abc import Mapping
from typing import NamedTuple

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_PER_SESSION = "arrays"


def _text(size):
    unit = 0
    while size >= 1024 and unit + 1 < len(_UNITS):
        size /= 1024
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


class MemoryRow(NamedTuple):
    """One use of memory.  engine: its number, -1 for the broker; owner: session id where a session is the owner, else b""."""

    engine: int
    kind: str
    owner: bytes
    on_disk: bool
    bytes: int
    count: int


class Memory(Mapping):
    """Bytes of memory by owner: a session's id in hex for its arrays, else what it is for ("cache", "process", ...).

    The sum is the resident memory of the broker, the engines and their runners: pages of arrays once, whoever has mapped
    them, and of programs and libraries in each process, as ps shows them.  What lies on disk is in .spilled, not in here.
    .rows has everything by engine; .engines (number: Memory), .broker, .kinds (bytes by kind) and .objects (bytes by
    id, if asked for) are views of it; .limit is what arrays may take.
    """

    def __init__(self, rows, engines=(), refs=None):
        self.rows = tuple(MemoryRow(*row)._replace(owner=row[2] if any(row[2]) else b"") for row in rows)
        self.limit = sum(engine.memory for engine in engines)
        self.spilled = sum(row.bytes for row in self.rows if row.on_disk)
        self.objects = None if refs is None else {ref.id: ref.bytes for ref in refs}
        self._engines = engines
        self._bytes = {}
        for row in self.rows:
            if not row.on_disk:
                owner = row.owner.hex() if row.kind == _PER_SESSION and row.owner else row.kind
                self._bytes[owner] = self._bytes.get(owner, 0) + row.bytes

    def __getitem__(self, owner):
        return self._bytes[owner]

    def __iter__(self):
        return iter(self._bytes)

    def __len__(self):
        return len(self._bytes)

    @property
    def total(self):
        """All bytes of memory."""
        return sum(self._bytes.values())

    @property
    def kinds(self):
        """Bytes by kind, sessions' arrays together; "spilled" among them, which is no memory."""
        kinds = {}
        for row in self.rows:
            kinds[row.kind] = kinds.get(row.kind, 0) + row.bytes
        return kinds

    def _of(self, number):
        return Memory([row for row in self.rows if row.engine == number], [e for e in self._engines if e.number == number])

    @property
    def engines(self):
        """The same for each engine, by number."""
        return {number: self._of(number) for number in sorted({row.engine for row in self.rows if row.engine >= 0})}

    @property
    def broker(self):
        """The same for the broker."""
        return self._of(-1)

    def __repr__(self):
        lines = [f"{_text(size):>12}  {'arrays of session ' + owner[:8] if len(owner) == 32 else owner}"
                 for owner, size in sorted(self.items(), key=lambda item: -item[1]) if size]
        lines.append(f"{_text(self.total):>12}  in all; arrays may take {_text(self.limit)}")
        if self.spilled:
            lines.append(f"{_text(self.spilled):>12}  of arrays on disk")
        return "\n".join(lines)
