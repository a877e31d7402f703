# scripts/setup.sh - sourced by the other scripts: finds or installs what farhand needs, configures and builds.
# Sets: root, python (an interpreter with NumPy).  Safe to run again; says what it does; fails with one line.

set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

say() { printf '%s\n' "-- $*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# --- packages -------------------------------------------------------------------------------------------------------

packages_build="gcc libc6-dev cmake ninja-build pkg-config libzmq3-dev libczmq-dev libmsgpack-dev libsqlite3-dev libssl-dev liblz4-dev libsleef-dev
    libseccomp-dev libinih-dev python3 python3-dev python3-numpy python3-cloudpickle libopenblas0-pthread"
packages_quickstart="python3-matplotlib python-matplotlib-data"
packages_test="libcmocka-dev python3-pytest python3-hypothesis python3-ipython python3-numba python3-scipy python3-xarray python3-joblib"
packages_bench="linux-perf"

have_package() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else return 127
    fi
}

have_llvm() {
    local major
    for major in 22 21 20 19; do have_package "llvm-$major-dev" && return; done
    return 1
}

# The newest LLVM that is installed, else the newest that the package lists offer.
llvm_major() {
    local major
    for major in 22 21 20 19; do
        have_package "llvm-$major-dev" && { echo "$major"; return; }
    done
    for major in 22 21 20 19; do
        apt-cache policy "llvm-$major-dev" 2>/dev/null | grep -q 'Candidate: [0-9]' && { echo "$major"; return; }
    done
    echo 19
}

# ensure_packages NAME...: install the ones that are missing.
ensure_packages() {
    command -v dpkg-query >/dev/null 2>&1 || { say "no dpkg here: expecting the libraries to be installed"; return; }
    local missing=() name updated=
    for name in "$@"; do have_package "$name" || missing+=("$name"); done
    if ! have_llvm; then
        say "reading the package lists"
        as_root apt-get update -qq || say "apt-get update failed; going on with the lists that are there"
        updated=1
    fi
    local major; major=$(llvm_major)
    for name in "llvm-$major-dev" "clang-$major"; do have_package "$name" || missing+=("$name"); done
    [ "${#missing[@]}" = 0 ] && return
    say "installing: ${missing[*]}"
    [ -n "$updated" ] || as_root apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >"${TMPDIR:-/tmp}/farhand-apt.$$.log" 2>&1 \
        || { tail -n 5 "${TMPDIR:-/tmp}/farhand-apt.$$.log" >&2
             die "could not install packages; as root run: apt-get install --no-install-recommends ${missing[*]}"; }
    rm -f "${TMPDIR:-/tmp}/farhand-apt.$$.log"
}

# --- the interpreter ------------------------------------------------------------------------------------------------

# Debian's python3 first; the one on PATH may be another without NumPy.
find_python() {
    local candidate
    for candidate in "${FARHAND_PYTHON:-}" /usr/bin/python3 python3; do
        [ -n "$candidate" ] || continue
        candidate=$(command -v "$candidate") || continue
        "$candidate" -c 'import numpy, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { python=$candidate; return; }
    done
    die "no python3 (3.11 or later) with NumPy found; install python3-numpy, or set FARHAND_PYTHON"
}

# --- building -------------------------------------------------------------------------------------------------------

# build PRESET[:TARGET] [CMAKE ARGUMENT...]: configure and build (all, or one target) into build/PRESET.
build() {
    local preset=${1%%:*} target=all
    case $1 in *:*) target=${1#*:} ;; esac
    shift
    find_python
    mkdir -p build
    local log=build/$preset.log
    say "building ($preset); log: $log"
    cmake --preset "$preset" -DPython3_EXECUTABLE="$python" "$@" >"$log" 2>&1 || { tail -n 15 "$log" >&2; die "configuring failed: $root/$log"; }
    cmake --build --preset "$preset" --target "$target" >>"$log" 2>&1 || { grep -m 5 -E 'error|FAILED' "$log" >&2; die "the build failed: $root/$log"; }
}

# launcher FILE [MODULE]: a program that is our interpreter, or a module run by it.  No link: through one a virtual environment is not seen.
launcher() {
    printf '#!/bin/sh\nexec "%s"%s "$@"\n' "$python" "${2:+ -m $2}" >"$1.new"
    chmod +x "$1.new"
    mv -f "$1.new" "$1"
}

# use_build PRESET: programs on PATH, package importable, by the interpreter it was built for.
use_build() {
    local dir=$root/build/$1
    find_python
    mkdir -p "$dir/interpreter"
    local tool
    for tool in python3: python: ipython:IPython ipython3:IPython pytest:pytest; do
        launcher "$dir/interpreter/${tool%:*}" "${tool#*:}"
    done
    export PATH="$dir/bin:$dir/interpreter:$PATH"
    export PYTHONPATH="$dir/python${PYTHONPATH:+:$PYTHONPATH}"
    export FARHAND_PROGRAMS="$dir/bin"
    export FARHAND_BUILD="$dir"
    unset FARHAND_PYTHON # it has been heard; to farhand's programs it is their option --python
}
