"""Facts about the machine a run was made on, and whether it is quiet."""
import datetime
import os
import platform
import subprocess

import numpy as np

QUIET_LOAD = 0.5  # for each core


def _first(path, key):
    try:
        with open(path) as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith(key)), "")
    except OSError:
        return ""


def _revision():
    try:
        return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=os.path.dirname(__file__), capture_output=True, text=True,
                              timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def is_quiet(load, cores):
    return load <= QUIET_LOAD * cores


def facts(load=None):
    """load: the load average before the run began, where the caller has put load on the machine since."""
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "cpu": _first("/proc/cpuinfo", "model name"),
            "cores": os.cpu_count(), "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "kernel": platform.release().partition("-")[0], "load": round(os.getloadavg()[0] if load is None else load, 2), "revision": _revision(), "python": platform.python_version(),
            "numpy": np.__version__}


def unquiet(load=None):
    """A warning, or None; load: as in facts."""
    load, cores = os.getloadavg()[0] if load is None else load, os.cpu_count()
    if is_quiet(load, cores):
        return None
    return (f"the load average is {load:.1f} on {cores} cores: others are at work here, so times are too long and spreads wide; "
            f"figures that are written down should come from a machine with less than {QUIET_LOAD * cores:.1f}")
