"""Sessions: the connection to a cluster, and the default one."""
import atexit
import operator
import os
import threading
import time
import weakref
from dataclasses import dataclass, field

import numpy as np

from . import _native
from .config import config
from .dtypes import dtype_of
from .errors import CLASSES, Error, error
from .progress import Bar
from .refs import Ref


ALL_OBJECTS = 10_000_000  # the most that one query may ask for
_SHOWN_WITHIN = 1.0  # seconds
ALL_ROWS = 1_000_000  # and that of SQL


@dataclass(frozen=True)
class Engine:
    """One engine as the broker knows it."""

    number: int
    id: bytes = field(repr=False)
    host: str
    pid: int
    cores: int
    memory: int
    used: int
    objects: int
    llvm: str
    cpu: str
    sandbox: str
    state: str
    offers: str = ""

    @property
    def tags(self):
        """Tags that it was given: a frozenset."""
        return frozenset(item for item in self.offers.split(",") if item and "=" not in item)

    @property
    def resources(self):
        """Resources that it was given: a dict of amounts."""
        return {name: float(amount) for name, _, amount in (item.partition("=") for item in self.offers.split(",")) if amount}


class Session:
    """A connection to a cluster.  Made by connect; may be used by several threads at once (they take turns)."""

    def __init__(self, native):
        self._native = native

    def __repr__(self):
        if self.closed:
            return "<farhand Session (closed)>"
        return f"<farhand Session with cluster {self._native.cluster!r}, {self._shown_engines(len)}>"

    def _repr_html_(self):
        from .ipython import engines_table

        return "farhand Session (closed)" if self.closed else self._shown_engines(
            lambda known: engines_table(f"farhand Session with {self._native.cluster}", known))

    def _shown_engines(self, show):
        """What is shown waits for the broker only so long, and never raises."""
        try:
            shown = show([Engine(**info) for info in self._native.engines(_SHOWN_WITHIN)])
        except Error as problem:
            return f"no engines: {type(problem).__name__}"
        return f"{shown} engines" if isinstance(shown, int) else shown

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def closed(self):
        return self._native.closed

    @property
    def cluster(self):
        """Name of the cluster."""
        return self._native.cluster

    @property
    def engines(self):
        """The engines there are, in the order of their arrival."""
        return [Engine(**info) for info in self._native.engines()]

    def objects(self, limit=10000):
        """What the registry lists: a Ref for each object, with owner, engine, bytes and age."""
        return [
            Ref._of_record(info["id"], info["type"], dtype_of(info["dtype"]) if info["dtype"] else None, info["shape"], info["name"],
                           info["session"], info["engine"], info["bytes"], info["age_ms"] / 1000, None)
            for info in self._native.objects(limit)
        ]

    def object(self, instance):
        """The Ref of one object, by its id (16 bytes), as the registry knows it; None if it does not."""
        rows = self.sql(f"SELECT *, (SELECT name FROM pieces WHERE object = id) AS name FROM objects WHERE id = '{bytes(instance).hex()}'")
        if not rows:
            return None
        row = rows[0]
        shape = tuple(int(extent) for extent in row["shape"].strip("[]").split(",") if extent)
        return Ref._of_record(bytes.fromhex(row["id"]), row["type"], np.dtype(row["dtype"]) if row["dtype"] else None, shape,
                              row["name"] or "", bytes.fromhex(row["session"]), bytes.fromhex(row["engine"]), row["bytes"],
                              max(time.time() - row["made_ms"] / 1000, 0.0), None)

    def sql(self, query, limit=10000):
        """Read-only SQL over the registry (tables objects, names, engines, sessions): a list of dicts."""
        rows = self._native.sql(query, limit)
        return [dict(zip(rows[0], row)) for row in rows[1:]]

    def memory(self, objects=False):
        """What memory is used for: a Memory, which maps owners (session ids in hex, "cache", "process", ...) to bytes.

        objects=True: its attribute objects then has the bytes of each object (by id), as the registry knows them.
        """
        from .memory import Memory

        return Memory(self._native.memory(), self.engines, self.objects(ALL_OBJECTS) if objects else None)

    def stats(self):
        """Counters since the session began: messages, bytes, waits."""
        return self._native.stats()

    def sync(self, timeout=None):
        """Wait until the engines have done all that was asked of them."""
        self._native.sync(-1.0 if timeout is None else float(timeout))

    def cancel(self):
        """End all calls that are not done: their results raise Cancelled.  Ctrl-C in a wait for arrays does this."""
        side = self.__dict__.get("_python_side")
        if side is not None and side.scheduler is not None:
            side.scheduler.drop_all(error("CANCELLED", "the session's calls were cancelled"))
        self._native.cancel()

    def progress(self):
        """What kernels do now: a Progress record for each engine where one runs or calls wait.  Does not wait for them."""
        from .progress import Progress

        return [Progress(*row) for row in self._native.progress()]

    def call(self, engine, method, *args):
        """Invoke a method of an engine by name."""
        return list(self._native.call(None, self._engine_number(engine), method, args)[0])

    def names(self, types=False):
        """Names under which something is published; types=True: a dict of names and "array", "kernel" or "python"."""
        if not types:
            return self._native.names()
        return {row["name"]: row["type"] for row in self.sql("SELECT name, type FROM names", ALL_ROWS)}

    def unpublish(self, name):
        self._native.unpublish(name)

    def get(self, name):
        """The array, kernel or Python object that is published under a name."""
        from .array import wrap
        from .kernels import published
        from .remote import published_object

        for found in (lambda: wrap(self._native.get(name)), lambda: published(self._native.kernel_get(name))):
            try:
                return found()
            except CLASSES["WrongType"]:
                continue
        return published_object(self, name)

    def close(self):
        """End the session: its arrays are freed, except published ones.  Safe to repeat."""
        self._native.close()
        _forget(self)
        side = self.__dict__.get("_python_side")
        if side is not None:
            side.fail_all("it was closed")

    def _engine_number(self, engine):
        return engine.number if isinstance(engine, Engine) else operator.index(engine)

    def engine_ids(self, engines):
        """Ids of engines given as Engine objects, numbers or ids; None stays None (all)."""
        if engines is None:
            return None
        if isinstance(engines, (Engine, int, bytes)):
            engines = (engines,)
        ids = []
        for engine in engines:
            if isinstance(engine, Engine):
                ids.append(engine.id)
            elif isinstance(engine, bytes):
                ids.append(engine)
            else:
                ids.append(self._id_of_number(operator.index(engine)))
        if not ids:
            raise error("INVALID_ARGUMENT", "engines must name at least one engine")
        return tuple(ids)

    def _id_of_number(self, number):
        try:
            return self._native.engine_id(number)
        except (CLASSES["BadIndex"], OverflowError):
            raise error("INVALID_ARGUMENT", f"there is no engine {number}; there are {[known.number for known in self.engines]}") from None


class _Ticker:
    """Gives idle sessions a sign of life, in one daemon thread for the whole process."""

    def __init__(self):
        self.sessions = weakref.WeakSet()
        self.stop = threading.Event()
        self.thread = None

    def add(self, session):
        self.sessions.add(session)
        if self.thread is None or not self.thread.is_alive():  # also after a fork: threads do not survive it
            self.stop = threading.Event()
            self.thread = threading.Thread(target=self._run, name="farhand-tick", daemon=True)
            self.thread.start()

    def _run(self):
        while not self.stop.wait(config.tick_interval):
            for session in list(self.sessions):
                try:
                    session._native.tick()
                except Error:
                    continue  # what is wrong comes up in the call that needs the session

    def end(self):
        self.stop.set()
        if self.thread is not None:
            self.thread.join(1.0)


class _Flusher:
    """Sends operations that wait when nothing follows for a millisecond: a thread, asleep while there are none."""

    quiet = 0.001

    def __init__(self):
        self.thread = None

    def start(self):
        if self.thread is None or not self.thread.is_alive():
            self.thread = threading.Thread(target=self._run, name="farhand-flush", daemon=True)
            self.thread.start()

    def _run(self):
        while True:
            if not _native.await_unsent(60.0):
                continue
            unsent = True
            while unsent:
                time.sleep(self.quiet)
                unsent = False
                for session in list(_ticker.sessions):
                    try:
                        unsent = session._native.flush(self.quiet) or unsent
                    except Error:
                        continue  # what is wrong comes up in the call that needs the session


_ticker = _Ticker()
_flusher = _Flusher()
_lock = threading.RLock()
_default = None


def _after_fork_in_child():
    """A thread that does not exist here may have held the lock."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)


def connect(target=None, *, timeout=10.0):
    """Connect to a cluster: a connection file, a cluster's name, or None for $FARHAND_CONNECTION, else "default".

    The session becomes the default one.
    """
    global _default
    call_timeout = -1.0 if config.call_timeout is None else float(config.call_timeout)
    native = _native.connect(None if target is None else str(target), float(timeout), call_timeout,
                             not config.shared_memory, not config.rings, -1 if config.streams is None else config.streams, config.trust_network,
                             config.compression, config.host, Bar() if Bar.wanted() else None,
                             len(os.sched_getaffinity(0)) if config.copy_threads is None else int(config.copy_threads), not config.fusion,
                             config.linalg_rows or 0)
    session = Session(native)
    if config.fusion:
        _flusher.start()
    with _lock:
        _default = session
        _ticker.add(session)
    return session


def current():
    """The default session; connects to the default cluster if there is none."""
    with _lock:
        if _default is not None and not _default.closed:
            return _default
        return connect()


def is_open():
    """Is there a default session?"""
    with _lock:
        return _default is not None and not _default.closed


def set_default(session):
    """Make a session the default one (None: none); returns the one before."""
    global _default
    with _lock:
        before, _default = _default, session
    return before


def session_of(native):
    """The Session of a native session, which arrays know."""
    with _lock:
        if _default is not None and _default._native is native:
            return _default
    for session in list(_ticker.sessions):
        if session._native is native:
            return session
    return Session(native)


def is_default(session):
    return _default is session


def _forget(session):
    with _lock:
        _ticker.sessions.discard(session)
        if _default is session:
            set_default(None)


@atexit.register
def _close_all():
    _ticker.end()
    for session in list(_ticker.sessions):
        try:
            session._native.close()
        except (Error, KeyboardInterrupt):
            continue
