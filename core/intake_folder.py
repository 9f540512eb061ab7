"""The folder of an intake: what is to be taken, how far it is, and what came of it, for whoever comes to read it."""

import json
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from core.examining import IMAGES
from core.limits import Limits
from core.orders import FILE as ORDER
from core.orders import Order
from core.processes import Worker
from core.whole import write_whole
from core.workspace import Workspace

FOLDER = "intakes"
PROCESS, PROGRESS, END, OUTCOME = "process.json", "progress.json", "end.json", "outcome.json"
CANCEL, LOG = "cancel", "worker.log"


@dataclass(frozen=True)
class IntakeFolder:
    """One intake's folder below its project's.

    Attributes:
        path: Holds the files below until the intake is dismissed, and its kept pictures for good.
    """

    path: Path

    @classmethod
    def new(cls, workspace: Workspace, project_id: str) -> "IntakeFolder":
        """Makes a folder that comes after all others of the project."""
        path = workspace.project_folder(project_id) / FOLDER / f"{time.time_ns()}-{secrets.token_hex(2)}"
        path.mkdir(parents=True)
        return cls(path)

    @classmethod
    def current(cls, workspace: Workspace, project_id: str) -> "IntakeFolder | None":
        """Returns the folder of the intake that was not dismissed yet."""
        found = (workspace.project_folder(project_id) / FOLDER).glob(f"*/{ORDER}")
        newest = max((path.parent for path in found), default=None)
        return cls(newest) if newest else None

    @property
    def is_over(self) -> bool:
        """Whether it is written down what came of it."""
        return (self.path / OUTCOME).exists()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants it to leave nothing behind."""
        return (self.path / CANCEL).exists()

    @property
    def order(self) -> tuple[Order, Limits]:
        """What is to be taken, and within which limits."""
        return Order.read(self.path)

    @property
    def worker(self) -> Worker:
        """The process that does it; one that is not there, where none was started."""
        return Worker(**(self.read(PROCESS) or {"pid": 0, "created": 0.0}))

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
        # How far it is changes at once again, and to wait for a busy disk each time would hold the intake up.
        write_whole(self.path / name, text, outlives_power=name != PROGRESS)

    def cancel(self) -> None:
        """Asks the process to end."""
        (self.path / CANCEL).touch()

    def discard(self) -> None:
        """Removes it with its pictures, and what it was to take where that was made for it alone."""
        self.order[0].clear_away()
        shutil.rmtree(self.path, ignore_errors=True)

    def tidy(self) -> None:
        """Leaves only the kept pictures."""
        kept = self.path / IMAGES
        if not kept.exists() or not any(kept.iterdir()):
            shutil.rmtree(self.path, ignore_errors=True)
        for path in self.path.glob("*"):
            if path.is_file():
                path.unlink()
