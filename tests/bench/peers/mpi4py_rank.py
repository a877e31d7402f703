"""One rank of mpi4py.py: rank 0 reads works from its standard input, all do them."""
import json
import os
import sys

import numpy as np
from mpi4py import MPI

from compare.timing import calls_of_latencies, latencies, median_of, proportional_bytes

comm = MPI.COMM_WORLD
RANK, RANKS = comm.Get_rank(), comm.Get_size()


def noop(calls):
    """Rank 1 answers each message."""
    here, there = np.zeros(6), np.zeros(6)
    if RANK == 0:
        def call():
            comm.Send(here, 1)
            comm.Recv(there, 1)
        return latencies(call, calls)
    if RANK == 1:
        for _ in range(calls_of_latencies(calls)):
            comm.Recv(here, 0)
            comm.Send(there, 0)
    return None


def pipelined(calls):
    def many():
        body = np.zeros((calls, 6))
        if RANK == 0:
            requests = [comm.Irecv(row, 1) for row in body] + [comm.Isend(row, 1) for row in np.zeros((calls, 6))]
            MPI.Request.Waitall(requests)
        elif RANK == 1:
            for row in body:
                comm.Recv(row, 0)
                comm.Send(row, 0)

    return {"rate": calls / median_of(3, many)}


def _moves(size, scatter, gather, whole):
    times = 5 if size < 1 << 26 else 3
    comm.Barrier()
    there = median_of(times, scatter)
    back = median_of(times, gather)
    read = median_of(times, lambda: (gather(), RANK or whole.sum()))
    return {"scatter": size / there, "gather": back, "read": read}


def axis0(size):
    """Between buffers that are there already."""
    n = size // 8
    counts = [n * (r + 1) // RANKS - n * r // RANKS for r in range(RANKS)]
    source, back = (np.ones(n), np.ones(n)) if RANK == 0 else (None, None)
    piece = np.ones(counts[RANK])

    def scatter():
        comm.Scatterv([source, counts] if RANK == 0 else None, piece)
        comm.Barrier()

    return _moves(size, scatter, lambda: comm.Gatherv(piece, [back, counts] if RANK == 0 else None), back)


def axis1(size):
    """Columns as a vector datatype, which MPI packs."""
    rows = int((size // 8) ** 0.5) // RANKS * RANKS
    columns = size // 8 // rows // RANKS * RANKS
    width = columns // RANKS
    kind = MPI.DOUBLE.Create_vector(rows, width, columns).Create_resized(0, width * 8).Commit()
    source, back = (np.ones((rows, columns)), np.ones((rows, columns))) if RANK == 0 else (None, None)
    piece, ones = np.ones((rows, width)), [1] * RANKS
    places = list(range(RANKS))

    def scatter():
        comm.Scatterv([source, ones, places, kind] if RANK == 0 else None, piece)
        comm.Barrier()

    def gather():
        comm.Gatherv(piece, [back, ones, places, kind] if RANK == 0 else None)

    values = _moves(rows * columns * 8, scatter, gather, back)
    kind.Free()
    return values


def arrays(count):
    """Half of them to the other rank, each with a message of its own."""
    sources = [np.full(1000, 1.0) for _ in range(count)]
    targets = np.ones((count, 1000))

    def scatter():
        if RANK == 0:
            MPI.Request.Waitall([comm.Isend(source, 1) for source in sources[count // 2:]])
            for row, source in zip(targets, sources[:count // 2]):
                row[:] = source
        elif RANK == 1:
            for row in targets[count // 2:]:
                comm.Recv(row, 0)
        comm.Barrier()

    return {"rate": count / median_of(1, scatter)}


def sums(n):
    x = np.ones(n // RANKS)
    comm.Barrier()
    return {"sum": median_of(5, lambda: comm.allreduce(float(x.sum()))), "mean": median_of(5, lambda: comm.allreduce(float(x.sum())) / n)}


def fused(n):
    a, b, c = (np.full(n // RANKS, value) for value in (1.0, 2.0, 3.0))
    comm.Barrier()
    return {"fused": median_of(3, lambda: comm.allreduce(float((a * b + c).sum())))}


def memory(_):
    """Of a rank; the rest is mpirun."""
    return {"worker": proportional_bytes([os.getpid()]), "controller": proportional_bytes([os.getppid()])}


WORKS = {work.__name__: work for work in (noop, pipelined, axis0, axis1, arrays, sums, fused, memory)}


def main():
    if RANK == 0:
        print(json.dumps({}), flush=True)
    while True:
        question = comm.bcast(json.loads(sys.stdin.readline() or "null") if RANK == 0 else None)
        if question is None:
            return
        values = WORKS[question["work"]](question["size"])
        if RANK == 0:
            print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
