"""What /proc says about a cluster's memory: a second count, which knows nothing of farhand's own."""
import os
import stat

FIELDS = ("RssAnon", "RssFile", "RssShmem")


def status(pid):
    """Resident bytes of a process by field; {} if it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            rows = dict(line.split(":", 1) for line in file)
        return {name: int(rows[name].split()[0]) * 1024 for name in FIELDS if name in rows}
    except (OSError, ValueError):
        return {}


def private(pid):
    """Resident bytes but for files of memory."""
    rows = status(pid)
    return rows.get("RssAnon", 0) + rows.get("RssFile", 0)


def resident(pid):
    return sum(status(pid).values())


def array_files(pid):
    """Nameless files of memory that a process holds open: {(device, inode): bytes of pages}."""
    files = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{number}"
        try:
            name, found = os.readlink(path), os.stat(path)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 0 and (name.startswith("/memfd:farhand-array") or name.startswith("/#")):
            files[found.st_dev, found.st_ino] = found.st_blocks * 512
    return files


def processes():
    """{pid: (parent, arguments)} of all that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
                with open(f"/proc/{name}/cmdline") as file:
                    found[int(name)] = parent, file.read().split("\0")
            except (OSError, ValueError):
                continue
    return found


def children(pid):
    return [child for child, (parent, _) in processes().items() if parent == pid]


def broker_pid(cluster):
    folder = os.path.dirname(cluster.connection_file)
    for pid, (_, arguments) in processes().items():
        if arguments[0].endswith("farhand-broker") and any(folder in argument for argument in arguments):
            return pid
    raise LookupError(f"no broker of {folder}")


def engines_bytes(pids):
    """Pages of the engines' array files, each counted once, and what the engines and their runners have besides."""
    files, rest = {}, 0
    for pid in pids:
        files.update(array_files(pid))
        rest += private(pid) + sum(private(child) for child in children(pid))
    return sum(files.values()) + rest
