"""Rows of an array that lie in a file, for tables that are larger than the memory they may take."""

import mmap
from collections.abc import Iterable
from pathlib import Path

import numpy as np


class DiskRows:
    """Rows of bytes in a file; those that are asked for are copied, and the rest takes no memory.

    Args:
        file: Is written anew, and stays the caller's to remove.
        rows: All of the same length.
        width: That length, in bytes.

    Raises:
        OSError: The disk is full.
    """

    def __init__(self, file: Path, rows: Iterable[bytes], width: int):
        with file.open("wb") as out:
            out.writelines(rows)
        count = file.stat().st_size // width
        self.shape = (count, width)
        self._mapped = np.memmap(file, np.uint8, "r", shape=self.shape) if count else None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, wanted: slice | np.ndarray) -> np.ndarray:
        """Returns a copy of some rows, uint8 (rows, width), by a slice or an array of indices."""
        if self._mapped is None:
            return np.zeros(self.shape, np.uint8)[wanted]
        rows = np.array(self._mapped[wanted])
        source = self._mapped._mmap  # type: ignore[attr-defined]
        if hasattr(source, "madvise"):  # not on Windows
            source.madvise(mmap.MADV_DONTNEED)  # what was read counts as this process's memory until then
        return rows
