"""Clocks, and what a process keeps in memory."""
import os
import statistics
import threading
import time

WARM, RESTED, REST_SECONDS = 20, 50, 0.001


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


def calls_of_latencies(times):
    """How many calls latencies makes: to warm up, back to back, and after a rest."""
    return min(times, WARM) + times + min(times, RESTED)


def latencies(call, times):
    """p50, p99 and the hundredths between of calls back to back; the median of calls after a millisecond of rest."""
    for _ in range(min(times, WARM)):
        call()
    taken = sorted(seconds_of(call) for _ in range(times))
    hundredths = [taken[min(len(taken) - 1, len(taken) * percent // 100)] for percent in range(101)]
    rest, rested = threading.Event(), []
    for _ in range(min(times, RESTED)):
        rest.wait(REST_SECONDS)
        rested.append(seconds_of(call))
    return {"p50": hundredths[50], "p99": hundredths[99], "rested": statistics.median(rested), "hundredths": hundredths}


def _kilobytes(path, field):
    with open(path) as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def proportional_bytes(pids):
    """Memory of processes; what they share is counted once among them (PSS).  Of a process that lets only root see it (a runner), what
    it shares with nobody."""
    total = 0
    for pid in pids:
        try:
            total += _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") * 1024
        except PermissionError:
            total += _kilobytes(f"/proc/{pid}/status", "RssAnon:") * 1024
    return total


def _processes():
    """(pid, parent, session) of all."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                words = file.read().rpartition(")")[2].split()
            yield int(entry), int(words[1]), int(words[3])
        except OSError:
            pass  # it has ended


def children_of(top):
    """All processes below this one and all of the session that it began, also when it has ended; not itself."""
    processes = list(_processes())
    found, look = set(), {top} | {pid for pid, _, session in processes if session == top}
    while look:
        found |= look
        look = {pid for pid, parent, _ in processes if parent in found} - found
    return sorted(found - {top})
