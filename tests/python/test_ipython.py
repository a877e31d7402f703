"""In IPython: cells on all engines, what is shown, completion."""
import pytest

import farhand as fh
from remote_support import Account

IPython = pytest.importorskip("IPython")


@pytest.fixture
def shell(cluster):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "farhand")
    yield shell
    InteractiveShell.clear_instance()


def test_cells_run_on_all_engines(shell, capsys):
    shell.run_cell_magic("engines", "", "import os\nnumber = 20\ndef double(x):\n    return 2 * x")
    shell.run_cell_magic("engines", "", "print('from', 'there')\nnumber += 1\ndouble(number)")
    shown = capsys.readouterr().out
    for engine in (0, 1):
        assert f"[engine {engine}] from there\n" in shown and f"[engine {engine}] 42\n" in shown
    shell.run_cell_magic("engines", "1", "number")
    assert capsys.readouterr().out == "[engine 1] 21\n"


def test_cells_that_fail_say_so(shell, capsys):
    from farhand.ipython import engines

    with pytest.raises(ZeroDivisionError):
        engines("0", "1 / 0")
    with pytest.raises(SyntaxError):
        engines("", "1 +")
    with pytest.raises(ValueError, match="numbers of engines"):
        engines("7", "1")
    engines("", "None")
    assert capsys.readouterr().out == ""


def test_sessions_and_clusters_are_shown_as_tables(cluster):
    for shown in (cluster, cluster.session):
        text = shown._repr_html_()
        assert text.count("<tr>") == 3 and "ready" in text


def test_completion_and_display_send_nothing(shell, cluster, monkeypatch):
    from farhand.remote_calls import PythonSide

    account = fh.scatter(Account(1))
    shell.user_ns["account"] = account
    shell.Completer.use_jedi = False
    asked = []
    monkeypatch.setattr(PythonSide, "_ask", lambda self, *args: asked.append(args))
    _, matches = shell.complete("account.dep")
    assert ".deposit" in matches[0]
    data, _ = shell.display_formatter.format(account)
    assert "RemoteAccount" in data["text/plain"] and shell.inspector.info(account.deposit, "account.deposit")["found"]
    assert not asked


def test_remote_objects_and_arrays_are_shown_as_tables(cluster):
    account, array = fh.scatter(Account(1)), fh.scatter([1.0, 2.0])
    text = account._repr_html_()
    assert "RemoteAccount" in text and "deposit" in text and "Keeps a balance." in text and "balance" in text
    assert "RemoteArray" in array[0]._repr_html_() and "float64" in array[0]._repr_html_()


def test_what_is_shown_does_not_wait_for_a_broker_that_is_gone(own_cluster):
    import os
    import signal
    import time

    account, array = fh.scatter(Account(1)), fh.scatter(1.5)
    brokers = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _runs(entry, "farhand-broker", own_cluster.name)]
    assert len(brokers) == 1
    os.kill(brokers[0], signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for x in (own_cluster, own_cluster.session):
            assert "2 engines" in repr(x) and "ready" in x._repr_html_()
        for x in (account, array):
            assert repr(x) and x._repr_html_()
        assert time.monotonic() - begun < 30
    finally:
        os.kill(brokers[0], signal.SIGCONT)
    own_cluster.stop()
    for x in (own_cluster, own_cluster.session, account, array):
        assert repr(x) and x._repr_html_()


def _runs(pid, *words):
    try:
        with open(f"/proc/{pid}/cmdline") as line:
            text = line.read()
    except OSError:
        return False
    return all(word in text for word in words)
