"""What frozen layers said about pictures, kept on disk: found again by fingerprint, within a budget.

Under `features/` of the workspace lies a store for each way of asking: backbone, weights, cut, image size, variation of
the picture. A store is made of parts, one for each set of pictures that were new when a run began:

    features/<store>/key.json               for people; its time says when the store was last used
                     users/<pid>-<created>  the processes that use it now
                     <part>/part.json       number of pictures, shapes, number format
                            pictures.bin    their digests, 16 bytes each
                            done.bin        one byte a picture: 1 once its values are safely on the disk
                            0.bin, 1.bin …  the values, a tensor a file

Nothing is locked. Two runs that fill the same part write the same values, and a value counts only once its mark is set.
"""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import psutil

from core.fingerprints import LENGTH_BYTES
from core.half import as_float32

FOLDER = "features"
PLAIN = -1  # the view of a picture as it is
VERSION = 2  # of decoding, variations and files; a change here finds nothing of before
SECURE_SECONDS = 1.0
LARGEST_HALF = 60_000.0  # float16 ends at 65,504
HALF_PRECISION = 2.0**-10  # a unit in the last place of float16, relative to the largest value
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Key:
    """What has to be the same for two answers to be the same.

    Attributes:
        backbone: Its name in the catalog.
        weights: Fingerprint of its pretrained weights.
        frontier: Name of the cut; see `core.ml.prefix.Frontier`.
        image_size: In pixels.
        variation: Empty for the picture as it is, else strength and number of the variation.
    """

    backbone: str
    weights: str
    frontier: str
    image_size: int
    variation: str = ""

    @property
    def folder(self) -> str:
        """The name of the store's folder."""
        text = json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)
        return f"{self.backbone}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


class Part:
    """A set of pictures with their values; made whole by renaming a folder, filled in any order by any process.

    Attributes:
        digests: Of the pictures, in the order of the rows.
        dtype: float16 or float32.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        told = json.loads((folder / "part.json").read_text(encoding="utf-8"))
        self.shapes: Shapes = tuple(tuple(shape) for shape in told["shapes"])
        self.dtype = np.dtype(told["dtype"])
        names = (folder / "pictures.bin").read_bytes()
        self.digests = [names[start : start + LENGTH_BYTES] for start in range(0, len(names), LENGTH_BYTES)]
        num = len(self.digests)
        self._marks = np.memmap(folder / "done.bin", np.uint8, "r", shape=(num,))
        self._values = [
            np.memmap(folder / f"{index}.bin", self.dtype, "r", shape=(num, *shape))
            for index, shape in enumerate(self.shapes)
        ]
        self._written = np.zeros(num, bool)
        self._unsecured: list[int] = []
        self._secured = time.monotonic()
        self._files: list[BinaryIO] = []  # of the values and, last, of the marks; opened by the first write

    @classmethod
    def create(cls, folder: Path, digests: Sequence[bytes], shapes: Shapes, dtype: np.dtype) -> "Part":
        """Makes an empty part; where another process was quicker, its part is taken."""
        beside = folder.with_name(f".{folder.name}-{os.getpid()}-{threading.get_ident()}")
        beside.mkdir(parents=True)
        told = {"shapes": shapes, "dtype": str(dtype)}
        (beside / "part.json").write_text(json.dumps(told), encoding="utf-8")
        (beside / "pictures.bin").write_bytes(b"".join(digests))
        sizes = {"done.bin": 1} | {
            f"{index}.bin": int(np.prod(shape)) * dtype.itemsize for index, shape in enumerate(shapes)
        }
        for name, row_bytes in sizes.items():
            with (beside / name).open("wb") as file:
                file.truncate(len(digests) * row_bytes)
        try:
            beside.rename(folder)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
        return cls(folder)

    def has(self, rows: np.ndarray) -> np.ndarray:
        """Says for each row whether its values are there."""
        return (self._marks[rows] != 0) | self._written[rows]

    def read(self, rows: np.ndarray) -> list[np.ndarray]:
        """Returns the values of rows that are there, float32 (rows, …), a tensor each."""
        return [as_float32(values[rows]) for values in self._values]

    def write(self, row: int, tensors: Sequence[np.ndarray]) -> None:
        """Keeps the values of a row; they count for other processes once they are safe on the disk.

        Args:
            row: Which.
            tensors: In the part's number format.

        Raises:
            OSError: The disk is full.
        """
        if not self._files:
            names = [*(f"{index}.bin" for index in range(len(self.shapes))), "done.bin"]
            self._files = [(self.folder / name).open("r+b") for name in names]
        for file, tensor in zip(self._files[:-1], tensors, strict=True):
            data = tensor.tobytes()
            file.seek(row * len(data))
            file.write(data)
            file.flush()
        self._written[row] = True
        self._unsecured.append(row)
        if time.monotonic() - self._secured > SECURE_SECONDS:
            self.secure()

    def secure(self) -> None:
        """Puts what was written on the disk, and only then marks it: a mark never stands for what was lost."""
        if self._unsecured:
            *value_files, mark_file = self._files
            for file in value_files:
                os.fsync(file.fileno())
            for row in self._unsecured:
                mark_file.seek(row)
                mark_file.write(b"\1")
            mark_file.flush()
            self._unsecured = []
        self._secured = time.monotonic()

    def close(self) -> None:
        """Secures what was written and lets the files go."""
        self.secure()
        for file in self._files:
            file.close()
        self._files = []


class Store:
    """The answers to one way of asking, for any pictures."""

    def __init__(self, features: Path, key: Key, shapes: Shapes):
        self.folder = features / key.folder
        self.shapes = shapes
        self._parts: list[Part] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        (self.folder / "users").mkdir(parents=True, exist_ok=True)
        (self.folder / "key.json").write_text(json.dumps(asdict(key)), encoding="utf-8")
        me = psutil.Process()
        self._user = self.folder / "users" / f"{me.pid}-{me.create_time()}"
        self._user.touch()
        for path in sorted(self.folder.glob("*/part.json")):
            if not path.parent.name.startswith("."):
                self._add(path.parent)

    def _add(self, folder: Path) -> None:
        try:
            part = Part(folder)
        except (OSError, ValueError, KeyError):
            return  # removed meanwhile, or damaged: what it held is computed again
        if part.shapes == self.shapes:
            self._take(part)

    def _take(self, part: Part) -> None:
        self._parts.append(part)
        for row, name in enumerate(part.digests):
            self._places.setdefault(name, (len(self._parts) - 1, row))

    def unknown(self, digests: Sequence[bytes]) -> list[bytes]:
        """Returns which pictures have no place here yet, each once."""
        return [name for name in dict.fromkeys(digests) if name not in self._places]

    def make_places(self, digests: Sequence[bytes], dtype: np.dtype) -> None:
        """Makes a part for pictures that have no place yet."""
        new = sorted(self.unknown(digests))
        if new:
            name = hashlib.blake2b(b"".join(new) + str(dtype).encode(), digest_size=8).hexdigest()
            self._take(Part.create(self.folder / name, new, self.shapes, dtype))

    def places(self, digests: Sequence[bytes]) -> np.ndarray:
        """Returns part and row of pictures that have a place, int (pictures, 2)."""
        return np.array([self._places[name] for name in digests], dtype=np.int64).reshape(-1, 2)

    def has(self, places: np.ndarray) -> np.ndarray:
        """Says for each place whether its values are there."""
        there = np.zeros(len(places), bool)
        for part, at in self._by_part(places):
            there[at] = part.has(places[at, 1])
        return there

    def read(self, places: np.ndarray) -> list[np.ndarray]:
        """Returns the values at places where they are there, float32 (places, …), a tensor each."""
        by_part = self._by_part(places)
        if len(by_part) == 1:
            return by_part[0][0].read(places[:, 1])
        tensors = [np.empty((len(places), *shape), np.float32) for shape in self.shapes]
        for part, at in by_part:
            for tensor, values in zip(tensors, part.read(places[at, 1]), strict=True):
                tensor[at] = values
        return tensors

    def _by_part(self, places: np.ndarray) -> list[tuple[Part, np.ndarray]]:
        return [(self._parts[number], np.flatnonzero(places[:, 0] == number)) for number in np.unique(places[:, 0])]

    def write(self, place: np.ndarray, tensors: Sequence[np.ndarray]) -> list[np.ndarray] | None:
        """Keeps the values of one picture.

        Returns:
            The values as they are read back, so that it makes no difference whether they were computed or found; None
            where the part's number format cannot hold them, and nothing is kept.

        Raises:
            OSError: The disk is full.
        """
        part = self._parts[place[0]]
        with np.errstate(over="ignore"):  # asked below
            kept = [np.ascontiguousarray(tensor, part.dtype) for tensor in tensors]
        if not all(np.isfinite(values).all() for values in kept):
            return None
        part.write(int(place[1]), kept)
        return [as_float32(values) for values in kept]

    def close(self) -> None:
        """Secures what was written and says that this process no longer uses the store."""
        for part in self._parts:
            part.close()
        self._user.unlink(missing_ok=True)


def keys_of_views(plain: Key, augmentation: str, num_views: int) -> dict[int, Key]:
    """Returns the key of each view: of a picture as it is, and of its variations where it is augmented.

    Args:
        plain: The key of pictures as they are.
        augmentation: Its strength, or `none`.
        num_views: How many variations take turns.
    """
    varied = range(num_views if augmentation != "none" else 0)
    return {PLAIN: plain} | {view: replace(plain, variation=f"{augmentation}-{view}") for view in varied}


def count_kept(features: Path, key: Key, digests: Collection[bytes]) -> int:
    """Counts for how many pictures a store has the answer, without opening it."""
    kept: set[bytes] = set()
    for folder in (features / key.folder).glob("*/"):
        try:
            names, marks = (folder / "pictures.bin").read_bytes(), (folder / "done.bin").read_bytes()
        except OSError:
            continue
        kept |= {names[row * LENGTH_BYTES : (row + 1) * LENGTH_BYTES] for row, mark in enumerate(marks) if mark}
    return sum(name in kept for name in digests)


def number_format(samples: Sequence[np.ndarray]) -> np.dtype:
    """Returns float16 where it holds such values as well as training can tell, else float32.

    Args:
        samples: The values of some pictures, a tensor each.
    """
    for tensor in samples:
        largest = float(np.abs(tensor).max(initial=0))
        # A tenfold distance to the largest number of float16, for pictures that are not among the samples.
        if largest > LARGEST_HALF / 10:
            return np.dtype(np.float32)
        error = np.abs(tensor.astype(np.float16).astype(np.float32) - tensor).max(initial=0)
        if error > HALF_PRECISION * largest:
            return np.dtype(np.float32)
    return np.dtype(np.float16)
