"""scripts/check_tree finds what it says it finds."""
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_tree"


def check(root):
    done = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("path, text, finding", [
    ("base/x.c", '#include "codecs/shape.h"\n', "x.c:1: base/ must not see"),
    ("broker/x.c", '\n#include "engine/core.h"\n', "x.c:2: broker/ must not see"),
    ("proxy/python/x.c", '#include "proxy/wait.h"\n', "x.c:1: proxy/python/ must not see"),
    ("codecs/x.c", '#include "shape.h"\n', "written from the root"),
    ("engine/x.c", "#include <sqlite3.h>\n", "x.c:1: <sqlite3.h> may be included only in"),
    ("proxy/x.c", "#include <zmq.h>\n", "<zmq.h> may be included only in"),
    ("engine/x.c", "#include <llvm-c/Core.h>\n", "may be included only in"),
    ("base/x.h", "#ifndef X_H\n#define X_H\n#endif\n", "guard must be FH_BASE_X_H"),
    ("base/x.c", "/* strcpy(a, b) */\nint f(void) { return atoi(\"1\"); }\n", "x.c:2: atoi()"),
    ("tests/unit/x.c", "void f(void) { usleep(1); }\n", "x.c:1: usleep(): wait for a condition"),
    ("engine/pyhost/x.py", "i = 1\n" * 501, "501 lines; a file has one subject"),
    ("base/x.c", "int i;\n" * 501, "501 lines; a file has one subject"),
    ("docs/x.md", "see /ho" "me/somebody/x\n", "x.md:1: '/ho" "me/s"),
])
def test_violation_is_found(tmp_path, path, text, finding):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    code, output = check(tmp_path)
    assert code == 1
    assert finding in output
    assert len(output.splitlines()) == 1


def test_tree_without_violations_is_in_order(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/x.c").write_text('#include "base/x.h"\n#include <stdio.h>\n/* atoi(x) */ const char *s = "sleep(1)";\n')
    (tmp_path / "base/x.h").write_text("/* x */\n#ifndef FH_BASE_X_H\n#define FH_BASE_X_H\n#endif\n")
    assert check(tmp_path) == (0, "the tree is in order\n")


def test_long_file_is_a_warning_only(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/x.c").write_text("int i;\n" * 400)
    code, output = check(tmp_path)
    assert code == 0
    assert "warning: 400 lines" in output
