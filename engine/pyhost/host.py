"""What a Python host does with the calls of its session.

The engine moves bytes; what they mean is agreed between the client (farhand/remote_wire.py) and these files.  A call's pickle
is (operation, arrays_by_value, arguments...), where objects and arrays of the call stand as persistent ids: ("o", place) and
("a", place), copies of objects that live elsewhere as ("p", place of the array with its pickle).  The answer's pickle is (kind,
value, output): see Answer.  Nothing here may end the loop but the engine.
"""
import io
import math
import operator
import os
import pickle
import signal
import sys
import threading
import time

import _pyhost
from _farhand_host.answer import Answer
from _farhand_host.described import describe_method
from _farhand_host.operations import OF_RECEIVER, OPERATIONS
from _farhand_host.values import (ARRAY_TYPES, FUNCTIONS, OUTPUT, PLAIN, Unpickler, array_of, dumps, loads, memory_of,
                                  report_of, type_key)

_RETURNED, _RAISED, _INTERRUPTED = range(3)
VALUE, KEPT, RECEIVER, METHOD = range(4)  # kinds of answers
_CLAIM, _ELSEWHERE = 1, 2  # what an answer through the rings wants: see PY_RESULT
_SOON = 100e-6  # seconds: calls that were quicker the last time do not make earlier answers leave first
_DIRECT = 63  # this bit of a call's number: it came through the client's rings


class _Stream(io.TextIOBase):
    """Takes the place of a standard stream: what is written goes back to the client with the next answer."""

    encoding = "utf-8"

    def __init__(self, host, number):
        self.host, self.number = host, number

    def writable(self):
        return True

    def fileno(self):
        return self.number

    def write(self, text):
        self.host.print(self.number, str(text))
        return len(text)


running = None  # the Host of this process: farhand.engine shows its objects


class Host:
    def __init__(self):
        self.objects = {}  # id -> object
        self.engine, self.nengines = None, 0  # its number, and how many there were
        self.proxied = ()  # types whose values stay here
        self.metadata = {}  # type -> function of an object of it
        self.durations = {}  # of the last call of that name
        self.functions = {}  # of executors, by the digests of their pickles
        self.parts = None  # what the call refers to: objects, arrays, buffers
        self.pid, self.thread = os.getpid(), threading.get_ident()
        self.interruptible = False  # a call runs that may end with KeyboardInterrupt
        self.output, self.output_size = [], 0
        self.claimed = 0, None  # the number of a call through the rings, and its value, for which the client will ask

    def print(self, stream, text):
        if self.output_size < OUTPUT:
            self.output.append((stream, text[:OUTPUT - self.output_size]))
            self.output_size += len(text)
            if self.output_size >= OUTPUT:
                self.output.append((2, f"... (a call shows at most {OUTPUT} characters)\n"))

    def empty(self, shape, dtype):
        """An array whose contents mean nothing, in memory of the engine's: as a result it needs no copy."""
        import numpy

        dtype = numpy.dtype(dtype)
        shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
        size = math.prod(map(operator.index, shape)) * dtype.itemsize
        if size <= _pyhost.INLINE or dtype.name not in ARRAY_TYPES or not dtype.isnative or threading.get_ident() != self.thread:
            return numpy.empty(shape, dtype)
        return numpy.ndarray(shape, dtype, _pyhost.want([size])[0])

    def take_output(self):
        output, self.output, self.output_size = self.output, [], 0
        return output

    def key_of(self, value):
        """Of its type, with the object's metadata, if there is any."""
        key = type_key(type(value))
        make = self.metadata.get(type(value)) if self.metadata else None
        return key if make is None else (*key, make(value))

    def load(self, request):
        _, _, _, ids, arrays, buffers, body = request
        memory = [memory_of(buffer) for buffer in buffers]
        if body is None:
            body = memory.pop()
        self.parts = None
        if not (ids or arrays or memory):
            return loads(body), None
        self.parts = [self.objects[key] for key in ids], [array_of(array) for array in arrays], memory
        return self.nested(body), self.parts[0][0] if ids else None

    def nested(self, body):
        """A pickle that refers to what the call refers to."""
        if self.parts is None:
            return loads(body)
        unpickler = Unpickler(io.BytesIO(body), buffers=self.parts[2])
        unpickler.objects, unpickler.arrays, _ = self.parts
        return unpickler.load()

    def perform(self, request):
        """Run the call and send the answer."""
        serial, result = request[0], request[2]
        if serial >> _DIRECT and not all(key in self.objects for key in request[3]):
            _pyhost.reply(_RETURNED, _ELSEWHERE, b".")  # the engine knows what has become of them
            return
        self.interruptible = True
        command, receiver = self.load(request)
        value = OPERATIONS[command[0]](self, receiver, *command[2:])
        self.interruptible = False
        if serial >> _DIRECT:
            self.reply(serial, receiver, command, value)
            return
        answer = Answer(self, serial)
        if result is not None:
            key = self.key_of(value)
            self.objects[result] = value
            answer.send(_RETURNED, "", (KEPT, key, self.take_output()))
        elif value is receiver and receiver is not None and command[0] in OF_RECEIVER:
            answer.send(_RETURNED, "", (RECEIVER, None, self.take_output()))
        elif command[0] == "get" and isinstance(value, FUNCTIONS):
            answer.send(_RETURNED, "", (METHOD, describe_method(command[2], value), self.take_output()))
        else:
            answer.keeps = bool(request[3]) or command[0] == "claim"
            if type(value) not in PLAIN and command[0] != "value":
                answer.collect(value, command[1])
            answer.send(_RETURNED, "", (VALUE, value, self.take_output()))

    def reply(self, serial, receiver, command, value):
        """Through the client's rings.  What needs the engine's memory, or a place in its table, stays until the client has asked
        for it in the engine's way."""
        output, buffers, body = self.output, [], None
        if value is receiver and receiver is not None and command[0] in OF_RECEIVER:
            body = pickle.dumps((RECEIVER, None, output), 5)
        elif command[0] == "get" and isinstance(value, FUNCTIONS):
            body = pickle.dumps((METHOD, describe_method(command[2], value), output), 5)
        elif type(value) in PLAIN:
            body = pickle.dumps((VALUE, value, output), 5)
        else:
            answer = Answer(self, serial)
            if command[0] != "value":
                answer.collect(value, command[1])
            if not answer.stays:
                body = dumps((VALUE, value, output), {}, buffers)
        if body is None or buffers or len(body) > _pyhost.DIRECT_BODY:
            if command[0] == "value":  # which has no effect
                _pyhost.reply(_RETURNED, _ELSEWHERE, b".")
                return
            self.claimed = serial, value
            _pyhost.reply(_RETURNED, _CLAIM, pickle.dumps(("claim", command[1], serial), 5))
            return
        self.take_output()
        _pyhost.reply(_RETURNED, 0, body)

    def interrupted(self, serial):
        if serial >> _DIRECT:
            _pyhost.reply(_INTERRUPTED, 0, None)
        else:
            _pyhost.answer(serial, _INTERRUPTED, "", [], [], b"")

    def run(self, request):
        serial, what = request[0], request[1]
        if not _pyhost.begin(serial):
            self.interrupted(serial)
            return
        begun = time.monotonic()
        try:
            self.perform(request)
        except BaseException as problem:
            self.fail(serial, problem)
        self.parts = None
        _pyhost.begin(0)
        if len(self.durations) > 1000:
            self.durations.clear()
        self.durations[what] = time.monotonic() - begun

    def fail(self, serial, problem):
        self.interruptible = False
        if isinstance(problem, KeyboardInterrupt) and _pyhost.interrupted():
            self.take_output()
            self.interrupted(serial)
            return
        report = report_of(problem)
        if serial >> _DIRECT:
            body = pickle.dumps((VALUE, report, self.take_output()), 5)
            if len(body) > _pyhost.DIRECT_BODY:
                body = pickle.dumps((VALUE, (None, report[1], report[2], report[3][-8192:], []), []), 5)
            _pyhost.reply(_RAISED, 0, body)
            return
        text = f"{type(problem).__name__}: {report[2]}".encode()[:300].decode(errors="ignore")
        Answer(self, serial).send(_RAISED, text, (VALUE, report, self.take_output()))

    def serve(self):
        while True:
            requests = _pyhost.receive()
            for i, request in enumerate(requests):
                requests[i] = None
                if request[0] == -1:
                    _pyhost.ring(request[1])
                    continue
                if request[0] == 0:
                    for key in request[1]:
                        self.objects.pop(key, None)
                    continue
                if i and self.durations.get(request[1], 1.0) > _SOON:
                    _pyhost.flush()
                self.run(request)
                if os.getpid() != self.pid:
                    os._exit(0)  # the user's code has forked, and the child has come back here
            request = None
            _pyhost.flush()


def main():
    import faulthandler

    global running
    host = running = Host()

    def interrupt(number, frame):
        if host.interruptible and _pyhost.interrupted():
            host.interruptible = False
            raise KeyboardInterrupt

    faulthandler.enable()  # on the standard error of the process, which is the engine's
    signal.signal(signal.SIGINT, interrupt)
    sys.stdout, sys.stderr = _Stream(host, 1), _Stream(host, 2)
    os.register_at_fork(after_in_child=_pyhost.forked)
    _pyhost.ready()
    try:
        host.serve()
    except EOFError:
        pass  # the engine has closed the socket
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # what ends the host is for the engine's log
