"""Worker processes: started by the engine where it is ready, else as plain subprocesses; waited for, ended."""

import atexit
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).resolve().parents[1]
WORKER = (sys.executable, "-m", "core.ml.worker")
ENGINE = (sys.executable, "-m", "core.ml.engine")
ENGINE_VARIABLE = "HEADSTART_ENGINE"
ANSWER_SECONDS = 2.0
GOODBYE_SECONDS = 1.0
POLL_SECONDS = 0.02
MAX_FAILURES = 3
NICENESS = 10  # both processors train, and the page must still answer

logger = logging.getLogger(__name__)
_starting = threading.RLock()
_children: list[subprocess.Popen] = []
_engine: "Engine | None" = None
_failures = 0


@dataclass(frozen=True)
class Worker:
    """A worker process, whoever started it; `created` tells its `pid` from a later process with the same number."""

    pid: int
    created: float

    @property
    def is_alive(self) -> bool:
        """Whether the process is still there and is not another one that got the same number later."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.created) < 2 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def wait(self) -> None:
        """Waits until the process is gone."""
        while self.is_alive:
            time.sleep(POLL_SECONDS)
        # A process counts as a zombie while the last of its threads still end; only its parent's wait is sure.
        for child in [child for child in _children if child.pid == self.pid]:
            child.wait()
        reap()

    def kill(self) -> None:
        """Ends the process by force and waits until it is gone."""
        if self.is_alive:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(self.pid).kill()
        self.wait()


class Engine:
    """A process of `core.ml.engine`, from its start to its end."""

    def __init__(self, log: Path):
        """Starts it; it is ready some seconds later.

        Args:
            log: What the engine and TensorFlow print while they warm up is written there.

        Raises:
            OSError: It cannot be started.
        """
        log.write_bytes(b"")
        with log.open("ab") as errors:  # to its end, wherever housekeeping puts that
            self._process = _spawn(ENGINE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self.log = log
        self.is_ready = False
        self._replies: queue.SimpleQueue[dict] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="headstart-engine", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def start_worker(self, folder: Path, log: Path) -> Worker | None:
        """Has the engine start a worker; None when it did not answer, and so is of no more use."""
        request = {"folder": str(folder), "log": str(log)}
        try:
            self._stream("stdin").write(json.dumps(request).encode() + b"\n")
            self._stream("stdin").flush()
            reply = self._replies.get(timeout=ANSWER_SECONDS)
            return Worker(reply["pid"], reply["created"])
        except (OSError, ValueError, KeyError, queue.Empty):
            return None

    def end(self) -> None:
        """Lets the engine end, by force where it does not obey; workers that it has started go on."""
        with suppress(OSError):
            self._stream("stdin").close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GOODBYE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the engine by force, and a worker that it has started without an answer in time."""
        if not self.is_over:
            helpers = psutil.Process(self.pid).children()  # the fork server; the workers are its children
            self._process.kill()
            for process in helpers:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait()
        self._listener.join()
        with suppress(OSError):
            self._stream("stdin").close()
        self._stream("stdout").close()
        while not self._replies.empty():
            reply = self._replies.get()
            if "pid" in reply:
                Worker(reply["pid"], reply["created"]).kill()

    def _listen(self) -> None:
        with suppress(ValueError):  # a line that is no JSON: not our engine
            for line in self._stream("stdout"):
                reply = json.loads(line)
                if "ready" in reply:
                    self.is_ready = True
                else:
                    self._replies.put(reply)
        self.is_ready = False
        self._replies.put({})  # whoever waits for an answer need not wait longer

    def _stream(self, name: str) -> IO[bytes]:
        stream = getattr(self._process, name)
        assert stream is not None
        return stream


def start_engine(log: Path) -> None:
    """Starts the engine in the background, unless it runs, is switched off, or cannot work here.

    Args:
        log: Where it may write what goes wrong.
    """
    global _engine
    switched_off = os.environ.get(ENGINE_VARIABLE, "").lower() == "off"
    with _starting:
        if _engine is not None or _failures >= MAX_FAILURES or switched_off or not hasattr(os, "fork"):
            return
        try:
            _engine = Engine(log)
        except OSError:
            logger.exception("The engine could not be started; trainings will take some seconds longer to begin.")
    atexit.register(stop_engine)


def stop_engine() -> None:
    """Ends the engine if there is one; workers that it has started go on."""
    global _engine
    with _starting:
        if _engine is not None:
            _engine.end()
            _engine = None


def engine_pid() -> int | None:
    """Returns the number of the engine's process once it is ready, else None."""
    engine = _engine
    return engine.pid if engine is not None and engine.is_ready else None


def start_worker(folder: Path) -> Worker:
    """Starts the worker of a run at low priority; what it prints is added to `worker.log` there.

    Args:
        folder: The run folder.

    Raises:
        OSError: No process can be started, or its log cannot be written.
    """
    log = folder / "worker.log"
    with _starting:
        log.open("ab").close()
        return _ask_engine(folder, log) or start((*WORKER, str(folder)), log)


def reap() -> None:
    """Forgets the workers that are gone; a process is a zombie until its parent has asked for its end."""
    with _starting:
        _children[:] = [child for child in _children if child.poll() is None]


def _ask_engine(folder: Path, log: Path) -> Worker | None:
    global _engine, _failures
    if _engine is None:
        return None
    if _engine.is_ready:
        worker = _engine.start_worker(folder, log)
        if worker is not None:
            _failures = 0
            return worker
    elif not _engine.is_over:
        return None  # it is still warming up, and nobody waits for it
    logger.warning("The engine did not answer; %s tells what happened. The training starts without it.", _engine.log)
    broken, _engine = _engine, None
    broken.kill()
    _failures += 1
    start_engine(broken.log)
    return None


def start(command: tuple[str, ...], log: Path) -> Worker:
    """Starts a process at low priority; what it prints is added to the log.

    Raises:
        OSError: No process can be started, or its log cannot be written.
    """
    with log.open("ab") as output:
        child = _spawn(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    _children.append(child)
    return Worker(child.pid, psutil.Process(child.pid).create_time())


def _spawn(
    command: tuple[str, ...], *, stdin: int, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> subprocess.Popen:
    # A session of its own: Ctrl+C in the server's terminal does not end the training.
    child = subprocess.Popen(command, cwd=ROOT, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)
    # At once, since threads and processes inherit it when they are made.
    _lower_priority(psutil.Process(child.pid))
    return child


def _lower_priority(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(max(process.nice(), NICENESS))
