#!/bin/sh
# Runs the whole test suite, after making what it needs: the packages and a browser.
set -eu
cd "$(dirname "$0")/.."
sh scripts/environment.sh requirements.lock requirements-dev.lock
# Without a browser its tests are skipped, and the suite says so loudly.
.venv/bin/python -m scripts.chromium || true
exec .venv/bin/python -m pytest -q "$@"
