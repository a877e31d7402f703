"""An executor in the manner of concurrent.futures, whose workers are the Python hosts of the engines."""
import collections
import concurrent.futures
import threading
import time
import weakref

from . import remote_wire
from .errors import CLASSES, error
from .futures import Future
from .remote_calls import python_side

ANY_COMPLETED, ALWAYS = "ANY_COMPLETED", "ALWAYS"
_WHEN = {"ALL": concurrent.futures.ALL_COMPLETED, "ANY": concurrent.futures.FIRST_COMPLETED, "ALWAYS": None,
         ANY_COMPLETED: concurrent.futures.FIRST_COMPLETED, concurrent.futures.ALL_COMPLETED: concurrent.futures.ALL_COMPLETED,
         concurrent.futures.FIRST_COMPLETED: concurrent.futures.FIRST_COMPLETED,
         concurrent.futures.FIRST_EXCEPTION: concurrent.futures.FIRST_EXCEPTION}
_CHUNKS = 4  # of a map that are under way on each engine
_QUICK, _SLOW = 0.005, 0.05  # seconds: chunks that come back sooner get larger, later ones smaller
_MOST = 4096  # items of a chunk
_KEPT_RESULTS = 65536  # of a map that may wait to be taken


class Executor(concurrent.futures.Executor):
    """Runs functions on the engines, each call on the engine that has least to do.

    engines: which (all).  retries: how often a call is begun again, elsewhere, when the engine or the Python host that ran it
    was lost: for functions that may be run twice.  timeout: seconds that a call may run.  Results come by value.  A function is
    sent once to each engine, as it is when it is used first.
    """

    def __init__(self, engines=None, *, retries=0, timeout=None, session=None):
        self._side = python_side(session)
        wanted = None if engines is None else set(self._side.session.engine_ids(engines))
        self._engines = [engine.number for engine in self._side.session.engines
                         if engine.state == "ready" and (wanted is None or engine.id in wanted)]
        if not self._engines:
            raise error("CANNOT_CONNECT", "the cluster has no engine that is ready")
        self._retries, self._timeout = int(retries), timeout
        self._lock = threading.Condition()
        self._running = dict.fromkeys(self._engines, 0)  # calls under way on each engine
        self._functions = weakref.WeakKeyDictionary()  # function -> {engine: (greeting, native object)}
        self._closed = False

    def __repr__(self):
        return f"<farhand Executor on engines {', '.join(map(str, self._engines))}>"

    # ---- calls

    def _function(self, function, engine):
        """The function as an object on an engine."""
        self._side.greet(engine)
        greeting = self._side.greeted[engine], self._side.epoch(engine)
        try:
            places = self._functions.setdefault(function, {})
        except TypeError:  # it cannot be remembered
            places = {}
        known = places.get(engine)
        if known is None or known[0] != greeting:
            name = getattr(function, "__name__", type(function).__name__)
            handle, _ = self._side.wait(engine, f"function {name}"[:200], remote_wire.Call(("make", True, function)), keep=True)
            known = places[engine] = greeting, handle
        return known[1]

    def _begin(self, future, function, operation, argument, retries, avoid=()):
        """Ask the engine that has least to do, and hear what came of it."""
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            able = [engine for engine in self._engines if engine not in avoid] or self._engines
            engine = min(able, key=self._running.__getitem__)
            self._running[engine] += 1
        try:
            handle = self._function(function, engine)
            name = getattr(function, "__name__", type(function).__name__)
            call = remote_wire.Call((operation, True, *argument), handle)
            _, asked = self._side.submit(engine, name[:200], call, timeout=self._timeout)
        except BaseException as problem:
            self._end(engine)
            if not self._again(future, function, operation, argument, retries, engine, problem):
                raise
            return
        asked.add_done_callback(
            lambda done: self._take(done, future, function, operation, argument, retries, engine))

    def _end(self, engine):
        with self._lock:
            self._running[engine] -= 1
            self._lock.notify_all()

    def _again(self, future, function, operation, argument, retries, engine, problem):
        if not isinstance(problem, CLASSES["EngineLost"]) or retries <= 0 or self._closed:
            return False
        self._begin(future, function, operation, argument, retries - 1, (engine,))
        return True

    def _take(self, done, future, function, operation, argument, retries, engine):
        """On the collector's thread."""
        problem = done.exception()
        try:
            if problem is not None and retries > 0 and isinstance(problem, CLASSES["EngineLost"]):
                # The collector must not wait for the new host to be greeted.
                threading.Thread(target=self._retry, name="farhand-retry", daemon=True,
                                 args=(future, function, operation, argument, retries, engine, problem)).start()
                return
        finally:
            self._end(engine)
        if not future.set_running_or_notify_cancel():
            return
        if problem is not None:
            future.set_exception(problem)
        else:
            future.set_result(done.result())

    def _retry(self, future, function, operation, argument, retries, engine, problem):
        try:
            if self._again(future, function, operation, argument, retries, engine, problem):
                return
        except BaseException as another:
            problem = another
        if future.set_running_or_notify_cancel():
            future.set_exception(problem)

    def submit(self, fn, /, *args, **kwargs):
        """A Future of fn(*args, **kwargs)."""
        future = self._future()
        self._begin(future, fn, "apply", (args, kwargs), self._retries)
        return future

    def _future(self):
        future = Future()
        future._session = self._side.session._native  # what Ctrl-C cancels
        return future

    def call_async(self, fn, data):
        """A Future of fn(data)."""
        return self.submit(fn, data)

    def map(self, fn, *iterables, timeout=None, chunksize=None):
        """The results of fn(*items), in their order, items taken from the iterables side by side.

        Items are sent in chunks, of chunksize or as it turns out to be good; only some chunks are under way at a time, and
        items are taken as there is room, so that endless iterables work.  timeout: seconds for all, from now on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        return _results(_Map(self, fn, zip(*iterables), chunksize), end)

    def reduce(self, fn, futures, timeout=None):
        """A Future of fn(list of the results), run when all futures are done."""
        return self.submit(fn, self.get_all_results(futures, timeout))

    # ---- waiting

    @staticmethod
    def wait(futures, timeout=None, return_when="ALL"):
        """(done, not done), lists in the order of futures.  return_when: ALL, ANY, or ALWAYS, which only looks."""
        if return_when not in _WHEN:
            raise error("INVALID_ARGUMENT", f"return_when is one of {', '.join(_WHEN)}, not {return_when!r}")
        futures = list(futures)
        when = _WHEN[return_when]
        if when is not None:
            concurrent.futures.wait(futures, timeout, when)
        return [f for f in futures if f.done()], [f for f in futures if not f.done()]

    @staticmethod
    def get_all_results(futures, timeout=None):
        """The results of all futures; the first exception is raised when all are done."""
        futures = list(futures)
        _, late = concurrent.futures.wait(futures, timeout)
        if late:
            raise error("TIMEOUT", f"{len(late)} of {len(futures)} calls were not done within {timeout} s")
        return [future.result() for future in futures]

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Take no more calls.  wait: until those that are under way are done; cancel_futures: end them first."""
        with self._lock:
            self._closed = True
        if cancel_futures:
            self._side.session.cancel()
        if wait:
            with self._lock:
                self._lock.wait_for(lambda: not any(self._running.values()))


class _Map:
    """A map under way: chunks in their order."""

    def __init__(self, executor, function, items, chunksize):
        self.executor, self.function, self.items = executor, function, items
        self.fixed = chunksize is not None
        self.size = max(1, int(chunksize)) if self.fixed else 1
        self.chunks = collections.deque()  # (future, items, when it was begun)
        self.begun = 0  # items under way, or waiting to be taken
        self.fill()

    def fill(self):
        room = _CHUNKS * len(self.executor._engines)
        while self.items is not None and len(self.chunks) < room and self.begun < _KEPT_RESULTS:
            chunk = []
            for item in self.items:
                chunk.append(item)
                if len(chunk) == self.size:
                    break
            else:
                self.items = None
            if not chunk:
                return
            future = self.executor._future()
            self.executor._begin(future, self.function, "each", (chunk,), self.executor._retries)
            self.chunks.append((future, len(chunk), time.monotonic()))
            self.begun += len(chunk)

    def next_chunk(self, end):
        """The (good, value) pairs of the next chunk; None: there are no more."""
        self.fill()
        if not self.chunks:
            return None
        future, count, begun = self.chunks[0]
        try:
            pairs = future.result(None if end is None else max(end - time.monotonic(), 0))
        except concurrent.futures.TimeoutError:
            raise error("TIMEOUT", "the results of a map were not there within its time limit") from None
        self.chunks.popleft()
        self.begun -= count
        took = time.monotonic() - begun
        if not self.fixed and took < _QUICK * len(self.chunks) + _QUICK:
            self.size = min(2 * self.size, _MOST)
        elif not self.fixed and took > _SLOW * (len(self.chunks) + 1):
            self.size = max(self.size // 2, 1)
        self.fill()
        return pairs


def _results(running, end):
    while True:
        pairs = running.next_chunk(end)
        if pairs is None:
            return
        pairs.reverse()
        while pairs:
            good, value = pairs.pop()
            if not good:
                raise remote_wire.make_exception(value, getattr(running.function, "__name__", "a function"))
            yield value
