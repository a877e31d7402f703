"""IPython as people start it: in a terminal, with real keys."""
import os
import re
import sys

import pytest

pexpect = pytest.importorskip("pexpect")
pytest.importorskip("IPython")
try:
    for end in os.openpty():
        os.close(end)
except OSError as problem:
    pytest.skip(f"this machine gives no pseudo-terminals: {problem}", allow_module_level=True)

SOON = 30  # seconds that a key may take on a busy machine


class Terminal:
    def __init__(self, folder):
        here = os.path.dirname(os.path.abspath(__file__))
        environment = dict(os.environ, PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", IPYTHONDIR=str(folder),
                           PYTHONPATH=os.pathsep.join(path for path in (here, os.environ.get("PYTHONPATH")) if path))
        self.child = pexpect.spawn(sys.executable, ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=NoColor"], env=environment,
                                   encoding="utf-8", timeout=SOON, dimensions=(50, 200))
        self.cell = 1
        self.prompt()

    def prompt(self):
        self.child.expect(rf"In \[{self.cell}\]")
        self.cell += 1

    def expect(self, text):
        self.child.expect(re.escape(text))

    def run(self, line, *shown):
        self.child.send(line + "\r")
        for text in shown:
            self.expect(text)
        self.prompt()

    def run_cell(self, *lines):
        for line in lines[:-1]:
            self.child.send(line + "\r")
            self.expect("...:")
        self.child.send(lines[-1] + "\x1b\r")  # Meta-Enter runs it

    def complete(self, text, wanted):
        """Tab, and what it makes of the line within 10 s.  Where text was drawn before the Tab came, only the rest is drawn: so once more."""
        for last in (False, True):
            self.child.send(text + "\t")
            shown = self.child.expect([re.escape(wanted), pexpect.TIMEOUT], timeout=10) == 0
            self.child.send("\x15")  # the line away
            if shown:
                return
            assert not last, f"Tab after {text} gave no {wanted}"


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.run("%load_ext farhand")
    terminal.run("import farhand as fh; from remote_support import Account")
    terminal.run("cluster = fh.Cluster(2); account = fh.scatter(Account(41))")
    yield terminal
    terminal.child.send("\x03")
    terminal.child.send("cluster.stop(); exit()\r")
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()


def test_completion_display_and_help(terminal):
    terminal.complete("account.dep", "account.deposit")
    terminal.run("account.deposit(1)", "42")
    terminal.run("account", "<RemoteAccount on engine")
    terminal.complete("fh.scat", "fh.scatter")
    terminal.run_cell("%%engines", "import os; print('hello from', 7 * 6)")
    for engine in (0, 1):
        terminal.expect(f"[engine {engine}] hello from 42")
    terminal.prompt()


@pytest.mark.parametrize("how", ["kill_engine", "freeze_engine"])
def test_when_the_engine_is_dead_or_does_not_move(terminal, how):
    """Nothing that is shown or completed asks it."""
    terminal.run(f"undo = cluster.{how}(account._engine)")
    for text, wanted in (("account.wit", "account.withdraw"), ("account.his", "account.history"), ("cluster.kil", "cluster.kill_engine")):
        terminal.complete(text, wanted)
    terminal.run("account", "<RemoteAccount on engine")
    terminal.run("cluster", "2 engines")
    terminal.run("account.balance", "EngineLost")
    if how == "freeze_engine":
        terminal.run("undo()")
