"""Folders of clusters in the temporary folder: made, and removed when nobody is left to do it.

The maker holds a lock on a file in the folder as long as it lives.  Who makes a cluster removes folders whose maker and
whose broker are dead: of the same user, and none without that file.
"""
import contextlib
import fcntl
import os
import shutil
import stat
import tempfile

_PREFIX = "farhand-"
_LOCK = "maker.lock"


def make():
    """A new folder, and the descriptor that locks it until it is closed."""
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    new = os.path.join(folder, _LOCK + ".new")
    lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.rename(new, os.path.join(folder, _LOCK))  # never seen without the lock
    return folder, lock


def remove(folder, lock):
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def remove_dead():
    """Remove what killed programs have left.  Whatever goes wrong, the folder stays."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with contextlib.suppress(OSError):
                    _remove_if_dead(entry)


def _remove_if_dead(entry):
    about = entry.stat(follow_symlinks=False)
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return
    with contextlib.ExitStack() as held:
        for lock in (os.path.join(entry.path, _LOCK), *_broker_locks(entry.path)):
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError if somebody holds it
        shutil.rmtree(entry.path, ignore_errors=True)


def _broker_locks(folder):
    with contextlib.suppress(FileNotFoundError), os.scandir(os.path.join(folder, "farhand")) as clusters:
        for cluster in clusters:
            lock = os.path.join(cluster.path, "broker.lock")
            if os.path.lexists(lock):
                yield lock
