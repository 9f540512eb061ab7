#!/bin/sh
# Starts the app, after making what it needs. PORT chooses the port, PYTHON the Python.
set -eu
cd "$(dirname "$0")/.."
. scripts/python.sh
port=${PORT:-8501}

# Asked before the installation, so that nobody waits for minutes to learn it.
python=.venv/bin/python
suitable "$python" || python=$(find_python) || exit 1
"$python" scripts/port.py free "$port" || exit 1
sh scripts/environment.sh requirements.lock

.venv/bin/python scripts/port.py announce "$port" &
exec .venv/bin/python -m streamlit run app.py --server.address=127.0.0.1 --server.port="$port" \
    --server.showEmailPrompt=false --logger.hideWelcomeMessage=true
