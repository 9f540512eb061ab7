"""The folder of some work in a process of its own: how far it is, how it ended, and what the server made of that."""

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from core import processes
from core.processes import Worker
from core.whole import write_whole

PROCESS, PROGRESS, END, OUTCOME = "process.json", "progress.json", "end.json", "outcome.json"
CANCEL, LOG = "cancel", "worker.log"
CANCEL_SECONDS = 3.0
AGAIN_SECONDS = 10.0  # until a disk that was full is tried again

logger = logging.getLogger(__name__)
_locks: dict[Path, threading.RLock] = {}


@dataclass(frozen=True)
class WorkFolder:
    """The folder of one piece of work.

    Attributes:
        path: Holds the files above until the work is dismissed.
    """

    path: Path

    @property
    def is_over(self) -> bool:
        """Whether it is written down what came of it."""
        return (self.path / OUTCOME).exists()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants it to leave nothing behind."""
        return (self.path / CANCEL).exists()

    @property
    def worker(self) -> Worker:
        """The process that does it; one that is not there, where none was started."""
        return Worker(**(self.read(PROCESS) or {"pid": 0, "created": 0.0}))

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever begins, settles or cancels it."""
        return _locks.setdefault(self.path, threading.RLock())

    def note_worker(self, worker: Worker) -> None:
        """Writes down which process does it."""
        self.write(PROCESS, asdict(worker))

    def read(self, name: str) -> dict:
        """Returns what stands in one of the files; nothing where it is not there."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def write(self, name: str, values: dict) -> None:
        """Writes one of the files, whole or not at all.

        Raises:
            OSError: The disk is full, or the folder is gone.
        """
        text = json.dumps(values, ensure_ascii=False, default=str)
        # How far it is changes at once again, and to wait for a busy disk each time would hold the work up.
        write_whole(self.path / name, text, outlives_power=name != PROGRESS)

    def follow(self, settle: Callable[[], None]) -> None:
        """Waits in the background for the process and then settles the work, so that no page has to.

        Args:
            settle: Writes down what came of it; begun anew as long as the disk is full.
        """
        worker = self.worker

        def wait() -> None:
            worker.wait()
            while not self._is_settled(worker, settle):
                time.sleep(AGAIN_SECONDS)

        threading.Thread(target=wait, name=f"headstart-follow-{self.path.name}", daemon=True).start()

    def _is_settled(self, worker: Worker, settle: Callable[[], None]) -> bool:
        try:
            with self.lock:
                if self._is_still_of(worker):
                    settle()
        except OSError:
            logger.exception("What came of the work in %s could not be written down.", self.path)
            return False
        return True

    def _is_still_of(self, worker: Worker) -> bool:
        """Whether the work waits to be settled and was not begun anew, by another worker in a folder of that name."""
        return self.path.exists() and self.worker == worker and not self.is_over

    def cancel(self) -> None:
        """Ends work that goes on, with some patience, and leaves nothing of it; what is over stays."""
        if self.is_over:
            return
        with suppress(FileNotFoundError):  # somebody else was quicker
            (self.path / CANCEL).touch()
        worker = self.worker
        deadline = time.monotonic() + CANCEL_SECONDS
        while worker.is_alive and time.monotonic() < deadline:
            time.sleep(processes.POLL_SECONDS)
        worker.kill()
        with self.lock:
            if self._is_still_of(worker):
                self.discard()

    def discard(self) -> None:
        """Removes it with all that it made."""
        shutil.rmtree(self.path, ignore_errors=True)
