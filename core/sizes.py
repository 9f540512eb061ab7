"""Sizes: what each project and the whole workspace take on the disk, looked up in the background and remembered."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core import features
from core.workspace import Workspace

SHARE_OF_TIME = 0.05  # of a processor at most, however large the workspace is
LEAST_PAUSE_SECONDS = 10.0
RECENT_SECONDS = 2 * LEAST_PAUSE_SECONDS


@dataclass(frozen=True)
class Sizes:
    """What a workspace takes, in bytes.

    Attributes:
        pictures: Of each project, by its id: pictures with their thumbnails and what else lies in its folder.
        runs: Of each project, by its id: its runs with their models.
        features: Of what frozen layers said of pictures; it may be thrown away.
        total: Of everything.
        seconds: How long it took to find out.
        found: When that was, of `time.monotonic`.
    """

    pictures: dict[str, int]
    runs: dict[str, int]
    features: int
    total: int
    seconds: float
    found: float = 0.0

    @property
    def is_recent(self) -> bool:
        """Whether they were found out moments ago."""
        return time.monotonic() - self.found < RECENT_SECONDS


_known: dict[Path, Sizes] = {}
_wanted = threading.Event()


def measure(workspace: Workspace) -> Sizes:
    """Looks at every file of a workspace, which may take seconds, and remembers for `known` what they take."""
    began = time.monotonic()
    with workspace.reading() as database:
        owners = {row["id"]: row["project_id"] for row in database.execute("SELECT id, project_id FROM runs")}
    pictures, runs = Counter[str](), Counter[str]()
    kept = other = 0
    for entry in workspace.home.iterdir():
        if entry.name == "projects":
            pictures.update({project.name: size_of(project) for project in _folders(entry)})
        elif entry.name == "runs":
            for run in _folders(entry):
                runs[owners.get(run.name, "")] += size_of(run)
        elif entry.name == features.FOLDER:
            kept = size_of(entry)
        else:
            other += size_of(entry)
    total = pictures.total() + runs.total() + kept + other
    now = time.monotonic()
    sizes = Sizes(dict(pictures), dict(runs), kept, total, now - began, now)
    _known[workspace.home] = sizes
    return sizes


def known(workspace: Workspace) -> Sizes | None:
    """Returns what was found out last, at once, and has it found out anew; None before it was for the first time."""
    _wanted.set()
    return latest(workspace)


def latest(workspace: Workspace) -> Sizes | None:
    """Returns what was found out last, and leaves it at that."""
    return _known.get(workspace.home)


def wait_until_wanted(workspace: Workspace, limit_seconds: float) -> None:
    """Waits until somebody asked for sizes, and longer where to look takes long; for the thread that measures.

    Args:
        workspace: Whose sizes.
        limit_seconds: How long at most, however long it takes to look.
    """
    last = _known.get(workspace.home)
    pause = min(limit_seconds, max(LEAST_PAUSE_SECONDS, last.seconds / SHARE_OF_TIME if last else 0.0))
    time.sleep(pause)
    _wanted.wait(limit_seconds - pause)
    _wanted.clear()


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; 0 where there is none. Links are not followed."""
    if path.is_dir() and not path.is_symlink():
        return sum(_file_sizes(str(path)))
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # removed meanwhile


def _file_sizes(folder: str) -> Iterator[int]:
    waiting = [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:  # removed meanwhile
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False).st_size


def _folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
