"""Intake: untrusted files become images of a project, in a process of its own that a reload finds again.

Each intake has a folder below its project's, `intakes/<id>`. It holds the order, how far it is, and the harvest, until
the server has made the harvest part of the project; then only the kept pictures are left there. Cancelling removes it.
"""

import json
import logging
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from core import harvest, orders, processes, projects
from core.errors import AppError, SaidError
from core.examining import IMAGES
from core.harvest import Seen
from core.layout import clean_name
from core.limits import Limits
from core.orders import Order
from core.processes import Worker
from core.taking import FullDiskError, IntakeResult, NothingToTakeError, OnProgress, Taking, Target, is_full
from core.text import N_
from core.workspace import Workspace

PROCESS, PROGRESS, END, OUTCOME, CANCEL, LOG = (
    "process.json",
    "progress.json",
    "end.json",
    "outcome.json",
    "cancel",
    "worker.log",
)
COMMAND = (sys.executable, "-m", "core.intake_worker")
CANCEL_SECONDS = 3.0
THREADS = 2  # of an intake in this process

logger = logging.getLogger(__name__)
_settling = threading.RLock()


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
        done: Files looked at, or bytes downloaded.
        total: Of these; 0 while unknown.
        seconds: Since `done` began to count.
        result: When it went well.
        error: When it did not.
    """

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
    target = Target(workspace, project_id, _new_folder(workspace, project_id), limits)
    try:
        return carry_out(order, target, on_progress or (lambda done, total: None), lambda: ThreadPoolExecutor(THREADS))
    finally:
        _bring_home(target.workspace, project_id, target.folder)
        _tidy(target.folder)


def carry_out(order: Order, target: Target, on_progress: OnProgress, workers: Callable[[], Executor]) -> IntakeResult:
    """Does what an order says, up to the harvest; it becomes part of the project later.

    Raises:
        NothingToTakeError: There is no file.
        FullDiskError: What was taken until then stays in the harvest.
        AppError: What the order names cannot be opened.
    """
    with order.opened(target.workspace, target.limits, on_progress) as origin:
        taking = Taking(target, workers)
        # First: the reasons are worth most where nothing is left to take.
        taking.note([_refused(*one) for one in order.refused])
        try:
            return taking.take(origin, on_progress)
        except NothingToTakeError:
            if not order.refused:
                raise
            return IntakeResult(num_set_aside=len(order.refused))


def _refused(name: str, sentence: str, values: dict) -> Seen:
    return Seen(clean_name(name), problem=harvest.written(SaidError(sentence, values)))


def start_intake(workspace: Workspace, project_id: str, order: Order, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
    """Has an order carried out by a process of its own, so that a page need not wait and a reload finds it again.

    Raises:
        IntakeRunningError: The project's last one still goes on.
        ProjectNotFoundError: The project is not there.
        FullDiskError: Not even the order can be written.
    """
    projects.open_project(workspace, project_id)
    with _settling:
        last = intake_status(workspace, project_id)
        if last and not last.is_over:
            raise IntakeRunningError()
        dismiss_intake(workspace, project_id)
        folder = _new_folder(workspace, project_id)
        try:
            order.write(folder, limits)
            worker = processes.start((*COMMAND, str(folder)), folder / LOG)
            write(folder / PROCESS, asdict(worker))
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise FullDiskError(folder=workspace.home) if is_full(error) else error from error
    _follow(workspace, project_id, worker)


def adopt(workspace: Workspace) -> None:
    """Follows the intakes that an earlier server began, and makes part of their projects what they harvested."""
    for project in projects.list_projects(workspace):
        folder = _current(workspace, project.id)
        if folder is not None and not (folder / OUTCOME).exists():
            _follow(workspace, project.id, _worker(folder))


def _follow(workspace: Workspace, project_id: str, worker: Worker) -> None:
    """Waits in the background for an intake, so that its pictures are there also when nobody looks at the page."""

    def wait() -> None:
        worker.wait()
        intake_status(workspace, project_id)

    threading.Thread(target=wait, name=f"headstart-intake-{project_id}", daemon=True).start()


def intake_status(workspace: Workspace, project_id: str) -> IntakeStatus | None:
    """Returns the project's intake that goes on or was not dismissed yet."""
    folder = _current(workspace, project_id)
    if folder is None:
        return None
    with _settling:
        if folder.exists() and not (folder / OUTCOME).exists() and not _worker(folder).is_alive:
            _settle(workspace, project_id, folder)
        if not folder.exists():
            return None  # cancelled meanwhile
        known = _read(folder / PROGRESS) | _read(folder / OUTCOME)
    result = IntakeResult(**known["result"]) if known.get("result") else None
    error = SaidError(**known["error"]) if known.get("error") else None
    return IntakeStatus(known.get("done", 0), known.get("total", 0), known.get("seconds", 0.0), result, error)


def cancel_intake(workspace: Workspace, project_id: str) -> None:
    """Ends an intake that goes on, and leaves the project as it was before; one that is over stays."""
    folder = _current(workspace, project_id)
    if folder is None:
        return
    (folder / CANCEL).touch()
    worker = _worker(folder)
    deadline = time.monotonic() + CANCEL_SECONDS
    while worker.is_alive and time.monotonic() < deadline:
        time.sleep(processes.POLL_SECONDS)
    with _settling:
        worker.kill()
        if folder.exists() and not (folder / OUTCOME).exists():
            _discard(folder)


def _discard(folder: Path) -> None:
    Order.read(folder)[0].clear_away()
    shutil.rmtree(folder, ignore_errors=True)


def dismiss_intake(workspace: Workspace, project_id: str) -> None:
    """Forgets an intake that is over; one that goes on is not forgotten."""
    folder = _current(workspace, project_id)
    if folder is not None and (folder / OUTCOME).exists():
        _tidy(folder)


def _settle(workspace: Workspace, project_id: str, folder: Path) -> None:
    """Makes part of the project what an intake harvested that is over, and writes down what came of it."""
    if (folder / CANCEL).exists():
        _discard(folder)
        return
    end = _read(folder / END)
    if not end:
        logger.error("An intake of project %s ended without a word; see %s.", project_id, folder / LOG)
        end = told(IntakeFailedError())
    order, _ = Order.read(folder)
    try:
        _bring_home(workspace, project_id, folder)
    except AppError as error:
        end = told(error)
    order.clear_away()
    if folder.exists():
        write(folder / OUTCOME, end)


def _bring_home(workspace: Workspace, project_id: str, folder: Path) -> None:
    try:
        harvest.bring_home(workspace, project_id, folder)
    except projects.ProjectNotFoundError:
        shutil.rmtree(workspace.project_folder(project_id), ignore_errors=True)
        raise
    except Exception as error:
        raise FullDiskError(folder=workspace.home) if is_full(error) else error from error


def told(error: AppError) -> dict:
    """Returns the end of an intake that did not go well, as it is written down."""
    return {"error": {"sentence": error.sentence, "values": error.values}}


def _current(workspace: Workspace, project_id: str) -> Path | None:
    """Returns the folder of the intake that was not dismissed yet."""
    orders_here = (workspace.project_folder(project_id) / "intakes").glob(f"*/{orders.FILE}")
    return max((path.parent for path in orders_here), default=None)


def _new_folder(workspace: Workspace, project_id: str) -> Path:
    folder = workspace.project_folder(project_id) / "intakes" / f"{time.time_ns()}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    return folder


def _tidy(folder: Path) -> None:
    """Leaves only the kept pictures of an intake."""
    kept = folder / IMAGES
    if not kept.exists() or not any(kept.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
    for path in folder.glob("*"):
        if path.is_file():
            path.unlink()


def _worker(folder: Path) -> Worker:
    return Worker(**(_read(folder / PROCESS) or {"pid": 0, "created": 0.0}))


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write(path: Path, values: dict) -> None:
    """Writes values as JSON, all of them or none."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(values, ensure_ascii=False, default=str), encoding="utf-8")
    beside.replace(path)
