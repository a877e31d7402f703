"""Remote Python objects: proxies, calls, what travels and how."""
import inspect
import logging
import os
import pickle
import sys
import warnings

import numpy as np
import pytest
from oracle import same
from remote_support import Account, Custom, Worker

import farhand as fh


@pytest.fixture
def account(cluster):
    return fh.scatter(Account(10))


def test_methods_run_there_and_give_values(account):
    assert account.deposit(5) == 15
    assert account.deposit(amount=1, note="x") == 16
    assert account.withdraw(6, limit=6) == 10
    assert fh.methodcall(account, "deposit", 1) == 11


def test_attributes_are_got_set_and_deleted_there(account):
    assert account.balance == 10 and account.kind == "account" and account.double == 20
    account.balance = 50
    account.double = 60
    assert account.balance == 30
    account.extra = [1, 2]
    assert account.extra == [1, 2]
    del account.extra
    with pytest.raises(AttributeError):
        account.extra
    with pytest.raises(AttributeError):
        del account.extra


def test_the_class_is_made_from_the_type(account):
    cls = type(account)
    assert cls.__name__ == "RemoteAccount" and issubclass(cls, fh.Remote) and not issubclass(cls, Account)
    assert cls.__doc__ == "Keeps a balance." and cls.deposit.__doc__ == "Add to the balance."
    assert str(inspect.signature(cls.withdraw)) == "(self, amount, *, limit=100)"
    assert cls.double.__doc__ == "Twice the balance."
    assert {"deposit", "withdraw", "balance", "history", "double", "kind"} <= set(dir(account))
    assert type(fh.scatter(Account(1))) is cls
    assert "RemoteAccount" in repr(account) and "engine" in repr(account)


def test_names_with_an_underscore_are_not_forwarded(account, cluster):
    before = cluster.session.stats()["messages_sent"]
    for name in ("_secret", "_hidden", "_repr_png_", "_ipython_canary_method_should_not_exist_", "__array__"):
        assert not hasattr(account, name)
    repr(account), dir(account), account.__doc__
    assert cluster.session.stats()["messages_sent"] == before


def test_special_methods_are_there_if_the_type_has_them(account):
    assert len(account) == 1 and account[0] == 10 and 10 in account and 11 not in account
    assert account + 5 == 15
    held = account
    account += 7
    assert account is held and account.balance == 17 and len(account) == 2
    assert account == Account(17) and account != Account(1)
    assert isinstance(hash(account), int)
    for operation in (lambda: account - 1, lambda: -account, lambda: account(), lambda: float(account)):
        with pytest.raises(TypeError):
            operation()


def test_what_returns_itself_gives_the_proxy(account):
    assert account.same() is account


def test_gather_gives_a_copy_of_the_object(account):
    copy = fh.gather(account)
    assert type(copy) is Account and copy.balance == 10 and copy._secret == 42
    copy.balance = 0
    assert account.balance == 10
    assert fh.gather([account, (account,)])[1][0] == copy.__class__(10)


def test_built_in_objects(cluster):
    numbers, table, text = fh.scatter(dict(a=1, b=[2, 3])), fh.scatter({3, 1, 2}), fh.scatter("abc")
    assert numbers["b"] == [2, 3] and list(numbers) == ["a", "b"] and numbers.get("c", 5) == 5
    numbers["c"] = 7
    del numbers["a"]
    assert fh.gather(numbers) == {"b": [2, 3], "c": 7}
    assert sorted(table) == [1, 2, 3] and text.upper() == "ABC" and len(text) == 3
    with pytest.raises(KeyError):
        numbers["a"]


def test_iteration_is_lazy_and_ends(cluster):
    endless = fh.scatter(Counter())
    assert [x for x, _ in zip(endless, range(700))] == list(range(700))
    assert list(fh.scatter(dict.fromkeys(range(1000)))) == list(range(1000))


class Counter:
    def __iter__(self):
        n = 0
        while True:
            yield n
            n += 1

    def __enter__(self):
        self.state = "in"
        return self

    def __exit__(self, kind, problem, trace):
        self.state = "out" if kind is None else kind.__name__
        return kind is ValueError


def test_context_managers(cluster):
    counter = fh.scatter(Counter())
    with counter as entered:
        assert entered is counter and counter.state == "in"
    assert counter.state == "out"
    with counter:
        raise ValueError
    assert counter.state == "ValueError"


def test_lists_go_round_the_engines_and_tuples_stay_tuples(cluster):
    proxies = fh.scatter([Account(i) for i in range(4)])
    assert isinstance(proxies, list) and [p._engine for p in proxies] in ([0, 1, 0, 1], [1, 0, 1, 0])
    assert [p.balance for p in proxies] == [0, 1, 2, 3]
    nested = fh.scatter(("a", [Account(1), np.arange(3)], None))
    assert isinstance(nested, tuple) and nested[1][0].balance == 1 and nested[2] is None
    same(fh.gather(nested[1][1]), np.arange(3))
    assert fh.gather(nested)[0] == "a"


def test_calls_run_where_their_arguments_are(cluster):
    accounts = fh.scatter([Account(1), Account(2)])
    for account in accounts:
        where = fh.call(lambda a: os.getpid(), account)
        assert where == fh.call(lambda a: os.getpid(), account) != os.getpid()
    assert fh.call(lambda x: x["deep"][0][1].balance, {"deep": ([0, accounts[0]],)}) == 1
    assert fh.call_all(accounts, "deposit", 5) == [6, 7]


def test_objects_of_other_engines_come_as_copies(cluster):
    first, second, third = fh.scatter([Account(1), Account(2), Account(3)])
    assert fh.call(lambda *a: [x.balance for x in a], first, second, third) == [1, 2, 3]
    assert fh.call(lambda *a: os.getpid(), second, first, third) == fh.call(lambda a: os.getpid(), first)
    assert second.__eq__(first) is False and second.deposit(first.balance) == 3
    assert fh.call(lambda a, b: a.deposit(b.deposit(1)), first, second, block=False).result(10) == 5
    assert [account.balance for account in (first, second)] == [5, 3]  # the copy was changed, not what it is of
    large = fh.scatter([{"x": np.ones(100_000)}, {"x": np.ones(10)}])
    assert fh.call(lambda a, b: (a["x"].sum(), b["x"].sum()), *large) == (100_000, 10)
    limit, fh.config.implicit_gather_limit = fh.config.implicit_gather_limit, 1000
    try:
        with pytest.raises(fh.LimitExceeded, match="put them on one engine"):
            fh.call(lambda b, a: 0, *reversed(large))
    finally:
        fh.config.implicit_gather_limit = limit


def test_arguments_and_results_keep_their_types(cluster):
    account = fh.scatter(Account())
    for value in (1, 2.5, 1j, "ä", b"x", None, True, (1, (2,)), [1, [2]], {"a": (1,)}, {1, 2}, frozenset((1,)), np.float32(2),
                  range(3), Account(3), Custom):
        result = fh.call(lambda x, _: x, value, account)
        assert type(result) is type(value) and result == value


def test_arrays_are_seen_without_a_copy_and_come_back_as_remote_arrays(cluster):
    local = np.arange(300_000.0).reshape(3, -1)
    remote = fh.scatter(local, axis=None)

    def look(x):
        assert not x.flags.writeable and not x.flags.owndata
        return x.shape, float(x.sum()), x * 2, [x[0] + 1, {"a": x[:, ::2]}]

    shape, total, double, (first, (held,)) = (*fh.call(look, remote)[:3], (lambda r: (r[0], [r[1]["a"]]))(fh.call(look, remote)[3]))
    assert shape == local.shape and total == local.sum()
    assert isinstance(double, fh.RemoteArray)
    same(fh.gather(double), local * 2)
    same(fh.gather(first), local[0] + 1)
    same(fh.gather(held), local[:, ::2])
    same(fh.gather(fh.call(lambda x: x + 1, remote[::2, ::-3])), local[::2, ::-3] + 1)
    with pytest.raises(ValueError, match="read-only"):
        fh.call(lambda x: x.__setitem__(0, 1), remote)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1,), (5,), (3, 0, 2), (7, 9), (4096,), (5000,), (9000, 3)])
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "f2", "f8", "c16"])
def test_arrays_of_all_sizes_go_and_come(cluster, shape, dtype):
    local = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    same(fh.gather(fh.call(lambda x: x.copy(), fh.scatter(local, axis=None))), local)
    same(fh.gather(fh.call(lambda x: x.copy(), local)), local)


def test_distributed_arrays_are_brought_together(cluster):
    local = np.arange(1000.0)
    assert fh.call(lambda x: float(x.sum()), fh.scatter(local)) == local.sum()
    assert fh.vectorize(lambda x: len(x))(fh.scatter(local)).tolist() == [500, 500]
    assert fh.apply(lambda x, k: x + k, [1, [2]], 10) == [11, [12]]


def test_local_arrays_of_objects_may_be_changed_there(cluster):
    for size in (10, 5000, 500_000):
        worker = fh.scatter(Worker(size))
        assert worker.fill(2) == 2 * size and worker.fill(1) == 3 * size
        same(fh.gather(worker).data, np.full(size, 3.0))


def test_large_values_travel_both_ways(cluster):
    text, table = "x" * 3_000_000, {i: str(i) for i in range(50_000)}
    assert fh.call(lambda a, b: (a, b), text, table) == (text, table)
    parts = [np.full(30_000, float(i)) for i in range(60)]  # more than travel beside the pickle
    assert fh.call(lambda xs: [float(x.sum()) for x in xs], parts) == [30_000.0 * i for i in range(60)]


def test_remote_exceptions_are_of_both_classes(account, cluster):
    with pytest.raises(ValueError, match="500 is above 100") as caught:
        account.withdraw(500)
    assert isinstance(caught.value, fh.Error) and isinstance(caught.value, fh.RemoteError)
    assert caught.value.args == ("500 is above 100",) and caught.value.engine == account._engine
    assert "remote_support.py" in caught.value.remote_traceback and "withdraw" in caught.value.remote_traceback
    assert "farhand host" not in caught.value.remote_traceback and any("withdraw" in note for note in caught.value.__notes__)
    worker = fh.scatter(Worker())
    with pytest.raises(Custom) as caught:
        worker.raise_custom()
    assert caught.value.code == 7 and isinstance(caught.value, fh.RemoteError)
    with pytest.raises(KeyError):
        worker.raise_key()
    with pytest.raises(fh.RemoteError, match="SystemExit"):
        fh.call(sys.exit, 3)
    with pytest.raises(fh.RemoteError):
        worker.unpicklable()
    assert worker.fill(0) == 0


def test_exceptions_of_every_built_in_class_come_back(cluster):
    def throw(kind):
        raise (kind("ascii", b"x", 0, 1, "no") if kind is UnicodeDecodeError else kind("text"))

    for kind in (ArithmeticError, AssertionError, AttributeError, EOFError, FileNotFoundError, ImportError, IndexError, MemoryError,
                 NameError, OSError, OverflowError, RecursionError, StopIteration, TimeoutError, UnicodeDecodeError, Warning):
        with pytest.raises(kind) as caught:
            fh.call(throw, kind)
        assert isinstance(caught.value, fh.RemoteError)


def test_what_is_printed_there_is_shown_here_by_engine(cluster, capsys, account):
    def speak(_):
        print("one\ntwo")
        print("three", file=sys.stderr)
        warnings.warn("careful")
        logging.getLogger("there").warning("logged")

    fh.call(speak, account)
    out, err = capsys.readouterr()
    label = f"[engine {account._engine}] "
    assert out == f"{label}one\n{label}two\n"
    assert f"{label}three" in err and "careful" in err and "logged" in err
    assert all(line.startswith(label) for line in err.splitlines())
    fh.call(lambda: print("y" * 1_000_000))
    assert len(capsys.readouterr().out) < 100_000


def test_timeout_interrupts(cluster):
    worker = fh.scatter(Worker())
    pid = worker.pid()
    with pytest.raises(TimeoutError, match="time limit"):
        worker.spin(timeout=0.2)
    assert worker.pid() == pid and worker.fill(0) == 0


def test_methods_with_parameters_of_our_names(cluster):
    assert fh.scatter(Blocky()).take(1, block="b", timeout="t") == (1, "b", "t")


class Blocky:
    def take(self, x, block, timeout):
        return x, block, timeout


def test_block_false_gives_futures(cluster):
    accounts = fh.scatter([Account(), Account()])
    futures = [account.deposit(1, block=False) for _ in range(50) for account in accounts]
    assert [f.result(20) for f in futures] == [n for n in range(1, 51) for _ in range(2)]
    failed = accounts[0].withdraw(1000, block=False)
    assert isinstance(failed.exception(20), ValueError)
    done, rest = fh.wait(futures)
    assert len(done) == 100 and not rest


def test_threads_take_turns_while_one_waits(cluster):
    import threading

    worker, account = fh.scatter([Worker(), Account()])
    slow = threading.Thread(target=lambda: pytest.raises(TimeoutError, worker.spin, timeout=2))
    slow.start()
    for n in range(1, 21):
        assert account.deposit(1) == n and account.deposit(0, block=False).result(20) == n
    assert slow.is_alive()  # the others did not wait for it
    slow.join()


def test_futures_are_awaitable(cluster):
    import asyncio

    account = fh.scatter(Account())

    async def work():
        return await asyncio.gather(*(account.deposit(1, block=False) for _ in range(5)))

    assert asyncio.run(work()) == [1, 2, 3, 4, 5]


class Node:
    def __init__(self, value):
        self.value = value

    def child(self, value):
        return Node(value)

    def children(self, n):
        return [Node(i) for i in range(n)], {"a": (Node(9),)}

    def peek(self, other):
        return other.value

    def __len__(self):
        return 3

    def _inner(self):
        return "inner"


def test_registered_types_stay_and_come_as_proxies(cluster):
    @fh.proxy_methods(Node, include_underscore=("__len__", "_inner"), exclude=("peek",))
    class RemoteNode(fh.Remote, Node):
        def local(self):
            return "local"

    node = fh.scatter(Node(1))
    assert type(node) is RemoteNode and isinstance(node, Node) and node.local() == "local"
    assert len(node) == 3 and node._inner() == "inner" and node.value == 1
    child = node.child(5)
    assert type(child) is RemoteNode and child.value == 5 and child._engine == node._engine
    many, table = node.children(3)
    assert [n.value for n in many] == [0, 1, 2] and table["a"][0].value == 9 and isinstance(table["a"], tuple)
    assert fh.methodcall(node, "peek", child) == 5
    with pytest.raises(TypeError):
        fh.proxy_methods(Node)(type("Wrong", (Node,), {}))


def test_proxies_cannot_be_pickled_and_copies_are_proxies(account):
    import copy

    with pytest.raises(fh.NotSupported):
        pickle.dumps(account)
    assert copy.copy(account).deposit(1) == 11 and copy.deepcopy([account])[0].balance == 11


def test_objects_are_in_the_registry_and_go(own_cluster):
    session = own_cluster.session
    proxies = fh.scatter([Account(i) for i in range(10)])
    session.sync()
    await_that(lambda: sum(ref.type == "python" for ref in session.objects()) == 10)
    del proxies
    session.sync()
    await_that(lambda: not session.objects())


def objects_of(session, engine):
    stats = session.call(engine, "stats")
    return dict(zip(stats[::2], stats[1::2]))["objects"]


def await_that(condition, seconds=20):
    import time

    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        fh.session.current().sync()


def test_ten_thousand_objects_leave_nothing(own_cluster):
    session = own_cluster.session
    proxies = fh.scatter([{"n": i} for i in range(10_000)])
    assert proxies[1234]["n"] == 1234
    del proxies
    session.sync()
    alive = "sum(type(o) is dict and set(o) == {'n'} for o in __import__('gc').get_objects())"
    for number in (0, 1):
        await_that(lambda: objects_of(session, number) == 0)
    await_that(lambda: not session.objects())
    keeper = fh.scatter([Account(), Account()])
    for account in keeper:
        await_that(lambda: fh.call(lambda a, text: eval(text), account, alive) == 0)
