"""Compilers of this machine: finding one whose bitcode the engines can read, and running it."""
import os
import re
import shutil
import subprocess
import tempfile

from ..errors import error

_COMPILE_SECONDS = 60
_ASK_SECONDS = 10
_CARGO = os.path.join(os.path.expanduser("~"), ".cargo", "bin")
_DEFAULT_LLVM = 19


def engines_llvm():
    """The oldest LLVM among the engines, as a major version."""
    from ..session import current

    majors = [int(engine.llvm.split(".")[0]) for engine in current().engines if engine.llvm[:1].isdigit()]
    return min(majors, default=_DEFAULT_LLVM)


def llvm_of(program, arguments=("--version",)):
    """Major version of LLVM that a compiler says it has; 0 if it does not run or does not say."""
    try:
        text = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_ASK_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"(?:LLVM|clang|flang|flang-new) version:? (\d+)", text)
    return int(found.group(1)) if found else 0


def find(variable, names, newest, oldest, remedy, arguments=("--version",)):
    """A compiler: what the environment variable names; else NAME-VERSION for the newest version that the engines read, or
    NAME if its version is among those.  KernelError says what to install.
    """
    chosen = os.environ.get(variable)
    if chosen:
        return chosen
    for major in range(newest, oldest - 1, -1):
        for name in names:
            found = shutil.which(f"{name}-{major}")
            if found:
                return found
    others = []
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=_CARGO)
        if found:
            version = llvm_of(found, arguments)
            if oldest <= version <= newest:
                return found
            others.append(f"{found} has LLVM {version or '?'}")
    raise error("KERNEL_ERROR",
                f"no {' or '.join(names)} found that writes bitcode of LLVM {newest} or older, which the engines can read"
                f"{' (' + '; '.join(others) + ')' if others else ''}: install {remedy}, or set {variable}")


def compiled(command, text, suffix):
    """Bitcode that a compiler writes of the text: command gets the names of folder, source and output file.

    The folder, whose name is another each time, is not to show in the code: a kernel's hash would change with it.
    """
    with tempfile.TemporaryDirectory(prefix="farhand-") as folder:
        source, result = f"kernel{suffix}", "kernel.bc"  # relative: code and its hash name no folder
        with open(os.path.join(folder, source), "w", encoding="utf-8") as file:
            file.write(text)
        command = command(folder, source, result)
        try:
            ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=_COMPILE_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise error("KERNEL_ERROR", f"{command[0]}: {problem}") from problem
        said = ran.stderr.decode(errors="replace").strip()
        if ran.returncode:
            raise error("KERNEL_ERROR", f"{os.path.basename(command[0])} refused the source text:\n{said}")
        try:
            with open(os.path.join(folder, result), "rb") as file:
                # Where a compiler has no option for it: metadata strings are plain bytes in bitcode.
                return file.read().replace(folder.encode(), b"." * len(folder.encode()))
        except OSError as problem:
            raise error("KERNEL_ERROR", f"{os.path.basename(command[0])} wrote no bitcode: {said or problem}") from problem
