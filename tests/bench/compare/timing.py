"""Clocks, and what a process keeps in memory."""
import os
import statistics
import time


class Skip(Exception):
    """This contestant does not do that work; the text says why."""


def seconds_of(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def median_of(times, function):
    """Of so many runs, after one that does not count."""
    function()
    return statistics.median(seconds_of(function) for _ in range(times))


def latencies(call, times):
    """p50, p99 and the hundredths between for the curve."""
    for _ in range(min(times, 20)):
        call()
    taken = sorted(seconds_of(call) for _ in range(times))
    hundredths = [taken[min(len(taken) - 1, len(taken) * percent // 100)] for percent in range(101)]
    return {"p50": hundredths[50], "p99": hundredths[99], "hundredths": hundredths}


def proportional_bytes(pids):
    """Memory of processes; what they share is counted once among them (PSS)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
    return total


def children_of(pids):
    """All processes below these, nearest first; not these themselves."""
    below = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    below.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(entry))
            except OSError:
                pass  # it has ended
    found, look = [], list(pids)
    while look:
        look = [child for pid in look for child in below.get(pid, [])]
        found += look
    return found
