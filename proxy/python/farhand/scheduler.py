"""Which call of an executor goes to which engine, and when.

Each engine gets a few calls at a time, a hundredth of a second of work ahead of what it does; the others wait here, and go to
whoever has room first.  What was sent behind a call that turned out to be slow is taken back for an engine that has nothing
to do, as long as it has not begun.

One thread does all that.  Everybody else only puts events into its queue, so that Ctrl-C finds nothing half done in the main
thread.  Answers fill their Futures on the collector's thread (remote_calls.py).
"""
import collections
import itertools
import queue
import threading
import time

from . import remote_wire
from .errors import CLASSES, error
from .scheduled import Room, Sent
from .slots import DEAD, GREETING, NEW, READY, Slot

_AHEAD = 0.01  # seconds of work that an engine has at most, beside two calls
_MOST_SENT = 512  # calls, or chunks of them
_CHUNK_SECONDS, _CHUNK_CALLS, _CHUNK_BYTES = 0.0025, 256, 32768
_OVERDUE = 0.005  # seconds after which what is behind a call is taken back for idle engines
_TIMES_LATE, _LATE = 3.0, 0.05  # a copy of a call begins when it takes so many times as long as usual, and so many seconds
_IDLE = 2.0  # seconds that the thread outlives the last call
_MOST_ASIDE = 64  # events that wait for another one
_MOST_TRIES = 8  # of sending a call whose host did not begin it
_SWEEP = 10.0  # seconds that who cancels many calls waits at most for the thread, which may be bringing modules to an engine


_making = threading.Lock()


def scheduler_of(side):
    """The scheduler of a session's Python side, made when it is first asked for."""
    with _making:
        if side.scheduler is None:
            side.scheduler = Scheduler(side)
        return side.scheduler


class Scheduler:
    """Of one session: the calls of all its executors."""

    def __init__(self, side):
        self.side = side
        self.inbox = queue.SimpleQueue()
        self.aside = collections.deque()  # events that need not wake the thread: it handles them before the next one
        self.starting = threading.Lock()
        self.thread = None
        self.slots = {}  # host -> Slot
        self.queues = {}  # Place -> deque of calls, none empty
        self.order = itertools.count(1)
        self.greetings = 0  # under way
        self.room = Room()
        self._engines(side.session.engines)

    # ---- from any thread

    def post(self, handler, *arguments):
        self.inbox.put((handler, arguments))
        if self.thread is None:
            with self.starting:
                if self.thread is None:
                    self.thread = threading.Thread(target=self._run, name="farhand-scheduler", daemon=True)
                    self.thread.start()

    def answered(self, sent, answer, problem):
        """What was sent has ended.  The last one of all wakes nobody: its caller has better use for the processor."""
        if problem is not None or answer is None or sent.jobs[0].alone:
            self.post(self.ended, sent, answer, problem)
            return
        self.aside.append((self.ended, (sent, answer, None)))
        under_way = sum(len(slot.sent) for slot in list(self.slots.values()))
        # The thread puts calls into the queues before it looks aside for the last time.  While others are under way, it may be time to take them back.
        if self.queues or under_way > len(self.aside) or len(self.aside) > _MOST_ASIDE:
            self.post(self._look_aside)

    def submit(self, job):
        if job.weight:
            self.room.take(job, threading.current_thread() not in (self.thread, self.side.collector))
        job.sequence = next(self.order)
        self.post(self._arrive, job)

    def cancelled(self, job):
        """Its Future is cancelled: what was sent of it is to end."""
        self.post(self._cancel, job)

    def cancel_all(self, jobs):
        """As Future.cancel of each, in one sweep over those that have not been sent."""
        if threading.current_thread() is self.thread:  # somebody's callback
            self._sweep(jobs)
            return
        swept = threading.Event()
        self.post(self._sweep, jobs, swept)
        swept.wait(_SWEEP)

    def drop_all(self, problem):
        """Calls that wait here fail; what was sent is the session's matter."""
        self.post(self._drop_waiting, problem)

    def fitting(self, place):
        """Slots that could run such calls, whatever they do now."""
        return [slot for slot in list(self.slots.values()) if slot.first and place.fits(slot)]

    def refresh(self):
        """Learn from the broker which engines there are."""
        self._engines(self.side.session.engines)

    # ---- the thread

    def _run(self):
        while True:
            handler = self._next_event()
            if handler is None and not self._is_busy():
                with self.starting:
                    self.thread = None
                    if self.inbox.empty():
                        return
                    self.thread = threading.current_thread()
            self._dispatch()
            if self.aside:  # of calls whose answers came after their engines were found busy
                self._look_aside()
                self._dispatch()

    def _next_event(self):
        """Handle all events that are there, waiting for the first one.  None: there was none."""
        handler = None
        try:
            handler, arguments = self.inbox.get(timeout=self._patience())
            while True:
                self._look_aside()
                handler(*arguments)
                handler, arguments = self.inbox.get_nowait()
        except queue.Empty:
            self._look_aside()
            return handler

    def _look_aside(self):
        while self.aside:
            handler, arguments = self.aside.popleft()
            handler(*arguments)

    def _is_busy(self):
        return bool(self.queues or self.greetings or any(slot.sent for slot in self.slots.values()))

    def _patience(self):
        """Seconds until somebody has to look at what is late, if nothing comes before."""
        if not self._is_busy():
            return _IDLE
        due = self._next_due()
        return _IDLE if due is None else min(max(due - time.monotonic(), 0.001), _IDLE)

    def _arrive(self, job):
        self._put(job, False)

    def _put(self, job, first):
        waiting = self.queues.get(job.place)
        if waiting is None:
            waiting = self.queues[job.place] = collections.deque()
        waiting.appendleft(job) if first else waiting.append(job)

    # ---- engines

    def _engines(self, engines):
        ready = {engine.number: engine for engine in engines if engine.state == "ready"}
        slots = dict(self.slots)
        for number, engine in ready.items():
            slot = slots.setdefault(number, Slot(number))
            if slot.state == DEAD and isinstance(slot.problem, CLASSES["EngineLost"]):
                slot.state = NEW
        for host, slot in slots.items():
            if host >= 0 and slot.number in ready:
                slot.offer(ready[slot.number])
            if slot.number not in ready and slot.state != DEAD:
                slot.state = DEAD
                slot.problem = error("ENGINE_LOST", f"engine {slot.number} is gone")
        self.slots = slots

    def _greet(self, slot):
        """Its Python host is begun and looked at: on a thread, since that takes a moment."""
        slot.state = GREETING
        self.greetings += 1
        threading.Thread(target=self._greet_there, args=(slot,), name="farhand-greet", daemon=True).start()

    def _greet_there(self, slot):
        problem = engines = None
        try:
            self.side.greet(slot.host)
        except Exception as caught:
            problem = caught
            try:
                engines = self.side.session.engines
            except CLASSES["Error"]:
                engines = None  # the broker is away: what is known stays
        self.post(self._greeted, slot, problem, engines)

    def _greeted(self, slot, problem, engines):
        self.greetings -= 1
        slot.state, slot.problem = (READY, None) if problem is None else (DEAD, problem)
        if slot.first and slot.host >= 0:
            self.slots = {host: slot.beside(host) for host in self.side.hosts_of(slot.number)} | self.slots
        if engines is not None and not any(engine.number == slot.number and engine.state == "ready" for engine in engines):
            slot.problem = error("ENGINE_LOST", f"engine {slot.number} is gone")

    # ---- sending

    def _dispatch(self):
        """Send what there is room for."""
        while self._send_one():
            pass
        self._use_idle()

    def _send_one(self):
        for place in sorted(self.queues, key=lambda place: self.queues[place][0].sequence) if len(self.queues) > 1 else list(self.queues):
            waiting = self.queues[place]
            while waiting and waiting[0].done():
                self._let_go(waiting.popleft())
            if not waiting:
                del self.queues[place]
                return True
            slots = self._slots_of(place)
            slot = self._choose(place, waiting[0], slots, len(waiting))
            if slot is not None:
                self._send(slot, self._chunk(waiting, len(slots)))
                if not waiting:
                    self.queues.pop(place, None)
                return True
            if all(slot.state == DEAD for slot in slots):
                self._let_go(waiting.popleft(), self._nobody(place, slots))
                return True
        return False

    def _slots_of(self, place):
        if place.pinned and place.home not in self.slots and place.home < 0:
            self.slots = {**self.slots, place.home: Slot(place.home)}
        return [slot for slot in self.slots.values() if place.fits(slot)]

    def _may_run(self, job, slot):
        """Further hosts of an engine run what needs neither objects nor arrays."""
        return slot.first or not (job.call.objects or job.call.arrays) and slot.host in self.side.hosts_of(slot.number)

    @staticmethod
    def _nobody(place, slots):
        if slots:
            return slots[0].problem
        return error("INVALID_ARGUMENT", f"no engine can run the call: it needs {place}")

    def _choose(self, place, job, slots, many):
        """The slot that should have the call, or None: nobody has room."""
        seconds = job.function.seconds
        resources = place.options.resources
        best = None
        for slot in slots:
            if not self._may_run(job, slot):
                continue
            if slot.state == READY and self.side.greeted.get(slot.host) != len(self.side.types_for(slot.host)):
                slot.forget()
            if slot.state == NEW and self.greetings < many and (best is None or best.sent):
                self._greet(slot)
            if slot.state != READY or not slot.can_take(resources) or self._is_stuck(slot):
                continue
            if len(slot.sent) >= 2 and (seconds is None or slot.cost + seconds > _AHEAD or len(slot.sent) >= _MOST_SENT):
                continue
            if slot.host == place.home:
                return slot
            if slot.host == job.lost_on and len(slots) > 1 and any(other.state != DEAD for other in slots if other is not slot):
                continue
            if best is None or (slot.cost, len(slot.sent)) < (best.cost, len(best.sent)):
                best = slot
        return best

    @staticmethod
    def _is_stuck(slot):
        """Does it take longer than it should?  Who knows for how long: nothing more is sent behind that."""
        if not slot.sent:
            return False
        first = next(iter(slot.sent))
        return time.monotonic() - max(first.begun, slot.last) > max(_OVERDUE, 2 * first.cost)

    def _chunk(self, waiting, engines):
        """The next call, and those behind it that can go along: quick ones of the same function."""
        job = waiting.popleft()
        jobs, function = [job], job.function
        if job.alone or function.seconds is None:
            return jobs
        most = min(_CHUNK_CALLS, len(waiting) // (2 * engines), int(_CHUNK_SECONDS / max(function.seconds, 1e-6)))
        room = _CHUNK_BYTES - len(job.call.body)
        while len(jobs) < most and waiting:
            job = waiting[0]
            room -= len(job.call.body)
            if job.function is not function or job.alone or job.options.retries != jobs[0].options.retries or room < 0:
                break
            waiting.popleft()
            if job.done():
                self._let_go(job)
            else:
                jobs.append(job)
        return jobs

    def _let_go(self, job, problem=None):
        """It does not wait any more, and will not be sent."""
        if job.weight:
            self.room.give(job)
        if problem is not None:
            job.fill(None, problem)

    def _send(self, slot, jobs, twice=False):
        job, function = jobs[0], jobs[0].function
        sent = Sent(self, slot, jobs, twice)
        body = None if function.digest in slot.functions else function.body
        command = job.operation, True, function.digest, body, [each.call.body for each in jobs]
        slot.take(sent, job.options.resources)
        for each in jobs:
            each.sent += (sent,)
            if each.weight:
                self.room.give(each)
        try:
            call = remote_wire.packed(command, job.call)
            if slot.host in self.side.modules:  # it does not see our files
                call.code = [*function.modules, *(part for each in jobs for part in each.call.code)]
            sent.token = self.side.send(slot.host, function.name, call, sent, job.options.timeout)
            slot.functions.add(function.digest)
        except Exception as problem:
            self._not_sent(sent, problem)

    def _not_sent(self, sent, problem):
        self._off(sent)
        if isinstance(problem, CLASSES["EngineLost"]):
            self._lost(sent.slot)
            for job in sent.jobs:
                job.tries += 1
            self._again(sent, problem)
        else:
            self._fail(sent.jobs, problem)

    # ---- answers

    def ended(self, sent, answer, problem):
        if sent not in sent.slot.sent:
            return
        self._off(sent)
        sent.slot.last = time.monotonic()
        if problem is None and answer is None:  # the host does not know the function: it is another one
            sent.slot.functions.discard(sent.function.digest)
            for job in sent.jobs:
                job.tries += 1
            self._again(sent, error("INTERNAL", "a Python host forgets functions"))
        elif problem is None:
            sent.function.took(answer[1] / sent.count)
            self._end_copies(sent)
        elif isinstance(problem, CLASSES["EngineLost"]):
            self._lost(sent.slot)
            self._retry(sent, problem)
        elif sent.taken_back and isinstance(problem, CLASSES["Cancelled"]):
            self._again(sent, problem)
        else:
            self._fail(sent.jobs, problem)
            self._end_copies(sent)

    def _off(self, sent):
        sent.slot.give(sent, sent.jobs[0].options.resources)
        for job in sent.jobs:
            job.sent = tuple(other for other in job.sent if other is not sent)

    def _lost(self, slot):
        slot.forget()

    @staticmethod
    def _fail(jobs, problem):
        for job in jobs:
            if not job.sent:  # no copy of it runs
                job.fill(None, problem)

    def _again(self, sent, problem):
        """What was not begun goes to the head of its row."""
        for job in reversed(sent.jobs):
            if job.done() or job.sent:  # a copy of it runs
                continue
            if job.tries > _MOST_TRIES:
                job.fill(None, problem)
            else:
                self._put(job, True)

    def _retry(self, sent, problem):
        for job in reversed(sent.jobs):
            if job.retries > 0 and not job.done() and not job.sent:
                job.retries -= 1
                job.lost_on = sent.slot.host
                self._put(job, True)
            else:
                self._fail((job,), problem)

    # ---- ending calls

    def _cancel(self, job):
        job.fill(None)  # tells those who wait that it was cancelled
        for sent in job.sent:
            if all(each.done() for each in sent.jobs):
                self._end([sent], False)

    def _sweep(self, jobs, swept=None):
        """What was not sent is filled by this thread alone: nothing can come between."""
        for job in jobs:
            if job.sent:
                job.cancel()
            else:
                job.drop()
        if swept is not None:
            swept.set()

    def _end_copies(self, sent):
        for job in sent.jobs:
            if job.sent:
                self._end(job.sent, False)

    def _end(self, sents, unbegun):
        """Ask for the end of what was sent; unbegun: of what the host has not begun."""
        by_token = [sent.token for sent in sents if sent.token]
        try:
            self.side.session._native.python_cancel(by_token, unbegun)
        except CLASSES["Error"]:
            pass  # the session is closed, or the engine is gone: the answer says so

    def _drop_waiting(self, problem):
        queues, self.queues = self.queues, {}
        for waiting in queues.values():
            for job in waiting:
                self._let_go(job, problem)
        for slot in self.slots.values():
            for sent in slot.sent:
                sent.taken_back = False  # what ends now is not begun again

    # ---- engines that have nothing to do

    def _idle(self):
        return [slot for slot in self.slots.values() if not slot.sent and slot.state == READY]

    def _one_for(self, job, idle):
        """Of the idle slots one that could begin the call at once."""
        for slot in idle:
            if self._may_run(job, slot) and job.place.fits(slot) and slot.can_take(job.options.resources):
                return slot
        return None

    def _late(self, idle):
        """(when, act, Sent): what may be done for idle slots."""
        for slot in self.slots.values() if idle else ():
            if not slot.sent:
                continue
            first = next(iter(slot.sent))
            begun, job = max(first.begun, slot.last), first.jobs[0]
            if len(slot.sent) > 1:
                for sent in list(slot.sent)[:-max(len(idle), len(slot.sent) // 2) - 1:-1]:
                    if sent is not first and not sent.taken_back and not sent.jobs[0].place.pinned and self._one_for(sent.jobs[0], idle):
                        yield begun + _OVERDUE, self._take_back, sent
            if job.options.duplicates and not first.twice and first.function.seconds is not None and self._one_for(job, idle):
                yield begun + max(_LATE, _TIMES_LATE * first.function.seconds), self._begin_copy, first

    def _next_due(self):
        return min((due for due, _, _ in self._late(self._idle())), default=None)

    def _use_idle(self):
        """Engines that are idle after all has been sent that can be: what still waits here needs others."""
        now = time.monotonic()
        for due, act, sent in list(self._late(self._idle())):
            if due <= now and not sent.jobs[0].done():
                act(sent)

    def _take_back(self, sent):
        sent.taken_back = True
        self._end([sent], True)

    def _begin_copy(self, sent):
        slot = self._one_for(sent.jobs[0], self._idle())
        if slot is not None:
            sent.twice = True
            self._send(slot, sent.jobs, True)
