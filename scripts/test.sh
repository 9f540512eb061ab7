#!/bin/sh
# Runs the whole test suite, after making what it needs: the packages and a browser.
set -eu
cd "$(dirname "$0")/.."
. scripts/memory.sh
sh scripts/environment.sh requirements.lock requirements-dev.lock
# Without a browser its tests are skipped, and the suite says so loudly.
.venv/bin/python -m scripts.chromium || true
[ $# -eq 0 ] || exec .venv/bin/python -m pytest -q "$@"
memory=$(folder_in_memory /dev/shm 4000000)
if [ -n "$memory" ]; then
    trap 'rm -rf "$memory"' EXIT
    trap 'exit 130' INT TERM
    export TMPDIR="$memory"
fi
# Two at a time; then, alone, those that watch the clock of a browser.
.venv/bin/python -m pytest -q -n 2 --ignore=tests/browser
.venv/bin/python -m pytest -q tests/browser
