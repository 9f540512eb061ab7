#!/bin/sh
# Resolves requirements.txt and requirements-dev.txt anew and pins everything, for Linux, macOS and Windows alike.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || command -v .venv/bin/uv) || {
    echo "Pinning needs uv: run \".venv/bin/python -m pip install uv\", then try again." >&2
    exit 1
}

resolve() {
    {
        echo "# Everything that $1 needs, pinned; written by \`make lock\`."
        "$uv" pip compile --quiet --upgrade --universal --python-version 3.11 \
            --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
    } >"${1%.txt}.new"
    mv "${1%.txt}.new" "${1%.txt}.lock"
}

resolve requirements.txt
resolve requirements-dev.txt --constraint requirements.lock
