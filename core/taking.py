"""One intake: files are read in order, decoded by a few threads, and recorded in order and in batches."""

import errno
import hashlib
import json
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core import dataset, projects
from core.errors import AppError
from core.incoming import Incoming, Limits, SetAsideError
from core.layout import Place, clean_name
from core.pictures import SUFFIXES, working_copy
from core.projects import ProjectNotFoundError
from core.text import N_
from core.workspace import Workspace

NUM_THREADS = 2
MAX_WAITING = 8  # files in memory at a time
BATCH_IMAGES = 64

OnProgress = Callable[[int, int], None]
Meaning = Callable[[list[str]], Sequence[Place | None]]


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
    """What became of the files that were brought."""

    num_taken: int
    num_already_there: int
    num_set_aside: int


@dataclass(frozen=True)
class _Image:
    """A row of the table: with `file` it is kept, with `problem` set aside, with neither its bytes were seen before."""

    name: str
    place: Place | None
    size_bytes: int = 0
    sha256: str | None = None
    file: str | None = None
    width: int | None = None
    height: int | None = None
    problem: AppError | None = None

    def columns(self) -> tuple[object, ...]:
        """Returns the values in the order of `_INSERT`."""
        place = self.place if self.place and not self.problem else Place(label="")
        problem = self.problem and {"sentence": self.problem.sentence, "values": self.problem.values}
        text = json.dumps(problem, ensure_ascii=False, default=str) if problem else None
        size = (self.size_bytes, self.width, self.height)
        return self.name, self.file, place.label or None, place.split, *size, self.sha256, text


_INSERT = """
    INSERT INTO images (project_id, name, file, label, split, size_bytes, width, height, sha256, problem)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_FORGET_PROBLEM = "DELETE FROM images WHERE project_id = ? AND label IS NULL AND name = ?"


class Taking:
    """Takes files into one project, once.

    Raises:
        ProjectNotFoundError: The project is not there.
    """

    def __init__(self, workspace: Workspace, project_id: str, limits: Limits):
        projects.open_project(workspace, project_id)
        self.workspace, self.project_id, self.limits = workspace, project_id, limits
        self.folder = workspace.project_folder(project_id)
        there = dataset.images(workspace, project_id)
        self.labels: dict[str, str] = dict(zip(there["sha256"], there["label"], strict=True))
        self.begun = set(self.labels)
        self.problems: dict[str, AppError] = {}
        self.rows: list[_Image] = []
        self.num_taken = self.num_already_there = self.num_set_aside = 0

    def take(
        self,
        incoming: Sequence[Incoming],
        meaning: Meaning,
        on_progress: OnProgress | None,
    ) -> IntakeResult:
        """Takes in what can be; what is recorded stays, whatever happens after.

        Args:
            incoming: The files, in the order in which they are recorded.
            meaning: Says for their names which class and split each means, None for none.
            on_progress: Called after each file with the number done and the number of all.

        Raises:
            NothingToTakeError: There is no file.
            FullDiskError: What was taken until then stays.
            ProjectNotFoundError: Somebody deleted the project meanwhile.
        """
        if not incoming:
            raise NothingToTakeError()
        for part in ("images", "thumbnails"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        incoming = _cut(incoming, self.limits)
        names = [item.name for item in incoming if not item.refusal]
        places = dict(zip(names, meaning(names), strict=True))
        try:
            self._take_all(incoming, places, on_progress or (lambda done, total: None))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise FullDiskError(folder=self.workspace.home) from error
            raise
        return IntakeResult(self.num_taken, self.num_already_there, self.num_set_aside)

    def note(self, refused: Iterable[tuple[str, AppError]]) -> None:
        """Records files that never came as far as here."""
        for name, problem in refused:
            self._record(_Image(clean_name(name), None, problem=problem))
        self._commit()

    def _take_all(self, incoming: Sequence[Incoming], places: dict[str, Place | None], on_progress: OnProgress) -> None:
        waiting: deque[Future[_Image]] = deque()
        done = 0
        with ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="headstart-decode") as pool:
            try:
                for index, item in enumerate(incoming):
                    waiting.append(pool.submit(self._begin(item, places.get(item.name))))
                    while waiting and (len(waiting) == MAX_WAITING or index + 1 == len(incoming)):
                        self._record(waiting.popleft().result())
                        done += 1
                        on_progress(done, len(incoming))
            finally:
                self._commit()

    def _begin(self, item: Incoming, place: Place | None) -> Callable[[], _Image]:
        """Reads a file and returns what is left to do, for another thread."""
        image = _Image(item.name, place)
        try:
            data = self._read(item, place)
        except SetAsideError as problem:
            return partial(replace, image, problem=problem)
        image = replace(image, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        if image.sha256 in self.begun:
            return lambda: image
        if place is not None:
            self.begun.add(str(image.sha256))
        return partial(self._keep, image, data)

    def _read(self, item: Incoming, place: Place | None) -> bytes:
        if item.refusal:
            raise item.refusal
        if place is None and item.name.lower().endswith(SUFFIXES):
            raise SetAsideError("no_class")
        return item.read()

    def _keep(self, image: _Image, data: bytes) -> _Image:
        try:
            copy = working_copy(data, max_pixels=self.limits.pixels)
            if image.place is None:
                raise SetAsideError("no_class")
        except AppError as problem:
            return replace(image, problem=problem)
        except MemoryError:
            return replace(image, problem=SetAsideError("memory"))
        stem = str(image.sha256)[:16]
        file = f"images/{stem}{copy.suffix}"
        _write(self.folder / file, copy.data)
        _write(self.folder / "thumbnails" / f"{stem}.jpg", copy.thumbnail)
        return replace(image, file=file, width=copy.width, height=copy.height)

    def _record(self, image: _Image) -> None:
        if not image.file and not image.problem:
            image = self._seen_before(image)
        if image.problem and image.place and image.sha256:
            self.problems.setdefault(image.sha256, image.problem)
        if image.file and image.place:
            self.labels[str(image.sha256)] = image.place.label
        if image.file or image.problem:
            self.rows.append(image)
        self.num_taken += bool(image.file)
        self.num_set_aside += bool(image.problem)
        self.num_already_there += not image.file and not image.problem
        if len(self.rows) >= BATCH_IMAGES:
            self._commit()

    def _seen_before(self, image: _Image) -> _Image:
        """Says what becomes of a file whose bytes were seen before: passed over, unless it says something else."""
        label = self.labels.get(str(image.sha256))
        if label is None:
            return replace(image, problem=self.problems[str(image.sha256)])
        if image.place and image.place.label != label:
            return replace(image, problem=SetAsideError("other_class", label=label))
        return image

    def _commit(self) -> None:
        rows, self.rows = self.rows, []
        try:
            with self.workspace.database() as database:
                database.executemany(_FORGET_PROBLEM, [(self.project_id, row.name) for row in rows])
                database.executemany(_INSERT, [(self.project_id, *row.columns()) for row in rows])
        except sqlite3.IntegrityError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise ProjectNotFoundError(project_id=self.project_id) from error
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise FullDiskError(folder=self.workspace.home) from error
            raise


def _cut(incoming: Sequence[Incoming], limits: Limits) -> Sequence[Incoming]:
    """Leaves out what is over the limit; the first that is left out speaks for the rest, which may be millions."""
    kept, left = incoming[: limits.num_files], incoming[limits.num_files :]
    if not left:
        return kept
    problem = SetAsideError("too_many", num_files=len(left), limit_files=limits.num_files)
    return [*kept, replace(left[0], refusal=problem)]


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
