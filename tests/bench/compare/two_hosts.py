"""Two hosts: network namespaces with a cable between them, and one program in each."""
import contextlib
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

from compare.timing import Skip

NEAR, FAR = "10.78.0.1", "10.78.0.2"


def _run(*words):
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Skip(f"no two hosts can be made here: {done.stderr.strip()[:120]}")


def _holder():
    """A process with a network of its own."""
    holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    if not holder.stdout.readline():
        holder.wait()
        raise Skip("no network namespaces can be made here")
    return holder


@contextlib.contextmanager
def two_hosts():
    """Gives what is to be put before a command so that it runs on the near host, and on the far one."""
    with contextlib.ExitStack() as stack:
        inside = []
        holders = [_holder(), _holder()]
        for holder in holders:
            stack.callback(holder.wait)
            stack.callback(holder.kill)
            inside.append(["nsenter", "-n", "-t", str(holder.pid)])
        _run(*inside[0], "ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable0", "netns", str(holders[1].pid))
        for within, address in zip(inside, (NEAR, FAR)):
            for words in ("ip link set lo up", f"ip addr add {address}/24 dev cable0", "ip link set cable0 up"):
                _run(*within, *words.split())
        yield inside


def run_ranks(module, *arguments):
    """What the first of two MPI ranks prints at last, the second one on the far host."""
    with two_hosts() as (near, far), tempfile.TemporaryDirectory() as folder:
        shell = pathlib.Path(folder) / "shell"  # in place of ssh: its first argument is the host
        shell.write_text(f'#!/bin/sh\nshift\nexec {shlex.join(far)} sh -c "$*"\n')
        shell.chmod(0o700)
        network = NEAR.rsplit(".", 1)[0] + ".0/24"
        settings = {"plm_rsh_agent": str(shell), "btl": "tcp,self", "btl_tcp_if_include": network, "oob_tcp_if_include": network}
        words = [*near, "mpirun", "--allow-run-as-root", "-n", "2", "-H", f"{NEAR}:1,{FAR}:1", "-x", "PYTHONPATH"]
        for name, value in settings.items():
            words += ["--mca", name, value]
        done = subprocess.run([*words, sys.executable, "-m", module, *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                              timeout=100)
        if done.returncode:
            raise RuntimeError(f"mpirun ended with {done.returncode}")
        return json.loads(done.stdout.splitlines()[-1])


def measure(name, size):
    """What peers.apart, as this contestant, gives for an array of this size: {row key: value}."""
    with two_hosts() as (near, far):
        words = [sys.executable, "-m", "peers.apart", name]
        there = subprocess.Popen([*far, *words, "far", str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            word = there.stdout.readline().strip()
            if not word:
                raise RuntimeError("its side on the far host did not come up")
            here = subprocess.run([*near, *words, "near", str(size), word], stdout=subprocess.PIPE, text=True, timeout=100)
            if here.returncode:
                raise RuntimeError("its side on the near host failed")
            return json.loads(here.stdout.splitlines()[-1])
        finally:
            there.stdin.close()
            there.wait(20)
