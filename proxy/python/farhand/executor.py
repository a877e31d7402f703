"""An executor in the manner of concurrent.futures, whose workers are the Python hosts of the engines."""
import collections
import concurrent.futures
import itertools
import operator
import time

from . import remote_wire
from .errors import error
from .futures import wait_and_count
from .progress import Count
from .remote_calls import python_side
from .scheduled import CallFuture, Options, function_of
from .scheduler import scheduler_of

ANY_COMPLETED, ALWAYS = "ANY_COMPLETED", "ALWAYS"
_WHEN = {"ALL": concurrent.futures.ALL_COMPLETED, "ANY": concurrent.futures.FIRST_COMPLETED, "ALWAYS": None,
         ANY_COMPLETED: concurrent.futures.FIRST_COMPLETED, concurrent.futures.ALL_COMPLETED: concurrent.futures.ALL_COMPLETED,
         concurrent.futures.FIRST_COMPLETED: concurrent.futures.FIRST_COMPLETED,
         concurrent.futures.FIRST_EXCEPTION: concurrent.futures.FIRST_EXCEPTION}
_CHUNKS = 4  # of a map that are under way on each engine
_CHUNK_SECONDS = 0.01  # that a chunk of a map should take
_MOST = 8192  # items of a chunk
_CHUNK_BYTES = 4 << 20  # of these, as they travel
_GROWTH = 4  # from one chunk to the next, at most
_KEPT_RESULTS = 65536  # of a map that may wait to be taken


class Executor(concurrent.futures.Executor):
    """Runs functions on the engines.  Results come by value.  A function is sent once to each engine, as it is when it is used first.

    A call goes to the engine that holds its arrays, else to the one that has least to do; what waits behind a slow call goes
    to another engine that becomes idle.  A call's Future can be cancelled alone, before and while it runs.

    engines: which (all).  tags: only engines that have all these.  resources: {name: amount} that each call takes from what an
    engine has, among the calls of this session, for as long as it is there.  timeout: seconds that a call may run.
    For functions that may be run twice, and only for those: retries, how often a call is begun again, elsewhere, when the
    engine or the Python host that ran it was lost; duplicates=True, a call that takes much longer than others did is begun on an
    idle engine as well: the first answer counts, and the other call is cancelled.
    """

    def __init__(self, engines=None, *, tags=(), resources=None, retries=0, timeout=None, duplicates=False, session=None):
        self._side = python_side(session)
        self._scheduler = scheduler_of(self._side)
        self._options = _options(self._side, Options(), engines=engines, tags=tags, resources=resources, retries=retries, timeout=timeout,
                                 duplicates=duplicates)
        self._futures = set()  # that are not done
        self._closed = False
        self._check_fit(self._options)

    def __repr__(self):
        numbers = ", ".join(str(slot.number) for slot in self._scheduler.fitting(self._options.place()))
        return f"<farhand Executor on engines {numbers}>"

    @property
    def engines(self):
        """How many engines may run its calls."""
        return len(self._scheduler.fitting(self._options.place()))

    def options(self, **changes):
        """The same executor with other options: engines, tags, resources, retries, timeout, duplicates.

            executor.options(resources={"gpu": 1}).submit(train, data)
        """
        return _View(self, _options(self._side, self._options, **changes))

    def _check_fit(self, options):
        if not self._scheduler.fitting(options.place()):
            self._scheduler.refresh()
        if not self._scheduler.fitting(options.place()):
            there = "; ".join(str(slot) for slot in self._scheduler.slots.values() if slot.host >= 0) or "none"
            raise error("CANNOT_CONNECT", f"no engine can run these calls: they need {options.place()}; there are {there}")

    # ---- calls

    def _begin(self, fn, operation, arguments, options, count=1):
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = CallFuture(self._scheduler, function_of(fn), operation, arguments, options)
        future.count = count
        future.unfinished = self._futures
        self._futures.add(future)
        self._scheduler.submit(future)
        return future

    def submit(self, fn, /, *args, **kwargs):
        """A Future of fn(*args, **kwargs), with the attributes engine and elapsed when it is done."""
        return self._begin(fn, "several", (args, kwargs), self._options)

    def call_async(self, fn, data):
        """A Future of fn(data)."""
        return self.submit(fn, data)

    def map(self, fn, *iterables, timeout=None, chunksize=None, progress=None):
        """The results of fn(*items), in their order, items taken from the iterables side by side.

        Items are sent in chunks, of chunksize or as it turns out to be good; only some chunks are under way at a time, and
        items are taken as there is room, so that endless iterables work.  timeout: seconds for all, from now on.
        progress: show a bar on standard error; None: as fh.config.progress says.
        """
        end = None if timeout is None else time.monotonic() + timeout
        sizes = [operator.length_hint(items, -1) for items in iterables]
        bar = Count(getattr(fn, "__name__", "map"), None if -1 in sizes else min(sizes, default=0), progress)
        return _results(_Map(self, fn, iterables, chunksize), end, bar)

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
        late = wait_and_count(futures, timeout).not_done
        if late:
            raise error("TIMEOUT", f"{len(late)} of {len(futures)} calls were not done within {timeout} s")
        return [future.result() for future in futures]

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Take no more calls.  wait: until those that are under way are done; cancel_futures: end them first."""
        self._closed = True
        futures = list(self._futures)
        if cancel_futures:
            self._scheduler.cancel_all(futures)
        if wait:
            concurrent.futures.wait([future for future in futures if not future.done()])


class _View(Executor):
    """An executor with other options; it takes no more calls when that does."""

    def __init__(self, executor, options):
        self._executor, self._options = executor, options
        self._side, self._scheduler, self._futures = executor._side, executor._scheduler, executor._futures
        self._check_fit(options)

    @property
    def _closed(self):
        return self._executor._closed

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._executor.shutdown(wait, cancel_futures=cancel_futures)


def _options(side, options, **changes):
    if changes.get("engines") is not None:
        wanted = set(side.session.engine_ids(changes["engines"]))
        changes["engines"] = [engine.number for engine in side.session.engines if engine.id in wanted]
    return options.changed(**changes)


class _Map:
    """A map under way: chunks in their order."""

    def __init__(self, executor, function, iterables, chunksize):
        self.executor, self.function = executor, function
        self.spread = len(iterables) != 1  # items are tuples of arguments
        self.items = zip(*iterables) if self.spread else iter(iterables[0])
        self.known = function_of(function)
        self.fixed = chunksize is not None
        self.size = max(1, int(chunksize)) if self.fixed else 1
        self.engines = max(1, executor.engines)
        self.chunks = collections.deque()  # (future, items)
        self.begun = 0  # items under way, or waiting to be taken
        self.most = _MOST  # items of a chunk, as large as they are
        self.fill()

    def fill(self):
        while self.items is not None and len(self.chunks) < _CHUNKS * self.engines and self.begun < _KEPT_RESULTS:
            chunk = list(itertools.islice(self.items, self.size))
            if len(chunk) < self.size:
                self.items = None
            if not chunk:
                return
            future = self.executor._begin(self.function, "each", (chunk, self.spread), self.executor._options, len(chunk))
            self.chunks.append((future, len(chunk)))
            self.begun += len(chunk)
            self.most = max(1, min(_MOST, _CHUNK_BYTES * len(chunk) // future.call.nbytes))

    def next_chunk(self, end):
        """(values, report of what raised then or None, engine) of the next chunk; None: there are no more."""
        self.fill()
        if not self.chunks:
            return None
        future, count = self.chunks[0]
        try:
            answer = future.result(None if end is None else max(end - time.monotonic(), 0))
        except concurrent.futures.TimeoutError:
            if future.done():  # it ran into the time limit of a call
                raise
            raise error("TIMEOUT", "the results of a map were not there within its time limit") from None
        self.chunks.popleft()
        self.begun -= count
        if not self.fixed and self.known.seconds is not None:
            self.size = max(1, min(int(_CHUNK_SECONDS / max(self.known.seconds, 1e-9)), _GROWTH * self.size, self.most))
        self.fill()
        return *answer, future.engine

    def cancel(self):
        for future, _ in self.chunks:
            future.cancel()


def _results(running, end, bar):
    done = 0
    try:
        while True:
            answer = running.next_chunk(end)
            if answer is None:
                return
            values, report, engine = answer
            done += len(values)
            bar.show(done)
            values.reverse()
            yield from map(list.pop, itertools.repeat(values, len(values)))  # nothing of what was taken is held here
            if report is not None:
                raise remote_wire.make_exception(report, f"engine {engine}, {running.known.name}")
    finally:
        bar.end()
        running.cancel()
