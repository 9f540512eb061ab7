"""Files that are whole or not there: written beside, and then given their name."""

import os
from pathlib import Path


def write_whole(path: Path, text: str, *, outlives_power: bool = True) -> None:
    """Writes a file of text in the place of what it held before, so that no reader ever meets half of it.

    Args:
        path: The file; its folder is created when missing. Several processes may write it at once.
        text: What it is to hold.
        outlives_power: Wait until it is safe on the disk, also where the power fails.

    Raises:
        OSError: The disk is full, or the folder cannot be made; what it held before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}-{os.getpid()}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if outlives_power:
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
