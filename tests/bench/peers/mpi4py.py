"""mpi4py: two ranks under mpirun, which work together as MPI programs do: rank 0 is the client and computes, too."""
import json
import os
import subprocess
import sys

import mpi4py

from compare import two_hosts
from compare.timing import Skip, seconds_of

VERSION = mpi4py.__version__
PROGRAMS = ("mpirun",)
MPIRUN = ["mpirun", "--oversubscribe", "-n"]


class _Ranks:
    def __init__(self, ranks):
        environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                           OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self._process = subprocess.Popen([*MPIRUN, str(ranks), sys.executable, "-m", "peers.mpi4py_rank"], env=environment,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer()

    def ask(self, work, size):
        self._process.stdin.write(json.dumps({"work": work, "size": size}).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self):
        try:
            self._process.stdin.close()
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"mpirun ended with {self._process.wait()}")
        return json.loads(line)


class Contestant:
    def __init__(self):
        self._ranks = _Ranks(2)

    def close(self):
        self._ranks.close()

    def start(self, engines):
        made = []
        seconds = seconds_of(lambda: made.append(_Ranks(engines)))
        made[0].close()
        return {"ready": seconds}

    def apart(self, size):
        return two_hosts.run_ranks("peers.apart_ranks", size)

    def __getattr__(self, name):
        if name not in ("noop", "pipelined", "axis0", "axis1", "arrays", "sums", "fused", "memory"):
            raise AttributeError(name)

        def work(size):
            values = self._ranks.ask(name, size)
            if "skip" in values:
                raise Skip(values["skip"])
            return values

        return work
