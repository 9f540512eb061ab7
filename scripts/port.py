"""Whether a port is free, and word when the app answers on it: `python port.py free|announce PORT`."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request

HOST = "127.0.0.1"
LIMIT_SECONDS = 120


def problem(port: str) -> str | None:
    """Returns one sentence on why the app cannot listen on `port`, and what to do; None where it can."""
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        return f"PORT is “{port}”, but it must be a number from 1 to 65535, such as: PORT=8502 make run"
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((HOST, int(port))) == 0:
            return (
                f"Port {port} is taken, perhaps by Headstart itself; stop the program that uses it, "
                f"or choose another port: PORT={int(port) % 65535 + 1} make run"
            )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            return f"Port {port} cannot be used ({error.strerror}); choose another: PORT=8502 make run"
    return None


def announce(port: str) -> None:
    """Prints the app's address as soon as it answers there; gives up when the process that it speaks for is gone."""
    speaks_for = os.getppid()
    url = f"http://{HOST}:{port}"
    limit = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < limit and os.getppid() == speaks_for:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                print(f"Headstart is running: open {url} in your browser. Ctrl+C stops it.", flush=True)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)


if __name__ == "__main__":
    command, port = sys.argv[1:]
    if command == "announce":
        announce(port)
    else:
        sys.exit(problem(port))
