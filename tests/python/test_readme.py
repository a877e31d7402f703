"""The README's first session does what the README says."""
import pathlib
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import farhand as fh

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def session():
    """(input, expected output or None) of each numbered line of the README's IPython session."""
    text = README.read_text()
    block = re.search(r"```\n(In \[1\]:.*?)```", text, re.S).group(1)
    cells = re.split(r"^In \[\d+\]: ", block, flags=re.M)[1:]
    for cell in cells:
        source, _, output = cell.partition("\nOut[")
        output = output.split("]:", 1)[1].strip() if output else None
        yield textwrap.dedent(source).strip(), output


def test_readme_session_is_true(tmp_path):
    pytest.importorskip("IPython", reason="the README's session is an IPython session")
    cells = list(session())
    assert len(cells) > 5 and sum(output is not None for _, output in cells) > 4
    with fh.Cluster(2) as cluster:
        script = tmp_path / "session.py"
        script.write_text(textwrap.dedent("""
            import sys
            from IPython.core.interactiveshell import InteractiveShell
            from IPython.lib.pretty import pretty
            shell = InteractiveShell.instance()
            for source in eval(sys.stdin.read()):
                result = shell.run_cell(source, store_history=True, silent=False)
                result.raise_error()
                sys.stdout.flush()
                print("\\x1e" + ("" if result.result is None else pretty(result.result)) + "\\x1f")
            """))
        done = subprocess.run([sys.executable, str(script)], input=repr([source for source, _ in cells]), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              env={**os.environ, "FARHAND_CONNECTION": str(cluster.connection_file),
                                   "IPYTHONDIR": str(tmp_path), "NO_COLOR": "1"})
    assert done.returncode == 0, done.stderr + done.stdout
    outputs = re.findall("\x1e(.*?)\x1f", done.stdout, re.S)
    assert len(outputs) == len(cells), done.stdout + done.stderr
    for (source, expected), seen in zip(cells, outputs):
        if expected is not None:
            assert seen.strip() == expected, source


def test_readme_kernels_do_what_they_say():
    pytest.importorskip("numba")
    block = re.search(r"```python\n(.*?)```", README.read_text(), re.S).group(1)
    local = np.arange(12.0).reshape(4, 3)
    with fh.Cluster(2):
        names = {"fh": fh, "d": fh.scatter(local)}
        exec(compile(block, "README.md", "exec"), names)
        z = np.where(local > 0, (local - local.mean(axis=0)) / local.mean(axis=0), 0)
        np.testing.assert_allclose(fh.gather(names["z"]), z)
        flat = local.ravel()
        np.testing.assert_allclose(fh.gather(names["line"]), [flat[max(i - 1, 0):i + 2].mean() for i in range(12)])
        np.testing.assert_allclose(fh.gather(names["top"]), z[np.abs(z).argmax(axis=0), range(3)].__abs__())
