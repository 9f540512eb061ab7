"""The app's own server on a free port, for the browser tests and the screenshots."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server; `url` has no slash at its end, `home` is its workspace's folder."""

    url: str
    port: int
    home: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running_server(
    home: Path, script: str = "app.py", *, port: int = 0, options: Sequence[str] = ()
) -> Iterator[Server]:
    """Starts the app with its workspace in `home`, and ends it with all the processes that it started.

    Args:
        home: Created when missing; the server's log goes to `server.log` beside it.
        script: What `streamlit run` runs, relative to the repository.
        port: 0 for a free one.
        options: More for its command line, such as `--secrets.files=…`; they outdo its own.

    Raises:
        RuntimeError: It did not answer within a minute; the message holds the end of its log.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    log = home.parent / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, *_options(port), *options],
            cwd=ROOT,
            env=os.environ | {"HEADSTART_HOME": str(home), "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url + "/_stcore/health", process, log)
        yield Server(url, port, home, process)
    finally:
        end(process.pid)
        process.wait()


def _options(port: int) -> list[str]:
    settings = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    return [f"--server.{name}={value}" for name, value in settings.items()]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None and time.monotonic() < limit:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def end(pid: int, patience_seconds: float = 5) -> None:
    """Ends a process and everything that it started, gently first."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        _signal(process, "terminate")
    for process in psutil.wait_procs(family, timeout=patience_seconds)[1]:
        _signal(process, "kill")


def _signal(process: psutil.Process, name: str) -> None:
    with suppress(psutil.NoSuchProcess):
        getattr(process, name)()
