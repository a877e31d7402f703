"""Two ranks of mpi4py on two hosts: the first sends an array to the second, and gets it back."""
import json
import sys

import numpy as np
from mpi4py import MPI

from peers.apart import TURNS, rates


def main():
    world, size = MPI.COMM_WORLD, int(sys.argv[1])
    room = np.empty(size // 8)
    if world.rank:
        for _ in range(TURNS + 1):
            world.Recv(room, source=0)
            world.send(None, dest=0)
            world.recv(source=0)
            world.Send(room, dest=0)
        return

    def put(local):
        world.Send(local, dest=1)
        world.recv(source=1)

    def get():
        world.send(None, dest=1)
        world.Recv(room, source=1)
        return room

    print(json.dumps(rates(size, put, get)), flush=True)


if __name__ == "__main__":
    main()
