"""How far a process is with some work, told to the server by the work's folder."""

import time
from pathlib import Path

from core.work_folder import PROGRESS, WorkFolder

TELL_SECONDS = 0.25


class CancelledError(Exception):
    """Nobody wants what is made any more."""


class Progress:
    """Writes down how far some work is, now and then, and ends it when it is cancelled."""

    def __init__(self, folder: Path):
        self._folder = WorkFolder(folder)
        self._began = self._told = time.monotonic()
        self._stage = ""
        self._total = 0

    def __call__(self, done: int, total: int, stage: str = "") -> None:
        """Takes note of how far it is.

        Args:
            done: How much is done.
            total: Of how much.
            stage: What of, where work has several.

        Raises:
            CancelledError: It is to end.
        """
        now = time.monotonic()
        is_new = (stage, total) != (self._stage, self._total)  # something else is counted from now on
        if is_new:
            self._began, self._stage, self._total = now, stage, total
        if self._folder.is_cancelled:
            raise CancelledError
        if is_new or done == total or now - self._told > TELL_SECONDS:
            self._told = now
            self._folder.write(PROGRESS, {"stage": stage, "done": done, "total": total, "seconds": now - self._began})
