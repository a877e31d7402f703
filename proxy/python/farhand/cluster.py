"""Clusters on this host, for programs, notebooks and tests."""
import os
import shutil
import signal
import subprocess
import sys
import weakref

from . import folders
from . import session as sessions
from .errors import error

_UP_SECONDS = 60
_DOWN_SECONDS = 30


def find_program(name):
    """A program of farhand: in $FARHAND_PROGRAMS, else beside this package, else beside its build, else on PATH."""
    here = os.path.dirname(os.path.abspath(__file__))
    folders = [os.environ.get("FARHAND_PROGRAMS"), os.path.join(here, "bin"),
               os.path.join(os.path.dirname(os.path.dirname(here)), "bin")]
    for folder in folders:
        if folder and os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    found = shutil.which(name)
    if found:
        return found
    raise error("CANNOT_CONNECT", f"the program {name} is not found: put its folder on PATH or in FARHAND_PROGRAMS")


class Cluster:
    """A broker and some engines on this host, ended with the object, or with the process, however it ends.

    engines: how many; threads: that each computes with; memory: bytes of arrays each may hold, or text such as "2G"; python:
    whether they run Python code (True), which has their rights; tags and resources: what fh.Executor can ask for, ["big"] and
    {"gpu": 2}, or a list of such, one for each engine.
    A context manager; .session is connected already, and is the default one.
    """

    def __init__(self, engines=2, *, threads=None, memory=None, python=True, tags=None, resources=None):
        if int(engines) < 1:
            raise error("INVALID_ARGUMENT", f"a cluster has at least one engine, not {engines}")
        find_program("farhand")  # before anything is made that would have to be taken down
        self.name = f"py-{os.getpid()}-{os.urandom(4).hex()}"
        folders.remove_dead()
        self._folder, lock = folders.make()
        self._environment = dict(os.environ, XDG_RUNTIME_DIR=self._folder)
        if sys.prefix != sys.base_prefix:  # a virtual environment: remote code finds its packages, too
            self._environment.setdefault("FARHAND_PYTHON_EXECUTABLE", sys.executable)
        self._stopped = False
        self.session = None
        self._end = weakref.finalize(self, _end, self.name, self._folder, lock, self._environment, os.getpid())
        command = ["up", "-n", str(int(engines)), "--name", self.name, "--owner", str(os.getpid()),
                   "--python", "yes" if python else "no"]
        if threads is not None:
            command += ["--threads", str(int(threads))]
        if memory is not None:
            command += ["--memory", str(memory)]
        command += _offers("--tags", tags, int(engines)) + _offers("--resources", resources, int(engines))
        try:
            _run(command, self._environment, _UP_SECONDS)
            self._before = sessions.set_default(None)
            self.session = sessions.connect(self.connection_file)
        except BaseException:
            self.stop()
            raise

    def __repr__(self):
        state = "stopped" if self._stopped else self.session._shown_engines(len)
        return f"<farhand Cluster {self.name}, {state}>"

    def _repr_html_(self):
        from .ipython import engines_table

        return "farhand Cluster (stopped)" if self._stopped else self.session._shown_engines(
            lambda known: engines_table(f"farhand Cluster {self.name}", known))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    @property
    def connection_file(self):
        """What other clients connect with: fh.connect(path), or $FARHAND_CONNECTION."""
        return os.path.join(self._folder, "farhand", self.name, "client.ini")

    @property
    def engines(self):
        return self.session.engines

    def stop(self):
        """End the session, the engines and the broker.  Safe to repeat."""
        if self._stopped:
            return
        self._stopped = True
        if self.session is not None:
            was_default = sessions.is_default(self.session)
            self.session.close()
            if was_default:
                sessions.set_default(self._before)
        self._end()

    def kill_engine(self, i):
        """Kill engine i as a crash would (SIGKILL)."""
        os.kill(self.engines[i].pid, signal.SIGKILL)

    def freeze_engine(self, i):
        """Stop engine i from running without ending it (SIGSTOP); returns a function that lets it go on."""
        pid = self.engines[i].pid
        os.kill(pid, signal.SIGSTOP)
        return lambda: os.kill(pid, signal.SIGCONT)


def _offers(option, given, engines):
    """Tags or resources as arguments of farhand up."""
    if given is None:
        return []
    each = given if isinstance(given, (list, tuple)) and given and not isinstance(given[0], str) else [given] * engines
    if len(each) != engines:
        raise error("INVALID_ARGUMENT", f"{option.strip('-')} of {len(each)} engines for {engines}")
    texts = [",".join(f"{name}={amount:g}" for name, amount in one.items()) if isinstance(one, dict) else
             one if isinstance(one, str) else ",".join(one) for one in each]
    return [option, ";".join(texts) + ";"]


def _run(arguments, environment, seconds):
    command = [find_program("farhand"), *arguments]
    try:
        ran = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=seconds)
    except subprocess.TimeoutExpired as problem:
        raise error("TIMEOUT", f"{' '.join(command)} took more than {seconds} s") from problem
    if ran.returncode:
        raise error("CANNOT_CONNECT", f"{' '.join(command)} failed: {(ran.stderr or ran.stdout).strip()}")
    return ran.stdout


def _end(name, folder, lock, environment, pid):
    if os.getpid() != pid:  # a forked child does not end its parent's cluster
        return
    try:
        _run(["down", "--name", name], environment, _DOWN_SECONDS)
    except Exception as problem:
        print(f"farhand: stopping cluster {name}: {problem}", file=sys.stderr)
    folders.remove(folder, lock)


def command():
    """The command farhand of an installed package: the program beside it."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "farhand")
    os.execv(program, ["farhand", *sys.argv[1:]])
