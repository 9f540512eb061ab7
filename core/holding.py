"""One server to a workspace: two would both start its waiting runs."""

import os
from pathlib import Path
from typing import IO

from core.errors import AppError
from core.text import N_

FILE = "server.lock"
LOCKED_BYTE = 1 << 20  # behind the number of the process, which anybody may read


class HeldError(AppError):
    """Another server works in this folder."""

    sentence = N_(
        "Another Headstart (process {pid}) works with {folder} already. Use that one, or end it, or choose another "
        "folder: HEADSTART_HOME=… make run."
    )


_held: dict[Path, IO[str]] = {}


def hold(home: Path) -> None:
    """Holds a workspace for this process, until its end, however it ends; a second time does nothing.

    Args:
        home: The workspace's folder; created when missing.

    Raises:
        HeldError: Another process holds it.
    """
    if home in _held:
        return
    home.mkdir(parents=True, exist_ok=True)
    file = (home / FILE).open("a+", encoding="utf-8")
    try:
        _lock(file)
    except OSError as error:
        file.seek(0)
        pid = file.read().strip() or "?"
        file.close()
        raise HeldError(pid=pid, folder=home) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[home] = file


def release(home: Path) -> None:
    """Lets a workspace go before the process ends."""
    file = _held.pop(home, None)
    if file is not None:
        file.close()


def _lock(file: IO[str]) -> None:
    """Locks a file for this process; the system lets it go when the process is gone.

    Raises:
        OSError: Another process has it.
    """
    if os.name == "nt":
        import msvcrt

        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
