"""Connections to the index that stay open between two looks at it: opening one takes fifty times as long as a look."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEPT = 8


@dataclass(frozen=True)
class _Connection:
    """An open connection; `identity` tells the file that it leads to from another of the same name."""

    connection: sqlite3.Connection
    file: Path
    identity: tuple[int, int]


_idle: list[_Connection] = []
_lock = threading.Lock()


@contextmanager
def lent(file: Path, connect: Callable[[], sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
    """Lends a connection to one user at a time; one that fails in a user's hands is not lent again.

    Args:
        file: The database. One that took the place of another is opened anew.
        connect: Opens a connection that any thread may use, and makes the file where there is none.
    """
    one = _taken(file)
    if one is None:
        identity = _identity(file)  # before: a file that takes its place meanwhile is not taken for this one
        one = _Connection(connect(), file, identity)
    try:
        yield one.connection
    except BaseException:
        one.connection.close()
        raise
    _give_back(one)


def close_all() -> None:
    """Closes what nobody uses; after the last one SQLite leaves the index as one file."""
    with _lock:
        while _idle:
            _idle.pop().connection.close()


def _taken(file: Path) -> _Connection | None:
    with _lock:
        one = next((one for one in reversed(_idle) if one.file == file), None)
        if one is None:
            return None
        _idle.remove(one)
    if one.identity == _identity(file):
        return one
    one.connection.close()
    return None


def _give_back(one: _Connection) -> None:
    with _lock:
        _idle.append(one)
        oldest = _idle.pop(0) if len(_idle) > KEPT else None
    if oldest:
        oldest.connection.close()


def _identity(file: Path) -> tuple[int, int]:
    """Returns device and number of a file; zeros where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino
