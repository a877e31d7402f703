"""Futures: results that can be waited for, awaited, and passed to concurrent.futures."""
import concurrent.futures
import contextlib
import math
import os
import queue
import threading
import time
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, _base

from .config import config
from .errors import CLASSES, error

_SLICE = 0.05  # seconds that a waiting thread keeps the session to itself
_PAUSE = 0.001  # in between, others get their turn
_THREADS = 8
_SHOWN_EVERY = 0.25  # seconds between two looks at how far kernels are


_making = threading.Lock()


class Future(concurrent.futures.Future):
    """A concurrent.futures.Future that can also be awaited.  Ctrl-C cancels what it waits for.

    Thousands of calls may be under way: what the standard one makes for each, a condition and lists, is made when somebody
    waits or wants to be called back.
    """

    _session = None  # in which its array is computed
    _alone = False  # can cancel end its call alone?
    taken_back = False  # was its call to be given back if it had not begun?
    _state, _result, _exception, _made = _base.PENDING, None, None, None

    def __init__(self):
        pass

    @property
    def _condition(self):
        """Who takes it looks at the state afterwards; who changes the state without it looks for it afterwards (fill)."""
        if self._made is None:
            with _making:
                if self._made is None:
                    self._waiters, self._done_callbacks = [], []
                    self._made = threading.Condition()
        return self._made

    def fill(self, result, exception=None):
        """Set result or exception, unless it was cancelled or is filled."""
        if self._made is not None or self._state != _base.PENDING:
            if self._begin_to_fill():
                self.set_result(result) if exception is None else self.set_exception(exception)
            return
        self._result, self._exception = result, exception
        self._state = _base.FINISHED
        if self._made is not None:  # somebody has come meanwhile
            self._tell(exception)

    def drop(self):
        """Cancel it, unless it is done, where no other thread can fill it meanwhile: without a lock, if nobody has asked for it."""
        if self._made is not None or self._state != _base.PENDING:
            if self.cancel():
                self._begin_to_fill()
            return
        self._state = _base.CANCELLED_AND_NOTIFIED
        if self._made is not None:  # somebody has come meanwhile
            with self._made:
                for waiter in self._waiters:
                    waiter.add_cancelled(self)
                self._made.notify_all()
            self._invoke_callbacks()

    def _begin_to_fill(self):
        with self._condition:
            if self._state == _base.CANCELLED:
                self._state = _base.CANCELLED_AND_NOTIFIED
                for waiter in self._waiters:
                    waiter.add_cancelled(self)
            elif self._state == _base.PENDING:
                self._state = _base.RUNNING
            return self._state == _base.RUNNING

    def _tell(self, exception):
        with self._made:
            if self._state == _base.CANCELLED:  # written over what fill wrote
                self._state = _base.CANCELLED_AND_NOTIFIED
                for waiter in self._waiters:
                    waiter.add_cancelled(self)
                return
            for waiter in self._waiters:
                waiter.add_result(self) if exception is None else waiter.add_exception(self)
            self._made.notify_all()
        self._invoke_callbacks()

    def done(self):
        return self._state in (_base.FINISHED, _base.CANCELLED, _base.CANCELLED_AND_NOTIFIED)

    def result(self, timeout=None):
        if self._state == _base.FINISHED and self._exception is None:
            return self._result
        try:
            return super().result(timeout)
        except KeyboardInterrupt:
            _cancel([self])
            raise

    def exception(self, timeout=None):
        try:
            return super().exception(timeout)
        except KeyboardInterrupt:
            _cancel([self])
            raise

    def __await__(self):
        import asyncio  # only programs that await have it loaded

        return asyncio.wrap_future(self).__await__()


@contextlib.contextmanager
def _cancelled_by_interrupt(futures):
    try:
        yield
    except KeyboardInterrupt:
        _cancel(futures)
        raise


def _cancel(futures):
    """End what these wait for: calls that can be ended alone, else all of their sessions."""
    for future in futures:
        if isinstance(future, Future) and future._alone:
            future.cancel()
    _cancel_sessions({future._session for future in futures if isinstance(future, Future) and future._session})


def _cancel_sessions(sessions):
    for session in sessions:
        with contextlib.suppress(CLASSES["Error"]):  # it may be closed
            session.cancel()


class _Pool:
    """A few daemon threads: the end of the program does not wait for what they wait for."""

    def __init__(self):
        self.work = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.threads = 0
        self.idle = 0

    def submit(self, future, function, arguments):
        with self.lock:
            self.work.put((future, function, arguments))
            if self.idle < self.work.qsize() and self.threads < _THREADS:
                self.threads += 1
                threading.Thread(target=self._run, name="farhand-future", daemon=True).start()

    def _run(self):
        while True:
            with self.lock:
                self.idle += 1
            future, function, arguments = self.work.get()
            with self.lock:
                self.idle -= 1
            if future.set_running_or_notify_cancel():
                _fill(future, function, arguments)
            del future, function, arguments  # what they hold must not live until the next ones come


_pool = _Pool()


def _after_fork_in_child():
    """Threads do not survive a fork."""
    global _pool
    _pool = _Pool()


os.register_at_fork(after_in_child=_after_fork_in_child)


def _fill(future, function, arguments):
    try:
        result = function(*arguments)
    except BaseException as problem:
        future.set_exception(problem)
    else:
        future.set_result(result)


def submit(function, *arguments):
    """A Future of function(*arguments), computed on a thread of this process."""
    future = Future()
    _pool.submit(future, function, arguments)
    return future


def _wait_in_slices(array):
    """As array.wait(), but other threads can use the session meanwhile."""
    deadline = None if config.call_timeout is None else time.monotonic() + config.call_timeout
    while True:
        try:
            array._handle.wait(_SLICE)
            return array
        except CLASSES["Timeout"]:
            if deadline is not None and time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def future_of(array):
    future = submit(_wait_in_slices, array)
    future._session = array._handle.session
    return future


def _as_future(x):
    if isinstance(x, concurrent.futures.Future):
        return x
    if not hasattr(x, "_handle"):
        raise error("WRONG_TYPE", f"arrays on engines and Futures can be waited for, not {type(x).__name__}")
    return future_of(x)


def _wait_and_show(futures, timeout, return_when):
    """As concurrent.futures.wait; meanwhile a line on standard error says how far the kernels are, if it is a terminal."""
    from .progress import Line, progress

    return _wait_with(Line(), lambda result: progress(), futures, timeout, return_when)


def wait_and_count(futures, timeout=None, return_when=ALL_COMPLETED):
    """As concurrent.futures.wait, with a bar of how many are done where config.progress, or an interactive session, wants one."""
    from .progress import Count

    return _wait_with(Count("calls", len(futures)), lambda result: len(result.done), futures, timeout, return_when)


def _wait_with(shown, state, futures, timeout, return_when):
    """As concurrent.futures.wait; a Line or Count, if it is wanted, shows what state(result so far) gives."""
    if not shown.wanted:
        return concurrent.futures.wait(futures, timeout, return_when)
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    try:
        while True:
            begun = time.monotonic()
            left = max(min(_SHOWN_EVERY, deadline - begun), 0)
            result = concurrent.futures.wait(futures, left, return_when)
            if not result.not_done or time.monotonic() < begun + left or time.monotonic() >= deadline:
                return result
            shown.show(state(result))
    finally:
        shown.end()


def _wait_in_turn(arrays):
    """Until each is computed or has failed: a message each, where a thread for each would cost many times as much."""
    try:
        for array in arrays:
            with contextlib.suppress(CLASSES["Error"]):
                _wait_in_slices(array)
    except KeyboardInterrupt:  # perhaps between two slices
        _cancel_sessions({array._handle.session for array in arrays})
        raise


def wait(xs, timeout=None, return_when=ALL_COMPLETED, *, progress=False):
    """Wait for arrays and Futures: sets (done, not_done) of what was given, as concurrent.futures.wait.

    Arrays are not hashable: they come back as lists, in their order.  progress: show how far the default session's kernels
    are, on standard error if that is a terminal.
    """
    xs = list(xs) if isinstance(xs, (list, tuple, set)) else [xs]
    if timeout is None and return_when == ALL_COMPLETED and not progress and all(hasattr(x, "_handle") for x in xs):
        _wait_in_turn(xs)
        return xs, []
    futures = [_as_future(x) for x in xs]
    with _cancelled_by_interrupt(futures):
        finished, _ = (_wait_and_show if progress else wait_and_count)(futures, timeout, return_when)
    return ([x for x, future in zip(xs, futures) if future in finished],
            [x for x, future in zip(xs, futures) if future not in finished])


def as_completed(xs, timeout=None):
    """The arrays and Futures of xs, in the order in which they are done."""
    futures = {_as_future(x): x for x in xs}
    done = concurrent.futures.as_completed(futures, timeout)
    while True:
        with _cancelled_by_interrupt(futures):
            future = next(done, None)
        if future is None:
            return
        yield futures[future]


__all__ = ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION", "Future", "as_completed", "wait"]
