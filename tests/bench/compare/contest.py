"""Contestants as processes that take turns.

Each has a process tree of its own.  Those that rest are stopped (SIGSTOP) while others have their turn, so that nobody's polling
or spinning is measured with the others' work."""
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

from compare import timing

PACKAGES = pathlib.Path(__file__).resolve().parent.parent
READY_SECONDS, WORK_SECONDS, END_SECONDS = 60, 120, 10


class Failed(Exception):
    pass


class Player:
    """A contestant's process."""

    def __init__(self, contestant, log):
        self.contestant, self._log, self._process = contestant, log, None
        self.version = self.absent = None

    def start(self):
        """Until it is ready, or known not to be here (absent)."""
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])))
        self._process = subprocess.Popen([sys.executable, "-m", "compare.driver", self.contestant.name], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._log, env=environment, start_new_session=True)
        self._unread = b""
        first = self._answer(READY_SECONDS)
        self.version, self.absent = first.get("ready"), f"not installed: {first['absent']}" if "absent" in first else None
        if self.absent is not None:
            self.end()
        self._rest()

    def ask(self, work, size):
        if self._process is None:
            self.start()
        if self.absent is not None:
            return {"skip": ""}
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps({"work": work.key, "size": size}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as problem:
            self._force()
            raise Failed(f"its process has ended: {problem}") from None
        answer = self._answer(WORK_SECONDS)
        self._rest()
        return answer

    def end(self):
        """Nicely if it answers, by force if not; what it leaves behind, too.  Safe to repeat."""
        if self._process is None:
            return
        below = [handle for handle in map(_handle, timing.children_of(self._process.pid)) if handle is not None]
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.close()
            self._process.wait(END_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self._force()
        for handle in below:
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            except OSError:
                pass  # it has ended
            os.close(handle)

    def _answer(self, seconds):
        """The next line; a process that has ended is noticed although a child of it may hold its pipe open."""
        deadline, end = time.monotonic() + seconds, os.pidfd_open(self._process.pid)
        try:
            while b"\n" not in self._unread:
                ready = select.select([self._process.stdout, end], [], [], max(0.0, deadline - time.monotonic()))[0]
                part = os.read(self._process.stdout.fileno(), 65536) if self._process.stdout in ready else b""
                if not part:
                    self._force()
                    raise Failed("its process has ended" if ready else f"no answer within {seconds} s")
                self._unread += part
        finally:
            os.close(end)
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def _force(self):
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
        self._process = None

    def _rest(self):
        if self.contestant.rests and self._process is not None:
            self._signal(signal.SIGSTOP)

    def _signal(self, number):
        for pid in [self._process.pid, *timing.children_of(self._process.pid)]:
            _send(pid, number)


def _handle(pid):
    """A descriptor that means this process and no later one of its number."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _send(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass  # it has ended


class Contest:
    """Runs works.  tell(contestant, work, size, answer) hears what was not done; after so many seconds turns become one."""

    def __init__(self, contestants, log, tell, seconds):
        self._single_after = time.monotonic() + seconds
        self._players = [Player(contestant, log) for contestant in contestants]
        self._tell = tell

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for player in self._players:
            player.end()

    @property
    def players(self):
        return self._players

    def run(self, work, size, quick):
        """{contestant: [values of each turn]} of those who did it; the turns go around, each time from another one on."""
        done = {player: [] for player in self._players if player.absent is None}
        used = dict.fromkeys(done, 0.0)
        for turn in range(work.turns[quick]):
            if turn and time.monotonic() > self._single_after:
                break
            order = list(done)
            for player in order[turn % len(order):] + order[:turn % len(order)]:
                if used.get(player, work.seconds) >= work.seconds:
                    continue
                began = time.monotonic()
                try:
                    answer = player.ask(work, size)
                except Failed as problem:
                    answer = {"error": str(problem)}
                used[player] += time.monotonic() - began
                if "values" in answer:
                    done[player].append(answer["values"])
                    continue
                used.pop(player)
                if answer.get("skip") or "error" in answer:
                    self._tell(player.contestant, work, size, answer)
        return {player.contestant.name: values for player, values in done.items() if values}
