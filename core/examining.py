"""Examining: files become working copies and rows of the harvest, some at a time, in whichever process has time."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from core.errors import AppError
from core.harvest import Seen, written
from core.incoming import SetAsideError
from core.layout import Place
from core.pictures import SUFFIXES, working_copy
from core.workspace import Workspace

IMAGES, THUMBNAILS = "images", "thumbnails"


@dataclass(frozen=True)
class Arrival:
    """A file on its way: its name, what its place means, and its bytes, or how to get them, or why it is not taken."""

    name: str
    place: Place | None
    source: bytes | Callable[[], bytes]
    problem: str | None = None


@dataclass(frozen=True)
class Destination:
    """Where kept copies go.

    Attributes:
        workspace: Whose project it is.
        project_id: Its pictures are not examined again.
        folder: Holds `images` and `thumbnails`; below the project's folder.
        below: The same, as it is called below the project's folder.
        max_pixels: A picture with more is set aside.
        has_pictures: Whether the project has any yet.
    """

    workspace: Workspace
    project_id: str
    folder: Path
    below: str
    max_pixels: int
    has_pictures: bool


def examine(arrivals: Sequence[Arrival], destination: Destination) -> list[Seen]:
    """Keeps what are pictures and says why the others are not.

    Raises:
        OSError: The disk is full.
    """
    return [_examine(arrival, destination) for arrival in arrivals]


def _examine(arrival: Arrival, destination: Destination) -> Seen:
    place = arrival.place or Place("")
    seen = Seen(arrival.name, place.label or None, place.split)
    if arrival.problem:
        return aside(seen, arrival.problem)
    try:
        data = _read(arrival)
        seen = replace(seen, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        if destination.has_pictures and _is_there(destination.workspace.home, destination.project_id, str(seen.sha256)):
            return seen
        return _keep(seen, data, destination)
    except AppError as problem:
        return aside(seen, written(problem))
    except MemoryError:
        return aside(seen, written(SetAsideError("memory")))


def aside(seen: Seen, problem: str) -> Seen:
    """Returns the row of a file that is not taken."""
    return replace(seen, label=None, split=None, file=None, problem=problem)


def _read(arrival: Arrival) -> bytes:
    if arrival.place is None and arrival.name.lower().endswith(SUFFIXES):
        raise SetAsideError("no_class")
    return arrival.source if isinstance(arrival.source, bytes) else arrival.source()


def _keep(seen: Seen, data: bytes, destination: Destination) -> Seen:
    copy = working_copy(data, max_pixels=destination.max_pixels)
    if seen.label is None:
        raise SetAsideError("no_class")
    stem = str(seen.sha256)[:16]
    file = destination.folder / IMAGES / f"{stem}{copy.suffix}"
    _write(file, copy.data)
    if copy.thumbnail is not None:
        _write(destination.folder / THUMBNAILS / f"{stem}.jpg", copy.thumbnail)
    return replace(
        seen,
        file=f"{destination.below}/{IMAGES}/{file.name}",
        width=copy.width,
        height=copy.height,
        likeness=copy.likeness,
        brightness=copy.look.brightness,
        contrast=copy.look.contrast,
        sharpness=copy.look.sharpness,
    )


def _write(path: Path, data: bytes) -> None:
    # Not beside and then renamed: a file counts only once its row is in the harvest, which comes after.
    try:
        path.write_bytes(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _is_there(home: Path, project_id: str, sha256: str) -> bool:
    """Whether the project had a picture of these bytes before."""
    query = "SELECT 1 FROM images WHERE project_id = ? AND sha256 = ? AND problem IS NULL"
    return _reader(home, os.getpid()).execute(query, (project_id, sha256)).fetchone() is not None


@lru_cache(maxsize=1)
def _reader(home: Path, pid: int) -> sqlite3.Connection:
    # A connection is of no use to a child of the process that opened it, hence `pid`.
    return sqlite3.connect(home / "headstart.db", isolation_level=None, check_same_thread=False, timeout=30)
