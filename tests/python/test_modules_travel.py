"""Modules of the program that an engine's host does not have."""
import importlib
import os
import sys
import textwrap
import types

import pytest
from remote_support import Account

import farhand as fh


@pytest.fixture
def far(own_cluster, monkeypatch):
    """Engines of a host that does not see the program's files."""
    real = os.uname()
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(nodename="elsewhere", **{
        name: getattr(real, name) for name in ("sysname", "release", "version", "machine")}))
    fh.session.set_default(own_cluster.session)
    return own_cluster


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with parts that import each other in several ways."""
    files = {
        "travelling/__init__.py": "from .shapes import Square\nVERSION = 3\n",
        "travelling/shapes.py": """
            from . import sums
            class Square:
                def __init__(self, side): self.side = side
                def area(self): return sums.product(self.side, self.side)
                def late(self):
                    import travelling_beside
                    return travelling_beside.NAME
                def fail(self): return 1 / 0
            """,
        "travelling/sums.py": "# coding: latin-1\nWORD = 'h\u00e4'\ndef product(a, b): return a * b\n",
        "travelling_beside.py": "NAME = 'beside'\nimport travelling_third\n",
        "travelling_third.py": "import os, json\n",
        "travelling_broken.py": "def unfinished(:\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(textwrap.dedent(text).encode("latin-1"))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("travelling")
    for name in [name for name in sys.modules if name.startswith("travelling")]:
        del sys.modules[name]


def test_classes_of_the_program_and_what_they_import(far, package):
    for square in fh.scatter([package.Square(3), package.Square(4)]):
        assert square.area() == fh.gather(square).side ** 2
        assert square.late() == "beside"
    with pytest.raises(ZeroDivisionError) as caught:
        square.fail()
    assert "shapes" in caught.value.remote_traceback and "return 1 / 0" in caught.value.remote_traceback
    assert not fh.call(lambda: "travelling" in os.listdir())


def test_functions_that_import_when_they_run(far, package):
    def inside(n):
        def nested():
            from travelling.sums import WORD, product
            return product(n, 2), WORD

        return nested()

    assert fh.call(inside, 4) == (8, "h\u00e4")
    with fh.Executor() as executor:
        assert [value for value, _ in executor.map(inside, range(3))] == [0, 2, 4]
        assert executor.submit(package.shapes.sums.product, 3, 5).result(20) == 15


def test_calls_that_do_not_wait(far, package):
    futures = [fh.call(package.shapes.sums.product, n, n, block=False) for n in range(5)]
    assert [future.result(20) for future in futures] == [0, 1, 4, 9, 16]


def test_modules_as_values_and_registered_types(far, package):
    fh.register_proxy_type(package.Square)
    assert fh.call(lambda: package.VERSION) == 3
    square = fh.call(lambda n: package.Square(n), 5)
    assert isinstance(square, fh.Remote) and square.area() == 25


def test_what_has_no_source_is_an_error_that_names_it(far, package):
    module = types.ModuleType("travelling_without_source")
    exec("class Missing:\n    pass", module.__dict__)
    sys.modules[module.__name__] = module
    with pytest.raises(ModuleNotFoundError, match="travelling_without_source"):
        fh.scatter(module.Missing())

    def broken():
        import travelling_broken  # noqa: F401

    with pytest.raises(SyntaxError):
        fh.call(broken)
    assert fh.scatter(Account(1)).deposit(1) == 2


def test_each_is_asked_for_once(far, package):
    fh.call(package.shapes.sums.product, 2, 3)
    side = fh.session.current()._python_side
    asked = []
    ask = side.wait
    side.wait = lambda host, what, *arguments, **keywords: asked.append(what) or ask(host, what, *arguments, **keywords)
    try:
        for _ in range(3):
            for square in fh.scatter([package.Square(2), package.Square(2)]):
                assert square.area() == 4
        first = asked.count("modules")
        for square in fh.scatter([package.Square(2), package.Square(2)]):
            assert square.area() == 4
        assert asked.count("modules") == first
    finally:
        del side.wait


def test_a_host_that_ends_gets_them_again(far, package):
    square = fh.scatter(package.Square(2), engines=[0])
    with pytest.raises(fh.EngineLost):
        fh.call(lambda s: os._exit(1), square)
    assert fh.scatter(package.Square(3), engines=[0]).area() == 9


def test_folders_that_the_program_searches_later(cluster, tmp_path, monkeypatch):
    """On the engine's own host they are searched there, too, also when they are new."""
    fh.scatter(Account(1)).deposit(1)
    (tmp_path / "travelling_later.py").write_text("def triple(x):\n    return 3 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("travelling_later")
    try:
        assert [fh.call(module.triple, n) for n in range(4)] == [0, 3, 6, 9]
    finally:
        del sys.modules["travelling_later"]
