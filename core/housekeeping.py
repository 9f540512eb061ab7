"""Housekeeping: what nobody needs any more goes by itself, by rules, now and then while the server runs."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from core import budget, features, fingerprints, projects, sizes
from core.saved import moves
from core.workspace import Workspace

SWEEP_SECONDS = 3600.0
LEFTOVER_SECONDS = 24 * 3600  # after which nobody comes back to a file that was being written
MOST_LOG_BYTES = 5_000_000
KEPT_LOG_BYTES = 1_000_000  # of the end of a log that has become too long
LOGS = ("*.log", "runs/*/worker.log", "projects/*/intakes/*/worker.log")
# Written beside and then renamed; one that is old was left by a process that was killed, or by a power cut.
HALF_WRITTEN = (
    "*.new",
    "features/*.new",
    "moves/*/*.new",
    "features/*/.*",
    "features/*.gone",
    "projects/*/*.new",
    "projects/*/intakes/*/*.new",
    "runs/*/*.new",
    "runs/*/writing.*",
    "runs/*/checkpoint/writing.*",
    "runs/*/exports/.packing-*",
)

Rule = Callable[[Workspace], None]

logger = logging.getLogger(__name__)


def watch(workspace: Workspace, *others: Rule) -> None:
    """Starts the background thread that keeps house, and that finds out what the workspace takes.

    Args:
        workspace: Whose.
        others: Rules besides those of this module.
    """
    threading.Thread(
        target=_watch, args=(workspace, (*RULES, *others)), name="headstart-housekeeping", daemon=True
    ).start()


def _watch(workspace: Workspace, rules: tuple[Rule, ...]) -> None:
    while True:
        swept = time.monotonic()
        sweep(workspace, rules)
        while time.monotonic() - swept < SWEEP_SECONDS:
            _try(sizes.measure, workspace)
            sizes.wait_until_wanted(workspace, max(0.0, swept + SWEEP_SECONDS - time.monotonic()))


def sweep(workspace: Workspace, rules: tuple[Rule, ...] | None = None) -> None:
    """Follows every rule once; one that fails does not keep the others from being followed."""
    for rule in RULES if rules is None else rules:
        _try(rule, workspace)


def _try(rule: Callable[[Workspace], object], workspace: Workspace) -> None:
    try:
        rule(workspace)
    except Exception:
        # A locked database or a full disk: the thread must outlive it, and the next round tries again.
        logger.exception("The workspace could not be tidied.")


def shorten_logs(workspace: Workspace) -> None:
    """Leaves only the end of logs that have become too long."""
    for log in _found(workspace, LOGS):
        with suppress(FileNotFoundError):  # deleted meanwhile
            if log.stat().st_size > MOST_LOG_BYTES:
                _shorten(log)


def _shorten(log: Path) -> None:
    with log.open("r+b") as file:
        file.seek(-KEPT_LOG_BYTES, 2)
        end = file.read()
        # In its place: whoever writes it has it open, and adds to its end wherever that is.
        file.seek(0)
        file.write(end[end.find(b"\n") + 1 :])
        file.truncate()


def remove_half_written(workspace: Workspace) -> None:
    """Removes what was being written a day ago and never got its name."""
    for path in _found(workspace, HALF_WRITTEN):
        if _is_leftover(path):
            _remove(path)


def remove_empty_intakes(workspace: Workspace) -> None:
    """Removes the folders of intakes that never began."""
    for folder in _found(workspace, ("projects/*/intakes/*",)):
        if _is_leftover(folder):
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def keep_features_within_budget(workspace: Workspace) -> None:
    """Removes the stored features that were not used for longest, where there is no room for all or the disk is full.

    They are found by pictures and network, not by project: those of a project that is gone are used by nobody, and so
    are among the first to go.
    """
    folder = workspace.home / features.FOLDER
    if folder.exists():
        budget.make_room(folder, 0)
        fingerprints.forget_missing(folder, workspace.home)


def _is_leftover(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - LEFTOVER_SECONDS
    except FileNotFoundError:
        return False  # removed meanwhile


def _found(workspace: Workspace, patterns: tuple[str, ...]) -> Iterator[Path]:
    return chain.from_iterable(workspace.home.glob(pattern) for pattern in patterns)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


RULES: tuple[Rule, ...] = (
    projects.remove_expired,
    moves.remove_old,
    shorten_logs,
    remove_half_written,
    remove_empty_intakes,
    keep_features_within_budget,
)
