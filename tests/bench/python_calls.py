"""Round trips from Python: a remote call that does nothing, and a small array operation whose value is read, beside a bare
DEALER and ROUTER (libzmq through ctypes) that bounce 48 bytes between two processes over ipc.  Measured in turns."""
import ctypes
import json
import os
import signal
import statistics
import sys
import tempfile
import time

import numpy as np

import farhand as fh

TURNS, TRIPS, ARRAYS = 40, 50, 10000
DEALER, ROUTER, LINGER, RCVTIMEO, SNDMORE = 5, 6, 17, 27, 2

zmq = ctypes.CDLL("libzmq.so.5")
zmq.zmq_ctx_new.restype = zmq.zmq_socket.restype = ctypes.c_void_p
for name, types in {"zmq_socket": [ctypes.c_void_p, ctypes.c_int],
                    "zmq_bind": [ctypes.c_void_p, ctypes.c_char_p], "zmq_connect": [ctypes.c_void_p, ctypes.c_char_p],
                    "zmq_send": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int],
                    "zmq_recv": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int],
                    "zmq_setsockopt": [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]}.items():
    getattr(zmq, name).argtypes = types


def socket(kind):
    made = zmq.zmq_socket(zmq.zmq_ctx_new(), kind)
    for option, value in ((LINGER, 0), (RCVTIMEO, 60000)):
        zmq.zmq_setsockopt(made, option, ctypes.byref(ctypes.c_int(value)), 4)
    return made


def echo(endpoint):
    """In a child: send back what comes."""
    router, who, body = socket(ROUTER), ctypes.create_string_buffer(256), ctypes.create_string_buffer(256)
    zmq.zmq_bind(router, endpoint)
    while True:
        size = zmq.zmq_recv(router, who, 256, 0)
        if size < 0:
            os._exit(0)
        length = zmq.zmq_recv(router, body, 256, 0)
        zmq.zmq_send(router, who, size, SNDMORE)
        zmq.zmq_send(router, body, length, 0)


def seconds_of(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def scatter_rate(array):
    """Arrays a second: scattered as a list, and copied here."""
    arrays = [array + i for i in range(ARRAYS)]

    def scatter():
        kept = fh.scatter(arrays)
        fh.session.current().sync()
        del kept

    return ARRAYS / seconds_of(scatter), ARRAYS / seconds_of(lambda: [x.copy() for x in arrays])


def pipelined_rate(small):
    """Operations a second whose values nobody asks for, until all are done."""
    def compute():
        for _ in range(ARRAYS):
            small + 1
        fh.session.current().sync()

    return ARRAYS / seconds_of(compute)


def main():
    with tempfile.TemporaryDirectory() as folder:
        endpoint = f"ipc://{folder}/echo".encode()
        child = os.fork()
        if child == 0:
            echo(endpoint)
        dealer, answer, body = socket(DEALER), ctypes.create_string_buffer(256), b"x" * 48
        zmq.zmq_connect(dealer, endpoint)

        def bare():
            zmq.zmq_send(dealer, body, 48, 0)
            if zmq.zmq_recv(dealer, answer, 256, 0) != 48:
                raise RuntimeError("the echo does not answer")

        try:
            with fh.Cluster(1):
                small = fh.scatter(np.arange(100.0), axis=None)
                cases = {"no-op call": lambda: fh.methodcall(small, "nop"),
                         "100 elements: (x + 1).sum(), value read": lambda: float((small + 1).sum())}
                times = {name: [] for name in (*cases, "bare")}
                for name, function in (*cases.items(), ("bare", bare)):
                    function()
                pipelined = statistics.median(pipelined_rate(small) for _ in range(7))
                scattered = [scatter_rate(np.arange(1000.0)) for _ in range(5)]
                for _ in range(TURNS):
                    for name, function in (*cases.items(), ("bare", bare)):
                        times[name] += [seconds_of(function) for _ in range(TRIPS)]
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    arrays, limits = zip(*scattered)
    value, limit = statistics.median(arrays), statistics.median(limits)
    print(json.dumps({"bench": "python", "case": "100 elements: x + 1, pipelined", "value": pipelined, "unit": "calls/s",
                      "limit": 300000, "limit_name": "the figure to reach", "ratio": pipelined / 300000}))
    print(json.dumps({"bench": "python", "case": f"{ARRAYS} arrays of 8 kB scattered", "value": value, "unit": "arrays/s",
                      "limit": limit, "limit_name": "copied in this process, numpy", "ratio": value / limit}))
    limit = statistics.median(times.pop("bare")) * 1e6
    for name, seconds in times.items():
        value = statistics.median(seconds) * 1e6
        print(json.dumps({"bench": "python", "case": name, "value": value, "unit": "us", "limit": limit,
                          "limit_name": "bare DEALER/ROUTER over ipc, ctypes", "ratio": value / limit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
