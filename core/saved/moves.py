"""Moves: projects on their way into a file or in from one, in a process of their own that a reload finds again.

Each has a folder below `moves/` of the workspace, called after the project that goes out or at random. It holds what is
to be done, how far that is and what came of it; the file of a project that went out lies there for a day.
"""

import logging
import secrets
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import processes, projects
from core.errors import AppError, SaidError
from core.limits import FREE_BYTES_KEPT, MEGABYTE, Limits
from core.saved.parcel import NoRoomError
from core.saved.settling import bring_home
from core.saved.unpacking import HOME, ROWS_FILE, Brought
from core.taking import is_full
from core.text import N_
from core.work_folder import END, LOG, OUTCOME, PROGRESS, WorkFolder
from core.workspace import Workspace

COMMAND = (sys.executable, "-m", "core.saved.worker")
FOLDER, ORDER, PARCEL = "moves", "move.json", "project.zip"
OUT, IN = "out-", "in-"
KEPT_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


class MoveFailedError(AppError):
    """A mistake of ours, or a process that was ended; what is known of it is in the server's log."""

    sentence = N_(
        "Something went wrong while the project was saved or brought in, and it is not your fault. Nothing was "
        "changed. Try again."
    )


@dataclass(frozen=True)
class MoveFolder(WorkFolder):
    """One move's folder below `moves/`."""

    def clear_half_made(self) -> None:
        """Removes what the process made, or had begun to."""
        shutil.rmtree(self.path / HOME, ignore_errors=True)
        for path in (self.path / PARCEL, *self.path.glob(f"{ROWS_FILE}*")):
            path.unlink(missing_ok=True)

    def clear_away(self) -> None:
        """Removes what it no longer needs: all but a file that is to be downloaded."""
        discard = self.read(ORDER).get("discard")
        if discard:
            shutil.rmtree(discard, ignore_errors=True)
        if not self.read(END).get("packed"):
            self.clear_half_made()

    def discard(self) -> None:
        """Removes it, and the upload that it was to take in."""
        self.clear_away()
        super().discard()


def problem_of(error: Exception, folder: MoveFolder) -> AppError:
    """Returns what is told of an error that nobody foresaw: that the disk is full, or else that it is our fault."""
    if not is_full(error):
        return MoveFailedError()
    needed = folder.read(PROGRESS).get("total", 0) + FREE_BYTES_KEPT
    return NoRoomError(folder=folder.path.parents[1], needed=needed // MEGABYTE)


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
    with _folder(workspace, OUT + project_id).lock:
        move = find(workspace, OUT + project_id)
        if move is not None and not move.is_over:
            return
        dismiss(workspace, OUT + project_id)
        _start(workspace, OUT + project_id, {"project_id": project_id})


def bring_project(workspace: Workspace, file: Path, limits: Limits, *, discard: Path | None = None) -> None:
    """Has a saved project taken in, as a project of its own; what failed before at the reader's wish is forgotten.

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
    failed = [move.name for move in list_arriving(workspace) if move.error]
    _start(workspace, IN + secrets.token_hex(4), order)
    for name in failed:
        dismiss(workspace, name)


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


def _folder(workspace: Workspace, name: str) -> MoveFolder:
    return MoveFolder(workspace.home / FOLDER / name)


def _folders(workspace: Workspace) -> list[MoveFolder]:
    return [MoveFolder(path.parent) for path in sorted((workspace.home / FOLDER).glob(f"*/{ORDER}"))]


def adopt(workspace: Workspace) -> None:
    """Follows what an earlier server began, and tidies what it had no time to."""
    for folder in _folders(workspace):
        if folder.is_over:
            folder.clear_away()
        else:
            _follow(workspace, folder)


def _follow(workspace: Workspace, folder: MoveFolder) -> None:
    """Has the move settled as soon as its process is over."""
    folder.follow(lambda: _settle(workspace, folder))


def _settle(workspace: Workspace, folder: MoveFolder) -> None:
    """Makes what was laid ready part of the workspace, and writes down what came of it; may be begun anew."""
    if folder.is_cancelled:
        folder.discard()
        return
    end = folder.read(END)
    if not end:
        logger.error("A move of a project ended without a word; see %s.", folder.path / LOG)
        end = {"error": MoveFailedError().said()}
    if "brought" in end:
        try:
            reader = folder.read(ORDER).get("reader")
            brought = end["brought"]
            brought["name"] = bring_home(workspace.seen_by(reader), folder.path, brought["project_id"])
        except Exception as error:
            logger.exception("A project that was brought could not be taken over.")
            end = {"error": problem_of(error, folder).said()}
    else:
        folder.clear_away()  # or a full disk might have no room for a word
    folder.write(OUTCOME, end)
    folder.clear_away()


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


def _is_for(workspace: Workspace, folder: MoveFolder) -> bool:
    return workspace.reader in (None, folder.read(ORDER).get("reader"))


def cancel(workspace: Workspace, name: str) -> None:
    """Ends a move that goes on and leaves nothing of it; one that is over stays."""
    folder = _folder(workspace, name)
    if (folder.path / ORDER).exists():
        folder.cancel()


def dismiss(workspace: Workspace, name: str) -> None:
    """Forgets a move that is over, with the file; one that goes on is not forgotten."""
    folder = _folder(workspace, name)
    if folder.is_over:
        shutil.rmtree(folder.path, ignore_errors=True)


def remove_old(workspace: Workspace) -> None:
    """Forgets the moves that have been over for a day, with their files, and those that never began."""
    for path in (workspace.home / FOLDER).glob("*"):
        with suppress(FileNotFoundError):  # somebody dismissed it meanwhile
            is_begun, end = (path / ORDER).exists(), path / OUTCOME
            since = end if end.exists() else path
            if (end.exists() or not is_begun) and since.stat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
