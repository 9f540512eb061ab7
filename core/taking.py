"""One intake: files are gone through in order, examined by all cores, and recorded in order."""

import errno
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.crew import handed_out, in_chunks
from core.errors import AppError
from core.examining import IMAGES, THUMBNAILS, Arrival, Destination, aside, examine
from core.harvest import Harvest, Known, Seen, written
from core.incoming import Incoming
from core.layout import Layout, Place, lay_out
from core.limits import Limits
from core.origins import Origin
from core.pictures import SUFFIXES
from core.reasons import SetAsideError
from core.text import N_
from core.workspace import Workspace

Stage = Literal["downloading", "looking", "comparing"]  # counted in bytes, files, pairs of pictures
OnProgress = Callable[[int, int, Stage], None]


class NothingToTakeError(AppError):
    """An empty folder, an empty zip."""

    sentence = N_("There is no file in there. Choose a folder or a zip that holds a folder of pictures for each class.")


class FullDiskError(AppError):
    """Nothing more can be written."""

    sentence = N_(
        "The disk is full. The pictures up to here are kept. Free some space where {folder} lies, then add the same "
        "pictures again: those that are here already are passed over."
    )


@dataclass(frozen=True)
class IntakeResult:
    """What became of the files that were brought.

    Attributes:
        num_taken: Became pictures of the project.
        num_already_there: Were there before, byte for byte.
        num_set_aside: Are listed with the reason.
        num_removed: Are among those that the owner set aside, where they stay.
    """

    num_taken: int = 0
    num_already_there: int = 0
    num_set_aside: int = 0
    num_removed: int = 0


@dataclass(frozen=True)
class Target:
    """Where an intake goes.

    Attributes:
        workspace: Where the project is.
        project_id: Whose pictures they become.
        folder: The intake's own, below the project's; holds its harvest, and the kept pictures for good.
        limits: What is taken.
    """

    workspace: Workspace
    project_id: str
    folder: Path
    limits: Limits


class Taking:
    """Takes files into the harvest of one intake, once.

    Args:
        target: Where to.
        workers: Makes the threads or processes that examine; asked again when a file has brought one down.

    Raises:
        ProjectNotFoundError: The project is not there.
    """

    def __init__(self, target: Target, workers: Callable[[], Executor]):
        self._target = target
        self._new_workers = workers
        self._workers = workers()
        for part in (IMAGES, THUMBNAILS):
            (target.folder / part).mkdir(parents=True, exist_ok=True)
        self._harvest = Harvest(target.workspace, target.project_id, target.folder)
        self._destination = Destination(
            target.workspace,
            target.project_id,
            target.folder,
            target.folder.relative_to(target.workspace.project_folder(target.project_id)).as_posix(),
            target.limits.pixels,
            self._harvest.has_pictures,
        )
        self._counts = Counter[str]()
        self._done = self._total = 0

    def note(self, rows: list[Seen]) -> None:
        """Takes down files that never came as far as here."""
        self._harvest.add(rows)
        self._counts["aside"] += len(rows)

    def take(self, origin: Origin, on_progress: OnProgress) -> IntakeResult:
        """Takes in what can be; what is recorded stays, whatever happens after.

        Args:
            origin: The files, in the order in which they are recorded.
            on_progress: Called now and then with how many are done, how many there are, and of what; may raise to end
                it.

        Raises:
            NothingToTakeError: There is no file.
            FullDiskError: What was taken until then stays.
        """
        try:
            layout, self._total = survey(origin, self._target.limits)
            if not self._total:
                raise NothingToTakeError()
            on_progress(0, self._total, "looking")
            chunks = in_chunks(self._arrivals(origin, layout), _size_bytes)
            for chunk, future in handed_out(chunks, self._submit):
                self._record(chunk, self._answer(chunk, future))
                on_progress(self._done, self._total, "looking")
            self._workers.shutdown()
            self._harvest.group(lambda done, total: on_progress(done, total, "comparing"))
        except (OSError, sqlite3.OperationalError) as error:
            if is_full(error):
                raise FullDiskError(folder=self._target.workspace.home) from error
            raise
        finally:
            self._workers.shutdown(cancel_futures=True)
            self._harvest.close()
        counts = self._counts
        return IntakeResult(counts["taken"], counts["already there"], counts["aside"], counts["removed"])

    def _arrivals(self, origin: Origin, layout: Layout) -> Iterator[Arrival]:
        for item in within(origin, self._target.limits):
            place = origin.place or layout.place(item.name)
            yield _arrival(item, place, travels=origin.travels)

    def _submit(self, chunk: list[Arrival]) -> Future[list[Seen]]:
        try:
            return self._workers.submit(examine, chunk, self._destination)
        except BrokenProcessPool:
            self._workers = self._new_workers()
            return self._workers.submit(examine, chunk, self._destination)

    def _answer(self, chunk: list[Arrival], future: Future[list[Seen]]) -> list[Seen]:
        try:
            return future.result()
        except BrokenProcessPool:
            # A decoder crashed, or the memory was not enough: one by one, so that only the file that did it is lost.
            return [self._alone(arrival) for arrival in chunk]

    def _alone(self, arrival: Arrival) -> Seen:
        try:
            return self._submit([arrival]).result()[0]
        except BrokenProcessPool:
            return aside(Seen(arrival.name), written(SetAsideError("crashed")))

    def _record(self, chunk: list[Arrival], rows: list[Seen]) -> None:
        recorded: list[Seen] = []
        new: dict[str, Known] = {}  # of this chunk, which the harvest does not know yet
        for row in rows:
            known = new.get(str(row.sha256)) or self._harvest.known(str(row.sha256)) if row.problem is None else None
            if known is not None:
                row = _again(row, known)
            outcome = _outcome(row, known)
            if outcome == "taken":
                new[str(row.sha256)] = Known(str(row.label))
            if outcome in ("taken", "aside"):
                recorded.append(row)
            self._counts[outcome] += 1
        self._harvest.add(recorded)
        self._done += len(chunk)


def _again(row: Seen, known: Known) -> Seen:
    """Says what becomes of a picture that is there already: passed over, or a contradiction.

    A folder that says what it said before contradicts nothing: it is the owner who moved the picture since. And what is
    out of use only because its intake was undone comes back, wherever it lies now.
    """
    if known.is_withdrawn and row.label:
        return row
    if row.label in (None, known.label, known.brought):
        return Seen(row.name, sha256=row.sha256)
    reason = "removed" if known.is_removed else "other_class"
    return aside(row, written(SetAsideError(reason, label=known.label, other=row.label)))


def _outcome(row: Seen, known: Known | None) -> str:
    if row.problem:
        return "aside"
    if row.label:
        return "taken"
    return "removed" if known and known.is_removed else "already there"


def survey(origin: Origin, limits: Limits) -> tuple[Layout, int]:
    """Goes through an origin for the first time: how its folders are to be read, and how many files it has."""
    pictures, every = Counter[str](), Counter[str]()
    total = 0
    for item in within(origin, limits):
        total += 1
        if not item.refusal:
            folder = item.name.rpartition("/")[0]
            every[folder] += 1
            pictures[folder] += item.name.lower().endswith(SUFFIXES)
    return lay_out(+pictures or every, origin.own_name), total


def within(origin: Origin, limits: Limits) -> Iterator[Incoming]:
    """Leaves out what is over the limit; the first that is left out speaks for the rest, which may be millions."""
    files = origin.files()
    for number, item in enumerate(files, start=1):
        if number <= limits.num_files:
            yield item
            continue
        left = 1 + sum(1 for _ in files)
        problem = SetAsideError("too_many", num_files=left, limit_files=limits.num_files)
        yield Incoming(item.name, item.read, problem)


def _arrival(item: Incoming, place: Place | None, *, travels: bool) -> Arrival:
    if item.refusal:
        return Arrival(item.name, place, b"", written(item.refusal))
    if travels:
        return Arrival(item.name, place, item.read)
    try:
        return Arrival(item.name, place, item.read())
    except SetAsideError as problem:
        return Arrival(item.name, place, b"", written(problem))
    except MemoryError:
        return Arrival(item.name, place, b"", written(SetAsideError("memory")))


def _size_bytes(arrival: Arrival) -> int:
    return len(arrival.source) if isinstance(arrival.source, bytes) else 0


def is_full(error: BaseException) -> bool:
    """Whether something went wrong because the disk is full."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
