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
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import psutil

from core.errors import AppError
from core.text import N_

FOLDER = "features"
VERSION = 1  # of decoding, variations and files; a change here finds nothing of before
DIGEST_BYTES = 16
BUDGET_VARIABLE = "HEADSTART_FEATURES_GB"
DEFAULT_BUDGET_GB = 10.0
RESERVE_BYTES = 2_000_000_000  # of the disk, never touched
GIGABYTE = 1_000_000_000
SECURE_SECONDS = 1.0
LARGEST_HALF = 60_000.0  # float16 ends at 65,504
HALF_PRECISION = 2.0**-10  # a unit in the last place of float16, relative to the largest value
Shapes = tuple[tuple[int, ...], ...]


class BudgetError(AppError):
    """The budget is not a number."""

    sentence = N_(
        "{variable} is “{value}”, but it must be a number of gigabytes, such as 10. Change it and start again."
    )


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


def digest(data: bytes) -> bytes:
    """Returns the fingerprint of a file's content, `DIGEST_BYTES` long."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def digest_pictures(features: Path, home: Path, paths: Sequence[str]) -> list[bytes]:
    """Returns the fingerprints of pictures by their content.

    A file of the same size and time as before is not read again.

    Args:
        features: The folder of stores, which also remembers the fingerprints.
        home: What the paths start from.
        paths: Of the pictures.

    Raises:
        OSError: A picture is gone.
    """
    memory = features / "digests.parquet"
    known = _remembered(memory)
    found, new = [], []
    for path in paths:
        stat = (home / path).stat()
        seen = known.get(path)
        if seen is None or seen[:2] != (stat.st_size, stat.st_mtime_ns):
            seen = (stat.st_size, stat.st_mtime_ns, digest((home / path).read_bytes()))
            new.append((path, *seen))
        found.append(seen[2])
    if new:
        known |= {path: (size, time_ns, value) for path, size, time_ns, value in new}
        rows = [(path, *values) for path, values in known.items()]
        features.mkdir(parents=True, exist_ok=True)
        beside = memory.with_name(f"digests-{os.getpid()}.new")
        pd.DataFrame(rows, columns=["path", "size", "time_ns", "digest"]).to_parquet(beside, index=False)
        beside.replace(memory)
    return found


def _remembered(memory: Path) -> dict[str, tuple[int, int, bytes]]:
    try:
        table = pd.read_parquet(memory)
        rows = zip(table["path"], table["size"], table["time_ns"], table["digest"], strict=True)
        return {path: (int(size), int(time_ns), value) for path, size, time_ns, value in rows}
    except (OSError, ValueError, KeyError):
        return {}  # not there yet, or not whole: then every picture is read


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
        self.digests = [names[start : start + DIGEST_BYTES] for start in range(0, len(names), DIGEST_BYTES)]
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
        return [values[rows].astype(np.float32) for values in self._values]

    def write(self, row: int, tensors: Sequence[np.ndarray]) -> None:
        """Keeps the values of a row; they count for other processes once they are safe on the disk.

        Raises:
            OSError: The disk is full.
        """
        if not self._files:
            names = [*(f"{index}.bin" for index in range(len(self.shapes))), "done.bin"]
            self._files = [(self.folder / name).open("r+b") for name in names]
        for file, tensor in zip(self._files[:-1], tensors, strict=True):
            data = np.ascontiguousarray(tensor, self.dtype).tobytes()
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
        tensors = [np.empty((len(places), *shape), np.float32) for shape in self.shapes]
        for part, at in self._by_part(places):
            for tensor, values in zip(tensors, part.read(places[at, 1]), strict=True):
                tensor[at] = values
        return tensors

    def _by_part(self, places: np.ndarray) -> list[tuple[Part, np.ndarray]]:
        return [(self._parts[number], np.flatnonzero(places[:, 0] == number)) for number in np.unique(places[:, 0])]

    def rounded(self, place: np.ndarray, tensors: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns values as they are read back, so that it makes no difference whether they were computed or found."""
        dtype = self._parts[place[0]].dtype
        return [tensor.astype(dtype).astype(np.float32) for tensor in tensors]

    def write(self, place: np.ndarray, tensors: Sequence[np.ndarray]) -> bool:
        """Keeps the values of one picture; False where its part's number format cannot hold them.

        Raises:
            OSError: The disk is full.
        """
        part = self._parts[place[0]]
        if part.dtype == np.float16 and any(np.abs(tensor).max(initial=0) > LARGEST_HALF for tensor in tensors):
            return False
        part.write(int(place[1]), tensors)
        return True

    def close(self) -> None:
        """Secures what was written and says that this process no longer uses the store."""
        for part in self._parts:
            part.close()
        self._user.unlink(missing_ok=True)


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


def budget_bytes() -> int:
    """Returns how much disk the stores may take together.

    Raises:
        BudgetError: The setting is not a number.
    """
    text = os.environ.get(BUDGET_VARIABLE, "")
    try:
        gigabytes = float(text) if text else DEFAULT_BUDGET_GB
        return int(gigabytes * GIGABYTE)
    except (ValueError, OverflowError) as error:
        raise BudgetError(variable=BUDGET_VARIABLE, value=text) from error


def size_bytes(folder: Path) -> int:
    """Returns what the files below a folder may grow to; a part counts whole from its beginning."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def make_room(features: Path, needed_bytes: int, *, keep: Sequence[Key] = ()) -> bool:
    """Removes the stores that were not used for longest until there is room, and says whether there is.

    A store that a living process uses, or that is to be kept, stays.
    """
    features.mkdir(parents=True, exist_ok=True)
    limit = budget_bytes()
    kept = {key.folder for key in keep}
    stores = sorted((path for path in features.iterdir() if path.is_dir()), key=_last_used)
    sizes = {store: size_bytes(store) for store in stores}
    removable = [store for store in stores if store.name not in kept and not in_use(store)]

    def is_room() -> bool:
        free = shutil.disk_usage(features).free
        return sum(sizes.values()) + needed_bytes <= limit and free - needed_bytes >= RESERVE_BYTES

    if not is_room() and sum(sizes[store] for store in stores if store not in removable) + needed_bytes > limit:
        return False  # nothing is thrown away in vain
    while not is_room() and removable:
        store = removable.pop(0)
        shutil.rmtree(store, ignore_errors=True)
        sizes.pop(store)
    return is_room()


def _last_used(store: Path) -> float:
    try:
        return (store / "key.json").stat().st_mtime
    except OSError:
        return 0.0


def in_use(store: Path) -> bool:
    """Whether a process that is still alive uses a store."""
    return any(_is_alive(user.name) for user in store.glob("users/*"))


def _is_alive(user: str) -> bool:
    pid, _, created = user.partition("-")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 2
    except (psutil.Error, ValueError):
        return False
