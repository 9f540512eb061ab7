#!/bin/sh
# Makes .venv where there is none and installs the given lock files into it; what is installed already costs nothing.
#   sh scripts/environment.sh requirements.lock [requirements-dev.lock]
# PYTHON chooses the Python.
set -eu
cd "$(dirname "$0")/.."
. scripts/python.sh

fail() {
    echo "$1" >&2
    exit 1
}

# Where a stamp repeats a lock file's checksum, the file's packages are installed.
stamp() { echo ".venv/.installed-$1"; }
installed() { [ "$(cat "$(stamp "$1")" 2>/dev/null)" = "$(cksum <"$1")" ]; }

make_venv() {
    python=$(find_python) || exit 1
    rm -rf .venv
    "$python" -m venv .venv ||
        fail "The folder .venv could not be made with $python (see above); free some disk space and try again."
}

install() {
    echo "Installing the packages of $1. This happens once and takes a few minutes."
    .venv/bin/python -m pip install --disable-pip-version-check -r "$1" ||
        fail "The packages could not be installed (see above); check the network and that 4 GB of disk are free, then try again."
    cksum <"$1" >"$(stamp "$1")"
}

suitable .venv/bin/python || make_venv
for lock in "$@"; do
    installed "$lock" || install "$lock"
done
