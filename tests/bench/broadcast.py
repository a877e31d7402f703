#!/usr/bin/env python3
"""An array that engines of several hosts need: read by each at its source (a star), handed on whole (a tree), or handed on in
chunks (a chain).  Bare sockets do all three; farhand does the last where it pays, and the first with a strided operand.

usage: broadcast.py [--hosts 4,8] [--mbit 400] [--mib 32] [--turns 3]

Hosts are network namespaces (of a fresh one, so that root is needed) on a bridge; each may send and receive at that rate.  farhand
runs with --trust-network.  Prints JSON lines: medians of seconds.
"""
import argparse
import ctypes
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CHUNK, PORT = 1 << 20, 7000
CLONE_NEWNET = 0x40000000


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


# ---- one host of the bare contest ----------------------------------------------------------------------------------------


def read_all(end, size, on_chunk):
    got = 0
    while got < size:
        chunk = end.recv(min(CHUNK, size - got))
        if not chunk:
            raise EOFError
        got += len(chunk)
        on_chunk(chunk)


def be_node(size, source, hand_on_at_once, children):
    """Receive (the source: make) the bytes and send them to the children, all at once or each chunk as it comes; tell when."""
    ready = socket.create_server(("", PORT)) if not source else None
    print("ready", flush=True)
    sys.stdin.readline()
    ends = [socket.create_connection((child, PORT), timeout=30) for child in children]
    for end in ends:
        end.settimeout(None)
    data = bytearray()
    if source:
        data = bytes(size)
        senders = [threading.Thread(target=end.sendall, args=(data,)) for end in ends]
        for sender in senders:
            sender.start()
            if not hand_on_at_once:  # one child after the other: the first goes on earliest
                sender.join()
        for sender in senders:
            sender.join()
    else:
        def take(chunk):
            if hand_on_at_once:
                for end in ends:
                    end.sendall(chunk)
            else:
                data.extend(chunk)

        parent = ready.accept()[0]
        read_all(parent, size, take)
        print("done", flush=True)
        for end in ends if not hand_on_at_once else ():
            end.sendall(data)
    if source:
        print("done", flush=True)
    sys.stdin.readline()


def star(n):
    return {0: list(range(1, n))}, True


def chain(n):
    return {i: [i + 1] for i in range(n - 1)}, True


def tree(n):
    """Binomial: whoever has it all sends it to one that has nothing."""
    children, holders = {}, [0]
    while len(holders) < n:
        for holder in list(holders):
            if len(holders) < n:
                children.setdefault(holder, []).append(len(holders))
                holders.append(len(holders))
    return children, False


# ---- hosts ---------------------------------------------------------------------------------------------------------------


class Hosts:
    def __init__(self, n, mbit):
        self.n, self.holders = n, []
        run("ip", "link", "add", "bridge0", "type", "bridge")
        run("ip", "link", "set", "bridge0", "up")
        for i in range(n):
            holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE)
            holder.stdout.readline()
            self.holders.append(holder)
            run("ip", "link", "add", f"v{i}", "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
            run("ip", "link", "set", f"v{i}", "master", "bridge0", "up")
            for words in ("ip link set lo up", f"ip addr add {self.address(i)}/24 dev eth0", "ip link set eth0 up",
                          f"tc qdisc add dev eth0 root tbf rate {mbit}mbit burst 128k latency 10ms"):
                run(*self.inside(i), *words.split())
            run(*f"tc qdisc add dev v{i} root tbf rate {mbit}mbit burst 128k latency 10ms".split())

    def address(self, i):
        return f"10.77.0.{i + 1}"

    def inside(self, i):
        return ["nsenter", "-n", "-t", str(self.holders[i].pid)]

    def close(self):
        for i, holder in enumerate(self.holders):
            holder.kill()
            holder.wait()
            subprocess.run(["ip", "link", "del", f"v{i}"], stderr=subprocess.DEVNULL)
        run("ip", "link", "del", "bridge0")


def bare(hosts, shape, size):
    children, at_once = shape(hosts.n)
    nodes = []
    for i in range(hosts.n):
        words = [sys.executable, __file__, "--node", str(size), "1" if i == 0 else "0", "1" if at_once else "0",
                 ",".join(hosts.address(k) for k in children.get(i, []))]
        nodes.append(subprocess.Popen(hosts.inside(i) + words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    for node in nodes:
        assert node.stdout.readline() == "ready\n"
    begun = time.monotonic()
    for node in reversed(nodes):
        node.stdin.write("go\n")
        node.stdin.flush()
    for node in nodes:
        assert node.stdout.readline() == "done\n"
    seconds = time.monotonic() - begun
    for node in nodes:
        node.communicate("end\n")
    return seconds


# ---- farhand -------------------------------------------------------------------------------------------------------------


class Cluster:
    def __init__(self, hosts):
        self.hosts, self.folder, self.engines = hosts, tempfile.mkdtemp(prefix="farhand-broadcast-"), []
        os.environ["XDG_RUNTIME_DIR"] = self.folder
        run(*hosts.inside(0), "farhand", "up", "--name", "broadcast", "-n", "1", "--listen", hosts.address(0),
            "--trust-network", "--memory", "2G")
        file = next(os.path.join(at, name) for at, _, names in os.walk(self.folder) for name in names if name == "engine.ini")
        for i in range(1, hosts.n):
            engine = subprocess.Popen(hosts.inside(i) + [
                "farhand-engine", "--connection", file, "--listen", hosts.address(i), "--host", f"host{i}/boot", "--trust-network",
                "--memory", "2G", "--threads", "1"], stdout=subprocess.PIPE, text=True)
            assert engine.stdout.readline().startswith("READY")
            self.engines.append(engine)

    def measure(self, mib, turns):
        words = [sys.executable, __file__, "--client", str(self.hosts.n), str(mib), str(turns)]
        return json.loads(subprocess.run(self.hosts.inside(0) + words, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def close(self):
        for engine in self.engines:
            engine.terminate()
            engine.wait()
        run(*self.hosts.inside(0), "farhand", "down", "--name", "broadcast")
        shutil.rmtree(self.folder, ignore_errors=True)


def be_client(n, mib, turns):
    import numpy as np

    import farhand as fh
    fh.config.trust_network = True
    session = fh.connect("broadcast")
    source = session.engines[0]
    count = mib * (1 << 20) // 8
    wide = fh.scatter(np.zeros((n, count)))
    whole = fh.scatter(np.ones(count), axis=None, engines=[source])
    strided = fh.scatter(np.ones(2 * count), axis=None, engines=[source])[::2]
    seconds = {"chain": [], "star": [], "sum": []}
    for _ in range(turns):
        for name, operand in (("chain", whole), ("star", strided), ("sum", wide)):
            session.sync()
            begun = time.monotonic()
            result = wide + operand
            session.sync()
            seconds[name].append(time.monotonic() - begun)
            assert float(result[n - 1, count - 1]) == (name != "sum")
            del result
    print(json.dumps(seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="4,8")
    parser.add_argument("--mbit", type=int, default=400)
    parser.add_argument("--mib", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3)
    settings = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit("no network namespaces may be made here")
    for n in map(int, settings.hosts.split(",")):
        hosts = Hosts(n, settings.mbit)
        times, cluster = {}, None
        try:
            cluster = Cluster(hosts)
            for _ in range(settings.turns):
                for shape in (star, tree, chain):
                    times.setdefault("bare " + shape.__name__, []).append(bare(hosts, shape, settings.mib << 20))
                for name, seconds in cluster.measure(settings.mib, 1).items():
                    times.setdefault("farhand " + name, []).extend(seconds)
        finally:
            if cluster:
                cluster.close()
            hosts.close()
        medians = {name: statistics.median(seconds) for name, seconds in times.items()}
        for case, name, limit in (("", "farhand chain", "bare chain"), (", read at the source", "farhand star", "bare star"),
                                  (", bare tree", "bare tree", "bare star"),
                                  (", the sum alone", "farhand sum", "bare chain")):
            print(json.dumps({"bench": "broadcast", "case": f"{settings.mib} MiB to {n} hosts, {settings.mbit} Mbit/s each{case}",
                              "value": medians[name], "unit": "s", "limit": medians[limit], "limit_name": limit,
                              "ratio": medians[name] / medians[limit]}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--node"]:
        be_node(int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4] == "1", [a for a in sys.argv[5].split(",") if a])
    elif sys.argv[1:2] == ["--client"]:
        be_client(*map(int, sys.argv[2:5]))
    else:
        main()
