"""The folder of an intake: what is to be taken, and what was, for whoever comes to read it."""

import secrets
import shutil
import time
from dataclasses import dataclass

from core.examining import IMAGES
from core.limits import Limits
from core.orders import FILE as ORDER
from core.orders import Order
from core.work_folder import WorkFolder
from core.workspace import Workspace

FOLDER = "intakes"


@dataclass(frozen=True)
class IntakeFolder(WorkFolder):
    """One intake's folder below its project's; it holds its kept pictures for good."""

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
    def order(self) -> tuple[Order, Limits]:
        """What is to be taken, and within which limits."""
        return Order.read(self.path)

    def discard(self) -> None:
        """Removes it with its pictures, and what it was to take where that was made for it alone."""
        self.order[0].clear_away()
        super().discard()

    def tidy(self) -> None:
        """Leaves only the kept pictures."""
        kept = self.path / IMAGES
        if not kept.exists() or not any(kept.iterdir()):
            shutil.rmtree(self.path, ignore_errors=True)
        for path in self.path.glob("*"):
            if path.is_file():
                path.unlink()
