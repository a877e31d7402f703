"""Both sides of transfers between two hosts, for compare.two_hosts:   python3 -m peers.apart NAME far|near SIZE [WORD]

The far side prints a word for the near one when it is there, and ends when its input does.  The near side prints what it has
measured: bytes a second to the far host and back."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import numpy as np

from compare.timing import seconds_of
from compare.two_hosts import FAR

CHUNK, TURNS = 1 << 20, 3


def say(word):
    print(word, flush=True)


def wait_for_end():
    sys.stdin.read()


def rates(size, put, get):
    """Medians of some turns, after one that is not counted; what comes back is compared."""
    local = np.arange(size // 8, dtype=np.float64)
    to, back = [], []
    for turn in range(TURNS + 1):
        to.append(seconds_of(lambda: put(local)))
        got = []
        back.append(seconds_of(lambda: got.append(get())))
        assert np.array_equal(got[0], local)
    return {"to": size / sorted(to[1:])[TURNS // 2], "back": size / sorted(back[1:])[TURNS // 2]}


# ---- bare sockets --------------------------------------------------------------------------------------------------------


def receive(end, room):
    view = memoryview(room).cast("B")
    while view:
        got = end.recv_into(view[:CHUNK])
        if not got:
            raise EOFError
        view = view[got:]


def limit_far(size):
    server = socket.create_server((FAR, 0))
    say(server.getsockname()[1])
    end, room = server.accept()[0], bytearray(size)
    while end.recv(1):
        receive(end, room)
        end.sendall(b".")
        end.recv(1)
        end.sendall(room)


def limit_near(size, word):
    end, room = socket.create_connection((FAR, int(word))), np.zeros(size // 8)

    def put(local):
        end.sendall(b".")
        end.sendall(memoryview(local).cast("B"))
        end.recv(1)

    def get():
        end.sendall(b".")
        receive(end, room)
        return room

    return rates(size, put, get)


# ---- farhand -------------------------------------------------------------------------------------------------------------


def farhand_far(size):
    folder = tempfile.mkdtemp(prefix="farhand-apart-")
    os.environ["XDG_RUNTIME_DIR"] = folder
    subprocess.run(["farhand", "up", "--name", "apart", "-n", "1", "--listen", FAR, "--trust-network"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        say(folder)
        wait_for_end()
    finally:
        subprocess.run(["farhand", "down", "--name", "apart"], stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


def farhand_near(size, word):
    os.environ["XDG_RUNTIME_DIR"] = word
    import farhand as fh
    fh.config.host, fh.config.trust_network = "near", True
    session, kept = fh.connect("apart"), []

    def put(local):
        kept[:] = [fh.scatter(local)]
        session.sync()

    return rates(size, put, lambda: np.asarray(kept[0]))


# ---- Dask ----------------------------------------------------------------------------------------------------------------


def dask_far(size):
    import dask
    import distributed
    dask.config.set({"distributed.scheduler.worker-ttl": None})
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host=FAR) as cluster:
        say(cluster.scheduler_address)
        wait_for_end()


def dask_near(size, word):
    import distributed
    client, kept = distributed.Client(word), []

    def put(local):
        kept[:] = [client.scatter(local, direct=True, hash=False)]

    return rates(size, put, lambda: client.gather(kept[0], direct=True))


def main():
    name, side, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    work = globals()[f"{name}_{side}"]
    if side == "far":
        work(size)
    else:
        say(json.dumps(work(size, sys.argv[4])))


if __name__ == "__main__":
    main()
