"""Examining: files become working copies and rows of the harvest, some at a time, in whichever process has time."""

import hashlib
import io
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PIL import Image

from core.errors import AppError
from core.harvest import Seen, written
from core.layout import Place
from core.likeness import fingerprints
from core.looks import looks_of
from core.pictures import SUFFIXES, WorkingCopy, working_copy
from core.reasons import SetAsideError
from core.workspace import Workspace

IMAGES, THUMBNAILS = "images", "thumbnails"
NO_PLACE = Place("")


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
    small: dict[int, Image.Image] = {}
    seen = []
    for place, arrival in enumerate(arrivals):
        row, image = _examine(arrival, destination)
        seen.append(row)
        if image is not None:
            small[place] = image
    images = list(small.values())
    for place, likeness, look in zip(small, fingerprints(images), looks_of(images), strict=True):
        seen[place] = replace(
            seen[place],
            likeness=likeness,
            brightness=look.brightness,
            contrast=look.contrast,
            sharpness=look.sharpness,
        )
    return seen


def _examine(arrival: Arrival, destination: Destination) -> tuple[Seen, Image.Image | None]:
    """Returns what became of a file, and of a picture that is kept a small one, which is still to be measured."""
    place = arrival.place or NO_PLACE
    size_bytes, sha256 = 0, None
    problem = arrival.problem
    try:
        if not problem:
            data = _read(arrival)
            size_bytes, sha256 = len(data), hashlib.sha256(data).hexdigest()
            if destination.has_pictures and _is_there(destination.workspace.home, destination.project_id, sha256):
                return Seen(arrival.name, place.label or None, place.split, size_bytes, sha256), None
            copy = working_copy(data, max_pixels=destination.max_pixels)
            if place.label:
                file = _keep(copy, sha256[:16], destination)
                seen = Seen(arrival.name, place.label, place.split, size_bytes, sha256, file, copy.width, copy.height)
                return seen, copy.small
            problem = written(SetAsideError("no_class"))
    except AppError as error:
        problem = written(error)
    except MemoryError:
        problem = written(SetAsideError("memory"))
    return Seen(arrival.name, size_bytes=size_bytes, sha256=sha256, problem=problem), None


def aside(seen: Seen, problem: str) -> Seen:
    """Returns the row of a file that is not taken."""
    return replace(seen, label=None, split=None, file=None, problem=problem)


def _read(arrival: Arrival) -> bytes:
    if arrival.place is None and arrival.name.lower().endswith(SUFFIXES):
        raise SetAsideError("no_class")
    return arrival.source if isinstance(arrival.source, bytes) else arrival.source()


def _keep(copy: WorkingCopy, stem: str, destination: Destination) -> str:
    """Writes a copy and its thumbnail; returns where the copy lies below the project's folder.

    Files are spread over folders by the beginning of their names: thousands in one folder are slow to make.
    """
    file = f"{IMAGES}/{stem[:2]}/{stem}{copy.suffix}"
    _write(f"{destination.folder}/{file}", copy.data)
    if copy.thumbnail is not None:
        _write(f"{destination.folder}/{THUMBNAILS}/{stem[:2]}/{stem}.jpg", copy.thumbnail)
    return f"{destination.below}/{file}"


def _write(path: str, data: bytes) -> None:
    # Not beside and then renamed: a file counts only once its row is in the harvest, which comes after.
    try:
        file = io.FileIO(path, "wb")
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return _write(path, data)
    try:
        with file:
            file.write(data)
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise


def _is_there(home: Path, project_id: str, sha256: str) -> bool:
    """Whether the project had a picture of these bytes before."""
    query = "SELECT 1 FROM images WHERE project_id = ? AND sha256 = ? AND problem IS NULL"
    return _reader(home, os.getpid()).execute(query, (project_id, sha256)).fetchone() is not None


@lru_cache(maxsize=1)
def _reader(home: Path, pid: int) -> sqlite3.Connection:
    # A connection is of no use to a child of the process that opened it, hence `pid`.
    return sqlite3.connect(home / "headstart.db", isolation_level=None, check_same_thread=False, timeout=30)
