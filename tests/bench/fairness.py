"""What one client's flood of calls costs another client of the same engines: its call's median before and during the flood.

The limit is what the operating system gives: the median of the same work in a process of its own on a machine that is as busy.
"""
import json
import multiprocessing
import statistics
import sys
import time

import farhand as fh

ROUNDS, CALLS = 5, 40


def work(x):
    return sum(range(2000)) + x


def median_of(call):
    times = []
    for i in range(CALLS):
        begun = time.perf_counter()
        call(i)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def flood(connection, stop):
    fh.connect(connection)
    with fh.Executor() as executor:
        futures = []
        while not stop.is_set():
            futures = [f for f in futures if not f.done()]
            futures += [executor.submit(work, i) for i in range(max(0, 100_000 - len(futures)))]
            stop.wait(0.2)
        executor.shutdown(cancel_futures=True)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with fh.Cluster(2) as cluster, multiprocessing.get_context("spawn").Pool(1) as pool:
        executor = fh.Executor(session=cluster.session)
        far, here = lambda i: executor.submit(work, i).result(60), lambda i: pool.apply(work, (i,))
        median_of(far), median_of(here)
        quiet = statistics.median(median_of(far) for _ in range(ROUNDS)), statistics.median(median_of(here) for _ in range(ROUNDS))
        stop = multiprocessing.get_context("spawn").Event()
        other = multiprocessing.get_context("spawn").Process(target=flood, args=(cluster.connection_file, stop))
        other.start()
        time.sleep(seconds)  # no deadline: the flood stands by then, nothing is asserted
        busy = statistics.median(median_of(far) for _ in range(ROUNDS)), statistics.median(median_of(here) for _ in range(ROUNDS))
        stop.set()
        other.join(60)
    for case, i in (("alone", 0), ("beside a client with 100,000 calls waiting", 1)):
        ours, limit = (quiet, busy)[i]
        print(json.dumps({"bench": "fairness", "case": case, "value": ours * 1e6, "unit": "us", "limit": limit * 1e6,
                          "limit_name": "multiprocessing.Pool.apply in the same moment", "ratio": ours / limit}), flush=True)


if __name__ == "__main__":
    main()
