"""Redis over a Unix socket: arrays as values of at most 64 MiB, sent and asked for in one pipeline."""
import os
import subprocess
import tempfile
import time

import numpy as np
import redis

from compare.timing import latencies, median_of, proportional_bytes, seconds_of

VERSION = redis.__version__
PROGRAMS = ("redis-server",)
VALUE_BYTES, READY_SECONDS = 64 << 20, 20


class _Server:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="compare-redis-")
        path = os.path.join(self.folder.name, "socket")
        self.process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
                                         "--dir", self.folder.name], stdout=subprocess.DEVNULL)
        self.client = redis.Redis(unix_socket_path=path)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                self.close()
                raise TimeoutError("redis-server does not answer")

    def _answers(self):
        try:
            return self.client.ping()
        except redis.ConnectionError:
            time.sleep(0.001)  # until the deadline of who asks
            return False

    def close(self):
        self.client.close()
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Contestant:
    def __init__(self):
        self._server = _Server()
        self._client = self._server.client

    def close(self):
        self._server.close()

    def start(self, _):
        """One server: it has no engines."""
        made = []
        seconds = seconds_of(lambda: made.append(_Server()))
        made[0].close()
        return {"ready": seconds}

    def noop(self, calls):
        return latencies(self._client.ping, calls)

    def _pipelined(self, commands):
        pipe = self._client.pipeline(transaction=False)
        for name, *arguments in commands:
            getattr(pipe, name)(*arguments)
        return pipe.execute()

    def pipelined(self, calls):
        return {"rate": calls / median_of(3, lambda: self._pipelined([("ping",)] * calls))}

    def axis0(self, size):
        source = np.ones(size // 8)
        parts = np.array_split(source, max(2, size // VALUE_BYTES))
        run = (lambda function: median_of(5, function)) if size < 1 << 26 else seconds_of

        def scatter():
            self._pipelined([("set", f"part{i}", memoryview(part).cast("B")) for i, part in enumerate(parts)])

        def gather():
            return np.concatenate([np.frombuffer(part) for part in self._pipelined([("get", f"part{i}") for i in range(len(parts))])])

        there, back = run(scatter), run(gather)
        result = {"scatter": size / there, "gather": back, "read": back + seconds_of(source.sum)}
        self._client.flushall()
        return result

    def arrays(self, count):
        arrays = [np.full(1000, 1.0) for _ in range(count)]
        seconds = median_of(1, lambda: self._pipelined([("set", f"array{i}", memoryview(a).cast("B")) for i, a in enumerate(arrays)]))
        self._client.flushall()
        return {"rate": count / seconds}

    def objects(self, count):
        create = seconds_of(lambda: self._pipelined([("set", f"o{i}", i) for i in range(count)]))
        delete = seconds_of(lambda: self._pipelined([("delete", f"o{i}") for i in range(count)]))
        return {"create": count / create, "delete": count / delete}

    def memory(self, _):
        fresh = _Server()
        try:
            return {"controller": proportional_bytes([fresh.process.pid])}
        finally:
            fresh.close()
