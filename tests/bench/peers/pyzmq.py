"""pyzmq, to see what its sockets cost: a DEALER here, a ROUTER in a child that sends back what comes, over ipc."""
import os
import signal
import tempfile

import zmq

from compare.timing import latencies, median_of

VERSION = zmq.__version__
WINDOW, WAIT_MS = 100, 10000


def _echo(endpoint):
    router = zmq.Context().socket(zmq.ROUTER)
    router.bind(endpoint)
    while True:
        router.send_multipart(router.recv_multipart(copy=False), copy=False)


class Contestant:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="compare-zmq-")
        endpoint = f"ipc://{self._folder.name}/echo"
        self._child = os.fork()
        if self._child == 0:
            _echo(endpoint)
        self._dealer = zmq.Context.instance().socket(zmq.DEALER)
        self._dealer.setsockopt(zmq.RCVTIMEO, WAIT_MS)
        self._dealer.setsockopt(zmq.LINGER, 0)
        self._dealer.connect(endpoint)

    def close(self):
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        self._dealer.close()
        self._folder.cleanup()

    def _call(self):
        self._dealer.send(b"x" * 48)
        self._dealer.recv()

    def noop(self, calls):
        return latencies(self._call, calls)

    def pipelined(self, calls):
        def many():
            for i in range(calls + WINDOW):
                if i < calls:
                    self._dealer.send(b"x" * 48)
                if i >= WINDOW:
                    self._dealer.recv()

        return {"rate": calls / median_of(3, many)}
