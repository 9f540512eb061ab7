"""Parcels: a project as one zip, and what its parts are called.

    headstart-project.json      which form this is; the project, its runs, what its owner said is fine
    images.jsonl changes.jsonl  a row a line
    files.jsonl                 each picture with the sha256 of its bytes
    pictures/…                  the working copies, called as in the project's folder
    runs/<id>/…                 config.json, events.jsonl, its tables as rows, its models and its last epoch

Tables are text, so that no reader of ours ever opens a binary table that a stranger made. Thumbnails are made anew.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from core.dataset import name_pattern
from core.errors import AppError
from core.finding import KINDS
from core.text import N_

FORMAT = 1
MANIFEST = "headstart-project.json"
IMAGES, CHANGES, FILES = "images.jsonl", "changes.jsonl", "files.jsonl"
PICTURES, RUNS = "pictures", "runs"
PICTURE = name_pattern("images")
ID = re.compile(r"[0-9a-f]{8}")
COLUMNS = (
    "name",
    "file",
    "label",
    "split",
    "size_bytes",
    "width",
    "height",
    "sha256",
    "problem",
    "likeness",
    "similar",
    "brightness",
    "contrast",
    "sharpness",
    "removed",
    "brought",
    "withdrawn",
)
# The best epoch before the last: a run under way may keep another in between, and mends that itself when it goes on.
CHECKPOINTS = ("checkpoint/best.npz", "checkpoint/last.npz")
MODELS = ("model.keras", "model.tflite")
RUN_IMAGES, RUN_PREDICTIONS = "images.jsonl", "predictions.jsonl"
MAX_LINE_BYTES = 64 * 1024**2  # a change of a million pictures


class BadParcelError(AppError):
    """The file is no saved project, or not as Headstart wrote it."""

    sentence = N_(
        "This is not a project that Headstart saved, or it was damaged or changed since ({part}). Save the project "
        "again where it comes from, and bring that file. Nothing was taken in."
    )


class NewerParcelError(AppError):
    """A later version wrote it."""

    sentence = N_(
        "This project was saved by a newer Headstart than this one. Update Headstart, then bring it again. Nothing was "
        "taken in."
    )


class CrashedPictureError(AppError):
    """A decoder ended its process."""

    sentence = N_(
        "One of the pictures of this saved project ends the program that decodes it, or the memory was too small. "
        "Nothing was taken in."
    )


class LargeParcelError(AppError):
    """It holds more than is allowed."""

    sentence = N_(
        "This saved project holds more than is taken in at a time: {files} files with {gigabytes} GB. Allow more with "
        "HEADSTART_MAX_FILES and HEADSTART_MAX_UNPACKED_GB, start Headstart again, and bring it once more."
    )


class NoRoomError(AppError):
    """The disk has too little room."""

    sentence = N_(
        "There is too little room where {folder} lies: {needed} MB are needed. Free some space, then try again. "
        "Nothing was changed."
    )


def line(values: dict[str, Any]) -> bytes:
    """Returns a row as a line of a table."""
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def rows(pieces: Iterable[bytes], part: str) -> Iterator[dict[str, Any]]:
    """Reads the rows of a table, however long it is, a line at a time.

    Raises:
        BadParcelError: It is no such table.
    """
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (parsed(one, part) for one in whole)
        if len(rest) > MAX_LINE_BYTES:
            raise BadParcelError(part=part)
    if rest:
        raise BadParcelError(part=part)


def parsed(text: bytes, part: str) -> dict[str, Any]:
    """Reads an object from JSON.

    Raises:
        BadParcelError: It is none.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadParcelError(part=part) from error
    if not isinstance(values, dict):
        raise BadParcelError(part=part)
    return values


def renumbered(kind: str, subject: str, numbers: "dict[int, int] | Shift") -> str:
    """Returns what was said to be fine, where that is about a picture, with the picture's new number.

    Raises:
        LookupError: There is no such picture, or no such kind.
        ValueError: It names no picture.
    """
    if KINDS[kind].one is None:
        return subject
    number, space, rest = subject.partition(" ")
    return f"{numbers[int(number)]}{space}{rest}"


class Shift:
    """Numbers that all grow by the same."""

    def __init__(self, by: int):
        self._by = by

    def __getitem__(self, number: int) -> int:
        return number + self._by
