"""What an executor asks for: functions, calls of them, and where these may run."""
import hashlib
import threading
import time
import weakref

from . import remote_wire
from .errors import error
from .futures import Future
from .modules import names_of

_MOVABLE = 16 << 20  # bytes of arrays that go to another engine rather than wait for theirs
_LIGHT = 4096  # bytes of a call that are not counted
_UNKNOWN = 0.01  # seconds that a call may take of whose function none has ended
_RATHER_NEW = 0.25  # how much the last duration counts in what a call is thought to take


class Function:
    """A function as it was when it was used first: its pickle, and how long its calls take."""

    __slots__ = ("name", "body", "digest", "modules", "seconds")

    def __init__(self, function):
        self.name = (getattr(function, "__name__", None) or type(function).__name__)[:200]
        call = remote_wire.Call((function,), inline=True)
        if call.objects or call.arrays:
            raise error("WRONG_TYPE", f"the function {self.name} refers to remote objects or arrays: pass them as arguments")
        self.body = call.body
        self.modules = names_of(call.code)  # that it needs
        self.digest = hashlib.blake2b(self.body, digest_size=16).digest()
        self.seconds = None  # that one call takes; None: none has ended

    def took(self, seconds):
        self.seconds = seconds if self.seconds is None else self.seconds + _RATHER_NEW * (seconds - self.seconds)


_functions = weakref.WeakKeyDictionary()


def function_of(function):
    """Its Function, the same one each time if it can be remembered."""
    if not callable(function):
        raise error("WRONG_TYPE", f"{function!r} is not callable")
    try:
        known = _functions.get(function)
        if known is None:
            known = _functions[function] = Function(function)
        return known
    except TypeError:  # no weak references to it, or no hash
        return Function(function)


class Options:
    """How calls are to be run.  Never changed."""

    __slots__ = ("engines", "tags", "resources", "retries", "timeout", "duplicates", "places")

    def __init__(self, engines=None, tags=(), resources=None, retries=0, timeout=None, duplicates=False):
        self.engines = None if engines is None else frozenset(engines)
        self.tags = frozenset((tags,) if isinstance(tags, str) else tags)
        self.resources = {name: float(amount) for name, amount in (resources or {}).items()}
        self.retries, self.timeout, self.duplicates = int(retries), timeout, bool(duplicates)
        if any(not amount > 0 for amount in self.resources.values()):
            raise error("INVALID_ARGUMENT", f"amounts of resources are above zero, unlike those of {resources}")
        self.places = {}  # (host, must it be there) -> Place

    def place(self, home=None, pinned=False):
        found = self.places.get((home, pinned))
        if found is None:
            found = self.places[home, pinned] = Place(self, home, pinned)
        return found

    def changed(self, **changes):
        now = {name: getattr(self, name) for name in self.__slots__[:-1]}
        for name in changes:
            if name not in now:
                raise error("WRONG_TYPE", f"there is no option {name}; there are {', '.join(now)}")
        return Options(**{**now, **changes})


class Place:
    """Where calls may run, and would like to: calls of one place wait in one row."""

    __slots__ = ("options", "home", "pinned")

    def __init__(self, options, home, pinned):
        self.options, self.home, self.pinned = options, home, pinned

    def fits(self, slot):
        """Could the slot's engine run such calls at all?"""
        if self.pinned:
            return slot.host == self.home
        options = self.options
        return (slot.host >= 0 and (options.engines is None or slot.number in options.engines) and options.tags <= slot.tags and
                all(slot.resources.get(name, 0) >= amount for name, amount in options.resources.items()))

    def __str__(self):
        if self.pinned:
            return f"engine {self.home if self.home >= 0 else ~self.home}, which has an object of the call"
        wanted = [f"the tag {tag!r}" for tag in sorted(self.options.tags)]
        wanted += [f"{amount:g} of {name!r}" for name, amount in self.options.resources.items()]
        number = "an engine" if self.options.engines is None else f"an engine of {sorted(self.options.engines)}"
        return number + (f" with {' and '.join(wanted)}" if wanted else "")


class CallFuture(Future):
    """The Future of a call, and the call.

    engine: the number of the engine that ran it; elapsed: seconds that it took there.  None while it has not ended.
    """

    _alone = True
    engine = elapsed = None
    sequence = 0
    sent = ()  # the Sents that are under way with it: more than one if a copy runs
    count = 1  # items, of a part of a map
    tries = 0
    lost_on = None  # the host that was lost with it
    unfinished = None  # a set of calls that are not done

    def __init__(self, scheduler, function, operation, arguments, options):
        self.scheduler, self.function, self.operation, self.options = scheduler, function, operation, options
        self.retries = options.retries
        call = self.call = remote_wire.Call(arguments)
        self.weight = 0  # bytes that it counts among those of waiting calls
        if call.buffers or len(call.body) > _LIGHT:
            call.buffers = [buffer.copy() for buffer in call.buffers]  # the caller may change his arrays while it waits
            self.weight = call.nbytes
        self.alone = bool(call.objects or call.arrays or call.buffers or options.timeout is not None or options.resources or
                          options.duplicates or operation != "several")
        self.place = options.place(*_home_of(call)) if call.objects or call.arrays else options.place()

    def fill(self, result, exception=None):
        super().fill(result, exception)
        if self.unfinished is not None:
            self.unfinished.discard(self)

    def drop(self):
        super().drop()
        if self.unfinished is not None:
            self.unfinished.discard(self)

    def cancel(self):
        """End it, whether it waits or runs.  False: it has ended already."""
        if self.done():
            return self.cancelled()
        if not super().cancel():
            return False
        self.scheduler.cancelled(self)
        return True


def _home_of(call):
    """(host, must it run there): with its objects, else where most bytes of its arrays are."""
    if call.objects:
        hosts = {handle.host for handle in call.objects}
        if len(hosts) > 1:
            raise error("INVALID_ARGUMENT", "remote objects of several engines in one call of an executor: use fh.call, or gather one of them")
        return hosts.pop(), True
    weights = {}
    for array in call.arrays:
        for number in array.engines:
            weights[number] = weights.get(number, 0) + array.nbytes / max(array.npieces, 1)
    home = max(weights, key=weights.get)
    return home, weights[home] > _MOVABLE


class Sent:
    """Calls that went to an engine together, or one; takes the answer, on the collector's thread."""

    __slots__ = ("scheduler", "slot", "jobs", "function", "token", "begun", "count", "cost", "taken_back", "twice")

    def __init__(self, scheduler, slot, jobs, twice):
        self.scheduler, self.slot, self.jobs = scheduler, slot, jobs
        self.function = jobs[0].function
        self.count = jobs[0].count if len(jobs) == 1 else len(jobs)
        self.cost = self.count * (_UNKNOWN if self.function.seconds is None else self.function.seconds)
        self.begun = time.monotonic()
        self.token = 0
        self.taken_back = False  # the engine was asked to give it back if it has not begun
        self.twice = twice  # it is a copy, or has one

    def fill(self, answer, problem=None):
        """answer: (a pair for each call, seconds), or None: the host does not know the function.  Of a part of a map the pair is its value."""
        if problem is None and answer is not None:
            pairs, seconds = answer
            if self.jobs[0].operation == "each":
                pairs = [(True, pairs)]
            for job, (kind, value) in zip(self.jobs, pairs):
                if not job.done():
                    job.engine, job.elapsed = self.slot.number, seconds / len(pairs)
                if kind is True:
                    job.fill(value)
                else:
                    self._fill_other(job, kind, value)
        self.scheduler.answered(self, answer, problem)

    def _fill_other(self, job, kind, value):
        try:
            if kind is False:
                job.fill(None, remote_wire.make_exception(value, f"engine {self.slot.number}, {self.function.name}"))
            else:
                job.fill(remote_wire.unpack(value))
        except Exception as problem:
            job.fill(None, problem)


class Room:
    """What waiting calls may hold of this process's memory: who submits more waits."""

    bytes = 256 << 20

    def __init__(self):
        self.used, self.changed = 0, threading.Condition()

    def take(self, job, wait):
        """Threads that make room themselves do not wait for it."""
        with self.changed:
            while wait and self.used and self.used + job.weight > self.bytes:
                self.changed.wait(1.0)
            self.used += job.weight

    def give(self, job):
        with self.changed:
            self.used -= job.weight
            job.weight = 0
            self.changed.notify_all()
