"""Files that are whole or not there: written beside, and then given their name."""

import os
import time
from pathlib import Path

PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.02


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
        put_in_place(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def put_in_place(beside: Path, path: Path) -> None:
    """Lets a file that was written beside take the place of another.

    Windows refuses that while somebody reads the other, which is over in a moment.

    Raises:
        OSError: It cannot be done, or not for a while.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            beside.replace(path)
            return
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
