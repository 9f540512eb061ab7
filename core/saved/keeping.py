"""Keeping: pictures of a saved project are decoded and written anew, some at a time."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core import fingerprints
from core.dataset import thumbnail_of
from core.errors import AppError
from core.harvest import written
from core.pictures import working_copy
from core.reasons import SetAsideError


@dataclass(frozen=True)
class Picture:
    """A picture on its way: what it is called below its project's folder, what its bytes add up to, and those."""

    file: str
    sha256: str
    data: bytes
    problem: str | None = None


@dataclass(frozen=True)
class Kept:
    """What became of a picture: with `problem` it is set aside, else it is kept with this fingerprint."""

    digest: bytes = b""
    problem: str | None = None


def keep_pictures(pictures: list[Picture], home: Path, max_pixels: int) -> list[Kept]:
    """Decodes pictures and lays them ready, each with its thumbnail, in whichever process has time.

    Args:
        pictures: Some at a time.
        home: The project's folder.
        max_pixels: A picture with more is set aside.

    Returns:
        For each, what became of it.

    Raises:
        OSError: The disk is full.
    """
    return [_keep(picture, home, max_pixels) for picture in pictures]


def _keep(picture: Picture, home: Path, max_pixels: int) -> Kept:
    if picture.problem:
        return Kept(problem=picture.problem)
    file = home / picture.file
    try:
        copy = working_copy(picture.data, max_pixels=max_pixels)
        if hashlib.sha256(picture.data).hexdigest() != picture.sha256 or copy.suffix != file.suffix:
            raise SetAsideError("altered")
    except AppError as error:
        return Kept(problem=written(error))
    except MemoryError:
        return Kept(problem=written(SetAsideError("memory")))
    # Not the bytes that came: what is kept holds nothing that the picture does not need.
    for path, data in ((file, copy.data), (thumbnail_of(file), copy.thumbnail)):
        if data is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return Kept(fingerprints.of(copy.data))
