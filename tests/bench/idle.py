"""How long until a cluster of two engines is ready, from the shell; what idle daemons keep in memory."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def daemons(folder):
    """(name, pid) of the daemons that run in a cluster's folder."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as line:
                    words = line.read().decode().split("\0")
            except OSError:
                continue
            name = os.path.basename(words[0])
            if name.startswith("farhand-") and any(folder in word for word in words[1:]):
                found.append((name, int(entry)))
    return found


def main():
    seconds, limits, memory = [], [], {}
    for turn in range(5):
        with tempfile.TemporaryDirectory() as folder:
            env = dict(os.environ, XDG_RUNTIME_DIR=folder, XDG_CACHE_HOME=folder)
            env.pop("FARHAND_CONNECTION", None)
            begin = time.monotonic()
            for _ in range(3):
                subprocess.run(["/bin/true"], check=True)
            limits.append(time.monotonic() - begin)
            begin = time.monotonic()
            subprocess.run(["farhand", "up", "-n", "2", "--name", "bench"], env=env, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.monotonic() - begin)
            if turn == 0:
                deadline = time.monotonic() + 10
                subprocess.run(["farhand", "status", "--name", "bench"], env=env, check=False, stdout=subprocess.DEVNULL)
                for name, pid in daemons(folder):
                    memory.setdefault(name, []).append(resident_mib(pid))
                assert time.monotonic() < deadline
            subprocess.run(["farhand", "down", "--name", "bench"], env=env, check=True, stdout=subprocess.DEVNULL)
    value, limit = statistics.median(seconds) * 1e3, statistics.median(limits) * 1e3
    print(json.dumps({"bench": "start", "case": "broker and 2 engines ready, shell", "value": value, "unit": "ms",
                      "limit": limit, "limit_name": "three processes that do nothing", "ratio": value / limit}))
    for name, values in sorted(memory.items()):
        mib = statistics.median(values)
        goal = {"farhand-broker": 12.0, "farhand-engine": 16.0}.get(name)
        print(json.dumps({"bench": "memory", "case": f"idle {name}, resident", "value": mib, "unit": "MiB", "limit": goal,
                          "limit_name": "the figure to reach" if goal else "",
                          "ratio": mib / goal if goal else None}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
