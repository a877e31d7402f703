"""Calls of Python code on engines: to whom they go, and how their answers come back, waited for or as Futures."""
import collections
import itertools
import os
import queue
import sys
import threading
import time
import weakref

from . import remote_wire
from .config import config
from .errors import CLASSES, error
from .futures import Future
from .modules import is_code, names_of, provide
from .session import current

_POLL_MS = 5  # between two looks for answers, where no sign of them was seen
_MANY, _PAUSE = 64, 0.0003  # calls under way; seconds
_LINGER = 1.0  # seconds that the thread which fills Futures outlives the last of them
_KNOWN = 0.25  # seconds for which the list of engines serves calls that may go to any
_HOST_ENDED = ("ENGINE_LOST", "TIMEOUT", "CANCELLED", "IO_ERROR")  # after these the host may be another one


_WORKER = 1 << 20  # what the number of a session's first host on an engine and that of its next one differ by


def number_of(host):
    """Of its engine."""
    return host % _WORKER if host >= 0 else ~host


def is_first(host):
    """Is it the one where a session's objects on an engine live, or the shared one?"""
    return host < _WORKER


def metadata_of(kind):
    """The function that makes what proxies of this type know of their objects, if their class has one."""
    from .remote import registered

    return getattr(registered(kind), "__farhand_metadata__", None)


proxied_types = []  # whose values stay on the engines, of all sessions


class PythonSide:
    """What a session knows of its Python hosts: whom it has greeted, and which Futures wait for answers.

    A host is called by the number of its engine; the one there that all sessions share, where published objects live, by the
    number's complement.  Further hosts of the session there, for calls without objects and arrays, have numbers above _WORKER.
    """

    def __init__(self, session):
        self.session = session
        self.greeted = {}  # host -> how many proxied types it has been told of
        self.searched = {}  # host -> our sys.path, as it was told
        self.modules = {}  # host that does not see our files -> names of modules that it was asked for
        self.epochs = {}  # host -> its process number
        self.workers = {}  # engine -> how many hosts the session may have there
        self.busy = collections.Counter()  # host -> calls under way that might have gone to another one
        self.classes = {}  # (host, type) -> class of proxies
        self.generated = {}  # what a type has -> class of proxies, the same for all engines
        self.turn = itertools.count()
        self.lock = threading.Lock()
        self.waiting = {}  # token -> (future, engine, what, receiver)
        self.tokens = itertools.count(1)
        self.collector = None
        self.resting, self.calls = False, queue.SimpleQueue()  # the collector waits there for the next call
        self.ready = (), 0.0  # numbers of engines, and when they were asked for
        self.scheduler = None  # of its executors, if there are any

    # ---- engines

    def next_engine(self):
        engines, asked = self.ready
        if not engines or time.monotonic() - asked > _KNOWN:
            engines = [engine.number for engine in self.session.engines if engine.state == "ready"]
            self.ready = engines, time.monotonic()
        if not engines:
            raise error("CANNOT_CONNECT", "the cluster has no engine that is ready")
        return engines[next(self.turn) % len(engines)]

    def types_for(self, host):
        """Types whose values stay there: where others' objects live, too, a session cannot say."""
        return proxied_types if 0 <= host < _WORKER else ()

    def hosts_of(self, engine):
        """All hosts there that may run calls without objects and arrays.  Values of proxied types stay in the first one."""
        return range(engine, engine + max(self.workers.get(engine, 1), 1) * _WORKER, _WORKER) if not proxied_types else (engine,)

    def ended(self, host):
        self.busy[host] -= 1

    def least_busy(self, engine):
        """The host there that has least of such calls to do."""
        return min(self.hosts_of(engine), key=self.busy.__getitem__)

    def greet(self, host):
        """The first call to a host: its Python must be like ours."""
        types = list(self.types_for(host))
        if self.is_greeted(host):
            return
        engine, searched = number_of(host), list(sys.path)
        near = any(known.number == engine and known.host.split("/")[0] == os.uname().nodename for known in self.session.engines)
        path = [os.path.abspath(folder) for folder in sys.path if folder != ""] if near else []
        if near and "" in sys.path:
            path.append(os.getcwd())
        if host not in self.greeted:
            self.modules.pop(host, None)
        if not near and host >= 0:
            self.modules.setdefault(host, set())
            self._provide(host, [part for kind in types for part in (kind, metadata_of(kind)) if is_code(part)])
        told = [remote_wire.Call((kind, metadata_of(kind))).body for kind in types]
        version, self.epochs[host], workers = self.wait(host, "hello", remote_wire.Call(("hello", True, path, told, engine, len(self.session.engines))))
        if tuple(version[:2]) != sys.version_info[:2]:
            raise error("VERSION_MISMATCH", f"engine {engine} runs Python {'.'.join(map(str, version))}, this is "
                                            f"{'.'.join(map(str, sys.version_info[:3]))}: code cannot be sent between the two")
        self.greeted[host], self.searched[host] = len(types), searched
        if 0 <= host < _WORKER:
            self.workers[engine] = workers

    def is_greeted(self, host):
        """Does it know our types, and our folders?"""
        return self.greeted.get(host) == len(self.types_for(host)) and self.searched.get(host) == sys.path

    def _provide(self, host, code):
        """Modules that this code needs, to a host that does not see our files."""
        known = self.modules[host]
        names = names_of(code) - known
        if names:
            provide(names, lambda wanted: self.wait(host, "modules", remote_wire.Call(("missing", True, wanted))),
                    lambda found: self.wait(host, "modules", remote_wire.Call(("modules", True, found))))
            known |= names

    def epoch(self, host):
        """What tells one host of an engine from the next."""
        return self.epochs.get(host)

    def engine_id(self, host):
        return self.session.engine_ids([number_of(host)])[0]

    # ---- calls

    def _ask(self, host, what, call, keep, timeout, token, beside=False):
        """The native call; arrays and modules are brought to its engine first."""
        if call.code and host in self.modules:
            self._provide(host, call.code)
        arrays = tuple([remote_wire.native_array(array, number_of(host)) for array in call.arrays]) if call.arrays else ()
        buffers = ()
        if call.buffers:
            buffers = remote_wire.native_buffers(self.session, call.buffers, self.engine_id(host))
        if beside or host >= _WORKER:  # not in the order of other calls
            host += _WORKER
        return self.session._native.python_call(host, what, call.body, call.objects if type(call.objects) is tuple else tuple(call.objects), arrays, buffers, keep,
                                                0.0 if timeout is None else max(float(timeout), 1e-3), token)

    def _load(self, answer, host, what):
        return remote_wire.load(answer, self.make_proxy, number_of(host), what)

    def _note_failure(self, problem, host):
        if getattr(problem, "status", None) in _HOST_ENDED:
            self.greeted.pop(host, None)
            self.ready = (), 0.0

    def wait(self, host, what, call, *, keep=False, timeout=None, receiver=None, beside=False):
        """The value; with keep the native object and its type key."""
        try:
            kept, answer = self._ask(host, what, call, keep, timeout, 0, beside)
        except CLASSES["Error"] as problem:
            self._note_failure(problem, host)
            raise
        kind, value = self._load(answer, host, what)
        if kind == remote_wire.KEPT:
            return kept, value
        return value if kind == remote_wire.VALUE else self._of_receiver(kind, value, receiver)

    @staticmethod
    def _of_receiver(kind, value, receiver):
        """What stands for the object itself, or for a method of it; KEPT has nothing to show."""
        if kind == remote_wire.METHOD:
            from .remote import bound_method

            return bound_method(receiver, value)
        return receiver if kind == remote_wire.RECEIVER else None

    def submit(self, host, what, call, *, keep=False, timeout=None, receiver=None, beside=False):
        """(native object or None, Future of the value)."""
        future = Future()
        future._session = self.session._native
        token = next(self.tokens)
        self.waiting[token] = (future, host, what, receiver)
        try:
            kept = self._ask(host, what, call, keep, timeout, token, beside)
        except BaseException:
            self.waiting.pop(token, None)
            raise
        self._wake_collector()
        return kept, future

    def send(self, host, what, call, taker, timeout):
        """Ask for a call; taker.fill(value, exception) hears of its end on the collector's thread.  Its token, for python_cancel."""
        token = next(self.tokens)
        self.waiting[token] = (taker, host, what, None)
        try:
            self._ask(host, what, call, False, timeout, token, host >= 0 and not call.objects and not call.arrays)
        except BaseException:
            self.waiting.pop(token, None)
            raise
        self._wake_collector()
        return token

    # ---- the collector: one thread that fills the Futures, while there are any

    def _wake_collector(self):
        """A call is among those that wait: somebody has to collect its answer."""
        if self.collector is None:
            with self.lock:
                if self.collector is None:
                    self.collector = threading.Thread(target=_collect, args=(weakref.ref(self), self.calls), name="farhand-python", daemon=True)
                    self.collector.start()
        elif self.resting:
            self.calls.put(None)

    def may_rest(self):
        """Is nothing waited for?  Who adds a call looks at resting afterwards."""
        self.resting = True
        if self.waiting:
            self.resting = False
        return self.resting

    def ends(self):
        """May the collector end?"""
        with self.lock:
            self.collector, self.resting = None, False
            if self.waiting:  # a call has come just now, and seen that there was a collector
                self.collector = threading.current_thread()
            return self.collector is None

    def collect(self):
        """Fill the Futures whose answers have come.  False: none will come any more."""
        self.resting = False
        try:
            answered, _ = self.session._native.python_collect()
            if len(answered) < len(self.waiting) > _MANY:
                time.sleep(_PAUSE)  # so that more come at a time
            elif not answered:
                self.session._native.python_await(_POLL_MS)
        except Exception as problem:  # the session is closed
            self.fail_all(problem)
            return False
        for token, answer in answered:
            entry = self.waiting.pop(token, None)
            if entry is not None:
                self._fill(entry, answer)
        return True

    def _fill(self, entry, answer):
        future, host, what, receiver = entry
        try:
            if isinstance(answer, BaseException):
                if not future.taken_back:
                    self._note_failure(answer, host)
                raise answer
            kind, value = self._load(answer, host, what)
        except BaseException as problem:
            problem.__traceback__ = None
            future.fill(None, problem)
        else:
            future.fill(value if kind == remote_wire.VALUE else self._of_receiver(kind, value, receiver))

    def fail_all(self, problem):
        with self.lock:
            entries, self.waiting = list(self.waiting.values()), {}
            self.collector = None
        ended = error("STALE_HANDLE", f"the session ended before the call was answered: {problem}")
        for entry in entries:
            entry[0].fill(None, ended)
        if self.scheduler is not None:
            self.scheduler.drop_all(ended)

    def make_proxy(self, handle, key):
        from .remote import proxy_of

        return proxy_of(self, handle, key)


def _collect(reference, calls):
    while True:
        side = reference()
        if side is None or not side.collect():
            return
        rests = side.may_rest()
        del side  # it may go while nothing is waited for
        if rests and not _next_call(calls):
            side = reference()
            if side is None or side.ends():
                return
            del side


def _next_call(calls):
    """Wait for one.  False: there was none for long."""
    try:
        calls.get(timeout=_LINGER)
    except queue.Empty:
        return False
    while not calls.empty():
        calls.get_nowait()
    return True


def python_side(session=None):
    """The Python side of a session, the default one if none is given."""
    session = current() if session is None else session
    side = session.__dict__.get("_python_side")
    if side is None:
        side = session.__dict__.setdefault("_python_side", PythonSide(session))
    return side


def host_of(side, call):
    """Where a call runs: with its objects, else where most bytes of its arrays are, else the engines take turns."""
    if call.objects:
        return call.objects[0].host
    if not call.arrays:
        return side.next_engine()
    weights = {}
    for array in call.arrays:
        for number in array.engines:
            weights[number] = weights.get(number, 0) + array.nbytes / max(array.npieces, 1)
    return max(weights, key=weights.get)


def _elsewhere(call):
    """Does it need objects of several hosts?"""
    objects = call.objects
    return len(objects) > 1 and any(handle.host != objects[0].host for handle in objects)


def _brought_together(side, command, call, receiver):
    """The same call for one host: its receiver's, else that of most objects.  The others come as copies of their pickles,
    from engine to engine."""
    hosts = collections.Counter(handle.host for handle in call.objects)
    target = receiver.host if receiver is not None else hosts.most_common(1)[0][0]
    packed = {}
    for handle in call.objects:
        if handle.host != target:
            side.greet(handle.host)
            packed[id(handle)] = side.submit(handle.host, "copy of an argument", remote_wire.Call(("pack", False), handle))[1]
    copies = {key: future.result() for key, future in packed.items()}
    bytes_ = sum(copy.nbytes for copy in copies.values())
    if bytes_ > config.implicit_gather_limit:
        raise error("LIMIT_EXCEEDED", f"{len(copies)} objects of other engines would have to be copied to engine {number_of(target)}, "
                                      f"{bytes_} bytes, above fh.config.implicit_gather_limit: put them on one engine")
    return remote_wire.Call(command, receiver, copies), target


def _run_anywhere(side, what, call, engine, block, timeout):
    """On whichever host of the engine has least to do."""
    if engine not in side.workers:
        side.greet(engine)
    host = side.least_busy(engine)
    if not side.is_greeted(host):
        side.greet(host)
    side.busy[host] += 1
    if not block:
        future = side.submit(host, what, call, timeout=timeout, beside=True)[1]
        future.add_done_callback(lambda _: side.ended(host))
        return future
    try:
        return side.wait(host, what, call, timeout=timeout, beside=True)
    finally:
        side.ended(host)


def run(side, what, command, *, receiver=None, proxy=None, block=True, timeout=None, engine=None):
    """Pickle a command and run it: its value, or a Future of it."""
    call = remote_wire.Call(command, receiver)
    if call.objects and _elsewhere(call):
        call, host = _brought_together(side, command, call, receiver)
    else:
        host = host_of(side, call) if engine is None or call.objects else engine
        if command[0] == "call" and not call.objects and not call.arrays:
            return _run_anywhere(side, what, call, number_of(host), block, timeout)
    if not side.is_greeted(host):
        side.greet(host)
    if block:
        return side.wait(host, what, call, timeout=timeout, receiver=proxy)
    return side.submit(host, what, call, timeout=timeout, receiver=proxy)[1]
