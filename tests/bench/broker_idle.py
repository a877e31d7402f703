"""What the broker does while clients and engines work: next to nothing.  Its processor time during small calls, small
results that come and go, and a long computation, beside that of the same time of rest (heartbeats)."""
import glob
import json
import sys
import time

import numpy as np

import farhand as fh

CALLS, RESULTS, ELEMENTS, LOOPS = 100_000, 20_000, 4_000_000, 200


def broker_of(cluster):
    """The process that has the cluster's run folder among its arguments."""
    folder = cluster.connection_file.rsplit("/", 1)[0]
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as line:
                words = line.read().decode().split("\0")
        except OSError:
            continue
        if words[0].endswith("farhand-broker") and folder in words:
            return int(path.split("/")[2])
    raise RuntimeError(f"no broker runs in {folder}")


def computed(pid):
    """Seconds on a processor, of all threads."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as line:
            total += int(line.read().split()[0])
    return total / 1e9


def small_calls(array):
    for _ in range(CALLS):
        fh.methodcall(array, "nop")


def small_results(array):
    for _ in range(RESULTS):
        array + 1
    fh.gather(array)


def long_computation(array):
    large = fh.zeros(ELEMENTS)
    for _ in range(LOOPS):
        large += 1
    large.wait()


def main():
    cases = {f"{CALLS:,} calls, one at a time": small_calls, f"{RESULTS:,} results that come and go": small_results,
             f"{LOOPS} additions to {ELEMENTS:,} elements": long_computation}
    with fh.Cluster(2) as cluster:
        array = fh.scatter(np.arange(100.0), axis=None)
        broker = broker_of(cluster)
        small_results(array)
        for name, work in cases.items():
            before, began = computed(broker), time.perf_counter()
            work(array)
            seconds, used = time.perf_counter() - began, computed(broker) - before
            before = computed(broker)
            time.sleep(min(seconds, 3))  # the time itself is the measure, not a deadline
            rest = (computed(broker) - before) * max(1, seconds / 3)
            print(json.dumps({"bench": "broker_idle", "case": f"broker's processor time, {name}", "value": used / seconds * 100,
                              "unit": "%", "limit": rest / seconds * 100, "limit_name": "at rest", "ratio": used / rest if rest else None}),
                  flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
