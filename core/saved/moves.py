"""Moves: projects on their way into a file or in from one, in a process of their own that a reload finds again.

Each has a folder below `moves/` of the workspace, called after the project that goes out or at random. It holds what is
to be done, how far that is and what came of it; the file of a project that went out lies there for a day.
"""

import logging
import secrets
import shutil
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import processes, projects
from core.errors import AppError, SaidError
from core.intake_folder import END, LOG, OUTCOME, PROGRESS, IntakeFolder
from core.limits import Limits
from core.saved.settling import bring_home
from core.saved.unpacking import HOME, ROWS_FILE, Brought
from core.text import N_
from core.workspace import Workspace

COMMAND = (sys.executable, "-m", "core.saved.worker")
FOLDER, ORDER, PARCEL = "moves", "move.json", "project.zip"
OUT, IN = "out-", "in-"
CANCEL_SECONDS = 3.0
KEPT_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)
_changing = threading.RLock()


class MoveFailedError(AppError):
    """A mistake of ours, or a process that was ended; what is known of it is in the server's log."""

    sentence = N_(
        "Something went wrong while the project was saved or brought in, and it is not your fault. Nothing was "
        "changed. Try again."
    )


@dataclass(frozen=True)
class Move:
    """A project on its way, or one that has arrived.

    Attributes:
        name: Of its folder.
        done: Bytes that are done.
        total: Bytes of all; 0 while that is not known.
        parcel: The file, where a project went out well.
        brought: What came in, where that went well.
        error: What went wrong.
    """

    name: str
    done: int = 0
    total: int = 0
    parcel: Path | None = None
    brought: Brought | None = None
    error: AppError | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.parcel is not None or self.brought is not None or self.error is not None


def save_project(workspace: Workspace, project_id: str) -> None:
    """Has a project packed into a file; what was packed of it before is forgotten.

    Raises:
        ProjectNotFoundError: The project is not there.
        OSError: The disk is full.
    """
    projects.open_project(workspace, project_id)
    with _changing:
        move = find(workspace, OUT + project_id)
        if move is not None and not move.is_over:
            return
        dismiss(workspace, OUT + project_id)
        _start(workspace, OUT + project_id, {"project_id": project_id})


def bring_project(workspace: Workspace, file: Path, limits: Limits, *, discard: Path | None = None) -> None:
    """Has a saved project taken in, as a project of its own.

    Args:
        workspace: Where to.
        file: The zip.
        limits: Of what is taken in at a time.
        discard: A folder that is removed when it is over.

    Raises:
        OSError: The disk is full.
    """
    order = {
        "file": str(file),
        "limits": asdict(limits),
        "discard": str(discard) if discard else "",
        "reader": workspace.reader,
    }
    _start(workspace, IN + secrets.token_hex(4), order)


def _start(workspace: Workspace, name: str, order: dict[str, Any]) -> None:
    folder = _folder(workspace, name)
    folder.path.mkdir(parents=True)
    try:
        folder.write(ORDER, order)
        folder.note_worker(processes.start((*COMMAND, str(folder.path)), folder.path / LOG))
    except OSError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    _follow(workspace, folder)


def _folder(workspace: Workspace, name: str) -> IntakeFolder:
    return IntakeFolder(workspace.home / FOLDER / name)


def _folders(workspace: Workspace) -> list[IntakeFolder]:
    return [IntakeFolder(path.parent) for path in sorted((workspace.home / FOLDER).glob(f"*/{ORDER}"))]


def adopt(workspace: Workspace) -> None:
    """Follows what an earlier server began, and tidies what it had no time to."""
    for folder in _folders(workspace):
        if folder.is_over:
            _clear_away(folder)
        else:
            _follow(workspace, folder)


def _follow(workspace: Workspace, folder: IntakeFolder) -> None:
    """Waits in the background for a move and settles it, so that no page has to."""

    def wait() -> None:
        folder.worker.wait()
        with _changing:
            if folder.path.exists() and not folder.is_over:
                _settle(workspace, folder)

    threading.Thread(target=wait, name=f"headstart-move-{folder.path.name}", daemon=True).start()


def _settle(workspace: Workspace, folder: IntakeFolder) -> None:
    """Makes what was laid ready part of the workspace, and writes down what came of it; may be begun anew."""
    if folder.is_cancelled:
        _discard(folder)
        return
    end = folder.read(END)
    if "brought" in end:
        try:
            reader = folder.read(ORDER).get("reader")
            bring_home(workspace.seen_by(reader), folder.path, end["brought"]["project_id"])
        except Exception:
            logger.exception("A project that was brought could not be taken over.")
            end = {"error": MoveFailedError().said()}
    if not end:
        logger.error("A move of a project ended without a word; see %s.", folder.path / LOG)
        end = {"error": MoveFailedError().said()}
    folder.write(OUTCOME, end)
    _clear_away(folder)


def find(workspace: Workspace, name: str) -> Move | None:
    """Returns a move that goes on or was not dismissed yet; only reads, so that a page never waits."""
    folder = _folder(workspace, name)
    if not (folder.path / ORDER).exists():
        return None
    known = folder.read(PROGRESS) | folder.read(OUTCOME)
    parcel = folder.path / PARCEL if known.get("packed") else None
    told = known.get("brought")
    brought = Brought(**told | {"runs_left_out": tuple(told["runs_left_out"])}) if told else None
    error = SaidError(**known["error"]) if known.get("error") else None
    return Move(name, known.get("done", 0), known.get("total", 0), parcel, brought, error)


def find_saving(workspace: Workspace, project_id: str) -> Move | None:
    """Returns a project's way into a file, None where there is none."""
    return find(workspace, OUT + project_id)


def forget_saving(workspace: Workspace, project_id: str) -> None:
    """Ends a project's way into a file, and removes the file."""
    cancel(workspace, OUT + project_id)
    dismiss(workspace, OUT + project_id)


def list_arriving(workspace: Workspace) -> list[Move]:
    """Returns the reader's projects that come in, and those that arrived and were not dismissed yet."""
    names = [folder.path.name for folder in _folders(workspace) if _is_for(workspace, folder)]
    found = [find(workspace, name) for name in names if name.startswith(IN)]
    return [move for move in found if move is not None]


def _is_for(workspace: Workspace, folder: IntakeFolder) -> bool:
    return workspace.reader in (None, folder.read(ORDER).get("reader"))


def cancel(workspace: Workspace, name: str) -> None:
    """Ends a move that goes on and leaves nothing of it; one that is over stays."""
    folder = _folder(workspace, name)
    if not (folder.path / ORDER).exists() or folder.is_over:
        return
    folder.cancel()
    worker = folder.worker
    deadline = time.monotonic() + CANCEL_SECONDS
    while worker.is_alive and time.monotonic() < deadline:
        time.sleep(processes.POLL_SECONDS)
    worker.kill()
    with _changing:
        if folder.path.exists() and not folder.is_over:
            _discard(folder)


def dismiss(workspace: Workspace, name: str) -> None:
    """Forgets a move that is over, with the file; one that goes on is not forgotten."""
    folder = _folder(workspace, name)
    if folder.is_over:
        shutil.rmtree(folder.path, ignore_errors=True)


def remove_old(workspace: Workspace) -> None:
    """Forgets the moves that have been over for a day, with their files, and those that never began."""
    for path in (workspace.home / FOLDER).glob("*"):
        is_begun, end = (path / ORDER).exists(), path / OUTCOME
        since = end if end.exists() else path
        if (end.exists() or not is_begun) and since.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _discard(folder: IntakeFolder) -> None:
    _clear_away(folder)
    shutil.rmtree(folder.path, ignore_errors=True)


def _clear_away(folder: IntakeFolder) -> None:
    """Removes what a move no longer needs."""
    discard = folder.read(ORDER).get("discard")
    if discard:
        shutil.rmtree(discard, ignore_errors=True)
    shutil.rmtree(folder.path / HOME, ignore_errors=True)
    (folder.path / ROWS_FILE).unlink(missing_ok=True)
