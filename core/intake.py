"""Intake: untrusted files become images of a project; what cannot is set aside by name, with the reason."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.errors import AppError
from core.incoming import Incoming, Limits, incoming_file, list_folder, list_zip, opened_zip
from core.layout import Place, clean_label, find_places
from core.taking import IntakeResult, OnProgress, Taking
from core.text import N_
from core.workspace import Workspace

logger = logging.getLogger(__name__)


class LabelError(AppError):
    """A class needs a name."""

    sentence = N_("The class needs a name that can be read. Type one and add the pictures again.")


class IntakeRunningError(AppError):
    """A project takes in one thing at a time."""

    sentence = N_("Pictures are still being taken into this project. Wait until that is done, then try again.")


class IntakeFailedError(AppError):
    """A mistake of ours; the traceback is in the server's log."""

    sentence = N_(
        "Something went wrong while the pictures were taken in, and it is not your fault. What was taken until then is "
        "kept. Add the same pictures again: those that are here already are passed over."
    )


@dataclass
class IntakeStatus:
    """An intake that goes on or is over.

    Attributes:
        done: Files looked at, or bytes downloaded.
        total: Of these; 0 while unknown.
        result: When it went well.
        error: When it did not.
    """

    done: int = 0
    total: int = 0
    result: IntakeResult | None = None
    error: AppError | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is a result or an error."""
        return self.result is not None or self.error is not None

    def show(self, done: int, total: int) -> None:
        """Takes note of how far it is."""
        self.done, self.total = done, total


def take_folder(
    workspace: Workspace,
    project_id: str,
    folder: Path,
    on_progress: OnProgress | None = None,
    *,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> IntakeResult:
    """Takes in a folder of class folders, also with `train`, `val` and `test` around them.

    Raises:
        FolderNotFoundError: It is not there.
        ProjectNotFoundError: The project is not there.
        FullDiskError: What was taken until then stays.
    """
    # A folder in the workspace is an upload's, and its name is not the user's.
    own_name = None if folder.resolve().is_relative_to(workspace.home.resolve()) else folder.resolve().name
    incoming = list_folder(folder, limits)
    return Taking(workspace, project_id, limits).take(incoming, partial(find_places, own_name=own_name), on_progress)


def take_zip(
    workspace: Workspace,
    project_id: str,
    file: Path,
    on_progress: OnProgress | None = None,
    *,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> IntakeResult:
    """Takes in a zip of class folders; its files are read one after the other and never unpacked onto the disk.

    Raises:
        BrokenZipError: It is not a zip that can be read.
        ProjectNotFoundError: The project is not there.
        FullDiskError: What was taken until then stays.
    """
    with opened_zip(file) as archive:
        return Taking(workspace, project_id, limits).take(list_zip(archive, limits), find_places, on_progress)


def take_files(
    workspace: Workspace,
    project_id: str,
    label: str,
    files: Iterable[tuple[str, Path]],
    on_progress: OnProgress | None = None,
    *,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> IntakeResult:
    """Takes in files, each with the name to be shown, as images of one class.

    Raises:
        LabelError: The class has no name.
        ProjectNotFoundError: The project is not there.
        FullDiskError: What was taken until then stays.
    """
    place = Place(clean_label(label))
    if not place.label:
        raise LabelError()
    incoming = [incoming_file(name, path, limits) for name, path in files]
    return Taking(workspace, project_id, limits).take(incoming, lambda names: [place] * len(names), on_progress)


def take_incoming(
    workspace: Workspace, project_id: str, incoming: Iterable[Incoming], on_progress: OnProgress | None = None
) -> IntakeResult:
    """Takes in files of any other origin, laid out as a folder of class folders.

    Raises:
        ProjectNotFoundError: The project is not there.
        FullDiskError: What was taken until then stays.
    """
    return Taking(workspace, project_id, Limits()).take(list(incoming), find_places, on_progress)


def note_set_aside(workspace: Workspace, project_id: str, refused: Iterable[tuple[str, AppError]]) -> None:
    """Puts files that were refused before they came here on the project's list, each with the reason.

    Raises:
        ProjectNotFoundError: The project is not there.
    """
    Taking(workspace, project_id, Limits()).note(refused)


_lock = threading.Lock()
_statuses: dict[str, IntakeStatus] = {}


def start_intake(workspace: Workspace, project_id: str, work: Callable[[OnProgress], IntakeResult]) -> None:
    """Does `work` in a thread of its own, so that a page need not wait and a reload finds it again.

    Raises:
        IntakeRunningError: The project's last one still goes on.
    """
    with _lock:
        last = _statuses.get(project_id)
        if last and not last.is_over:
            raise IntakeRunningError()
        status = _statuses[project_id] = IntakeStatus()
    threading.Thread(
        target=_work, args=(workspace, status, work), name=f"headstart-intake-{project_id}", daemon=True
    ).start()


def _work(workspace: Workspace, status: IntakeStatus, work: Callable[[OnProgress], IntakeResult]) -> None:
    try:
        status.result = work(status.show)
    except AppError as error:
        status.error = error
    except Exception:
        logger.exception("An intake into the workspace %s failed.", workspace.home)
        status.error = IntakeFailedError()


def intake_status(project_id: str) -> IntakeStatus | None:
    """Returns the project's intake that goes on or was not dismissed yet."""
    return _statuses.get(project_id)


def dismiss_intake(project_id: str) -> None:
    """Forgets an intake that is over; one that goes on is not forgotten."""
    with _lock:
        status = _statuses.get(project_id)
        if status and status.is_over:
            del _statuses[project_id]
