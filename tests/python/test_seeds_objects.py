"""What programs with remote objects of an older kind did, also what never worked there, in farhand's words."""
import collections
import copy
import inspect
import os
import pickle
import sys

import numpy as np
import pytest
from remote_support import Account, Custom, Worker, await_that

import farhand as fh


@pytest.fixture
def account(cluster):
    return fh.scatter(Account(10))


# ---- Ids and Refs


def test_an_id_is_an_instance_and_an_engine(account):
    key = account._id
    assert isinstance(key, fh.Id) and len(key.instance) == 16 and key.engine == account._engine
    assert key == fh.Id(key.instance, key.engine) and fh.scatter(Account(10))._id != key


def test_a_ref_of_a_proxy_holds_the_object(cluster, own_cluster):
    session = own_cluster.session
    fh.session.set_default(session)
    proxy = fh.scatter(Account(3))
    ref = fh.Ref(proxy)
    assert ref.type == "python" and ref.id == proxy._id.instance and ref.metadata is None and "Account" in repr(ref)
    other = fh.Ref(ref)
    assert other == ref and len({ref, other}) == 1
    del proxy, ref
    session.sync()
    assert fh.methodcall(other, "deposit", 1) == 4 and fh.Remote(other).balance == 4
    del other
    await_that(session, lambda: not session.objects())


def test_a_ref_of_what_is_here_registers_it(cluster):
    mine = Account(1)
    ref = fh.Ref(mine)
    key = fh.Id(ref.id, -1)
    assert fh.engine[key] is mine and fh.engine.refcounts[key] == 1
    again = fh.Ref(ref)
    assert fh.engine.refcounts[key] == 2 and fh.convert_result(again) is mine
    del ref
    assert fh.engine.refcounts[key] == 1
    assert fh.call(lambda a, b: (a.balance, b["deep"][0].balance), again, {"deep": [key]}) == (1, 1)
    del again
    assert key not in fh.engine


def test_a_ref_of_an_array(cluster):
    array = fh.scatter(np.arange(4.0), axis=None)
    ref = fh.Ref(array)
    assert (ref.type, ref.shape, ref.dtype) == ("array", (4,), np.float64)
    assert fh.call(lambda x: float(x.sum()), ref) == 6
    with pytest.raises(TypeError, match="pieces"):
        fh.Ref(fh.scatter(np.arange(4.0)))


def test_refs_travel_as_names(cluster):
    """Pickling one was a call to its engine once."""
    account = fh.scatter(Account(10))
    ref = fh.Ref(account)
    session = fh.session.current()
    before = session.stats()["messages_sent"]
    twin = pickle.loads(pickle.dumps(ref))
    assert session.stats()["messages_sent"] == before
    assert twin == ref and fh.methodcall(twin, "deposit", 5) == 15
    gone = twin.id
    del account, ref
    with pytest.raises(fh.Error, match=gone.hex()[:8]):
        fh.methodcall(twin, "deposit", 5)


def test_refs_and_ids_are_arguments_at_any_depth(cluster):
    first, second = fh.scatter([Account(1), Account(2)])
    for name in (first, first._id, fh.Ref(first)):
        assert fh.call(lambda a, x: a.balance + x["k"][0][1].balance, second, {"k": ([0, name],)}) == 3
        assert fh.call(lambda a, *, key: key.balance, second, key=name) == 1
        assert fh.methodcall(name, "deposit", 0) == 1 and fh.gather(name).balance == 1
        assert fh.vectorize(lambda a: a.balance)([name, second]) == [1, 2]
    with pytest.raises(fh.Error, match="gone, or belongs to another session"):
        fh.call(lambda a: a, fh.Id(bytes(16), 0))


# ---- the hub


def test_the_hub_holds_what_is_asked(own_cluster):
    session = own_cluster.session
    proxy = fh.scatter(Account(3))
    key = proxy._id
    await_that(session, lambda: key in fh.engine)
    assert fh.engine[key] == proxy._ref and len(fh.engine) == 1
    fh.engine.incref(key)
    fh.engine.incref(key)
    del proxy
    session.sync()
    assert fh.convert_result(fh.engine[key]).balance == 3
    fh.engine.decref(key)
    assert fh.engine.refcounts[key] == 1
    del fh.engine[key]
    await_that(session, lambda: key not in fh.engine and not session.objects())
    for forget in (fh.engine.decref, fh.engine.incref):
        with pytest.raises(KeyError):
            forget(key)


def test_one_object_is_asked_for_alone(cluster, monkeypatch):
    """Not the list of all."""
    proxies = fh.scatter([Account(i) for i in range(3)])
    await_that(cluster.session, lambda: all(proxy._id in fh.engine for proxy in proxies))
    monkeypatch.setattr(fh.Session, "objects", None)
    ref = fh.engine[proxies[1]._id]
    assert ref.id == proxies[1]._id.instance and ref.type == "python" and ref.age >= 0
    array = fh.scatter(np.zeros((2, 3)), axis=None)
    array.wait()
    key = fh.Id(fh.Ref(array).id, array.engines[0])
    await_that(cluster.session, lambda: key in fh.engine)
    assert (fh.engine[key].shape, fh.engine[key].dtype, fh.engine[key].bytes) == ((2, 3), np.float64, 48)
    with pytest.raises(KeyError):
        fh.engine[fh.Id(key.instance, 1 - key.engine)]


def test_before_anything_is_connected_types_are_registered_for_later(cluster):
    fh.engine.register_proxy_type(Account)
    assert Account in fh.engine.proxy_types
    held = fh.scatter(Worker())
    assert isinstance(fh.call(lambda _: Account(4), held), fh.Remote)


# ---- proxies


def test_remote_makes_proxies_of_objects_refs_and_proxies(account):
    made = fh.Remote(Account(7))
    assert type(made).__name__ == "RemoteAccount" and made.deposit(1) == 8 and "deposit" in dir(made)
    for other in (fh.Remote(account), fh.Remote(account._id), fh.Remote(fh.Ref(account)), copy.copy(account)):
        assert other is not account and other._id == account._id
    first_id = account._id
    other = copy.deepcopy(account)
    del account
    assert fh.Remote(first_id).balance == other.balance == 10


def test_attributes_of_one_object_are_not_its_siblings(cluster):
    """They were put into the class, and seen in all."""
    first, second = fh.scatter([Account(1), Account(2)])
    first.only = 5
    first._local = 6
    assert first.only == 5 and not hasattr(second, "only") and not hasattr(second, "_local")
    del first.only
    assert not hasattr(first, "only")


class Bound:
    def __init__(self, n):
        self.times = lambda x, factor=2: x * factor * n

    def __getattr__(self, name):
        if name.startswith("ask"):
            return lambda *args: (name, args)
        raise AttributeError(name)


def test_functions_that_only_an_instance_has_run_there(cluster):
    bound = fh.scatter(Bound(3))
    assert bound.times(5) == 30 and bound.times(5, factor=1, block=False).result(20) == 15
    assert bound.ask_this(1, 2) == ("ask_this", (1, 2)) and "factor=2" in str(inspect.signature(bound.times))
    here = os.getpid()
    bound.where = os.getpid
    assert bound.where() != here
    with pytest.raises(AttributeError):
        bound.other


def test_properties_are_written_and_deleted(account):
    """They were read-only once."""
    account.double = 8
    assert account.balance == 4
    account.balance = 5
    account.note = {"a": [1]}
    del account.note
    assert account.double == 10 and fh.gather(account).balance == 5
    with pytest.raises(AttributeError):
        del account.double


def test_proxies_look_like_what_they_stand_for(account):
    assert type(account).deposit.__doc__ == "Add to the balance." and inspect.signature(account.deposit).parameters.keys() == {"amount", "note"}
    assert account.__doc__ == "Keeps a balance." and type(account).__name__ == "RemoteAccount"


def test_calls_may_wait_or_not(account):
    future = account.deposit(5, block=False)
    assert fh.convert_result(future) == 15
    assert fh.convert_result([account.deposit(1, block=False), (account.deposit(1, block=False), "x")]) == [16, (17, "x")]
    assert fh.convert_result("text") == "text"


class Picky:
    """Has a parameter and an attribute of its own of that name."""

    prefer_local = "mine"

    def ask(self, prefer_local):
        return prefer_local


def test_programs_that_say_prefer_local_run(account):
    """A method ran on a gathered copy then, and what it changed was lost: now methods run where the object is, whatever they are told."""
    held = fh.gather(account)
    for flag in (True, False):
        account.prefer_local = flag
        assert account.prefer_local is flag and account.deposit(1, prefer_local=flag) == account.balance
        assert account.deposit(1, block=False, prefer_local=flag).result(20) == account.balance
        assert fh.methodcall(account, "deposit", 1, prefer_local=flag) == account.balance
        assert fh.call(lambda a: a.deposit(1), account, prefer_local=flag) == account.balance
        assert fh.call_all([account], "deposit", 1, prefer_local=flag) == [account.balance]
    assert account.balance == 20 and held.balance == 10 and not hasattr(fh.gather(account), "prefer_local")
    for ask in (lambda: account.deposit(1, prefer_local="no"), lambda: setattr(account, "prefer_local", 0)):
        with pytest.raises(ValueError, match="prefer_local"):
            ask()
    picky = fh.scatter(Picky())
    assert picky.ask(prefer_local=3) == 3 and picky.prefer_local == "mine"
    picky.prefer_local = "other"
    assert fh.gather(picky).prefer_local == "other"


# ---- classes of proxies that people write


class Base:
    """The base."""

    limit = 3

    def inherited(self):
        """From the base."""
        return "inherited"


class Series(Base):
    def __init__(self, values):
        self.values = list(values)

    def head(self, n=1):
        return Series(self.values[:n])

    def parts(self):
        return [Series([x]) for x in self.values]

    def pair(self):
        return Pair(Series([1]), {"two": (Series([2]),)})

    def hidden(self):
        return "hidden"

    def total(self):
        return sum(self.values)

    @property
    def size(self):
        """How many."""
        return len(self.values)

    def __len__(self):
        return len(self.values)

    def _private(self):
        return "private"


Pair = collections.namedtuple("Pair", "first rest")


def test_proxy_methods_says_what_is_forwarded(cluster):
    @fh.proxy_methods(Series, include_underscore=("__len__", "_private"), exclude=("hidden",))
    class RemoteSeries(fh.Remote, Series):
        def total(self):
            return "here"

    series = fh.scatter(Series([1, 2, 3]))
    assert type(series) is RemoteSeries and isinstance(series, Series) and isinstance(series, fh.Remote)
    assert series.total() == "here" and len(series) == 3 and series._private() == "private" and series.inherited() == "inherited"
    assert RemoteSeries.inherited.__doc__ == "From the base." and series.size == 3 and RemoteSeries.size.__doc__ == "How many."
    assert series.limit == 3 and str(inspect.signature(RemoteSeries.head)) == "(self, n=1)"
    made = RemoteSeries(Series([4]))
    assert made.values == [4] and type(RemoteSeries(fh.Ref(series))) is RemoteSeries


def test_without_supers_what_is_inherited_is_not_forwarded(cluster):
    @fh.proxy_methods(Series, supers=False)
    class RemoteSeries(fh.Remote, Series):
        pass

    assert "head" in vars(RemoteSeries) and "inherited" not in vars(RemoteSeries)


def test_the_first_base_is_remote():
    with pytest.raises(TypeError, match="farhand.Remote"):
        fh.proxy_methods(Series)(type("Wrong", (Series, fh.Remote), {}))
    with pytest.raises(TypeError):
        fh.register_proxy_type(3)


def test_values_of_registered_types_stay_in_containers_of_any_kind(cluster):
    """One level of lists, once, and tuples became lists."""
    @fh.proxy_methods(Series, include_underscore=("__len__",))
    class RemoteSeries(fh.Remote, Series):
        pass

    series = fh.scatter(Series([1, 2, 3]))
    assert type(series.head(2)) is RemoteSeries and series.head(2).total() == 3
    assert [part.total() for part in series.parts()] == [1, 2, 3]
    pair = series.pair()
    assert type(pair) is Pair and type(pair.first) is RemoteSeries and pair.rest["two"][0].values == [2]
    ordered = fh.call(lambda s: collections.OrderedDict(a=collections.deque([s.head()])), series)
    assert type(ordered) is collections.OrderedDict and type(ordered["a"][0]) is RemoteSeries
    assert fh.call(lambda s: s.head(0), series).total() == 0
    assert isinstance(fh.gather([series])[0], Series) and not isinstance(fh.gather([series])[0], fh.Remote)


def test_types_that_are_not_registered_come_by_value(cluster):
    made = fh.call(lambda: Custom(3, "three"))
    assert type(made) is Custom and made.code == 3


# ---- arguments and results


def test_sequences_stay_what_they_are(account):
    """Every argument that was a sequence became a list once."""
    kinds = fh.call(lambda a, *args, **kw: [type(x).__name__ for x in (*args, *kw.values())], account,
                    (1,), [1], {1}, "x", b"x", range(2), collections.deque([1]), t=(account,), d={"a": (account,)})
    assert kinds == ["tuple", "list", "set", "str", "bytes", "range", "deque", "tuple", "dict"]
    assert fh.call(lambda a: (1, [2, (3, {4: (5,)})]), account) == (1, [2, (3, {4: (5,)})])


def test_a_result_may_hold_itself(account):
    def endless(_):
        inner = [1]
        inner.append(inner)
        return inner, {"again": inner}

    inner, table = fh.call(endless, account)
    assert inner[1] is inner and table["again"] is inner


def test_objects_of_several_engines_meet(cluster):
    """An error once."""
    first, second = fh.scatter([Account(3), Account(4)])
    assert first._engine != second._engine
    assert fh.call(lambda a, b: a.balance * b.balance, first, second) == 12


def test_changes_are_made_there_and_nowhere_else(account):
    """They went to a copy that had been gathered, and were lost."""
    held = fh.gather(account)
    account.deposit(5)
    assert held.balance == 10 and account.balance == 15 and fh.gather(account).balance == 15
    fh.gather(account).deposit(100)
    assert account.balance == 15


def test_call_all_asks_all_before_it_waits(cluster):
    accounts = fh.scatter([Account(i) for i in range(6)])
    assert fh.call_all(accounts, "deposit", 1) == [1, 2, 3, 4, 5, 6]
    assert fh.call_all([accounts[0]._id, fh.Ref(accounts[1])], "deposit", 1) == [2, 3]
    assert fh.call_all([], "deposit") == [] and fh.call_all(["a", "b"], "upper") == ["A", "B"]


def test_nested_sequences_of_objects(cluster):
    nested = fh.scatter([Account(1), [Account(2), (Account(3), 4)]])
    assert isinstance(nested[1][1], tuple) and fh.gather(nested)[1][1][0].balance == 3


class Steps:
    def __init__(self):
        self.closed = False

    def count(self, n):
        try:
            for i in range(n):
                received = yield i
                if received is not None:
                    yield received * 10
        finally:
            self.closed = True


def test_generators_stay_and_are_iterated_from_here(cluster):
    steps = fh.scatter(Steps())
    assert list(steps.count(600)) == list(range(600)) and steps.closed
    generator = steps.count(5)
    assert isinstance(generator, fh.Remote) and next(generator) == 0 and generator.send(4) == 40
    generator.close()
    with pytest.raises(StopIteration):
        next(generator)
    squares = fh.call(lambda _, n: (np.full(2, i) for i in range(n)), steps, 3)
    assert [float(x.sum()) for x in squares] == [0, 2, 4]

    def failing(_):
        yield 1
        raise KeyError("two")

    with pytest.raises(KeyError):
        list(fh.call(failing, steps))
    with pytest.raises(TypeError, match="generator"):  # of a call that might run in any host
        fh.call(lambda: (i for i in range(3)))


# ---- errors


def test_errors_are_of_both_kinds_and_come_at_once(account):
    with pytest.raises(ValueError) as caught:
        account.withdraw(500)
    assert isinstance(caught.value, fh.RemoteError) and "withdraw" in caught.value.remote_traceback
    assert caught.value.engine == account._engine


def test_without_a_cluster_the_error_says_what_to_do(tmp_path):
    import subprocess

    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    environment.pop("FARHAND_CONNECTION", None)
    done = subprocess.run([sys.executable, "-c", "import farhand as fh; fh.scatter([1.0])"], env=environment, text=True, capture_output=True,
                          timeout=60)
    assert "ConnectionError" in done.stderr and "farhand up" in done.stderr
