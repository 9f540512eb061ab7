"""Intake: untrusted files become images of a project, in a process of its own that a reload finds again.

Each intake has a folder below its project's, `intakes/<id>`. It holds the order, how far it is, and the harvest, until
the server has made the harvest part of the project; then only the kept pictures are left there. Cancelling removes it.
"""

import logging
import shutil
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core import curation, harvest, processes, projects
from core.errors import AppError, SaidError
from core.intake_folder import IntakeFolder
from core.limits import Limits
from core.orders import Order
from core.taking import FullDiskError, IntakeResult, OnProgress, Stage, Target, is_full
from core.text import N_
from core.work_folder import END, LOG, OUTCOME, PROGRESS
from core.workspace import Workspace

COMMAND = (sys.executable, "-m", "core.intake_worker")
THREADS = 2  # of an intake in this process

logger = logging.getLogger(__name__)
_beginning = threading.Lock()  # so that a project has one intake at a time


class IntakeRunningError(AppError):
    """A project takes in one thing at a time."""

    sentence = N_("Pictures are still being taken into this project. Wait until that is done, then try again.")


class IntakeFailedError(AppError):
    """A mistake of ours, or a process that was ended; what is known of it is in the server's log."""

    sentence = N_(
        "Something went wrong while the pictures were taken in, and it is not your fault. What was taken until then is "
        "kept. Add the same pictures again: those that are here already are passed over."
    )


@dataclass(frozen=True)
class IntakeStatus:
    """An intake that goes on or is over.

    Attributes:
        stage: What is done at present.
        done: How much of it: bytes downloaded, files looked at, pairs of pictures compared.
        total: Of these; 0 while unknown.
        seconds: Since `done` began to count.
        result: When it went well.
        error: When it did not.
    """

    stage: Stage = "looking"
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    result: IntakeResult | None = None
    error: AppError | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is a result or an error."""
        return self.result is not None or self.error is not None

    @property
    def per_second(self) -> float:
        """How many are done in a second; 0 while that is not known."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at this speed; None while that is not known."""
        return (self.total - self.done) / self.per_second if self.per_second and self.total else None


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
    return _take(workspace, project_id, Order("folder", str(folder)), on_progress, limits)


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
    return _take(workspace, project_id, Order("zip", str(file)), on_progress, limits)


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
    chosen = tuple((name, str(path)) for name, path in files)
    return _take(workspace, project_id, Order("files", label=label, files=chosen), on_progress, limits)


def take_sample(
    workspace: Workspace, project_id: str, name: str, on_progress: OnProgress | None = None
) -> IntakeResult:
    """Takes in one of `core.samples`.

    Raises:
        DownloadError: It has to be downloaded and cannot be.
        ProjectNotFoundError: The project is not there.
        FullDiskError: What was taken until then stays.
    """
    return _take(workspace, project_id, Order("sample", name), on_progress, Limits())


def _take(
    workspace: Workspace, project_id: str, order: Order, on_progress: OnProgress | None, limits: Limits
) -> IntakeResult:
    """Takes in what an order names, in this process."""
    projects.open_project(workspace, project_id)
    folder = IntakeFolder.new(workspace, project_id)
    target = Target(workspace, project_id, folder.path, limits)
    try:
        return order.carry_out(
            target, on_progress or (lambda done, total, stage: None), lambda: ThreadPoolExecutor(THREADS)
        )
    finally:
        _bring_home(workspace, project_id, folder)
        folder.tidy()


def start_intake(workspace: Workspace, project_id: str, order: Order, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
    """Has an order carried out by a process of its own, so that a page need not wait and a reload finds it again.

    Raises:
        IntakeRunningError: The project's last one still goes on.
        ProjectNotFoundError: The project is not there.
        FullDiskError: Not even the order can be written.
    """
    projects.open_project(workspace, project_id)
    with _beginning:
        last = IntakeFolder.current(workspace, project_id)
        if last and not last.is_over:
            raise IntakeRunningError()
        dismiss_intake(workspace, project_id)
        folder = IntakeFolder.new(workspace, project_id)
        try:
            order.write(folder.path, limits)
            folder.note_worker(processes.start((*COMMAND, str(folder.path)), folder.path / LOG))
        except OSError as error:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise FullDiskError(folder=workspace.home) if is_full(error) else error from error
    _follow(workspace, project_id, folder)


def adopt(workspace: Workspace) -> None:
    """Follows the intakes that an earlier server began, and makes part of their projects what they harvested."""
    for project in projects.list_projects(workspace):
        folder = IntakeFolder.current(workspace, project.id)
        if folder is not None and not folder.is_over:
            _follow(workspace, project.id, folder)


def _follow(workspace: Workspace, project_id: str, folder: IntakeFolder) -> None:
    """Has the intake settled as soon as its process is over."""
    folder.follow(lambda: _settle(workspace, project_id, folder))


def intake_status(workspace: Workspace, project_id: str) -> IntakeStatus | None:
    """Returns the project's intake that goes on or was not dismissed yet; only reads, so that a page never waits."""
    folder = IntakeFolder.current(workspace, project_id)
    if folder is None:
        return None
    known = folder.read(PROGRESS) | folder.read(OUTCOME)
    result = IntakeResult(**known["result"]) if known.get("result") else None
    error = SaidError(**known["error"]) if known.get("error") else None
    counted = {name: known[name] for name in ("stage", "done", "total", "seconds") if name in known}
    return IntakeStatus(**counted, result=result, error=error)


def cancel_intake(workspace: Workspace, project_id: str) -> None:
    """Ends an intake that goes on, and leaves the project as it was before; one that is over stays."""
    folder = IntakeFolder.current(workspace, project_id)
    if folder is not None:
        folder.cancel()


def dismiss_intake(workspace: Workspace, project_id: str) -> None:
    """Forgets an intake that is over; one that goes on is not forgotten."""
    folder = IntakeFolder.current(workspace, project_id)
    if folder is not None and folder.is_over:
        folder.tidy()


def undo_intake(workspace: Workspace, project_id: str) -> int:
    """Sets aside what the intake that is over took in, which can be undone, and forgets it; returns how many.

    One that goes on is left alone: it is cancelled.
    """
    folder = IntakeFolder.current(workspace, project_id)
    if folder is None or not folder.is_over:
        return 0
    num_images = curation.withdraw_images(workspace, project_id, harvest.pictures_of(folder.path))
    dismiss_intake(workspace, project_id)
    return num_images


def _settle(workspace: Workspace, project_id: str, folder: IntakeFolder) -> None:
    """Makes part of the project what an intake harvested that is over, and writes down what came of it."""
    if folder.is_cancelled:
        folder.discard()
        return
    end = folder.read(END)
    if not end:
        logger.error("An intake of project %s ended without a word; see %s.", project_id, folder.path / LOG)
        end = {"error": IntakeFailedError().said()}
    order, _ = folder.order
    try:
        _bring_home(workspace, project_id, folder)
    except AppError as error:
        end = {"error": error.said()}
    except Exception:
        logger.exception("What an intake of project %s harvested could not be taken over.", project_id)
        end = {"error": IntakeFailedError().said()}
    order.clear_away()
    if folder.path.exists():
        folder.write(OUTCOME, end)


def _bring_home(workspace: Workspace, project_id: str, folder: IntakeFolder) -> None:
    try:
        # As the server: were the project only hidden from a reader, its pictures would be taken for those of none.
        harvest.bring_home(workspace.seen_by(None), project_id, folder.path)
    except projects.ProjectNotFoundError:
        # Not the project's: somebody may bring that back.
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    except Exception as error:
        raise FullDiskError(folder=workspace.home) if is_full(error) else error from error
