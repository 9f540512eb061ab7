"""Fingerprints of pictures by their content; what has not changed is not read again."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

LENGTH_BYTES = 16
MEMORY = "digests.parquet"


def of(data: bytes) -> bytes:
    """Returns the fingerprint of a file's content, `LENGTH_BYTES` long."""
    return hashlib.blake2b(data, digest_size=LENGTH_BYTES).digest()


def of_pictures(folder: Path, home: Path, paths: Sequence[str]) -> list[bytes]:
    """Returns the fingerprints of pictures by their content.

    A file of the same size and time as before is not read again.

    Args:
        folder: Where the fingerprints are remembered.
        home: What the paths start from.
        paths: Of the pictures.

    Raises:
        OSError: A picture is gone.
    """
    memory = folder / MEMORY
    known = _remembered(memory)
    found, new = [], []
    for path in paths:
        stat = (home / path).stat()
        seen = known.get(path)
        if seen is None or seen[:2] != (stat.st_size, stat.st_mtime_ns):
            seen = (stat.st_size, stat.st_mtime_ns, of((home / path).read_bytes()))
            new.append((path, *seen))
        found.append(seen[2])
    if new:
        _remember(memory, known | {path: (size, time_ns, value) for path, size, time_ns, value in new})
    return found


def note(folder: Path, home: Path, digests: Mapping[str, bytes]) -> None:
    """Remembers the fingerprints of pictures that were just written, so that nobody need read them again.

    Args:
        folder: Where the fingerprints are remembered; those that it remembered before are forgotten.
        home: What the paths start from.
        digests: The fingerprints by path.

    Raises:
        OSError: A picture is gone, or the disk is full.
    """
    stats = {path: (home / path).stat() for path in digests}
    _remember(
        folder / MEMORY,
        {path: (stat.st_size, stat.st_mtime_ns, digests[path]) for path, stat in stats.items()},
    )


def take_over(folder: Path, other: Path) -> None:
    """Remembers what another memory knows too, such as that of pictures which come here with their paths and times.

    Args:
        folder: Where the fingerprints are remembered.
        other: Where they were remembered until now; nothing need be there.

    Raises:
        OSError: The disk is full.
    """
    new = _remembered(other / MEMORY)
    if new:
        # What a run adds at this very moment may be lost, and is then read again.
        _remember(folder / MEMORY, _remembered(folder / MEMORY) | new)


def forget_missing(folder: Path, home: Path) -> None:
    """Forgets the fingerprints of pictures that are gone, such as those of a project that was removed.

    Args:
        folder: Where the fingerprints are remembered.
        home: What their paths start from.
    """
    known = _remembered(folder / MEMORY)
    left = {path: values for path, values in known.items() if (home / path).exists()}
    if len(left) < len(known):
        # What a run adds at this very moment may be lost, and is then read again.
        _remember(folder / MEMORY, left)


def remembered(folder: Path) -> Mapping[str, bytes]:
    """Returns the fingerprints that are known, by path, without looking whether a picture changed meanwhile.

    A memory of many pictures takes a while to read, so that one that is as before is not read again.

    Args:
        folder: Where the fingerprints are remembered.
    """
    memory = folder / MEMORY
    try:
        stat = memory.stat()
    except OSError:
        return {}
    return _known_digests(memory, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1)
def _known_digests(memory: Path, number: int, size: int, time_ns: int) -> dict[str, bytes]:
    return {path: known[2] for path, known in _remembered(memory).items()}


@lru_cache(maxsize=64)
def _of_file(path: Path, size: int, time_ns: int) -> bytes:
    return of(path.read_bytes())


def of_file(path: Path) -> bytes:
    """Returns the fingerprint of a file; one of the same size and time as before is not read again.

    Raises:
        OSError: The file cannot be read.
    """
    stat = path.stat()
    return _of_file(path, stat.st_size, stat.st_mtime_ns)


def _remember(memory: Path, known: dict[str, tuple[int, int, bytes]]) -> None:
    rows = [(path, *values) for path, values in known.items()]
    memory.parent.mkdir(parents=True, exist_ok=True)
    beside = memory.with_name(f"digests-{os.getpid()}.new")
    pd.DataFrame(rows, columns=["path", "size", "time_ns", "digest"]).to_parquet(beside, index=False)
    beside.replace(memory)


def _remembered(memory: Path) -> dict[str, tuple[int, int, bytes]]:
    try:
        table = pd.read_parquet(memory)
        rows = zip(table["path"], table["size"], table["time_ns"], table["digest"], strict=True)
        return {path: (int(size), int(time_ns), value) for path, size, time_ns, value in rows}
    except (OSError, ValueError, KeyError):
        return {}  # not there yet, or not whole: then every picture is read
